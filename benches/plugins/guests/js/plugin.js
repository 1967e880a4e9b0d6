// @ts-check
// What is measured of JavaScript plugins: 1 if an expression matches one of the actions, and 1 if one of the observations.

import { reward, text } from "sternlight";

/** @type {RegExp | undefined} */
let compiled;

export default reward({
  name: "search",
  summary: "Looks for an expression in every action and every observation.",
  reads: { "turns.action": "utf8", "turns.observation": "utf8" },
  config: { regex: text({ default: "[0-9]+ (results|items)", description: "what to look for" }) },
  score({ turns }, config) {
    compiled ??= new RegExp(config.regex);
    const pattern = compiled;
    const done = turns.some((turn) => pattern.test(turn.action));
    return Number(done) + Number(turns.some((turn) => pattern.test(turn.observation)));
  },
});
