import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const episodes = [trajectory({ turns: [{ action: "go north" }, { action: "größer" }] }), trajectory()];

test("words are counted of turns and episodes", () => {
  const [first, second] = run(plugin, episodes);
  assert.deepEqual(first, { "turns.action_length": [2, 1], action_length: 3 });
  assert.deepEqual(second, { "turns.action_length": [], action_length: 0 });
});

test("characters are not bytes", () => {
  const [first] = run(plugin, episodes, { unit: "characters" });
  assert.deepEqual(first["turns.action_length"], [8, 6]);
});
