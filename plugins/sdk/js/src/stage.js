/**
 * Runs a plugin as the host would: configured once, then batches, a value or a failure for each row. The same code serves a
 * component and native tests.
 */

import { read, write } from "./arrow/index.js";
import { Batch } from "./batch.js";
import { added, kept } from "./columns.js";
import { ConfigError, decode } from "./config.js";
import * as results from "./results.js";
import { wellFormed, written } from "./show.js";

/** Why a row has no value. */
export class Failure {
  constructor(message) {
    this.message = message;
  }
}

const ROW_FIELDS = { trajectory_id: "id", group_id: "group", task_id: "task" };
const TRAJECTORY_FIELDS = ["id", "group", "task", "prompt", "finalObservation", "reward", "success", "seed", "status"];
const TURN_FIELDS = [
  ...["observation", "action", "toolName", "toolArguments", "reward", "verdict", "diagnosis"],
  ...["actionTokens", "actionLogprobs"],
];

export const camelCase = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Where the columns read are found: the properties of a trajectory and of a turn, and which of them travel in `extra`. */
export function layout(reads) {
  const made = { trajectory: [], turn: [], extraOfTrajectory: [], extraOfTurn: [] };
  for (const path of Object.keys(reads)) {
    if (path === "turns") continue; // their number, which is always there
    const ofTurn = path.startsWith("turns.");
    const column = ofTurn ? path.slice("turns.".length) : path;
    const property = ofTurn ? camelCase(column) : (ROW_FIELDS[column] ?? camelCase(column));
    made[ofTurn ? "turn" : "trajectory"].push(property);
    if (!(ofTurn ? TURN_FIELDS : TRAJECTORY_FIELDS).includes(property))
      made[ofTurn ? "extraOfTurn" : "extraOfTrajectory"].push([column, property]);
  }
  return made;
}

export class Stage {
  #definition;
  #config;
  #layout;
  #begin;
  #episodes = new Map();

  /**
   * @param definition what `reward(…)` and its like gave
   * @param config the stage's `with:` as JSON
   * @param begin called before each call of the plugin's code with what its randomness follows from
   */
  constructor(definition, config = "{}", begin = () => {}) {
    this.#definition = definition;
    this.#config = decode(definition.config, JSON.parse(config));
    this.#layout = layout(definition.reads);
    this.#begin = begin;
  }

  /** One checked result, or a `Failure`, for each trajectory. */
  rows(batch) {
    const { kind, adds } = this.#definition;
    const config = this.#config;
    switch (kind) {
      case "reward": {
        const withTurns = "turns.reward" in adds;
        return this.#each(batch, (t) => results.outcome(this.#definition.score(t, config), t, withTurns));
      }
      case "reflect":
        return this.#each(batch, (t) => results.reflections(this.#definition.reflect(t, config), t));
      case "relabel":
        return this.#each(batch, (t) => results.relabelled(this.#definition.relabel(t, config), t));
      case "advantage":
        return this.#groups(batch);
    }
  }

