/**
 * What a batch plugin gives back, checked: columns of the types that it adds, as long as they must be. A column that is missing
 * or has another length is an error of the whole batch; a value that does not fit is one of its row.
 */

import { bounds, element } from "./arrow/types.js";
import { LARGEST_FLOAT32, listed } from "./results.js";
import { show, wellFormed } from "./show.js";

/** The column of a plugin that selects rows. */
export const KEEP = "keep";

/** Checks the columns that a function returned, by path. Rows with a value that does not fit fail, and have null. */
export function added(value, batch, adds) {
  const paths = Object.keys(adds);
  const expected = paths.map((path) => `\`${path}\``).join(", ");
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Promise)
    throw new TypeError(`a batch plugin returns an object with the columns ${expected}, found ${show(value)}`);
  for (const path of Object.keys(value)) {
    if (!paths.includes(path)) throw new RangeError(`unknown column ${show(path)}, expected ${expected}`);
  }
  const columns = paths.map((path) => {
    if (!(path in value)) throw new RangeError(`there is no column \`${path}\`, expected ${expected}`);
    return [path, column(value[path], path, adds[path], batch)];
  });
  return withoutFailedRows(columns, batch);
}

/** Checks which rows a function keeps: true or false a trajectory. */
export function kept(value, batch) {
  const values = listed(value, "true or false a trajectory");
  if (values.length !== batch.rows)
    throw new RangeError(`expected true or false a trajectory: ${batch.rows}, found ${values.length}`);
  values.forEach((one, row) => {
    if (typeof one !== "boolean")
      batch.fail(row, `TypeError: whether row ${row} is kept is true or false, found ${show(one)}`);
  });
  return withoutFailedRows([[KEEP, values]], batch);
}

function column(value, path, dataType, batch) {
  const ofTurns = path.startsWith("turns.");
  const what = `one value a ${ofTurns ? "turn" : "trajectory"} in column \`${path}\``;
  const values = listed(value, what);
  const count = ofTurns ? batch.turns.reduce((sum, { start, end }) => sum + end - start, 0) : batch.rows;
  if (values.length !== count) throw new RangeError(`expected ${what}: ${count}, found ${values.length}`);
  const taken = taker(dataType);
  const made = new Array(count);
  for (let place = 0; place < count; place++) {
    try {
      made[place] = taken(values[place]);
    } catch (error) {
      const [row, turn] = ofTurns ? rowOf(place, batch) : [place, ""];
      batch.fail(row, `${error.name}: ${error.where ?? ""}\`${path}\` of ${turn}row ${row} ${error.message}`);
    }
  }
  return made;
}

/** Whose turn that is, and which one. */
function rowOf(place, batch) {
  const row = batch.turns.findIndex(({ start, end }) => start <= place && place < end);
  return [row, `turn ${place - batch.turns[row].start} of `];
}

function withoutFailedRows(columns, batch) {
  const made = new Map();
  for (const [path, values] of columns) {
    const left = batch.failures.size > 0 ? [...values] : values;
    for (const row of batch.failures.keys()) {
      const { start, end } = path.startsWith("turns.") ? batch.turns[row] : { start: row, end: row + 1 };
      left.fill(null, start, end);
    }
    made.set(path, left);
  }
  return made;
}

/**
 * What takes values of this type as they are written. It throws what is wrong with one, and `where` within it. Null fits every
 * type.
 */
export function taker(dataType) {
  const taken = takerOfValues(dataType);
  return (value) => (value === null || value === undefined ? null : taken(value));
}

function takerOfValues(dataType) {
  const within = element(dataType);
  if (within !== null) {
    const taken = taker(within);
    return (value) => {
      if (!Array.isArray(value)) throw new TypeError(`is a list or null, found ${show(value)}`);
      return value.map((one, i) => {
        try {
          return taken(one);
        } catch (error) {
          error.where = `${error.where ?? ""}element ${i} of `;
          throw error;
        }
      });
    };
  }
  switch (dataType) {
    case "bool":
      return (value) => {
        if (typeof value !== "boolean") throw new TypeError(`is true, false or null, found ${show(value)}`);
        return value;
      };
    case "utf8":
      return (value) => {
        if (typeof value !== "string") throw new TypeError(`is text or null, found ${show(value)}`);
        return wellFormed(value);
      };
    case "float32":
    case "float64": {
      const largest = dataType === "float32" ? LARGEST_FLOAT32 : Number.MAX_VALUE;
      return (value) => {
        if (typeof value !== "number") throw new TypeError(`is a number or null, found ${show(value)}`);
        if (!(Math.abs(value) <= largest))
          throw new RangeError(`is a finite ${dataType.slice("float".length)}-bit number, found ${value}`);
        return value;
      };
    }
    default:
      return takerOfIntegers(dataType);
  }
}

function takerOfIntegers(dataType) {
  const [least, greatest] = bounds(dataType);
  const isWide = typeof least === "bigint";
  return (value) => {
    if (typeof value !== "number" && !(isWide && typeof value === "bigint"))
      throw new TypeError(`is a whole number${isWide ? ", a BigInt" : ""} or null, found ${show(value)}`);
    // Of a number beyond 2⁵³ nobody knows which one was meant.
    if (typeof value === "number" && !Number.isSafeInteger(value))
      throw new RangeError(`is a whole number${isWide ? ", beyond 2⁵³ a BigInt" : ""}, found ${value}`);
    const whole = isWide ? BigInt(value) : value;
    if (!(least <= whole && whole <= greatest))
      throw new RangeError(`is a whole number from ${least} to ${greatest}, found ${value}`);
    return whole;
  };
}
