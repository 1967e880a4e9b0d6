import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const call = (toolName, toolArguments, toolError = false) => ({ toolName, toolArguments, toolError });
const FAILED = trajectory({
  success: false,
  turns: [call("find", '{"to": "Oslo"}'), call("book", "{}", true), call("book", '{"id": 7}'), {}, call("pay", "{}", true)],
});

test("a failure becomes a success at the last call that worked", () => {
  const [[copy, ...others]] = run(plugin, [FAILED]);
  assert.deepEqual(others, []);
  assert.equal(copy.prompt, 'Use the tool `book` with the arguments {"id": 7}.');
  assert.deepEqual([copy.reward, copy.success, copy.keepTurns], [1, true, 3]);
  assert.equal(copy.confidence, 2 / 3);
  assert.deepEqual(copy.turns, [{ turn: 1, reward: null, weight: 0 }]);
});

test("several achievements give several copies, each once", () => {
  const prompts = (config) => run(plugin, [FAILED], { template: "{tool}", ...config })[0].map((copy) => copy.prompt);
  assert.deepEqual(prompts({ copies: 5 }), ["book", "find"]);
  assert.deepEqual(prompts({ copies: 5, tools: ["find"] }), ["find"]);
  assert.deepEqual(prompts({ copies: 5, confidence: 0.9 }), ["find"]);
});

test("successes and what was never judged stay as they are", () => {
  assert.deepEqual(run(plugin, [trajectory({ ...FAILED, success: true }), trajectory({ ...FAILED, success: null })]), [[], []]);
});
