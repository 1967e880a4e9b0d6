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
  // Not `forEach`, which passes holes by.
  for (let row = 0; row < batch.rows; row++) {
    if (typeof values[row] !== "boolean")
      batch.fail(row, `TypeError: whether row ${row} is kept is true or false, found ${show(values[row])}`);
  }
  return withoutFailedRows([[KEEP, values]], batch);
}

function column(value, path, dataType, batch) {
  const ofTurns = path.startsWith("turns.");
  const what = `one value a ${ofTurns ? "turn" : "trajectory"} in column \`${path}\``;
  const values = listed(value, what);
  const count = ofTurns ? (batch.turns.at(-1)?.end ?? 0) : batch.rows;
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
 * type. A value that fits is told by one test: there are thousands in a call.
 */
export function taker(dataType) {
  const within = element(dataType);
  if (within !== null) return takerOfLists(taker(within));
  switch (dataType) {
    case "bool":
      return (value) => (typeof value === "boolean" ? value : nothing(value, "true, false or null"));
    case "utf8":
      return (value) => (typeof value === "string" ? wellFormed(value) : nothing(value, "text or null"));
    case "float32":
      return takerOfFloats(32, LARGEST_FLOAT32);
    case "float64":
      return takerOfFloats(64, Number.MAX_VALUE);
    case "int64":
    case "uint64":
      return takerOfBigInts(...bounds(dataType));
    default:
      return takerOfIntegers(...bounds(dataType));
  }
}

function takerOfLists(taken) {
  const each = (one, i) => {
    try {
      return taken(one);
    } catch (error) {
      error.where = `${error.where ?? ""}element ${i} of `;
      throw error;
    }
  };
  // Not `map`, which passes holes by.
  return (value) => (Array.isArray(value) ? Array.from(value, each) : nothing(value, "a list or null"));
}

function takerOfFloats(bits, largest) {
  return (value) => {
    if (typeof value !== "number") return nothing(value, "a number or null");
    if (Math.abs(value) <= largest) return value;
    throw new RangeError(`is a finite ${bits}-bit number, found ${value}`);
  };
}

function takerOfIntegers(least, greatest) {
  return (value) => {
    if (Number.isInteger(value) && least <= value && value <= greatest) return value;
    if (typeof value !== "number") return nothing(value, "a whole number or null");
    throw new RangeError(`is a whole number from ${least} to ${greatest}, found ${value}`);
  };
}

function takerOfBigInts(least, greatest) {
  return (value) => {
    if (typeof value !== "number" && typeof value !== "bigint") return nothing(value, "a whole number, a BigInt or null");
    // Of a number beyond 2⁵³ nobody knows which one was meant.
    if (typeof value === "number" && !Number.isSafeInteger(value))
      throw new RangeError(`is a whole number, beyond 2⁵³ a BigInt, found ${value}`);
    const whole = BigInt(value);
    if (least <= whole && whole <= greatest) return whole;
    throw new RangeError(`is a whole number from ${least} to ${greatest}, found ${value}`);
  };
}

/** Null, if the value is nothing. */
function nothing(value, expected) {
  if (value === null || value === undefined) return null;
  throw new TypeError(`is ${expected}, found ${show(value)}`);
}
