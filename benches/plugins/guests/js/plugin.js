// @ts-check
// What is measured of JavaScript plugins: 1 if an expression matches one of the actions, else 0.

import { reward, text } from "sternlight";

/** @type {RegExp | undefined} */
let compiled;

export default reward({
  name: "search",
  summary: "Looks for an expression in every action.",
  reads: { "turns.action": "utf8" },
  config: { regex: text({ default: "[0-9]+ (results|items)", description: "what to look for" }) },
  score({ turns }, config) {
    compiled ??= new RegExp(config.regex);
    const pattern = compiled;
    return turns.some((turn) => pattern.test(turn.action)) ? 1 : 0;
  },
});
