// @ts-check
/**
 * A reflection that finds calls which are made again: the same tool with the same arguments, earlier in the episode.
 *
 * Such a turn has the verdict `repeated`, and its diagnosis says how often the call was made. Nothing is said of other
 * turns.
 */

import { integer, reflect } from "sternlight";

export default reflect({
  name: "my-plugin",
  summary: "Finds calls that were made before.",
  reads: ["turns.tool_name", "turns.tool_arguments"],
  config: {
    allowed: integer({
      default: 0,
      minimum: 0,
      description: "how often a call may be made again before it is said to be repeated",
    }),
  },
  reflect({ turns }, { allowed }) {
    const made = new Map();
    return turns.map(({ toolName, toolArguments }) => {
      if (toolName === null) return null;
      const call = JSON.stringify([toolName, toolArguments]);
      const calls = (made.get(call) ?? 0) + 1;
      made.set(call, calls);
      if (calls <= allowed + 1) return null;
      const diagnosis = `call number ${calls} of \`${toolName}\` with these arguments`;
      return { verdict: "repeated", diagnosis };
    });
  },
});
