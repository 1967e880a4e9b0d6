/**
 * The stage's `with:`: each option is a small description, from which come its JSON Schema, its decoding with readable
 * errors, and (in `index.d.ts`) its type.
 */

export class ConfigError extends Error {
  name = "ConfigError";
}

const option = (schema, accepts, expected, { description, default: fallback, ...bounds } = {}) => ({
  schema: {
    ...schema,
    ...bounds,
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  },
  fallback,
  decode(value, where) {
    if (!accepts(value)) throw new ConfigError(`\`${where}\`: expected ${expected}, found ${JSON.stringify(value)}`);
    if (bounds.minimum !== undefined && value < bounds.minimum)
      throw new ConfigError(`\`${where}\`: expected at least ${bounds.minimum}, found ${value}`);
    if (bounds.maximum !== undefined && value > bounds.maximum)
      throw new ConfigError(`\`${where}\`: expected at most ${bounds.maximum}, found ${value}`);
    return value;
  },
});

export const boolean = (about) =>
  option({ type: "boolean" }, (value) => typeof value === "boolean", "true or false", about);
export const integer = (about) => option({ type: "integer" }, Number.isInteger, "a whole number", about);
export const number = (about) => option({ type: "number" }, Number.isFinite, "a number", about);
export const text = (about) => option({ type: "string" }, (value) => typeof value === "string", "text", about);

export const oneOf = (values, about) =>
  option(
    { enum: values },
    (value) => values.includes(value),
    `one of ${values.map((value) => `\`${value}\``).join(", ")}`,
    about,
  );

export function list(item, about) {
  const made = option({ type: "array", items: item.schema }, Array.isArray, "a list", about);
  const whole = made.decode;
  made.decode = (value, where) => whole(value, where).map((one, i) => item.decode(one, `${where}[${i}]`));
  return made;
}

/** An option that may be null or left out. */
export const optional = (of) => ({
  schema: { anyOf: [of.schema, { type: "null" }], default: null },
  fallback: null,
  decode: (value, where) => (value === null ? null : of.decode(value, where)),
});

/** JSON Schema (draft 7) of a record of options. */
export function schema(options) {
  const required = Object.keys(options).filter((name) => options[name].fallback === undefined);
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(options).map(([name, of]) => [name, of.schema])),
    additionalProperties: false,
    ...(required.length ? { required } : {}),
  };
}

/** The configuration as the plugin's functions get it. */
export function decode(options, values) {
  const known = Object.keys(options);
  for (const name of Object.keys(values)) {
    if (!known.includes(name)) {
      const expected = known.length ? `expected one of ${known.map((k) => `\`${k}\``).join(", ")}` : "there are none";
      throw new ConfigError(`\`with.${name}\`: unknown key, ${expected}`);
    }
  }
  const config = {};
  for (const [name, of] of Object.entries(options)) {
    if (name in values) config[name] = of.decode(values[name], `with.${name}`);
    else if (of.fallback !== undefined) config[name] = of.fallback;
    else throw new ConfigError(`\`with.${name}\`: missing`);
  }
  return config;
}
