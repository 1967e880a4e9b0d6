// @ts-check
/**
 * An environment: the agent is to find a number, and is told after each guess whether it is higher or lower.
 *
 * The right guess is worth 1. The episode is over with it, or without success after `max_steps` guesses.
 */

import { environment, integer } from "sternlight";

export default environment({
  name: "my-plugin",
  summary: "A number to be found.",
  config: {
    highest: integer({ default: 100, minimum: 2, description: "the highest number; the lowest is 1" }),
    max_steps: integer({ default: 10, minimum: 1, description: "guesses before the episode ends" }),
  },
  tasks(count, seed, { highest }) {
    const task = (_, i) => ({ id: `number-${seed}-${i}`, data: { number: 1 + (mixed(seed, i) % highest) }, seed });
    return Array.from({ length: count }, task);
  },
  reset({ data: { number } }, { highest, max_steps }) {
    let stepsLeft = max_steps;
    return {
      prompt: `I think of a number from 1 to ${highest}. Find it: say one number at a time.`,
      observation: "Which number is it?",
      step(action) {
        stepsLeft -= 1;
        const guess = /^\s*-?\d+\s*$/.test(action) ? Number(action) : null;
        const found = guess === number;
        const hint = guess === null ? "That is no number." : guess < number ? "It is higher." : "It is lower.";
        const done = found || stepsLeft === 0;
        return {
          observation: found ? "That is it." : hint,
          reward: found ? 1 : 0,
          done,
          success: done ? found : null,
        };
      },
    };
  },
});

/** A number that looks random and is the same for the same seed and index (the last steps of MurmurHash3). */
function mixed(seed, index) {
  let hash = seed ^ Math.imul(index, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
