"""Columns about repetition, over whole batches: what a typed world has no place for.

`turns.repetitions`: how often the same action was taken before in the episode. `distinct_actions`: the share of an
episode's actions that are new; none where there are no turns. Actions are compared without the spaces around them and, with
`ignore_case`, without regard to case.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from sternlight import Batch, batch


@dataclass
class Config:
    ignore_case: Annotated[bool, "Whether `LOOK` and `look` are the same action."] = False


@batch(
    reads={"turns.action": "utf8"},
    adds={"turns.repetitions": "int32", "distinct_actions": "float32"},
)
def repetition(batch: Batch, config: Config) -> dict[str, list]:
    """Counts how often each action was taken before in its episode."""
    actions = [action.strip() for action in batch.column("turns.action")]
    if config.ignore_case:
        actions = [action.lower() for action in actions]
    repetitions, distinct = [], []
    for own in batch.by_trajectory(actions):
        seen: Counter[str] = Counter()
        for action in own:
            repetitions.append(seen[action])
            seen[action] += 1
        distinct.append(len(seen) / len(own) if own else None)
    return {"turns.repetitions": repetitions, "distinct_actions": distinct}
