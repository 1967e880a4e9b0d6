/** Values as text, for messages and events: never throws, and never gives what the host cannot take. */

const LONGEST = 80;

/** A value as a message shows it, cut short. */
export function show(value) {
  if (value instanceof Promise) return "a Promise (is the function async?)";
  if (typeof value === "function") return "a function";
  const text = typeof value === "string" ? JSON.stringify(value) : written(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

/** A value as `console` writes it. */
export function written(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_, of) => (typeof of === "bigint" ? String(of) : of));
  } catch (error) {
    return `[${error.message}]`;
  }
}

/** Half of a pair of surrogates is no character: the host would end the component. */
export const wellFormed = (text) => String(text).toWellFormed();
