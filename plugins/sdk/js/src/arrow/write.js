/**
 * From new columns to the bytes of an Arrow IPC stream, one record batch, ready to be handed to the host. The values must fit
 * their types and lengths: `columns.js` sees to that.
 */

import { byte, int, long, OFFSET, short, Writer } from "./flatbuffer.js";
import { RECORD_BATCH, SCHEMA } from "./read.js";
import { encode } from "./text.js";
import { element, NUMBERS } from "./types.js";

/** Version 5 of the format, the first with the layout that is written here. */
const VERSION = 4;

/**
 * Columns of `rows` trajectories, and columns of their turns, as an Arrow IPC stream. Columns are lists of a name, a type in
 * the words of the contract, and values; `turns` says how many each trajectory has (`counts`), and has their `columns`.
 */
export function write(rows, columns, turns = null) {
  const body = new Body();
  for (const [, dataType, values] of columns) body.values(dataType, values);
  if (turns !== null) {
    const total = body.lengths(turns.counts, turns.counts);
    body.node(total, 0);
    body.buffer(new Uint8Array());
    for (const [, dataType, values] of turns.columns) body.values(dataType, values);
  }
  const bytes = body.bytes();
  const batch = message(RECORD_BATCH, (writer) => body.describe(writer, rows), bytes.length);
  // The end of the stream is a mark and no message.
  return joined([schemaOf(columns, turns), batch, bytes, new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0])]);
}

function message(kind, header, bodyLength = 0) {
  const writer = new Writer();
  const [root, places] = writer.table([short(VERSION), byte(kind), OFFSET, long(bodyLength)]);
  writer.refer(0, root);
  const made = header(writer);
  for (const place of places) writer.refer(place, made);
  writer.align(8);
  const { bytes } = writer;
  const prefix = new DataView(new ArrayBuffer(8));
  prefix.setUint32(0, 0xffffffff, true);
  prefix.setUint32(4, bytes.length, true);
  return joined([new Uint8Array(prefix.buffer), bytes]);
}

let written = { key: null, schema: null };

/** The schema, kept for the next call: a plugin adds the same columns then. */
function schemaOf(columns, turns) {
  const types = (some) => some.map(([name, dataType]) => [name, dataType]);
  const key = JSON.stringify([types(columns), turns && types(turns.columns)]);
  if (written.key !== key) written = { key, schema: message(SCHEMA, (writer) => describe(writer, columns, turns)) };
  return written.schema;
}

const INT = 2;
const FLOAT = 3;
const TEXT = 5;
const BOOLEAN = 6;
const LIST = 12;
const STRUCT = 13;

function describe(writer, columns, turns) {
  const fields = columns.map(([name, dataType]) => field(name, dataType));
  if (turns !== null) {
    const children = turns.columns.map(([name, dataType]) => field(name, dataType));
    const item = { name: "item", kind: STRUCT, about: [], children };
    fields.push({ name: "turns", kind: LIST, about: [], children: [item] });
  }
  const [table, places] = writer.table([null, OFFSET]);
  const made = writeFields(writer, fields);
  for (const place of places) writer.refer(place, made);
  return table;
}

/** A field of the schema: `about` is what the table of its type holds. */
function field(name, dataType) {
  const within = element(dataType);
  if (within !== null) return { name, kind: LIST, about: [], children: [field("item", within)] };
  const simple = (kind, about = []) => ({ name, kind, about, children: [] });
  if (dataType === "bool") return simple(BOOLEAN);
  if (dataType === "utf8") return simple(TEXT);
  if (dataType.startsWith("float")) return simple(FLOAT, [short(dataType === "float32" ? 1 : 2)]);
  return simple(INT, [int(8 * NUMBERS[dataType].BYTES_PER_ELEMENT), byte(dataType.startsWith("u") ? 0 : 1)]);
}

function writeFields(writer, fields) {
  const [made, slots] = writer.offsets(fields.length);
  slots.forEach((slot, i) => writer.refer(slot, writeField(writer, fields[i])));
  return made;
}

function writeField(writer, { name, kind, about, children }) {
  const nullable = byte(1);
  const [table, places] = writer.table([OFFSET, nullable, byte(kind), OFFSET, null, OFFSET]);
  const targets = [writer.text(name), writer.table(about)[0], writeFields(writer, children)];
  places.forEach((place, i) => writer.refer(place, targets[i]));
  return table;
}

/** The body of a record batch, with what is said about it. */
class Body {
  #parts = [];
  #length = 0;
  #nodes = [];
  #buffers = [];

  bytes() {
    return joined(this.#parts);
  }

  /** Writes the header of the record batch. */
  describe(writer, rows) {
    const [table, places] = writer.table([long(rows), OFFSET, OFFSET]);
    [this.#nodes, this.#buffers].forEach((numbers, i) => {
      const bytes = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
      writer.refer(places[i], writer.vector(numbers.length / 2, 8, bytes));
    });
    return table;
  }

  /** Writes a column. */
  values(dataType, values) {
    const within = element(dataType);
    if (within !== null) {
      this.lengths(values.map((value) => value?.length ?? 0), values);
      this.values(within, values.flatMap((value) => value ?? []));
    } else if (dataType === "utf8") {
      const { bytes, lengths } = encode(values.map((value) => value ?? ""));
      this.lengths(lengths, values);
      this.buffer(bytes);
    } else if (dataType === "bool") {
      this.#validity(values);
      this.buffer(bits(values));
    } else {
      const Numbers = NUMBERS[dataType];
      const zero = Numbers.BYTES_PER_ELEMENT === 8 && dataType !== "float64" ? 0n : 0;
      const nulls = this.#validity(values);
      const numbers = Numbers.from(nulls > 0 ? values.map((value) => value ?? zero) : values);
      this.buffer(new Uint8Array(numbers.buffer));
    }
  }

  /** Node, validity and offsets of a column of lists or texts; gives how long they are together. */
  lengths(lengths, values) {
    this.#validity(values);
    const offsets = new Int32Array(lengths.length + 1);
    lengths.forEach((length, row) => (offsets[row + 1] = offsets[row] + length));
    this.buffer(new Uint8Array(offsets.buffer));
    return offsets[lengths.length];
  }

  /** Node and validity of a column; gives how many nulls it has. */
  #validity(values) {
    let nulls = 0;
    for (const value of values) if (value === null) nulls++;
    this.node(values.length, nulls);
    this.buffer(nulls > 0 ? bits(values.map((value) => value !== null)) : new Uint8Array());
    return nulls;
  }

  /** Says how long a column is. */
  node(rows, nulls) {
    this.#nodes.push(rows, nulls);
  }

  /** Adds a buffer, aligned to 8 bytes. */
  buffer(bytes) {
    this.#buffers.push(this.#length, bytes.length);
    const padding = new Uint8Array(-bytes.length & 7);
    this.#parts.push(bytes, padding);
    this.#length += bytes.length + padding.length;
  }
}

/** A bit a value, the first one lowest. */
function bits(values) {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, row) => {
    if (value) bytes[row >> 3] |= 1 << (row & 7);
  });
  return bytes;
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
