"""Columns about the length of actions, over whole batches: what the other kinds of plugins have no place for.

`turns.action_length` is the length of each action, `action_length` that of all actions of the episode together.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from sternlight import Batch, batch


@dataclass
class Config:
    """What the pipeline gives in `with`."""

    unit: Annotated[Literal["words", "characters"], "what is counted"] = "words"


@batch(
    name="my-plugin",
    reads={"turns.action": "utf8"},
    adds={"turns.action_length": "int32", "action_length": "int32"},
)
def measure(batch: Batch, config: Config) -> dict[str, list]:
    """Measures actions."""
    actions = batch.column("turns.action")
    lengths = [len(action.split() if config.unit == "words" else action) for action in actions]
    return {
        "turns.action_length": lengths,
        "action_length": [sum(own) for own in batch.by_trajectory(lengths)],
    }
