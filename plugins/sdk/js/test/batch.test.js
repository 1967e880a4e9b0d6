/** Plugins over whole batches, without WebAssembly. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { batch, integer } from "../index.js";
import { read, write } from "../src/arrow/index.js";
import { Stage } from "../src/stage.js";
import { batchOf, Failure, run, trajectory } from "../testing.js";

const EPISODES = [
  trajectory({ id: "a", prompt: "go", turns: [{ action: "go north" }, { action: "größer" }] }),
  trajectory({ id: "b" }),
  trajectory({ id: "c", turns: [{ action: "look" }] }),
];
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

const measure = batch({
  name: "measure",
  reads: { "turns.action": "utf8" },
  adds: { "turns.length": "int32", length: "int32" },
  config: { factor: integer({ default: 1 }) },
  process(batch, { factor }) {
    const lengths = batch.column("turns.action").map((action) => factor * action.split(" ").length);
    return { "turns.length": lengths, length: batch.byTrajectory(lengths).map(sum) };
  },
});

const returning = (value, about = {}) =>
  batch({ name: "constant", reads: ["turns"], ...("selects" in about ? {} : { adds: { x: "int32" } }), process: () => value, ...about });

const errorsOf = (value, about) =>
  run(returning(value, about), EPISODES).map((made) => (made instanceof Failure ? made.message.split("\n")[0] : null));

test("columns go in and out", () => {
  const expected = [{ "turns.length": [2, 1], length: 3 }, { "turns.length": [], length: 0 }];
  assert.deepEqual(run(measure, EPISODES).slice(0, 2), expected);
  assert.deepEqual(run(measure, EPISODES.slice(2), { factor: 3 }), [{ "turns.length": [3], length: 3 }]);
  assert.deepEqual(run(measure, []), []);
});

test("its function stays one", () => {
  const made = measure.process(batchOf(measure, EPISODES), { factor: 1 });
  assert.deepEqual(made, { "turns.length": [2, 1, 1], length: [3, 0, 1] });
});

test("a batch says whose turns they are", () => {
  const seen = batchOf(measure, EPISODES);
  assert.deepEqual([seen.rows, seen.turns], [3, [{ start: 0, end: 2 }, { start: 2, end: 2 }, { start: 2, end: 3 }]]);
  assert.deepEqual(seen.column("trajectory_id"), ["a", "b", "c"]);
  assert.throws(() => seen.column("prompt"), { message: "column `prompt` is not read by this plugin; name it in `reads`" });
  const noTurns = batchOf(returning(0, { reads: ["prompt"] }), EPISODES);
  assert.throws(() => noTurns.turns, { message: /^column `turns` is not read by this plugin/ });
});

test("columns have the types of a dataset", () => {
  const reads = { seed: "", reward: "", note: "list<utf8>", "turns.weight": "", "turns.exit_code": "int64", count: "" };
  const plugin = returning(null, { reads });
  const turns = [{ weight: 0.1, exitCode: 3 }];
  const seen = batchOf(plugin, [trajectory({ seed: String(2n ** 64n - 1n), reward: 0.1, note: ["x"], turns, count: 2 })]);
  const columns = ["seed", "note", "turns.exit_code", "count"].map((path) => seen.column(path));
  assert.deepEqual(columns, [[2n ** 64n - 1n], [["x"]], [3n], [2n]]);
  const counts = [2, 0.5].map((count) => trajectory({ count }));
  assert.deepEqual(batchOf(returning(null, { reads: ["count"] }), counts).column("count"), [2, 0.5]);
  // A number of 32 bits, as in a dataset.
  assert.deepEqual([seen.column("reward"), seen.column("turns.weight")], [[Math.fround(0.1)], [Math.fround(0.1)]]);
  assert.throws(() => batchOf(plugin, [trajectory({ note: "x" })]), {
    message: 'value 0 of `note` is a list or null, found "x"',
  });
});

test("rows may fail alone", () => {
  const picky = batch({
    name: "picky",
    reads: ["prompt"],
    adds: { x: "int32" },
    process(batch) {
      batch.column("prompt").forEach((prompt, row) => {
        if (prompt === null) batch.fail(row, `no prompt \ud800 ${row}`);
      });
      return { x: [1, "whatever", null] };
    },
  });
  const [good, ...bad] = run(picky, EPISODES);
  assert.deepEqual(good, { x: 1 });
  assert.deepEqual(bad.map(({ message }) => message), ["no prompt \ufffd 1", "no prompt \ufffd 2"]);
  assert.throws(() => batchOf(picky, EPISODES).fail(3, ""), { message: "there is no row 3, the batch has 3" });
});

test("randomness follows from the first row", () => {
  const begun = [];
  const draw = batch({ name: "draw", reads: [], adds: { x: "float64" }, process: ({ rows }) => ({ x: Array(rows).fill(0) }) });
  const stage = new Stage(draw, "{}", (seed) => begun.push(seed));
  const sent = (ids) => write(ids.length, [["trajectory_id", "utf8", ids]]);
  for (const ids of [["b", "c"], []]) stage.process(sent(ids));
  assert.deepEqual(begun.filter(Boolean), ["b"]);
  assert.deepEqual(draw.reads, { trajectory_id: "utf8" });
});

test("columns that are not those are errors of the batch", () => {
  const cases = [
    [3, "TypeError: a batch plugin returns an object with the columns `x`, found 3"],
    [[1], "TypeError: a batch plugin returns an object with the columns `x`, found [1]"],
    [{}, "RangeError: there is no column `x`, expected `x`"],
    [{ x: [1, 2, 3], y: [] }, 'RangeError: unknown column "y", expected `x`'],
    [{ x: [1, 2] }, "RangeError: expected one value a trajectory in column `x`: 3, found 2"],
    [{ x: "abc" }, 'TypeError: expected a list: one value a trajectory in column `x`, found "abc"'],
  ];
  for (const [value, message] of cases) assert.deepEqual(errorsOf(value), Array(3).fill(message));
  const [ofTurns] = errorsOf({ "turns.x": [1, 2] }, { adds: { "turns.x": "int32" } });
  assert.equal(ofTurns, "RangeError: expected one value a turn in column `turns.x`: 3, found 2");
});

test("values that do not fit are errors of their rows", () => {
  const cases = [
    ["int32", 1.5, "RangeError: `x` of row 1 is a whole number from -2147483648 to 2147483647, found 1.5"],
    ["int32", true, "TypeError: `x` of row 1 is a whole number or null, found true"],
    ["int32", 1n, "TypeError: `x` of row 1 is a whole number or null, found 1"],
    ["int8", 128, "RangeError: `x` of row 1 is a whole number from -128 to 127, found 128"],
    ["int64", 2 ** 53, "RangeError: `x` of row 1 is a whole number, beyond 2⁵³ a BigInt, found 9007199254740992"],
    ["uint64", -1, "RangeError: `x` of row 1 is a whole number from 0 to 18446744073709551615, found -1"],
    ["float32", "1", 'TypeError: `x` of row 1 is a number or null, found "1"'],
    ["float32", 1e39, "RangeError: `x` of row 1 is a finite 32-bit number, found 1e+39"],
    ["float64", Infinity, "RangeError: `x` of row 1 is a finite 64-bit number, found Infinity"],
    ["bool", 1, "TypeError: `x` of row 1 is true, false or null, found 1"],
    ["utf8", 1, "TypeError: `x` of row 1 is text or null, found 1"],
    ["list<int32>", 1, "TypeError: `x` of row 1 is a list or null, found 1"],
    ["list<int32>", [1, "2"], 'TypeError: element 1 of `x` of row 1 is a whole number or null, found "2"'],
    ["list<list<bool>>", [[], [1]], "TypeError: element 0 of element 1 of `x` of row 1 is true, false or null, found 1"],
  ];
  for (const [type, value, message] of cases)
    assert.deepEqual(errorsOf({ x: [null, value, undefined] }, { adds: { x: type } }), [null, message, null]);
});

test("values of turns that do not fit are errors of whose they are", () => {
  const adds = { "turns.x": "int32", "turns.y": "int32" };
  const ofTurns = errorsOf({ "turns.x": [1, "2", 3], "turns.y": ["whatever", "whatever", "3"] }, { adds });
  assert.deepEqual(ofTurns, [
    'TypeError: `turns.x` of turn 1 of row 0 is a whole number or null, found "2"',
    null,
    'TypeError: `turns.y` of turn 0 of row 2 is a whole number or null, found "3"',
  ]);
  // What is written for the rows that fail is nothing.
  const stage = new Stage(returning({ "turns.x": [1, "2", 3] }, { adds: { "turns.x": "int32" } }));
  const ids = [["trajectory_id", "utf8", ["a", "b", "c"]]];
  const { ipc } = stage.process(write(3, ids, { counts: [2, 0, 1], columns: [] }));
  assert.deepEqual(read(ipc).column("turns.x").values(), [null, null, 3]);
});

test("all that fits comes back", () => {
  const cases = {
    int64: [[-(2n ** 63n), 5, null], [-(2n ** 63n), 5n, null]],
    uint64: [[2n ** 64n - 1n, Number.MAX_SAFE_INTEGER, 0], [2n ** 64n - 1n, 2n ** 53n - 1n, 0n]],
    uint8: [[0, 255, undefined], [0, 255, null]],
    float64: [[1, 0.1, -0], [1, 0.1, -0]],
    float32: [new Set([3.4028234663852886e38, null, -0.5]), [3.4028234663852886e38, null, -0.5]],
    utf8: [["", "ü", "half \ud800"], ["", "ü", "half \ufffd"]],
    "list<float32>": [[[1, 0.5], [], null], [[1, 0.5], [], null]],
    "list<int64>": [[[1, -1n], null, []], [[1n, -1n], null, []]],
    // A hole is nothing.
    "list<int32>": [[Object.assign([], { 1: 5 }), [6], null], [[null, 5], [6], null]],
    "list<list<utf8>>": [[[["a", undefined], null], [], null], [[["a", null], null], [], null]],
  };
  for (const [type, [given, expected]] of Object.entries(cases)) {
    const made = run(returning({ x: given }, { adds: { x: type } }), EPISODES);
    assert.deepEqual(made.map(({ x }) => x), expected, type);
  }
});

test("an exception is one of the batch, with its place", () => {
  const plugin = returning(null, {
    process({ turns }) {
      return { x: turns[3].start };
    },
  });
  assert.match(run(plugin, EPISODES)[0].message, /^TypeError: .*\n  at .*process \(.*batch.test.js:\d+:\d+\)/);
  assert.ok(new Stage(measure).process(Buffer.from("junk")) instanceof Failure);
});

test("rows are kept or not", () => {
  const begun = batch({
    name: "begun",
    reads: ["turns"],
    selects: true,
    process: ({ turns }) => turns.map(({ start, end }) => end > start),
  });
  assert.deepEqual([begun.adds, begun.grouped], [{ keep: "bool" }, false]);
  assert.equal(returning([], { selects: true, grouped: true }).grouped, true);
  assert.deepEqual(run(begun, EPISODES), [true, false, true]);
  const sent = write(1, [["trajectory_id", "utf8", ["a"]]], { counts: [0], columns: [] });
  const made = read(new Stage(begun).process(sent).ipc);
  assert.deepEqual([[...made.columns.keys()], made.column("keep").values()], [["keep"], [false]]);
});

test("wrong choices are told", () => {
  assert.deepEqual(errorsOf([true, null, 1], { selects: true }), [
    null,
    "TypeError: whether row 1 is kept is true or false, found null",
    "TypeError: whether row 2 is kept is true or false, found 1",
  ]);
  const holes = new Array(3);
  holes[1] = true;
  const hole = (row) => `TypeError: whether row ${row} is kept is true or false, found undefined`;
  assert.deepEqual(errorsOf(holes, { selects: true }), [hole(0), null, hole(2)]);
  const message = "RangeError: expected true or false a trajectory: 3, found 1";
  assert.deepEqual(errorsOf([true], { selects: true }), Array(3).fill(message));
});

test("a definition that could not run is refused", () => {
  const about = { name: "x", reads: ["turns"], process: () => null };
  const cases = [
    [{}, /expected either `adds`, the columns that it returns, or `selects: true`/],
    [{ adds: { x: "int32" }, selects: true }, /expected either `adds`/],
    [{ adds: ["x"] }, /`adds` is an object of columns and their types, found \["x"\]/],
    [{ adds: {} }, /`adds` is an object of columns/],
    [{ adds: { x: "text" } }, /`adds`: `x` has a type such as `bool`, .* or `list<int32>`, found "text"/],
    [{ adds: { x: "list<>" } }, /`adds`: `x` has a type such as/],
    [{ adds: { turns: "int32" } }, /`adds`: the turns stay as they are/],
    [{ adds: { "turns.": "int32" } }, /`adds`: expected a column such as/],
  ];
  for (const [more, message] of cases) assert.throws(() => batch({ ...about, ...more }), message);
});
