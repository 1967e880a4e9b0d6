import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const call = (toolName, toolArguments) => ({ toolName, toolArguments });
const TURNS = [call("find", "1"), call("find", "2"), call("find", "1"), {}, call("find", "1")];
const verdicts = (config) => run(plugin, [trajectory({ turns: TURNS })], config)[0].map(({ verdict }) => verdict);

test("the same call again is repeated", () => {
  assert.deepEqual(verdicts(), [null, null, "repeated", null, "repeated"]);
});

test("some repetition may be allowed", () => {
  assert.deepEqual(verdicts({ allowed: 1 }), [null, null, null, null, "repeated"]);
});
