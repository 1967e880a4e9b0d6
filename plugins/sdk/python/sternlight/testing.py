"""Trying a plugin in plain Python, with the checks and the view of columns that it will have in a pipeline.

    assert run(few_calls, [Trajectory(turns=[Turn(tool_name="search")])]) == [Outcome(reward=1.0)]
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import islice
from typing import Any

from . import arrow, columns, results
from .batches import Batch
from .registration import Plugin, plugin_of
from .stage import Failure, Processed, Stage
from .trajectory import Trajectory, Turn, attribute


def run(function: Callable[..., Any], trajectories: Iterable[Trajectory], **config: Any) -> list[Any]:
    """Runs a decorated function over trajectories; `config` is what the pipeline gives in `with`.

    Columns that the plugin does not read are hidden from it, as they will be in a pipeline. A row whose function raised has
    a `Failure`. What a batch plugin gives for a row is a dict of its columns, or whether the row is kept.
    """
    plugin, rows = plugin_of(function), list(trajectories)
    stage = Stage(plugin, json.dumps(config))
    if plugin.kind != "batch":
        return stage.rows([_as_sent(plugin, row) for row in rows])
    made = stage.process(_written(plugin, rows))
    return [made] * len(rows) if isinstance(made, Failure) else _by_row(plugin, rows, made)


def batch_of(function: Callable[..., Any], trajectories: Iterable[Trajectory]) -> Batch:
    """The batch that a decorated function would get of these trajectories, to call it with."""
    return Batch(arrow.read(_written(plugin_of(function), list(trajectories))))


def play(environment: type, actions: Iterable[str], *, seed: int = 0, task: int = 0, **config: Any) -> list[Any]:
    """Plays an episode: the start of the task with this number, then a step (or a `Failure`) for each action."""
    stage = Stage(plugin_of(environment), json.dumps(config))
    tasks = stage.tasks(task + 1, seed)
    if isinstance(tasks, Failure):
        return [tasks]
    return stage.reset([(0, tasks[task])]) + [stage.step([(0, action)])[0] for action in actions]


def _written(plugin: Plugin, rows: list[Trajectory]) -> bytes:
    """The columns that the plugin reads, through the same bytes as in a pipeline."""
    of_rows: dict[str, arrow.Values] = {}
    of_turns: dict[str, arrow.Values] = {}
    for path, wanted in plugin.reads.items():
        owner, name = attribute(path)
        if owner is Turn:
            values = [_value(turn, name) for row in rows for turn in row.turns]
            of_turns[path.removeprefix("turns.")] = _typed(path, wanted, values)
        elif path != "turns":
            of_rows[path] = _typed(path, wanted, [_value(row, name) for row in rows])
    turns = arrow.Turns([len(row.turns) for row in rows], of_turns)
    return arrow.write(len(rows), of_rows, turns if _knows_turns(plugin) else None)


def _value(row: Trajectory | Turn, name: str) -> Any:
    return getattr(row, name) if name in {f.name for f in fields(row)} else row.further(name)


def _typed(path: str, wanted: str, values: list[Any]) -> arrow.Values:
    """Values in the type that the plugin wants, or else the dataset has."""
    if path == "seed":
        values = [None if seed is None else int(seed) for seed in values]
    data_type = wanted or _TYPES.get(path) or next((_type_of(value) for value in values if value is not None), "utf8")
    for place, value in enumerate(values):
        columns.check(value, data_type, f"value {place} of `{path}`")
    return data_type, values


#: What datasets hold, where it is not what Python's values say.
_TYPES = {
    "seed": "uint64",
    "turns.action_tokens": "list<int32>",
    "turns.prompt_tokens": "list<int32>",
    "turns.action_logprobs": "list<float32>",
} | dict.fromkeys(("reward", "relabel_confidence"), "float32")
_TYPES |= dict.fromkeys((f"turns.{name}" for name in ("reward", "return", "advantage", "weight")), "float32")


def _type_of(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"list<{_type_of(value[0]) if value else 'utf8'}>"
    return {bool: "bool", int: "int64", float: "float64"}.get(type(value), "utf8")


def _by_row(plugin: Plugin, rows: list[Trajectory], made: Processed) -> list[Any]:
    received = arrow.read(made.ipc)
    given: list[Any] = [{} for _ in rows]
    for path in plugin.adds:
        column = received.column(path)
        values = iter(column.values() if column else [])
        for row, result in zip(rows, given):
            result[path] = list(islice(values, len(row.turns))) if path.startswith("turns.") else next(values)
    if plugin.selects:
        given = [result[columns.KEEP] for result in given]
    return [Failure(made.failures[row]) if row in made.failures else result for row, result in enumerate(given)]


def _knows_turns(plugin: Plugin) -> bool:
    return any(path == "turns" or path.startswith("turns.") for path in [*plugin.reads, *plugin.adds])


def _as_sent(plugin: Plugin, trajectory: Trajectory) -> Trajectory:
    read = {attribute(path) for path in plugin.reads}
    of_rows = {name for owner, name in read if owner is Trajectory} - {"turns"}
    sent = _only(trajectory, of_rows | ({"group"} if plugin.grouped else set()))
    of_turns = {name for owner, name in read if owner is Turn}
    sent.turns = [_only(turn, of_turns) for turn in trajectory.turns] if _knows_turns(plugin) else []
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


__all__ = ["Failure", "batch_of", "play", "results", "run"]
