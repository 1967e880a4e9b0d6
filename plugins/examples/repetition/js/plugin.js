// @ts-check
/**
 * Columns about repetition, over whole batches: what a typed world has no place for.
 *
 * `turns.repetitions`: how often the same action was taken before in the episode. `distinct_actions`: the share of an
 * episode's actions that are new; none where there are no turns. Actions are compared without the spaces around them and,
 * with `ignore_case`, without regard to case.
 */

import { batch, boolean } from "sternlight";

export default batch({
  name: "repetition",
  summary: "Counts how often each action was taken before in its episode.",
  reads: { "turns.action": "utf8" },
  adds: { "turns.repetitions": "int32", distinct_actions: "float32" },
  config: {
    ignore_case: boolean({ default: false, description: "Whether `LOOK` and `look` are the same action." }),
  },
  process(batch, { ignore_case }) {
    const trimmed = batch.column("turns.action").map((action) => action.trim());
    const actions = ignore_case ? trimmed.map((action) => action.toLowerCase()) : trimmed;
    const repetitions = [];
    const distinct = batch.byTrajectory(actions).map((own) => {
      const seen = new Map();
      for (const action of own) {
        const times = seen.get(action) ?? 0;
        repetitions.push(times);
        seen.set(action, times + 1);
      }
      return own.length > 0 ? seen.size / own.length : null;
    });
    return { "turns.repetitions": repetitions, distinct_actions: distinct };
  },
});
