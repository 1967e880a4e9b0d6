// @ts-check
/**
 * A reward for agents that get there in few turns.
 *
 * A success begins at 1 and loses `per_turn` for every turn beyond `free_turns`, down to 0; a failure has 0. An episode that
 * was never judged is not scored, which is not the same as 0.
 */

import { integer, number, reward } from "sternlight";

export default reward({
  name: "my-plugin",
  summary: "Rewards success in few turns.",
  reads: { success: "bool", turns: "" },
  config: {
    free_turns: integer({ default: 3, minimum: 0, description: "turns that cost nothing" }),
    per_turn: number({ default: 0.1, minimum: 0, maximum: 1, description: "what each further turn costs" }),
  },
  score({ success, turns }, config) {
    if (success === null) return null;
    const beyond = Math.max(0, turns.length - config.free_turns);
    return success ? Math.max(0, 1 - config.per_turn * beyond) : 0;
  },
});
