"""Trajectories as plugins see them: plain dataclasses, which tests build by hand.

In a component the host's records arrive as objects of these very classes. A column that the plugin does not read was not
sent: it is None, or "" where it cannot be None. Not concerned with what plugins give back: that is `results`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any


class _Row:
    """Gives the further columns, which travel as JSON in `extra`, as attributes."""

    extra: str | dict[str, Any] | None

    def further(self, name: str) -> Any:
        """The value of a further column; None where it is null."""
        extra = self.extra
        if isinstance(extra, str):
            extra = self.extra = json.loads(extra)
        return None if extra is None else extra.get(name)

    def __getattr__(self, name: str) -> Any:
        # Only called for what is neither a field nor a declared column.
        if name.startswith("_"):
            raise AttributeError(name)
        prefix = "turns." if isinstance(self, Turn) else ""
        raise AttributeError(f"column `{prefix}{name}` is not read by this plugin; name it in `reads`")


@dataclass
class Turn(_Row):
    """One decision: what was observed, what was done."""

    observation: str = ""
    action: str = ""
    tool_name: str | None = None
    #: The arguments as the model wrote them: JSON, if it wrote JSON.
    tool_arguments: str | None = None
    reward: float | None = None
    verdict: str | None = None
    diagnosis: str | None = None
    action_tokens: list[int] | None = None
    action_logprobs: list[float] | None = None
    #: Further columns of `turns` by name. Read them as attributes: `turn.tool_error`.
    extra: str | dict[str, Any] | None = None


@dataclass
class Trajectory(_Row):
    """One episode."""

    id: str = ""
    group: str = ""
    task: str | None = None
    prompt: str | None = None
    turns: list[Turn] = field(default_factory=list)
    final_observation: str | None = None
    #: None: not scored, which is not 0.
    reward: float | None = None
    success: bool | None = None
    #: In decimal.
    seed: str | None = None
    #: "done", "truncated" or "failed".
    status: str | None = None
    #: Further columns by name. Read them as attributes.
    extra: str | dict[str, Any] | None = None


_ROW_FIELDS = {"trajectory_id": "id", "group_id": "group", "task_id": "task"}


def attribute(path: str) -> tuple[type, str]:
    """Where the column at `path` is found: the class and the attribute."""
    if path.startswith("turns."):
        return Turn, path.removeprefix("turns.")
    return Trajectory, _ROW_FIELDS.get(path, path)


def declare(path: str) -> None:
    """Makes a further column an attribute; one with a field of its own has it already."""
    owner, name = attribute(path)
    if name not in {f.name for f in fields(owner)}:
        setattr(owner, name, property(lambda row: row.further(name)))
