/** Reader and writer of batches against the bytes of another implementation, and against bytes that are cut short. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Invalid, read, write } from "../src/arrow/index.js";
import { decode, encode } from "../src/arrow/text.js";

const golden = (name) => readFileSync(new URL(`../../golden/${name}`, import.meta.url));
const told = JSON.parse(golden("columns.json"));
const ENCODINGS = ["by_pyarrow.arrow", "by_sdk.arrow"];

const COLUMNS = Object.entries(told.columns).map(([path, { type, values }]) => {
  const wide = type === "int64" || type === "uint64";
  return [path, type, values.map((value) => (wide && value !== null ? BigInt(value) : value))];
});
const isOfTurns = ([path]) => path.startsWith("turns.");
const OF_TURNS = COLUMNS.filter(isOfTurns).map(([path, ...rest]) => [path.slice("turns.".length), ...rest]);

test("every type is read", () => {
  for (const name of ENCODINGS) {
    const batch = read(golden(name));
    assert.equal(batch.rows, told.turns.length);
    for (const [path, type, values] of COLUMNS) {
      const column = batch.column(path);
      assert.equal(column.dataType, type);
      assert.deepEqual(column.values(), values, `${path} ${name}`);
    }
    const turns = batch.column("turns").values();
    assert.deepEqual(turns.map((own) => own.length), told.turns);
    assert.deepEqual(turns[2], [Object.fromEntries(OF_TURNS.map(([path, , values]) => [path, values[2]]))]);
    assert.equal(batch.column("turns.absent"), undefined);
    assert.equal(batch.column("prompt.absent"), undefined);
  }
  assert.deepEqual(read(golden(ENCODINGS[0])).column("nothing").values(), [null, null, null, null]);
});

test("bytes that lie anywhere are read", () => {
  const whole = golden(ENCODINGS[0]);
  const moved = new Uint8Array(whole.length + 3).subarray(3);
  moved.set(whole);
  assert.deepEqual(read(moved).column("count").values(), [-(2 ** 31), 2 ** 31 - 1, 0, null]);
});

test("what cannot be read is told", () => {
  const whole = golden(ENCODINGS[0]);
  const cases = [
    [Buffer.from("junkjunkjunk"), "a message does not begin with its mark"],
    [whole.subarray(0, 0), "it ends too early"],
    [whole.subarray(0, 100), "it ends too early"],
  ];
  for (const [ipc, message] of cases) {
    assert.throws(() => read(ipc), { name: "Invalid", message: RegExp(`^the batch is not a valid Arrow IPC stream: ${message}`) });
  }
  // The last eight bytes are the mark of the end.
  for (let length = 0; length < whole.length - 8; length++) assert.throws(() => read(whole.subarray(0, length)), Invalid);
});

test("a type that is not understood is told", () => {
  const sent = write(1, [["day", "utf8", ["x"]]]);
  // That it may have nulls, and its type.
  const place = Buffer.from(sent).indexOf(Buffer.from([1, 5]));
  sent[place + 1] = 8;
  assert.throws(() => read(sent), { message: /column `day` has a type that is not understood \(number 8\)$/ });
});

test("bytes are those that another implementation has read", () => {
  const rest = COLUMNS.filter((column) => !isOfTurns(column));
  const made = write(told.turns.length, rest, { counts: told.turns, columns: OF_TURNS });
  assert.ok(golden("by_sdk.arrow").equals(made));
});

test("batches without rows, turns or columns", () => {
  assert.deepEqual(read(write(0, [["x", "utf8", []]])).column("x").values(), []);
  assert.equal(read(write(3, [])).rows, 3);
  const batch = read(write(2, [], { counts: [0, 0], columns: [["x", "list<int32>", []]] }));
  assert.deepEqual([batch.column("turns").values(), batch.column("turns.x").values()], [[[], []], []]);
});

test("more rows than a byte has bits", () => {
  const values = Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? null : i % 2 === 0));
  for (const count of [1, 7, 8, 9, 100]) {
    const ipc = write(count, [["x", "bool", values.slice(0, count)]]);
    assert.deepEqual(read(ipc).column("x").values(), values.slice(0, count));
  }
});

test("texts of all lengths and letters", () => {
  const texts = ["", "a", "é", "日本", "🌲", "x".repeat(20_000), "ü".repeat(20_000), "\0"];
  for (const some of [texts, ["plain", "x".repeat(70_000)], [""], []]) {
    const { bytes, lengths } = encode(some);
    const offsets = lengths.reduce((made, length) => [...made, made.at(-1) + length], [0]);
    assert.deepEqual(Buffer.from(bytes), Buffer.from(some.join("")));
    assert.deepEqual(decode(bytes, offsets), some);
  }
});

test("texts are the same by the functions that QuickJS has and node has not", { concurrency: false }, () => {
  const bytes = Uint8Array.from(Buffer.from("größer 日本"));
  const has = "toBase64" in bytes;
  if (!has) {
    Uint8Array.prototype.toBase64 = function () {
      return Buffer.from(this).toString("base64");
    };
    Uint8Array.fromBase64 = (text) => Uint8Array.from(Buffer.from(text, "base64"));
  }
  try {
    assert.deepEqual(decode(bytes, [0, bytes.length]), ["größer 日本"]);
    assert.deepEqual(encode(["größer 日本"]).bytes, bytes);
  } finally {
    if (!has) {
      delete Uint8Array.prototype.toBase64;
      delete Uint8Array.fromBase64;
    }
  }
});
