import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const episode = (...actions) => trajectory({ turns: actions.map((action) => ({ action })) });

test("counts within each episode", () => {
  const episodes = [episode("look", "go", " look ", "look"), episode(), episode("Look", "look")];
  assert.deepEqual(run(plugin, episodes), [
    { "turns.repetitions": [0, 0, 1, 2], distinct_actions: 0.5 },
    { "turns.repetitions": [], distinct_actions: null },
    { "turns.repetitions": [0, 0], distinct_actions: 1 },
  ]);
});

test("case may be ignored", () => {
  const [made] = run(plugin, [episode("Look", "look")], { ignore_case: true });
  assert.deepEqual(made["turns.repetitions"], [0, 1]);
});
