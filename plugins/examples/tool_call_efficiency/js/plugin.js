// @ts-check
/**
 * A reward for agents that reach their goal with few tool calls that work.
 *
 * A success begins at 1 and loses `per_call` for each tool call beyond `free_calls` and `per_error` for each call that failed,
 * down to `floor`; a failure has 0. A trajectory that was never judged is not scored.
 */

import { integer, number, reward } from "sternlight";

export default reward({
  name: "tool-call-efficiency",
  summary: "Rewards success with few tool calls that work.",
  reads: { success: "bool", "turns.tool_name": "utf8", "turns.tool_error": "bool" },
  config: {
    free_calls: integer({ default: 2, minimum: 0, description: "tool calls that cost nothing" }),
    per_call: number({ default: 0.05, minimum: 0, maximum: 1, description: "what each further call costs" }),
    per_error: number({ default: 0.1, minimum: 0, maximum: 1, description: "what each failed call costs, on top" }),
    floor: number({ default: 0.1, minimum: 0, maximum: 1, description: "the least that a success is worth" }),
  },
  score({ success, turns }, config) {
    if (success === null) return null;
    if (!success) return 0;
    const calls = turns.filter((turn) => turn.toolName !== null).length;
    const errors = turns.filter((turn) => turn.toolError === true).length;
    const cost = config.per_call * Math.max(0, calls - config.free_calls) + config.per_error * errors;
    return Math.max(config.floor, 1 - cost);
  },
});
