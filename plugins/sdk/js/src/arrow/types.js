/** Types of columns in the words of the contract: `utf8`, `float32`, `list<int32>`. */

/** Numbers by name, as arrays of them lie in memory. Those of 64 bits are BigInts. */
export const NUMBERS = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** All but lists of them. */
export const NAMES = ["bool", ...Object.keys(NUMBERS), "utf8"];

/** The type of a list's elements; null if it is no list. */
export const element = (dataType) => /^list<(.*)>$/.exec(dataType)?.[1] ?? null;

/** Whether a column can be written in this type. */
export function isKnown(dataType) {
  const within = element(dataType);
  return within === null ? NAMES.includes(dataType) : isKnown(within);
}

/** The least and the greatest number of a type of integers; of 64 bits as BigInts. */
export function bounds(integer) {
  const [, unsigned, digits] = /^(u?)int(\d+)$/.exec(integer);
  const bits = BigInt(digits);
  const [least, greatest] = unsigned ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
  return bits === 64n ? [least, greatest] : [Number(least), Number(greatest)];
}
