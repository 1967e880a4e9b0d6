"""A reward for agents that reach their goal with few tool calls that work.

A success begins at 1 and loses `per_call` for each tool call beyond `free_calls` and `per_error` for each call that failed,
down to `floor`; a failure has 0. A trajectory that was never judged is not scored.
"""

from dataclasses import dataclass
from typing import Annotated

from sternlight import Between, Trajectory, reward


@dataclass
class Config:
    free_calls: Annotated[int, "tool calls that cost nothing", Between(minimum=0)] = 2
    per_call: Annotated[float, "what each further call costs", Between(0, 1)] = 0.05
    per_error: Annotated[float, "what each failed call costs, on top", Between(0, 1)] = 0.1
    floor: Annotated[float, "the least that a success is worth", Between(0, 1)] = 0.1


@reward(reads={"success": "bool", "turns.tool_name": "utf8", "turns.tool_error": "bool"})
def tool_call_efficiency(trajectory: Trajectory, config: Config) -> float | None:
    """Rewards success with few tool calls that work."""
    if trajectory.success is None:
        return None
    if not trajectory.success:
        return 0.0
    calls = sum(turn.tool_name is not None for turn in trajectory.turns)
    errors = sum(turn.tool_error is True for turn in trajectory.turns)
    cost = config.per_call * max(0, calls - config.free_calls) + config.per_error * errors
    return max(config.floor, 1.0 - cost)
