"""Runs a plugin as the host would: configure once, then batches, a value or a failure for each row.

The same code serves a component (`worlds`) and native tests (`testing`). Not concerned with WebAssembly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import arrow, columns, results
from . import config as configuration
from .batches import Batch
from .registration import Plugin
from .trajectory import Trajectory

#: Frames shown of either end of a traceback: a recursion without end has a thousand.
SHOWN_FRAMES = 8


@dataclass
class Failure:
    """Why a row has no value."""

    message: str


def begin(seed: str) -> None:
    """Called before each call of the user's code, with what its randomness follows from. A component replaces it."""


@dataclass
class Processed:
    """What a batch plugin made of a batch."""

    #: The columns that it adds, as an Arrow IPC stream.
    ipc: bytes
    #: Why rows have no value.
    failures: dict[int, str]


class Stage:
    """A configured plugin."""

    def __init__(self, plugin: Plugin, config: str = "{}") -> None:
        """Raises `ConfigError`, or what the configuration class raises, if `config` is not what the plugin expects."""
        self.plugin = plugin
        decoded = json.loads(config)
        if plugin.config is not None:
            self._config: tuple[Any, ...] = (configuration.decode(plugin.config, decoded),)
        else:
            if decoded:
                raise configuration.ConfigError(f"`with.{next(iter(decoded))}`: this plugin takes no configuration")
            self._config = ()
        self._episodes: dict[int, _Episode] = {}

    def rows(self, batch: list[Trajectory]) -> list[Any]:
        """One checked result, or a `Failure`, for each trajectory."""
        if self.plugin.grouped:
            return self._groups(batch)
        check = {"reward": self._outcome, "reflect": results.reflections, "relabel": results.relabelled}[self.plugin.kind]
        function, config, made = self.plugin.function, self._config, []
        for trajectory in batch:
            # Not through `_attempt`: a call more for each row is a tenth of what a row costs.
            begin(trajectory.id)
            try:
                made.append(check(function(trajectory, *config), trajectory))
            except BaseException as error:
                made.append(Failure(explain(error)))
        return made

    def _outcome(self, value: Any, trajectory: Trajectory) -> results.Outcome:
        return results.outcome(value, trajectory, "turns.reward" in self.plugin.adds)

    def _groups(self, batch: list[Trajectory]) -> list[Any]:
        # Rows of a group need not be adjacent.
        members: dict[str, list[int]] = {}
        for row, trajectory in enumerate(batch):
            members.setdefault(trajectory.group, []).append(row)
        made: list[Any] = [None] * len(batch)
        for name, rows in members.items():
            group = [batch[row] for row in rows]
            given = _attempt(name, lambda: results.advantages(self.plugin.function(group, *self._config), group))
            for i, row in enumerate(rows):
                made[row] = given if isinstance(given, Failure) else given[i]
        return made

    def process(self, ipc: bytes) -> Processed | Failure:
        """The columns of a batch, or why it has none."""

        def work() -> Processed:
            batch = Batch(arrow.read(ipc))
            begin(batch.column("trajectory_id")[0] if batch.rows else "")
            made, adds = self.plugin.function(batch, *self._config), self.plugin.adds
            checked = columns.kept(made, batch) if self.plugin.selects else columns.added(made, batch, adds)
            return Processed(_written(checked, batch, adds), batch.failures)

        return _attempt("", work)

    def tasks(self, count: int, seed: int) -> list[results.Task] | Failure:
        """The environment's tasks."""
        return _attempt(str(seed), lambda: results.tasks(self.plugin.function.tasks(count, seed, *self._config)))

    def reset(self, episodes: list[tuple[int, results.Task]]) -> list[Any]:
        """Starts episodes: a `Start` or a `Failure` each."""

        def start(handle: int, task: results.Task) -> results.Start:
            world = self.plugin.function(*self._config)
            started = results.start(world.reset(results.Task(task.id, json.loads(task.data), task.seed)))
            self._episodes[handle] = _Episode(world, task)
            return started

        return [_attempt(f"{task.id} {task.seed}", lambda: start(handle, task)) for handle, task in episodes]

    def step(self, moves: list[tuple[int, str]]) -> list[Any]:
        """One step of each episode named: a `Step` or a `Failure` each."""

        def advance(handle: int, action: str) -> results.Step:
            episode = self._episode(handle)
            if episode.over:
                raise ValueError(f"episode {handle} is over")
            made = results.step(episode.world.step(action))
            episode.over, episode.steps = made.done, episode.steps + 1
            return made

        return [_attempt(self._seed(handle), lambda: advance(handle, action)) for handle, action in moves]

    def close(self, episodes: list[int]) -> None:
        """Forgets these episodes."""
        for handle in episodes:
            self._episodes.pop(handle, None)

    def _episode(self, handle: int) -> _Episode:
        if handle not in self._episodes:
            raise KeyError(f"there is no episode {handle}")
        return self._episodes[handle]

    def _seed(self, handle: int) -> str:
        # Of the task and the step alone, so that episodes side by side do not disturb each other.
        episode = self._episodes.get(handle)
        return "" if episode is None else f"{episode.task.id} {episode.task.seed} {episode.steps}"


def _written(checked: dict[str, list[Any]], batch: Batch, adds: dict[str, str]) -> bytes:
    of_rows: dict[str, arrow.Values] = {}
    of_turns: dict[str, arrow.Values] = {}
    for path, data_type in adds.items():
        name = path.removeprefix("turns.")
        (of_rows if name == path else of_turns)[name] = (data_type, checked[path])
    turns = arrow.Turns([len(turns) for turns in batch.turns], of_turns) if of_turns else None
    return arrow.write(batch.rows, of_rows, turns)


@dataclass
class _Episode:
    world: Any
    task: results.Task
    steps: int = 0
    over: bool = False


def _attempt(seed: str, work: Callable[[], Any]) -> Any:
    begin(seed)
    try:
        return work()
    # `sys.exit()` in a plugin must not end the component either.
    except BaseException as error:
        return Failure(explain(error))


def explain(error: BaseException) -> str:
    """The error with the places in the user's code, innermost first.

    Without the `traceback` module, which opens the source files.
    """
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    text += "".join(_places(error))
    if error.__cause__ is not None:
        text += f"\ncaused by {explain(error.__cause__)}"
    # Half of a pair of surrogates is no character: the host would end the component.
    return text.encode(errors="backslashreplace").decode()


def _places(error: BaseException) -> Iterator[str]:
    places, frame = [], error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        if not frame.tb_frame.f_globals.get("__name__", "").startswith("sternlight."):
            places.append(f"\n  at {code.co_name} ({_file(code.co_filename)}:{frame.tb_lineno})")
        frame = frame.tb_next
    places.reverse()
    if len(places) > 2 * SHOWN_FRAMES:
        left_out = len(places) - 2 * SHOWN_FRAMES
        places[SHOWN_FRAMES:-SHOWN_FRAMES] = [f"\n  … {left_out} more"]
    yield from places


def _file(path: str) -> str:
    # In a component the folders of a build are mounted as /0, /1, …
    first, _, rest = path.removeprefix("/").partition("/")
    return rest if first.isdigit() and rest else path
