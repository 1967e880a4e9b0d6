import assert from "node:assert/strict";
import { test } from "node:test";

import { play } from "sternlight/testing.js";

import plugin from "./plugin.js";

test("every number is found by halving", () => {
  for (let seed = 0; seed < 20; seed++) {
    let [low, high] = [1, 100];
    const guesses = [];
    let last;
    do {
      const middle = Math.floor((low + high) / 2);
      guesses.push(`${middle}`);
      last = play(plugin, guesses, { seed }).at(-1);
      if (last.observation === "It is higher.") low = middle + 1;
      if (last.observation === "It is lower.") high = middle - 1;
    } while (!last.done);
    assert.deepEqual([last.reward, last.success], [1, true]);
  }
});

test("an episode ends without success after its steps", () => {
  const [, first, last] = play(plugin, ["0", "seven"], { seed: 1, config: { max_steps: 2 } });
  assert.deepEqual([first.observation, first.done, first.success], ["It is higher.", false, null]);
  assert.deepEqual([last.observation, last.done, last.success], ["That is no number.", true, false]);
});
