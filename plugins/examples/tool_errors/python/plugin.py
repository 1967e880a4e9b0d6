"""A reflection without a model: what went wrong where a tool failed, and whether the agent learned from it.

A turn whose call failed (the record says so, or its result matches `patterns`) gets one of these verdicts, and a diagnosis
that quotes the error:

- `repeated-error`: the very call that failed before, made again;
- `unrecovered-error`: the same tool was not called with success afterwards;
- `recovered-error`: it was.

A call that works after the same tool failed gets `recovery`. Other turns have nothing said about them.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated

from sternlight import Between, Reflection, Trajectory, metric, reflect


@dataclass
class Config:
    patterns: Annotated[list[str], "regular expressions that make a tool's result an error, in capitals or not"] = field(
        default_factory=lambda: [r"\b(error|exception|traceback)\b", r"\bnot found\b"]
    )
    quote: Annotated[int, "most characters of the error that a diagnosis quotes", Between(20, 2000)] = 160

    def __post_init__(self) -> None:
        self.compiled = [re.compile(pattern, re.IGNORECASE) for pattern in self.patterns]


@reflect(
    reads={
        "turns.observation": "utf8",
        "turns.tool_name": "utf8",
        "turns.tool_arguments": "utf8",
        "turns.tool_error": "bool",
        "final_observation": "utf8",
    }
)
def tool_errors(trajectory: Trajectory, config: Config) -> list[Reflection | None]:
    """Says of failed tool calls whether the agent recovered from them."""
    turns = trajectory.turns
    # What a call gave is what is observed next.
    results = [turn.observation for turn in turns[1:]] + [trajectory.final_observation or ""]
    failed = [
        turn.tool_name is not None and is_error(turn.tool_error, result, config) for turn, result in zip(turns, results)
    ]
    said: list[Reflection | None] = []
    seen: set[tuple[str | None, str | None]] = set()
    failing: set[str | None] = set()
    for i, (turn, result) in enumerate(zip(turns, results)):
        call = (turn.tool_name, turn.tool_arguments)
        if failed[i]:
            recovered = any(
                later.tool_name == turn.tool_name and not failed[j] for j, later in enumerate(turns[i + 1 :], i + 1)
            )
            verdict = "repeated-error" if call in seen else "recovered-error" if recovered else "unrecovered-error"
            said.append(Reflection(verdict, f"`{turn.tool_name}` failed: {quoted(result, config.quote)}"))
            seen.add(call)
            failing.add(turn.tool_name)
        elif turn.tool_name in failing:
            said.append(Reflection("recovery", f"`{turn.tool_name}` works after it had failed"))
            failing.remove(turn.tool_name)
        else:
            said.append(None)
    metric("failed_calls", sum(failed))
    return said


def is_error(marked: bool | None, result: str, config: Config) -> bool:
    """The record's word if it has one, otherwise the look of the result."""
    if marked is not None:
        return marked
    return any(pattern.search(result) for pattern in config.compiled)


def quoted(text: str, limit: int) -> str:
    """The first line that says something, cut short."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return line if len(line) <= limit else line[: limit - 1] + "…"
