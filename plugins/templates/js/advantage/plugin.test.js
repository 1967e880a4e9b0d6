import assert from "node:assert/strict";
import { test } from "node:test";

import { trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const group = (...rewards) => rewards.map((reward) => trajectory({ reward, turns: [{}, {}] }));

test("episodes are ranked within their group", () => {
  const advantages = plugin.advantage(group(0.5, 100, 0.5, -3), { scale: 3 });
  assert.deepEqual(advantages, [[0, 0], [3, 3], [0, 0], [-3, -3]]);
  assert.deepEqual(plugin.advantage(group(7), { scale: 1 }), [[0, 0]]);
});

test("an episode without a reward has no advantage", () => {
  assert.deepEqual(plugin.advantage(group(1, null), { scale: 1 }), [[0, 0], [null, null]]);
});
