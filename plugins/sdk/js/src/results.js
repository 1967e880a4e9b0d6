/** What plugins give back, checked and in the shape of the contract's records: a wrong result says what was expected. */

import { show, wellFormed } from "./show.js";

export const LARGEST_FLOAT32 = 3.4028234663852886e38;

export function outcome(value, trajectory, withTurns) {
  if (value === null || typeof value !== "object" || value instanceof Promise)
    return { reward: numberOf(value, "a reward"), turnRewards: null };
  known(value, ["reward", "turnRewards"]);
  let turnRewards = value.turnRewards ?? null;
  if (turnRewards !== null) {
    if (!withTurns) throw new TypeError("rewards of turns are only taken with `turnRewards: true`");
    turnRewards = oneATurn(turnRewards, trajectory, "reward").map((one, i) => numberOf(one, `the reward of turn ${i}`));
  }
  return { reward: numberOf(value.reward, "a reward"), turnRewards };
}

export const reflections = (value, trajectory) =>
  oneATurn(value, trajectory, "reflection").map((one, i) => {
    if (one === null || one === undefined) return { verdict: null, diagnosis: null };
    known(one, ["verdict", "diagnosis"]);
    return {
      verdict: textOf(one.verdict, `the verdict of turn ${i}`),
      diagnosis: textOf(one.diagnosis, `the diagnosis of turn ${i}`),
    };
  });

export function relabelled(value, trajectory) {
  if (value === null || value === undefined) return [];
  const count = trajectory.turns.length;
  return listed(value, "copies of the trajectory").map((copy) => {
    known(copy, ["task", "prompt", "reward", "success", "keepTurns", "confidence", "turns"]);
    const keepTurns = copy.keepTurns ?? null;
    if (keepTurns !== null && !(Number.isInteger(keepTurns) && 0 <= keepTurns && keepTurns <= count))
      throw new RangeError(`\`keepTurns\` is ${show(keepTurns)}, but the trajectory has ${count} turns`);
    return {
      task: textOf(copy.task, "`task`"),
      prompt: textOf(copy.prompt, "`prompt`"),
      reward: numberOf(copy.reward, "`reward`"),
      success: booleanOf(copy.success, "`success`"),
      keepTurns,
      confidence: numberOf(copy.confidence, "`confidence`"),
      turns: listed(copy.turns ?? [], "edits of turns").map((edit) => {
        known(edit, ["turn", "reward", "weight"]);
        if (!(Number.isInteger(edit.turn) && 0 <= edit.turn && edit.turn < count))
          throw new RangeError(`turn ${show(edit.turn)} is edited, but the trajectory has ${count} turns`);
        return {
          turn: edit.turn,
          reward: numberOf(edit.reward, `the reward of turn ${edit.turn}`),
          weight: numberOf(edit.weight, `the weight of turn ${edit.turn}`),
        };
      }),
    };
  });
}

export function advantages(value, group) {
  const rows = listed(value, "one list a trajectory");
  if (rows.length !== group.length)
    throw new RangeError(`expected one list a trajectory of the group: ${group.length}, found ${rows.length}`);
  return rows.map((row, i) =>
    oneATurn(row, group[i], "advantage").map((one, turn) => numberOf(one, `the advantage of turn ${turn}`)),
  );
}

export const tasks = (value) =>
  listed(value, "tasks").map((task) => {
    known(task, ["id", "data", "seed"]);
    const seed = task.seed ?? 0;
    if (typeof task.id !== "string" || !Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
      throw new TypeError(`a task has a text for \`id\` and a seed below 2³², found ${show(task)}`);
    return { id: wellFormed(task.id), data: JSON.stringify(task.data ?? null), seed };
  });

export function start(value) {
  known(value, ["prompt", "observation", "step"]);
  if (typeof value.step !== "function") throw new TypeError(`\`reset\` gives a function \`step\`, found ${show(value.step)}`);
  return { prompt: textOf(value.prompt, "`prompt`", true), observation: textOf(value.observation, "`observation`", true) };
}

export function step(value) {
  known(value, ["observation", "reward", "done", "success"]);
  const done = booleanOf(value.done, "`done`") ?? false;
  return {
    observation: textOf(value.observation, "`observation`", true),
    reward: numberOf(value.reward ?? 0, "the reward of a step"),
    done,
    success: booleanOf(value.success, "`success`"),
  };
}

function numberOf(value, what) {
  if (value === null || value === undefined) return null;
  if (typeof value !== "number") throw new TypeError(`${what} is a number or null, found ${show(value)}`);
  if (!(Math.abs(value) <= LARGEST_FLOAT32)) throw new RangeError(`${what} is a finite 32-bit number, found ${value}`);
  return value;
}

function textOf(value, what, required = false) {
  if (typeof value === "string") return wellFormed(value);
  if (!required && (value === null || value === undefined)) return null;
  throw new TypeError(`${what} is text${required ? "" : " or null"}, found ${show(value)}`);
}

function booleanOf(value, what) {
  if (value === null || value === undefined) return null;
  if (typeof value !== "boolean") throw new TypeError(`${what} is true, false or null, found ${show(value)}`);
  return value;
}

/** A misspelt key would otherwise be lost without a word. */
function known(value, keys) {
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Promise)
    throw new TypeError(`expected an object with ${keys.map((k) => `\`${k}\``).join(", ")}, found ${show(value)}`);
  for (const key in value) {
    if (!keys.includes(key))
      throw new TypeError(`unknown key \`${key}\`, expected one of ${keys.map((k) => `\`${k}\``).join(", ")}`);
  }
}

function oneATurn(value, trajectory, what) {
  const rows = listed(value, `one ${what} a turn`);
  if (rows.length !== trajectory.turns.length)
    throw new RangeError(`expected one ${what} a turn: ${trajectory.turns.length}, found ${rows.length}`);
  return rows;
}

/** The values that were given, if they are several. */
export function listed(value, what) {
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value?.[Symbol.iterator]) return [...value];
  throw new TypeError(`expected a list: ${what}, found ${show(value)}`);
}
