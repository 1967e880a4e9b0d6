/**
 * Tables of FlatBuffers, in which Arrow describes schemas and batches: reading, and writing front to back. Not concerned with
 * what the tables mean. What lies outside of a buffer throws a `RangeError`.
 */

import { decode, encode } from "./text.js";

/** A table within a buffer. */
export class Table {
  #view;
  #at;
  #vtable;
  #vtableLength;

  constructor(view, at) {
    this.#view = view;
    this.#at = at;
    this.#vtable = at - view.getInt32(at, true);
    this.#vtableLength = view.getUint16(this.#vtable, true);
  }

  /** The table that some bytes begin with. */
  static root(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return new Table(view, view.getInt32(0, true));
  }

  /** Where a field lies; null if it has its default. */
  #field(index) {
    const slot = 4 + 2 * index;
    if (slot + 2 > this.#vtableLength) return null;
    const within = this.#view.getUint16(this.#vtable + slot, true);
    return within === 0 ? null : this.#at + within;
  }

  byte(index) {
    const at = this.#field(index);
    return at === null ? 0 : this.#view.getUint8(at);
  }

  short(index) {
    const at = this.#field(index);
    return at === null ? 0 : this.#view.getInt16(at, true);
  }

  int(index) {
    const at = this.#field(index);
    return at === null ? 0 : this.#view.getInt32(at, true);
  }

  long(index) {
    const at = this.#field(index);
    return at === null ? 0 : Number(this.#view.getBigInt64(at, true));
  }

  /** The table that a field refers to. */
  table(index) {
    const at = this.#field(index);
    return at === null ? null : this.#below(at);
  }

  /** The tables of a vector. */
  tables(index) {
    const [at, length] = this.#vector(index);
    return Array.from({ length }, (_, i) => this.#below(at + 4 * i));
  }

  text(index) {
    const [at, length] = this.#vector(index);
    // Asked for the last byte, which is there, or an error.
    if (length > 0) this.#view.getUint8(at + length - 1);
    return decode(new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length), [0, length])[0];
  }

  /** The elements of a vector of structs of two 64-bit integers. */
  pairs(index) {
    const [at, length] = this.#vector(index);
    const long = (place) => Number(this.#view.getBigInt64(place, true));
    return Array.from({ length }, (_, i) => [long(at + 16 * i), long(at + 16 * i + 8)]);
  }

  #below(at) {
    return new Table(this.#view, at + this.#view.getInt32(at, true));
  }

  /** Where the elements of a vector begin, and how many there are. */
  #vector(index) {
    const field = this.#field(index);
    if (field === null) return [0, 0];
    const at = field + this.#view.getInt32(field, true);
    return [at + 4, this.#view.getInt32(at, true)];
  }
}

/** Fields of a table to be written: how many bytes, and the value. An offset is filled in by `refer`; null: left out. */
export const byte = (value) => ({ size: 1, value });
export const short = (value) => ({ size: 2, value });
export const int = (value) => ({ size: 4, value });
export const long = (value) => ({ size: 8, value });
export const OFFSET = int(0);

/** Writes tables front to back: a table comes before what it refers to, and its offsets are filled in afterwards. */
export class Writer {
  /** The first word refers to the root table, which comes next. */
  #bytes = [0, 0, 0, 0];

  get bytes() {
    return Uint8Array.from(this.#bytes);
  }

  /** Writes a table and gives its place and the places of its offsets, in the order of the fields. */
  table(fields) {
    this.align(8);
    const vtable = this.#bytes.length;
    const vtableLength = 4 + 2 * fields.length;
    this.#put(vtableLength, 0);
    this.align(8);
    const table = this.#bytes.length;
    this.#put(4, table - vtable);
    const offsets = [];
    fields.forEach((field, index) => {
      if (field === null) return;
      this.align(field.size);
      const at = this.#bytes.length;
      this.#set(vtable + 4 + 2 * index, 2, at - table);
      this.#put(field.size, field.value);
      if (field === OFFSET) offsets.push(at);
    });
    this.#set(vtable, 2, vtableLength);
    this.#set(vtable + 2, 2, this.#bytes.length - table);
    return [table, offsets];
  }

  /** Fills in an offset: what lies at `place` refers to what lies at `target`, further on. */
  refer(place, target) {
    this.#set(place, 4, target - place);
  }

  text(text) {
    const { bytes } = encode([text]);
    const at = this.vector(bytes.length, 1, bytes);
    this.#put(1, 0);
    return at;
  }

  /** Writes a vector of structs or scalars; the elements are aligned, the length comes before them. */
  vector(length, align, elements) {
    this.align(Math.max(align, 4), 4);
    const at = this.#bytes.length;
    this.#put(4, length);
    for (const one of elements) this.#bytes.push(one);
    return at;
  }

  /** Writes a vector of offsets and gives its place and theirs. */
  offsets(length) {
    const at = this.vector(length, 4, new Uint8Array(4 * length));
    return [at, Array.from({ length }, (_, i) => at + 4 + 4 * i)];
  }

  /** Pads until what comes `after` bytes further on is aligned. */
  align(align, after = 0) {
    while ((this.#bytes.length + after) % align !== 0) this.#bytes.push(0);
  }

  #put(size, value) {
    const at = this.#bytes.length;
    for (let i = 0; i < size; i++) this.#bytes.push(0);
    this.#set(at, size, value);
  }

  /** Lowest byte first; no number here is as large as 2⁵³. */
  #set(at, size, value) {
    for (let i = 0, rest = value; i < size; i++, rest = Math.floor(rest / 256)) this.#bytes[at + i] = rest % 256;
  }
}
