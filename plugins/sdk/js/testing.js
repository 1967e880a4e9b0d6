/** Trying a plugin in plain JavaScript, with the checks and the view of columns that it will have in a pipeline. */

import { read, write } from "./src/arrow/index.js";
import { Batch } from "./src/batch.js";
import { KEEP, taker } from "./src/columns.js";
import { Failure, layout, Stage } from "./src/stage.js";

export { Failure };

const TURN = { observation: "", action: "", toolName: null, toolArguments: null, reward: null, verdict: null };
const TURN_REST = { diagnosis: null, actionTokens: null, actionLogprobs: null };
const TRAJECTORY = { id: "", group: "", task: null, prompt: null, finalObservation: null, reward: null, success: null };
const TRAJECTORY_REST = { seed: null, status: null };

export const turn = (columns = {}) => ({ ...TURN, ...TURN_REST, ...columns });

export const trajectory = ({ turns = [], ...columns } = {}) => ({
  ...TRAJECTORY,
  ...TRAJECTORY_REST,
  ...columns,
  turns: turns.map(turn),
});

export function run(plugin, trajectories, config = {}) {
  const stage = new Stage({ ...plugin, reads: {} }, JSON.stringify(config));
  if (plugin.kind === "batch") return byRow(plugin, trajectories, stage.process(sentColumns(plugin, trajectories)));
  return stage.rows(trajectories.map((one) => asSent(plugin, one)));
}

export const batchOf = (plugin, trajectories) => new Batch(read(sentColumns(plugin, trajectories)));

export function play(plugin, actions, { task = 0, seed = 0, config = {} } = {}) {
  const stage = new Stage(plugin, JSON.stringify(config));
  const tasks = stage.tasks(task + 1, seed);
  if (tasks instanceof Failure) return [tasks];
  return [...stage.reset([[0, tasks[task]]]), ...actions.map((action) => stage.step([{ episode: 0, action }])[0])];
}

/** The columns that the plugin reads; asking for another is an error, where a pipeline would have nothing. */
function asSent(plugin, { turns, ...row }) {
  const sees = layout(plugin.reads);
  const sent = knowsTurns(plugin) ? turns.map((one) => only(one, sees.turn, "turns.", turn())) : [];
  const ofGroups = plugin.kind === "advantage" ? ["group"] : [];
  return only({ ...row, turns: sent }, [...sees.trajectory, ...ofGroups, "turns"], "", trajectory());
}

const knowsTurns = ({ reads, adds }) =>
  [...Object.keys(reads), ...Object.keys(adds)].some((path) => path === "turns" || path.startsWith("turns."));

/** The columns that a batch plugin reads, through the same bytes as in a pipeline. */
function sentColumns(plugin, trajectories) {
  const turns = trajectories.flatMap((one) => one.turns);
  const columns = (rows, ofTurns) =>
    Object.keys(plugin.reads)
      .filter((path) => path !== "turns" && path.startsWith("turns.") === ofTurns)
      .map((path) => {
        const { [ofTurns ? "turn" : "trajectory"]: [property] } = layout({ [path]: "" });
        const [dataType, values] = typed(path, plugin.reads[path], rows.map((row) => row[property] ?? null));
        return [path.replace(/^turns\./, ""), dataType, values];
      });
  const ofTurns = { counts: trajectories.map((one) => one.turns.length), columns: columns(turns, true) };
  return write(trajectories.length, columns(trajectories, false), knowsTurns(plugin) ? ofTurns : null);
}

/** Values in the type that the plugin wants, or else the dataset has. */
function typed(path, wanted, given) {
  const values = path === "seed" ? given.map((seed) => (seed === null ? null : BigInt(seed))) : given;
  const dataType = wanted || TYPES[path] || typeOf(values.filter((value) => value !== null));
  const taken = taker(dataType);
  const take = (value, i) => {
    try {
      return taken(value);
    } catch (error) {
      throw new error.constructor(`${error.where ?? ""}value ${i} of \`${path}\` ${error.message}`);
    }
  };
  return [dataType, values.map(take)];
}

/** What datasets hold, where it is not what the values say. */
const TYPES = {
  seed: "uint64",
  "turns.action_tokens": "list<int32>",
  "turns.prompt_tokens": "list<int32>",
  "turns.action_logprobs": "list<float32>",
};
for (const path of ["reward", "relabel_confidence", "turns.reward", "turns.return", "turns.advantage", "turns.weight"])
  TYPES[path] = "float32";

function typeOf(values) {
  if (Array.isArray(values[0])) return `list<${typeOf(values.flat())}>`;
  // A dataset's integers of 64 bits come as BigInt: a test that passes with numbers would say nothing.
  if (values.length > 0 && values.every(Number.isInteger)) return "int64";
  return { boolean: "bool", number: "float64", bigint: "int64" }[typeof values[0]] ?? "utf8";
}

/** What came back, for each trajectory: its columns, or whether it is kept, or a `Failure`. */
function byRow(plugin, trajectories, made) {
  if (made instanceof Failure) return trajectories.map(() => made);
  const received = read(made.ipc);
  const rows = trajectories.map(() => ({}));
  for (const path of Object.keys(plugin.adds)) {
    const values = received.column(path)?.values() ?? [];
    let at = 0;
    trajectories.forEach(({ turns }, row) => {
      rows[row][path] = path.startsWith("turns.") ? values.slice(at, (at += turns.length)) : values[row];
    });
  }
  const failures = new Map(made.errors.map(({ row, message }) => [row, new Failure(message)]));
  return rows.map((one, row) => failures.get(row) ?? (plugin.selects ? one[KEEP] : one));
}

function only(row, read, prefix, fields) {
  return new Proxy(row, {
    get(target, property) {
      if (typeof property === "symbol" || read.includes(property)) return target[property] ?? null;
      if (property in fields) return typeof fields[property] === "string" ? "" : null;
      throw new TypeError(`column \`${prefix}${snakeCase(property)}\` is not read by this plugin; name it in \`reads\``);
    },
  });
}

const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
