/** Plugins for sternlight pipelines as plain JavaScript functions. The types, and what each thing is: `index.d.ts`. */

export { boolean, integer, list, number, oneOf, optional, text } from "./src/config.js";
export { advantage, batch, environment, reflect, relabel, reward } from "./src/definition.js";
export { debug, error, info, metric, warn } from "./src/host.js";
