"""Trying a plugin in plain Python, with the checks and the view of columns that it will have in a pipeline.

    assert run(few_calls, [Trajectory(turns=[Turn(tool_name="search")])]) == [Outcome(reward=1.0)]
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from . import results
from .registration import Plugin, plugin_of
from .stage import Failure, Stage
from .trajectory import Trajectory, Turn, attribute


def run(function: Callable[..., Any], trajectories: Iterable[Trajectory], **config: Any) -> list[Any]:
    """Runs a decorated function over trajectories; `config` is what the pipeline gives in `with`.

    Columns that the plugin does not read are hidden from it, as they will be in a pipeline. A row whose function raised has
    a `Failure`.
    """
    plugin = plugin_of(function)
    return Stage(plugin, json.dumps(config)).rows([_as_sent(plugin, t) for t in trajectories])


def play(environment: type, actions: Iterable[str], *, seed: int = 0, task: int = 0, **config: Any) -> list[Any]:
    """Plays an episode: the start of the task with this number, then a step (or a `Failure`) for each action."""
    stage = Stage(plugin_of(environment), json.dumps(config))
    tasks = stage.tasks(task + 1, seed)
    if isinstance(tasks, Failure):
        return [tasks]
    return stage.reset([(0, tasks[task])]) + [stage.step([(0, action)])[0] for action in actions]


def _as_sent(plugin: Plugin, trajectory: Trajectory) -> Trajectory:
    read = {attribute(path) for path in plugin.reads}
    of_rows = {name for owner, name in read if owner is Trajectory} - {"turns"}
    sent = _only(trajectory, of_rows | ({"group"} if plugin.grouped else set()))
    of_turns = {name for owner, name in read if owner is Turn}
    knows_turns = bool(of_turns) or "turns" in plugin.reads or any(path.startswith("turns.") for path in plugin.adds)
    sent.turns = [_only(turn, of_turns) for turn in trajectory.turns] if knows_turns else []
    return sent


def _only(row: Any, names: set[str]) -> Any:
    extra = row.extra if isinstance(row.extra, dict) else json.loads(row.extra or "{}")
    sent = type(row)()
    for f in fields(row):
        if f.name in names:
            setattr(sent, f.name, copy.deepcopy(getattr(row, f.name)))
    extra = {name: value for name, value in extra.items() if name in names}
    sent.extra = json.dumps(extra) if extra else None
    return sent


__all__ = ["Failure", "play", "results", "run"]
