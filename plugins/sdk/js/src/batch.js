/** Whole batches as plugins see them: columns of values. Not concerned with bytes: that is `arrow`. */

import { wellFormed } from "./show.js";

/**
 * Trajectories, column by column. A column of trajectories has one value for each of them; a column below `turns` one value
 * for each turn of all of them, in order: `turns` says whose they are.
 */
export class Batch {
  #received;
  #columns = new Map();
  #turns = null;

  constructor(received) {
    this.#received = received;
    this.rows = received.rows;
    /** Why rows have no value, by row: see `fail`. */
    this.failures = new Map();
  }

  column(path) {
    if (!this.#columns.has(path)) {
      const column = this.#received.column(path);
      if (!column) throw notRead(path);
      this.#columns.set(path, column.values());
    }
    return this.#columns.get(path);
  }

  get turns() {
    if (this.#turns === null) {
      const offsets = this.#received.column("turns")?.offsets;
      if (!offsets) throw notRead("turns");
      this.#turns = Array.from({ length: this.rows }, (_, row) => ({ start: offsets[row], end: offsets[row + 1] }));
    }
    return this.#turns;
  }

  byTrajectory(values) {
    return this.turns.map(({ start, end }) => values.slice(start, end));
  }

  fail(row, message) {
    if (!(Number.isInteger(row) && 0 <= row && row < this.rows))
      throw new RangeError(`there is no row ${row}, the batch has ${this.rows}`);
    if (!this.failures.has(row)) this.failures.set(row, wellFormed(message));
  }
}

const notRead = (path) => new TypeError(`column \`${path}\` is not read by this plugin; name it in \`reads\``);
