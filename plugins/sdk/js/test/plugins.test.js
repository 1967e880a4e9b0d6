/** Kinds of plugins, checks of their results, and running rows, without WebAssembly. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { advantage, environment, integer, reflect, relabel, reward } from "../index.js";
import { Failure, play, run, trajectory } from "../testing.js";

const TWO_TURNS = trajectory({ id: "t", group: "g", prompt: "go", turns: [{ action: "a" }, { action: "b" }] });

const scoring = (value, about = {}) =>
  reward({ name: "constant", reads: ["turns.action"], score: () => value, ...about });

function errorOf(plugin) {
  const [made] = run(plugin, [TWO_TURNS]);
  assert.ok(made instanceof Failure, JSON.stringify(made));
  return made.message.split("\n")[0];
}

test("numbers and null are rewards", () => {
  for (const [value, reward] of [[1, 1], [0.5, 0.5], [null, null], [undefined, null]])
    assert.deepEqual(run(scoring(value), [TWO_TURNS]), [{ reward, turnRewards: null }]);
  assert.deepEqual(run(scoring({ reward: 1, turnRewards: [0, null] }, { turnRewards: true }), [TWO_TURNS]), [
    { reward: 1, turnRewards: [0, null] },
  ]);
});

test("wrong rewards say what was expected", () => {
  const cases = [
    ["good", 'TypeError: a reward is a number or null, found "good"'],
    [NaN, "RangeError: a reward is a finite 32-bit number, found NaN"],
    [1e39, "RangeError: a reward is a finite 32-bit number, found 1e+39"],
    [Promise.resolve(1), "TypeError: a reward is a number or null, found a Promise (is the function async?)"],
    [10n, "TypeError: a reward is a number or null, found 10"],
    [Symbol("x"), "TypeError: a reward is a number or null, found Symbol(x)"],
    [{ reword: 1 }, "TypeError: unknown key `reword`, expected one of `reward`, `turnRewards`"],
    [{ reward: 1, turnRewards: [1] }, "TypeError: rewards of turns are only taken with `turnRewards: true`"],
  ];
  for (const [value, message] of cases) assert.equal(errorOf(scoring(value)), message);
  assert.equal(
    errorOf(scoring({ turnRewards: [1] }, { turnRewards: true })),
    "RangeError: expected one reward a turn: 2, found 1",
  );
});

test("one bad row does not sink the others", () => {
  const plugin = reward({
    name: "picky",
    reads: ["prompt"],
    score(trajectory) {
      if (trajectory.prompt === "BOOM") throw new Error("cannot score it", { cause: new TypeError("x") });
      return 1;
    },
  });
  const [good, bad] = run(plugin, [TWO_TURNS, trajectory({ prompt: "BOOM" })]);
  assert.equal(good.reward, 1);
  assert.match(bad.message, /^Error: cannot score it\n  at .*score \(.*plugins.test.js:\d+:\d+\)/);
  assert.match(bad.message, /\ncaused by TypeError: x/);
});

test("whatever is thrown has a message that the host can take", () => {
  const cycle = {};
  cycle.cycle = cycle;
  const cases = [
    ["text", /^thrown: text$/],
    [null, /^thrown: null$/],
    [cycle, /^thrown: \[.*circular/],
    [new Error("half \ud800 a character"), /^Error: half \ufffd a character/],
  ];
  for (const [thrown, message] of cases) {
    const plugin = scoring(null, {
      score() {
        throw thrown;
      },
    });
    assert.match(run(plugin, [TWO_TURNS])[0].message, message);
  }
});

test("a column that is not read is not there", () => {
  const plugin = (reads) => reward({ name: "x", reads, score: (t) => (t.turns[0].toolError ? 1 : 0) + (t.prompt ? 1 : 0) });
  const rows = [trajectory({ prompt: "p", turns: [{ toolError: true }] })];
  assert.equal(run(plugin(["turns.tool_error"]), rows)[0].reward, 1);
  const length = reward({ name: "x", reads: ["turns"], score: (t) => t.turns.length });
  assert.equal(run(length, rows)[0].reward, 1);
  assert.match(
    run(plugin(["turns.action"]), rows)[0].message,
    /^TypeError: column `turns.tool_error` is not read by this plugin; name it in `reads`/,
  );
});

test("reflections are one a turn", () => {
  const plugin = (value) => reflect({ name: "x", reads: ["turns.action"], reflect: () => value });
  assert.deepEqual(run(plugin([{ verdict: "bad" }, null]), [TWO_TURNS]), [
    [{ verdict: "bad", diagnosis: null }, { verdict: null, diagnosis: null }],
  ]);
  assert.equal(errorOf(plugin([null])), "RangeError: expected one reflection a turn: 2, found 1");
  assert.equal(errorOf(plugin([{ verdict: 1 }, null])), "TypeError: the verdict of turn 0 is text or null, found 1");
});

test("relabelled copies fit the trajectory", () => {
  const plugin = (value) => relabel({ name: "x", reads: ["turns.action"], relabel: () => value });
  const [[copy]] = run(plugin([{ prompt: "other", turns: [{ turn: 1, weight: 0 }] }]), [TWO_TURNS]);
  assert.equal(copy.prompt, "other");
  assert.deepEqual(copy.turns, [{ turn: 1, reward: null, weight: 0 }]);
  assert.deepEqual(run(plugin(null), [TWO_TURNS]), [[]]);
  assert.equal(errorOf(plugin([{ keepTurns: 3 }])), "RangeError: `keepTurns` is 3, but the trajectory has 2 turns");
  assert.equal(errorOf(plugin([{ turns: [{ turn: 2 }] }])), "RangeError: turn 2 is edited, but the trajectory has 2 turns");
});

test("advantages see whole groups", () => {
  const plugin = advantage({
    name: "centred",
    reads: ["reward", "turns.action"],
    advantage(group) {
      if (group.some((t) => t.reward === null)) throw new Error("not scored");
      const mean = group.reduce((sum, t) => sum + t.reward, 0) / group.length;
      return group.map((t) => t.turns.map(() => t.reward - mean));
    },
  });
  const rows = [null, 1, 2, 3].map((reward, i) => trajectory({ id: `${i}`, group: "ab"[i % 2], reward, turns: [{}] }));
  const [first, second, third, fourth] = run(plugin, rows);
  assert.ok(first instanceof Failure && third instanceof Failure);
  assert.deepEqual([second, fourth], [[-1], [1]]);
});

test("an environment keeps nothing from shard to shard", () => {
  const about = { name: "half", tasks: () => [], reset: () => null, keepsState: true };
  assert.throws(() => environment(about), /an episode knows nothing of others, take `keepsState` out/);
});

const counter = environment({
  name: "counter",
  config: { by: integer({ default: 1 }) },
  *tasks(count, seed) {
    for (let i = 0; i < count; i++) yield { id: `to-${i}`, data: { goal: i + 1 }, seed: seed + i };
  },
  reset({ data }, { by }) {
    let left = data.goal;
    return {
      prompt: "count",
      observation: String(left),
      step() {
        left -= by;
        return { observation: String(left), reward: 1, done: left <= 0 };
      },
    };
  },
});

test("episodes are played to their end", () => {
  const [start, first, last, after] = play(counter, ["up", "up", "up"], { task: 1 });
  assert.deepEqual(start, { prompt: "count", observation: "2" });
  assert.deepEqual([first.done, last.done], [false, true]);
  assert.equal(after.message, "episode 0 is over");
});

test("a definition that could not run is refused", () => {
  const about = { name: "x", reads: [], score: () => 1 };
  assert.throws(() => reward({ ...about, name: "X Y" }), /`name` is in kebab-case, found "X Y"/);
  assert.throws(() => reward({ ...about, score: 1 }), /reward `x` has no function `score`/);
  assert.throws(() => reward({ ...about, red: [] }), /unknown key `red`/);
  assert.throws(() => reward({ ...about, reads: "prompt" }), /`reads` is a list of columns, found "prompt"/);
  assert.throws(() => reward({ ...about, reads: ["turns."] }), /expected a column such as/);
  assert.throws(() => reward({ ...about, needs: ["sound"] }), /`needs`: unknown `sound`/);
});
