import type { Batch, Plugin, Trajectory, Turn } from "./index.js";

/** Why a row has no value. */
export class Failure {
  readonly message: string;
}

/** A turn with these columns; the others are null or "". */
export function turn(columns?: Partial<Turn>): Turn;

/** A trajectory with these columns; the others are null or "". */
export function trajectory(columns?: Partial<Omit<Trajectory, "turns">> & { turns?: Partial<Turn>[] }): Trajectory;

/**
 * Runs a plugin over trajectories; `config` is what the pipeline gives in `with`. Asking for a column that the plugin does not
 * read is an error. A row whose function threw has a `Failure`. What a batch plugin gives for a row is an object of its columns,
 * or whether the row is kept.
 */
export function run(plugin: Plugin<any>, trajectories: Trajectory[], config?: object): any[];

/** The batch that a plugin would get of these trajectories, to call its `process` with. */
export function batchOf(plugin: Plugin<any>, trajectories: Trajectory[]): Batch;

/** Plays an episode: how the task with this number starts, then a step (or a `Failure`) for each action. */
export function play(
  plugin: Plugin<any>,
  actions: string[],
  options?: { task?: number; seed?: number; config?: object },
): any[];
