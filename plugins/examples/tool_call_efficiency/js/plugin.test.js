import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const call = (toolError = false) => ({ toolName: "search", toolError });
const rewardOf = (columns, config) => run(plugin, [trajectory(columns)], config)[0].reward;

test("a success loses for calls beyond the free ones and for errors", () => {
  assert.equal(rewardOf({ success: true, turns: [call(), call()] }), 1);
  assert.equal(rewardOf({ success: true, turns: [call(), call(), call(), {}] }, { per_call: 0.25 }), 0.75);
  assert.equal(rewardOf({ success: true, turns: [call(true)] }, { per_error: 0.5 }), 0.5);
  assert.equal(rewardOf({ success: true, turns: Array(100).fill(call(true)) }), 0.1);
});

test("a failure is worth nothing, and what was not judged is not scored", () => {
  assert.equal(rewardOf({ success: false, turns: [call()] }), 0);
  assert.equal(rewardOf({ success: null, turns: [call()] }), null);
});
