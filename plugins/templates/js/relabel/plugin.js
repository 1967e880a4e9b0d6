// @ts-check
/**
 * A relabeller with hindsight: a failed episode as a success at the last thing that it did achieve.
 *
 * What was achieved is the last tool call whose result is no error. The copy ends with that call, is told to make it, and
 * has reward 1. Episodes that did not fail, and those in which nothing worked, have no copy.
 */

import { relabel, text } from "sternlight";

export default relabel({
  name: "my-plugin",
  summary: "Relabels failures with the last call that worked.",
  reads: {
    success: "bool",
    "turns.observation": "utf8",
    "turns.tool_name": "utf8",
    "turns.tool_arguments": "utf8",
    final_observation: "utf8",
  },
  config: {
    error: text({ default: "Error", description: "what the result of a call that failed begins with" }),
  },
  relabel({ success, turns, finalObservation }, { error }) {
    if (success !== false) return [];
    // What came of a turn is what is observed next.
    const results = [...turns.slice(1).map((turn) => turn.observation), finalObservation ?? ""];
    const last = turns.findLastIndex((turn, i) => turn.toolName !== null && !results[i].startsWith(error));
    if (last === -1) return [];
    const { toolName, toolArguments } = turns[last];
    const prompt = `Call \`${toolName}\` with the arguments ${toolArguments ?? "{}"}.`;
    return [{ prompt, reward: 1, success: true, keepTurns: last + 1 }];
  },
});
