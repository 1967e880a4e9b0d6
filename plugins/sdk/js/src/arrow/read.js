/** From the bytes of an Arrow IPC stream to columns. A column becomes values when it is asked for, all of it at once. */

import { Table } from "./flatbuffer.js";
import { decode } from "./text.js";
import { NUMBERS } from "./types.js";

export const SCHEMA = 1;
export const RECORD_BATCH = 3;
/** What every message begins with. */
export const CONTINUATION = -1;

/** The bytes of a batch are not what they should be. */
export class Invalid extends Error {
  name = "Invalid";

  constructor(message) {
    super(`the batch is not a valid Arrow IPC stream: ${message}`);
  }
}

/** One column: a value, or null, for each row. */
export class Column {
  #decode;
  #validity;

  /**
   * @param dataType in the words of the contract
   * @param decode makes all values, of rows that have none as well
   * @param validity a bit a row; null: all rows have a value
   * @param below of a list its `offsets` and its `items`, of a struct its columns: `fields`
   */
  constructor(dataType, decode, validity = null, below = {}) {
    this.dataType = dataType;
    this.#decode = decode;
    this.#validity = validity;
    Object.assign(this, below);
  }

  /** The values, made anew at each call. */
  values() {
    const values = this.#decode();
    if (this.#validity === null) return values;
    const there = bits(this.#validity, values.length);
    return values.map((value, row) => (there[row] ? value : null));
  }
}

/** The columns that were sent. */
export class Received {
  constructor(rows, columns) {
    this.rows = rows;
    this.columns = columns;
  }

  /** A column by its path, `reward` or `turns.action`; undefined if it was not sent. */
  column(path) {
    const [outer, inner] = path.split(".");
    const column = this.columns.get(outer);
    return inner === undefined ? column : column?.items?.fields?.get(inner);
  }
}

/** Reads a stream: a schema, one record batch, and the end. What cannot be read throws `Invalid`. */
export function read(ipc) {
  try {
    const [schema, rest] = message(ipc);
    if (schema.kind !== SCHEMA) throw new Invalid("it does not begin with a schema");
    const [batch] = message(rest);
    if (batch.kind !== RECORD_BATCH) throw new Invalid("the schema is not followed by a record batch");
    if (batch.header.table(3) !== null) throw new Invalid("it is compressed");
    const rows = batch.header.long(0);
    const reader = new Reader(batch.body, batch.header.pairs(1), batch.header.pairs(2));
    return new Received(rows, new Map(schema.header.tables(1).map((field) => reader.field(field, rows))));
  } catch (error) {
    throw error instanceof RangeError ? new Invalid(`it ends too early (${error.message})`) : error;
  }
}

/** The first message of a stream, and what follows it. */
function message(ipc) {
  const view = new DataView(ipc.buffer, ipc.byteOffset, ipc.length);
  if (view.getInt32(0, true) !== CONTINUATION) throw new Invalid("a message does not begin with its mark");
  const begin = 8 + view.getInt32(4, true);
  const root = Table.root(ipc.subarray(8, begin));
  const header = root.table(2);
  if (header === null) throw new Invalid("a message has no header");
  const end = begin + root.long(3);
  if (!(begin <= end && end <= ipc.length)) throw new Invalid("it ends too early");
  return [{ kind: root.byte(1), header, body: ipc.subarray(begin, end) }, ipc.subarray(end)];
}

/** Takes the nodes and buffers of a record batch in the order of the schema's fields. */
class Reader {
  #body;
  #nodes;
  #buffers;

  constructor(body, nodes, buffers) {
    this.#body = body;
    this.#nodes = nodes.values();
    this.#buffers = buffers.values();
  }

  /** The next column with its name; the first `rows` of its rows are taken: below a list there may be more. */
  field(field, rows) {
    const name = field.text(0);
    const [node, nulls] = next(this.#nodes, "columns");
    if (node < rows) throw wrong(name, `has ${node} rows, expected ${rows}`);
    if (field.table(4) !== null) throw wrong(name, "is a dictionary");
    const kind = field.byte(2);
    if (kind === 1) return [name, new Column("null", () => Array(rows).fill(null))];
    const validity = this.#buffer();
    if (nulls > 0 && 8 * validity.length < rows) throw wrong(name, "says too little about which rows have a value");
    return [name, this.#column(name, kind, field, rows, nulls > 0 ? validity : null)];
  }

  #column(name, kind, field, rows, validity) {
    switch (kind) {
      case 2:
      case 3: {
        const dataType = numberType(name, kind, field.table(3));
        const Numbers = NUMBERS[dataType];
        const buffer = this.#sized(name, rows * Numbers.BYTES_PER_ELEMENT);
        return new Column(dataType, () => Array.from(aligned(buffer, Numbers)), validity);
      }
      case 5: {
        const offsets = this.#offsets(name, rows);
        const buffer = this.#buffer();
        const end = offsets[rows];
        if (end > buffer.length) throw wrong(name, "has offsets beyond its text");
        return new Column("utf8", () => decode(buffer.subarray(0, end), offsets), validity);
      }
      case 6: {
        const buffer = this.#sized(name, Math.ceil(rows / 8));
        return new Column("bool", () => bits(buffer, rows), validity);
      }
      case 12: {
        const offsets = this.#offsets(name, rows);
        const children = field.tables(5);
        if (children.length !== 1) throw wrong(name, "is a list without a type");
        const [, items] = this.field(children[0], offsets[rows]);
        return new Column(`list<${items.dataType}>`, () => cut(items.values(), offsets), validity, { offsets, items });
      }
      case 13: {
        const fields = new Map(field.tables(5).map((child) => this.field(child, rows)));
        const told = [...fields].map(([inner, column]) => `${inner}: ${column.dataType}`).join(", ");
        return new Column(`struct<${told}>`, () => structs(fields, rows), validity, { fields });
      }
      default:
        throw wrong(name, `has a type that is not understood (number ${kind})`);
    }
  }

  #offsets(name, rows) {
    const buffer = this.#buffer();
    if (rows === 0) return new Int32Array(1);
    if (buffer.length < 4 * (rows + 1)) throw wrong(name, "has too few offsets");
    const offsets = aligned(buffer.subarray(0, 4 * (rows + 1)), Int32Array);
    let before = 0;
    for (let row = 0; row <= rows; row++) {
      const here = offsets[row];
      if (here < before) throw wrong(name, "has offsets that fall");
      before = here;
    }
    return offsets;
  }

  /** The first `size` bytes of the next buffer. */
  #sized(name, size) {
    const buffer = this.#buffer();
    if (buffer.length < size) throw wrong(name, `has ${buffer.length} bytes of values, expected ${size}`);
    return buffer.subarray(0, size);
  }

  #buffer() {
    const [at, size] = next(this.#buffers, "buffers");
    if (at < 0 || size < 0 || at + size > this.#body.length) throw new Invalid("a buffer reaches beyond the end");
    return this.#body.subarray(at, at + size);
  }
}

function next(pairs, what) {
  const { value, done } = pairs.next();
  if (done) throw new Invalid(`it has too few ${what}`);
  return value;
}

function numberType(name, kind, about) {
  if (about === null) throw wrong(name, "does not say its type");
  const dataType = kind === 2 ? `${about.byte(1) ? "" : "u"}int${about.int(0)}` : `float${16 << about.short(0)}`;
  if (!(dataType in NUMBERS)) throw wrong(name, `has numbers of type ${dataType}`);
  return dataType;
}

/** A copy of the bytes as numbers, which have to lie where their size says. */
const aligned = (bytes, Numbers) => new Numbers(new Uint8Array(bytes).buffer);

const cut = (values, offsets) =>
  Array.from({ length: offsets.length - 1 }, (_, row) => values.slice(offsets[row], offsets[row + 1]));

function structs(fields, rows) {
  const columns = [...fields].map(([name, column]) => [name, column.values()]);
  const struct = (row) => Object.fromEntries(columns.map(([name, values]) => [name, values[row]]));
  return Array.from({ length: rows }, (_, row) => struct(row));
}

function bits(bytes, rows) {
  const made = new Array(rows);
  for (let row = 0; row < rows; row++) made[row] = ((bytes[row >> 3] >> (row & 7)) & 1) === 1;
  return made;
}

const wrong = (name, what) => new Invalid(`column \`${name}\` ${what}`);
