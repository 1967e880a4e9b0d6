// @ts-check
/**
 * A reflection without a model: what went wrong where a tool failed, and whether the agent learned from it.
 *
 * A turn whose call failed (the record says so, or its result matches `patterns`) gets one of these verdicts, and a diagnosis
 * that quotes the error:
 *
 * - `repeated-error`: the very call that failed before, made again;
 * - `unrecovered-error`: the same tool was not called with success afterwards;
 * - `recovered-error`: it was.
 *
 * A call that works after the same tool failed gets `recovery`. Other turns have nothing said about them.
 */

import { integer, list, metric, reflect, text } from "sternlight";

export default reflect({
  name: "tool-errors",
  summary: "Says of failed tool calls whether the agent recovered from them.",
  reads: {
    "turns.observation": "utf8",
    "turns.tool_name": "utf8",
    "turns.tool_arguments": "utf8",
    "turns.tool_error": "bool",
    final_observation: "utf8",
  },
  config: {
    patterns: list(text(), {
      default: ["\\b(error|exception|traceback)\\b", "\\bnot found\\b"],
      description: "regular expressions that make a tool's result an error, in capitals or not",
    }),
    quote: integer({
      default: 160,
      minimum: 20,
      maximum: 2000,
      description: "most characters of the error that a diagnosis quotes",
    }),
  },
  reflect({ turns, finalObservation }, { patterns, quote }) {
    const errors = patterns.map((pattern) => new RegExp(pattern, "i"));
    // What a call gave is what is observed next.
    const results = [...turns.slice(1).map((turn) => turn.observation), finalObservation ?? ""];
    // The record's word if it has one, otherwise the look of the result.
    const isError = ({ toolError }, result) => toolError ?? errors.some((error) => error.test(result));
    const failed = turns.map((turn, i) => turn.toolName !== null && isError(turn, results[i]));
    const seen = new Set();
    const failing = new Set();
    metric("failed_calls", failed.filter(Boolean).length);
    return turns.map(({ toolName, toolArguments }, i) => {
      if (failed[i]) {
        const call = JSON.stringify([toolName, toolArguments]);
        const recovered = turns.some((later, j) => j > i && later.toolName === toolName && !failed[j]);
        const verdict = seen.has(call) ? "repeated-error" : recovered ? "recovered-error" : "unrecovered-error";
        seen.add(call);
        failing.add(toolName);
        return { verdict, diagnosis: `\`${toolName}\` failed: ${quoted(results[i], quote)}` };
      }
      if (failing.delete(toolName)) {
        return { verdict: "recovery", diagnosis: `\`${toolName}\` works after it had failed` };
      }
      return null;
    });
  },
});

/** The first line that says something, cut short. */
function quoted(text, limit) {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  const characters = [...(lines.find(Boolean) ?? "no message")];
  return characters.length <= limit ? characters.join("") : `${characters.slice(0, limit - 1).join("")}…`;
}