  /** The columns of a batch, as an Arrow IPC stream, and the rows without a value; or a `Failure` of the whole batch. */
  process(ipc) {
    return this.#attempt("", () => {
      const { adds, selects } = this.#definition;
      const batch = new Batch(read(ipc));
      this.#begin(batch.rows > 0 ? batch.column("trajectory_id")[0] : "");
      const given = this.#definition.process(batch, this.#config);
      const columns = selects ? kept(given, batch) : added(given, batch, adds);
      const errors = [...batch.failures].map(([row, message]) => ({ row, message }));
      return { ipc: encoded(columns, batch, adds), errors };
    });
  }

  tasks(count, seed) {
    return this.#attempt(String(seed), () => results.tasks(this.#definition.tasks(count, seed, this.#config)));
  }

  reset(episodes) {
    return episodes.map(([handle, task]) =>
      this.#attempt(`${task.id} ${task.seed}`, () => {
        const world = this.#definition.reset({ ...task, data: JSON.parse(task.data) }, this.#config);
        const start = results.start(world);
        this.#episodes.set(handle, { world, task, steps: 0, over: false });
        return start;
      }),
    );
  }

  step(moves) {
    return moves.map(({ episode: handle, action }) => {
      const episode = this.#episodes.get(handle);
      if (!episode) return new Failure(`there is no episode ${handle}`);
      if (episode.over) return new Failure(`episode ${handle} is over`);
      // Of the task and the step alone, so that episodes side by side do not disturb each other.
      return this.#attempt(`${episode.task.id} ${episode.task.seed} ${episode.steps}`, () => {
        const made = results.step(episode.world.step(action));
        episode.over = made.done;
        episode.steps += 1;
        return made;
      });
    });
  }

  close(episodes) {
    for (const handle of episodes) this.#episodes.delete(handle);
  }

  #each(batch, work) {
    return batch.map((trajectory) =>
      this.#attempt(trajectory.id, () => {
        this.#unfold(trajectory);
        return work(trajectory);
      }),
    );
  }

  #attempt(seed, work) {
    this.#begin(seed);
    try {
      return work();
    } catch (error) {
      return new Failure(explain(error));
    }
  }

  #groups(batch) {
    // Rows of a group need not be adjacent.
    const members = new Map();
    batch.forEach(({ group }, row) => (members.get(group) ?? members.set(group, []).get(group)).push(row));
    const made = Array(batch.length);
    for (const [name, rows] of members) {
      const group = rows.map((row) => batch[row]);
      const given = this.#attempt(name, () => {
        group.forEach((trajectory) => this.#unfold(trajectory));
        return results.advantages(this.#definition.advantage(group, this.#config), group);
      });
      rows.forEach((row, i) => (made[row] = given instanceof Failure ? given : given[i]));
    }
    return made;
  }

  /** Makes the further columns, which travel as JSON, properties like the others. */
  #unfold(trajectory) {
    const { extraOfTrajectory, extraOfTurn } = this.#layout;
    if (extraOfTrajectory.length) unfold(trajectory, extraOfTrajectory);
    if (extraOfTurn.length) for (const turn of trajectory.turns) unfold(turn, extraOfTurn);
  }
}

function encoded(columns, batch, adds) {
  const ofRows = [];
  const ofTurns = [];
  for (const [path, values] of columns) {
    if (path.startsWith("turns.")) ofTurns.push([path.slice("turns.".length), adds[path], values]);
    else ofRows.push([path, adds[path], values]);
  }
  const counts = ofTurns.length > 0 ? batch.turns.map(({ start, end }) => end - start) : [];
  return write(batch.rows, ofRows, ofTurns.length > 0 ? { counts, columns: ofTurns } : null);
}

function unfold(row, columns) {
  const extra = row.extra ? JSON.parse(row.extra) : {};
  for (const [column, property] of columns) row[property] = extra[column] ?? null;
}

/** The error with the places in the user's code, innermost first. */
export function explain(error) {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return wellFormed(`thrown: ${written(error)}`);
  const places = (error.stack ?? "")
    .split("\n")
    .map((line) => /^\s*at (?:(.*?) \()?((?:file:\/\/)?\/?.*?:\d+:\d+)\)?$/.exec(line))
    .filter((place) => place && !/\/(node_modules\/sternlight|sdk\/js)\/(src\/|component|testing)|node:/.test(place[2]))
    .map(([, name, place]) => `\n  at ${name && name !== "<anonymous>" ? name : "(anonymous)"} (${place.replace(/^\//, "")})`);
  const shown = places.length > 16 ? [...places.slice(0, 8), `\n  … ${places.length - 16} more`, ...places.slice(-8)] : places;
  const cause = error.cause === undefined ? "" : `\ncaused by ${explain(error.cause)}`;
  return wellFormed(`${error.name}: ${error.message}${shown.join("")}${cause}`);
}
