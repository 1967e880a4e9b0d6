"""A reflection that finds calls which are made again: the same tool with the same arguments, earlier in the episode.

Such a turn has the verdict `repeated`, and its diagnosis says how often the call was made. Nothing is said of other turns.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from sternlight import Between, Reflection, Trajectory, reflect


@dataclass
class Config:
    """What the pipeline gives in `with`."""

    allowed: Annotated[int, "how often a call may be made again before it is said to be repeated", Between(minimum=0)] = 0


@reflect(name="my-plugin", reads=["turns.tool_name", "turns.tool_arguments"])
def judge(trajectory: Trajectory, config: Config) -> list[Reflection | None]:
    """Finds calls that were made before."""
    made: Counter[tuple[str, str | None]] = Counter()
    judged: list[Reflection | None] = []
    for turn in trajectory.turns:
        said = None
        if turn.tool_name is not None:
            call = (turn.tool_name, turn.tool_arguments)
            made[call] += 1
            if made[call] > config.allowed + 1:
                diagnosis = f"call number {made[call]} of `{turn.tool_name}` with these arguments"
                said = Reflection("repeated", diagnosis)
        judged.append(said)
    return judged
