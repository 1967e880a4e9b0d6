/** Schemas and decoding of `with:`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { boolean, integer, list, number, oneOf, optional, text } from "../index.js";
import { decode, schema } from "../src/config.js";

const OPTIONS = {
  name: text(),
  weight: number({ default: 0.5, minimum: 0, maximum: 1, description: "per call" }),
  words: list(text(), { default: ["a"] }),
  limit: optional(integer()),
  order: oneOf(["up", "down"], { default: "up" }),
  loud: boolean({ default: false }),
};

test("a schema says types, defaults, bounds and what is required", () => {
  const made = schema(OPTIONS);
  assert.deepEqual(made.required, ["name"]);
  assert.equal(made.additionalProperties, false);
  const weight = { type: "number", minimum: 0, maximum: 1, description: "per call", default: 0.5 };
  assert.deepEqual(made.properties.weight, weight);
  assert.deepEqual(made.properties.words, { type: "array", items: { type: "string" }, default: ["a"] });
  assert.deepEqual(made.properties.limit, { anyOf: [{ type: "integer" }, { type: "null" }], default: null });
});

test("defaults are filled in", () => {
  const config = { name: "x", weight: 0.5, words: ["a"], limit: null, order: "up", loud: false };
  assert.deepEqual(decode(OPTIONS, { name: "x" }), config);
});

test("errors name the place, what was expected and found", () => {
  const cases = [
    [{}, "`with.name`: missing"],
    [{ name: 3 }, "`with.name`: expected text, found 3"],
    [{ name: "x", weight: "y" }, '`with.weight`: expected a number, found "y"'],
    [{ name: "x", weight: 1.5 }, "`with.weight`: expected at most 1, found 1.5"],
    [{ name: "x", words: ["a", 1] }, "`with.words[1]`: expected text, found 1"],
    [{ name: "x", limit: 0.5 }, "`with.limit`: expected a whole number, found 0.5"],
    [{ name: "x", order: "left" }, '`with.order`: expected one of `up`, `down`, found "left"'],
    [{ name: "x", wait: 1 }, /`with.wait`: unknown key, expected one of `name`, `weight`/],
  ];
  for (const [values, message] of cases) assert.throws(() => decode(OPTIONS, values), { message });
});
