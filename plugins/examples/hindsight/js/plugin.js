// @ts-check
/**
 * A hindsight relabeller: a failed episode as a success at what it did achieve.
 *
 * Each tool call that worked is something achieved. The last `copies` of them (different ones) become the task of a copy of
 * the trajectory, which ends with that call and has reward 1. Its confidence is the share of calls, up to there, that worked:
 * where the agent mostly stumbled, the achieved call was hardly its aim. Turns whose call failed have weight 0.
 */

import { integer, list, number, relabel, text } from "sternlight";

export default relabel({
  name: "hindsight",
  summary: "Relabels failed episodes with the tool calls that they achieved.",
  reads: {
    success: "bool",
    ...{ "turns.tool_name": "utf8", "turns.tool_arguments": "utf8", "turns.tool_error": "bool" },
  },
  config: {
    template: text({
      default: "Use the tool `{tool}` with the arguments {arguments}.",
      description: "the task of a copy; {tool} and {arguments} stand for what was achieved",
    }),
    tools: list(text(), { default: [], description: "tools that achieve something, such as `book`; none: all" }),
    copies: integer({ default: 1, minimum: 1, maximum: 16, description: "most copies of one trajectory" }),
    confidence: number({ default: 0.5, minimum: 0, maximum: 1, description: "the least confidence of a copy" }),
  },
  *relabel({ success, turns }, { template, tools, copies, confidence }) {
    if (success !== false) return;
    const seen = new Set();
    for (let last = turns.length - 1; last >= 0 && seen.size < copies; last--) {
      const { toolName, toolArguments, toolError } = turns[last];
      if (toolName === null || toolError || (tools.length && !tools.includes(toolName))) continue;
      const task = template.replaceAll("{tool}", () => toolName).replaceAll("{arguments}", () => toolArguments ?? "{}");
      if (seen.has(task)) continue;
      const calls = turns.slice(0, last + 1).filter((turn) => turn.toolName !== null);
      const worked = calls.filter((turn) => !turn.toolError).length / calls.length;
      if (worked < confidence) continue;
      seen.add(task);
      yield {
        prompt: task,
        reward: 1,
        success: true,
        keepTurns: last + 1,
        confidence: worked,
        turns: turns.slice(0, last + 1).flatMap((turn, i) => (turn.toolError ? [{ turn: i, weight: 0 }] : [])),
      };
    }
  },
});
