import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const episode = (success, turns) => trajectory({ success, turns: Array(turns).fill({}) });
const rewards = (episodes, config) => run(plugin, episodes, config).map(({ reward }) => reward);

test("turns beyond the free ones cost", () => {
  const config = { free_turns: 2, per_turn: 0.25 };
  const episodes = [2, 3, 9].map((turns) => episode(true, turns));
  assert.deepEqual(rewards(episodes, config), [1, 0.75, 0]);
});

test("a failure is worth nothing, and what was not judged is not scored", () => {
  assert.deepEqual(rewards([episode(false, 1), episode(null, 1)]), [0, null]);
});
