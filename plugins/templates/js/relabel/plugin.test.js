import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const call = (toolName, observation) => ({ toolName, toolArguments: "{}", observation });

function copies(success, finalObservation) {
  const turns = [call("find", ""), call("book", "found"), call("pay", "booked")];
  return run(plugin, [trajectory({ success, turns, finalObservation })])[0];
}

test("a failure becomes a success at the last call that worked", () => {
  assert.equal(copies(false, "paid")[0].keepTurns, 3);
  const [copy] = copies(false, "Error: no money");
  assert.equal(copy.prompt, "Call `book` with the arguments {}.");
  assert.deepEqual([copy.reward, copy.success, copy.keepTurns], [1, true, 2]);
});

test("a success stays as it is", () => {
  assert.deepEqual(copies(true, "paid"), []);
});
