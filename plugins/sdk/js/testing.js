/** Trying a plugin in plain JavaScript, with the checks and the view of columns that it will have in a pipeline. */

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
  return stage.rows(trajectories.map((one) => asSent(plugin, one)));
}

export function play(plugin, actions, { task = 0, seed = 0, config = {} } = {}) {
  const stage = new Stage(plugin, JSON.stringify(config));
  const tasks = stage.tasks(task + 1, seed);
  if (tasks instanceof Failure) return [tasks];
  return [...stage.reset([[0, tasks[task]]]), ...actions.map((action) => stage.step([{ episode: 0, action }])[0])];
}

/** The columns that the plugin reads; asking for another is an error, where a pipeline would have nothing. */
function asSent(plugin, { turns, ...row }) {
  const read = layout(plugin.reads);
  const paths = [...Object.keys(plugin.reads), ...Object.keys(plugin.adds)];
  const knowsTurns = paths.some((path) => path === "turns" || path.startsWith("turns."));
  const sent = knowsTurns ? turns.map((one) => only(one, read.turn, "turns.", turn())) : [];
  const ofGroups = plugin.kind === "advantage" ? ["group"] : [];
  return only({ ...row, turns: sent }, [...read.trajectory, ...ofGroups, "turns"], "", trajectory());
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
