"""A relabeller with hindsight: a failed episode as a success at the last thing that it did achieve.

What was achieved is the last tool call whose result is no error. The copy ends with that call, is told to make it, and has
reward 1. Episodes that did not fail, and those in which nothing worked, have no copy.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from sternlight import Relabelled, Trajectory, relabel


@dataclass
class Config:
    """What the pipeline gives in `with`."""

    error: Annotated[str, "what the result of a call that failed begins with"] = "Error"


@relabel(
    name="my-plugin",
    reads={
        "success": "bool",
        "turns.observation": "utf8",
        "turns.tool_name": "utf8",
        "turns.tool_arguments": "utf8",
        "final_observation": "utf8",
    },
)
def hindsight(trajectory: Trajectory, config: Config) -> Iterator[Relabelled]:
    """Relabels failures with the last call that worked."""
    if trajectory.success is not False:
        return
    turns = trajectory.turns
    # What came of a turn is what is observed next.
    results = [turn.observation for turn in turns[1:]] + [trajectory.final_observation or ""]
    for last in reversed(range(len(turns))):
        tool, arguments = turns[last].tool_name, turns[last].tool_arguments
        if tool is not None and not results[last].startswith(config.error):
            prompt = f"Call `{tool}` with the arguments {arguments or '{}'}."
            yield Relabelled(prompt=prompt, reward=1.0, success=True, keep_turns=last + 1)
            return
