/** The signs before the clock and randomness, in a process of their own: they stay once they are up. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

function tell(expression) {
  const script = `
    import { writeSync } from "node:fs";
    import { connect } from "./src/host.js";
    import * as sandbox from "./src/sandbox.js";
    const lines = [];
    connect({ log: (level, line) => lines.push([level, line]), metric() {} });
    sandbox.prepare();
    let told;
    try { told = ${expression}; } catch (error) { told = error.message; }
    writeSync(1, JSON.stringify(told));`;
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const made = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd, encoding: "utf8" });
  return made.stdout ? JSON.parse(made.stdout) : made.stderr;
}

test("the clock is refused in words", () => {
  for (const asked of ["Date.now()", "new Date()", "Date()", "performance.now()"])
    assert.equal(tell(asked), "the clock is not granted to this plugin", asked);
});

test("dates that ask no clock work", () => {
  assert.equal(tell("new Date(0).toISOString()"), "1970-01-01T00:00:00.000Z");
  assert.equal(tell("new Date(0) instanceof Date && Date.UTC(1970, 0, 1)"), 0);
});

test("what is granted is given", () => {
  assert.equal(tell('(sandbox.grant(["clock"]), Date.now() > 0)'), true);
});

test("what is printed becomes events", () => {
  assert.deepEqual(tell('(console.log("a", 1, { b: [] }), console.warn(new TypeError("x")), lines)'), [
    ["info", 'a 1 {"b":[]}'],
    ["warn", "TypeError: x"],
  ]);
});

test("randomness follows from the row and is spread", () => {
  const [a, b, again] = tell('["a", "b", "a"].map((row) => (sandbox.begin(row), Math.random()))');
  assert.equal(a, again);
  assert.notEqual(a, b);
  const draws = tell('Array.from({ length: 2000 }, (_, i) => (sandbox.begin(`row-${i}`), Math.random()))');
  assert.ok(draws.every((draw) => draw >= 0 && draw < 1));
  const mean = draws.reduce((sum, draw) => sum + draw) / draws.length;
  assert.ok(Math.abs(mean - 0.5) < 0.03, `${mean}`);
});
