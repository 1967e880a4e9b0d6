// @ts-check
/**
 * Columns about the length of actions, over whole batches: what the other kinds of plugins have no place for.
 *
 * `turns.action_length` is the length of each action, `action_length` that of all actions of the episode together.
 */

import { batch, oneOf } from "sternlight";

const words = (text) => text.match(/\S+/g)?.length ?? 0;
const characters = (text) => [...text].length;
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

export default batch({
  name: "my-plugin",
  summary: "Measures actions.",
  reads: { "turns.action": "utf8" },
  adds: { "turns.action_length": "int32", action_length: "int32" },
  config: {
    unit: oneOf(["words", "characters"], { default: "words", description: "what is counted" }),
  },
  process(batch, { unit }) {
    const lengths = batch.column("turns.action").map(unit === "words" ? words : characters);
    return { "turns.action_length": lengths, action_length: batch.byTrajectory(lengths).map(sum) };
  },
});
