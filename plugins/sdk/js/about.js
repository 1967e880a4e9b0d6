/**
 * `node about.js FOLDER`: what `plugin build` must know of FOLDER/plugin.js, as JSON; `app` is the text of the application
 * that it puts beside the plugin. A module that cannot be imported fails here, with node's own message.
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { schema } from "./src/config.js";

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node about.js FOLDER");
  process.exit(2);
}
const { default: definition } = await import(pathToFileURL(resolve(folder, "plugin.js")));
if (!definition?.kind) {
  console.error("error: the default export of plugin.js is not a plugin, such as `reward({ … })` gives");
  process.exit(1);
}
const { kind, name, version, summary, needs, config } = definition;
const app = `import { component } from "sternlight/component.js";
import definition from "./plugin.js";

export const { plugin, ${kind}Stage } = component(definition);
`;
console.log(JSON.stringify({ world: kind, app, name, version, summary, needs, "config-schema": schema(config) }, null, 2));
