// @ts-check
/**
 * An advantage by rank: it matters which episodes of a group were better, not by how much.
 *
 * With n scored episodes in the group, an episode that beats b of the others and loses to w has (b − w) / (n − 1), times
 * `scale`, for each of its turns; one alone has 0. An episode without a reward has no advantage and is no rival.
 */

import { advantage, number } from "sternlight";

export default advantage({
  name: "my-plugin",
  summary: "Ranks the episodes of a group.",
  reads: { reward: "float32", turns: "" },
  config: {
    scale: number({ default: 1, minimum: 0, description: "the advantage of an episode that beats all others" }),
  },
  advantage(group, { scale }) {
    const rewards = group.flatMap(({ reward }) => (reward === null ? [] : [reward]));
    const rivals = Math.max(1, rewards.length - 1);
    const of = (reward) => {
      if (reward === null) return null;
      const beaten = rewards.filter((other) => other < reward).length;
      const better = rewards.filter((other) => other > reward).length;
      return (scale * (beaten - better)) / rivals;
    };
    return group.map(({ reward, turns }) => turns.map(() => of(reward)));
  },
});
