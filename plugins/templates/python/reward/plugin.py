"""A reward for agents that get there in few turns.

A success begins at 1 and loses `per_turn` for every turn beyond `free_turns`, down to 0; a failure has 0. An episode that
was never judged is not scored, which is not the same as 0.
"""

from dataclasses import dataclass
from typing import Annotated

from sternlight import Between, Trajectory, reward


@dataclass
class Config:
    """What the pipeline gives in `with`."""

    free_turns: Annotated[int, "turns that cost nothing", Between(minimum=0)] = 3
    per_turn: Annotated[float, "what each further turn costs", Between(0, 1)] = 0.1


@reward(name="my-plugin", reads={"success": "bool", "turns": ""})
def score(trajectory: Trajectory, config: Config) -> float | None:
    """Rewards success in few turns."""
    if trajectory.success is None:
        return None
    beyond = max(0, len(trajectory.turns) - config.free_turns)
    return max(0.0, 1 - config.per_turn * beyond) if trajectory.success else 0.0
