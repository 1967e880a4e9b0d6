import assert from "node:assert/strict";
import { test } from "node:test";

import { run, trajectory } from "sternlight/testing.js";

import plugin from "./plugin.js";

const said = (turns, finalObservation = "", config = {}) => {
  const [reflections] = run(plugin, [trajectory({ turns, finalObservation })], config);
  return reflections.map(({ verdict, diagnosis }) => [verdict, diagnosis]);
};

test("an error is known by the record or by its look", () => {
  const get = (toolError) => [{ toolName: "get", toolError }];
  assert.deepEqual(said(get(true), "HTTP 500"), [["unrecovered-error", "`get` failed: HTTP 500"]]);
  assert.deepEqual(said(get(null), "\n KeyError: error 7\n"), [["unrecovered-error", "`get` failed: KeyError: error 7"]]);
  assert.deepEqual(said(get(false), "no error"), [[null, null]]);
  assert.deepEqual(said([{}], "error"), [[null, null]]);
});

test("what became of an error", () => {
  const turns = [
    { toolName: "get", toolArguments: "1" },
    { observation: "not found", toolName: "get", toolArguments: "1" },
    { observation: "not found", toolName: "get", toolArguments: "2" },
    { observation: "fine", toolName: "put" },
  ];
  assert.deepEqual(
    said(turns, "Error: read-only").map(([verdict]) => verdict),
    ["recovered-error", "repeated-error", "recovery", "unrecovered-error"],
  );
});

test("long errors are cut", () => {
  assert.equal(said([{ toolName: "get" }], `error ${"x".repeat(500)}`, { quote: 20 })[0][1], "`get` failed: error xxxxxxxxxxxxx…");
});
