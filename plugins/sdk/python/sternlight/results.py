"""What plugins give back, and checks of it: a wrong result is an error that says what was expected.

The classes have the fields of the contract's records, so a component hands them on as they are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .trajectory import Trajectory


@dataclass
class Outcome:
    """A reward of the trajectory and, where the plugin gives them, of its turns."""

    reward: float | None
    turn_rewards: list[float | None] | None = None


@dataclass
class Reflection:
    """What is to be said about one turn."""

    verdict: str | None = None
    diagnosis: str | None = None


@dataclass
class TurnEdit:
    """What is new about one turn. Without a reward here it has none in the copy; a weight of None leaves it."""

    turn: int
    reward: float | None = None
    weight: float | None = None


@dataclass
class Relabelled:
    """A copy of the trajectory under another goal; None leaves a field as it is, but `task` gets a suffix."""

    task: str | None = None
    prompt: str | None = None
    reward: float | None = None
    success: bool | None = None
    #: Keep only the first turns of the episode; None keeps all.
    keep_turns: int | None = None
    confidence: float | None = None
    turns: list[TurnEdit] = field(default_factory=list)


@dataclass
class Task:
    """A task of an environment. `data` is the environment's own: anything that JSON can hold."""

    id: str
    data: Any = None
    seed: int = 0


@dataclass
class Start:
    """How an episode begins."""

    prompt: str
    observation: str


@dataclass
class Step:
    """What came of an action."""

    observation: str
    reward: float = 0.0
    done: bool = False
    success: bool | None = None


def outcome(value: Any, trajectory: Trajectory, with_turns: bool) -> Outcome:
    """Checks what a reward function returned: a number, None, or an `Outcome`."""
    if not isinstance(value, Outcome):
        return Outcome(_number(value, "a reward"))
    turns = value.turn_rewards
    if turns is not None:
        if not with_turns:
            raise TypeError("rewards of turns are only taken with `@reward(turn_rewards=True)`")
        turns = _one_a_turn(turns, trajectory, "reward")
        turns = [_number(reward, f"the reward of turn {i}") for i, reward in enumerate(turns)]
    return Outcome(_number(value.reward, "a reward"), turns)


def reflections(value: Any, trajectory: Trajectory) -> list[Reflection]:
    """Checks what a reflection returned: one `Reflection` or None a turn."""
    checked = []
    for i, one in enumerate(_one_a_turn(value, trajectory, "reflection")):
        one = Reflection() if one is None else one
        if not isinstance(one, Reflection):
            raise TypeError(f"turn {i}: expected a Reflection or None, found {show(one)}")
        _text(one.verdict, f"the verdict of turn {i}")
        _text(one.diagnosis, f"the diagnosis of turn {i}")
        checked.append(one)
    return checked


def relabelled(value: Any, trajectory: Trajectory) -> list[Relabelled]:
    """Checks what a relabeller returned: a `Relabelled`, several, or None."""
    if value is None:
        return []
    copies = [value] if isinstance(value, Relabelled) else listed(value, "copies of the trajectory")
    count = len(trajectory.turns)
    for copy in copies:
        if not isinstance(copy, Relabelled):
            raise TypeError(f"expected a Relabelled, found {show(copy)}")
        _text(copy.task, "`task`")
        _text(copy.prompt, "`prompt`")
        copy.reward = _number(copy.reward, "`reward`")
        copy.confidence = _number(copy.confidence, "`confidence`")
        _boolean(copy.success, "`success`")
        if copy.keep_turns is not None and not 0 <= _whole(copy.keep_turns, "`keep_turns`") <= count:
            raise ValueError(f"`keep_turns` is {copy.keep_turns}, but the trajectory has {count} turns")
        for edit in copy.turns:
            if not 0 <= _whole(edit.turn, "`turn`") < count:
                raise ValueError(f"turn {edit.turn} is edited, but the trajectory has {count} turns")
            edit.reward = _number(edit.reward, f"the reward of turn {edit.turn}")
            edit.weight = _number(edit.weight, f"the weight of turn {edit.turn}")
    return copies


def advantages(value: Any, group: list[Trajectory]) -> list[list[float | None]]:
    """Checks what an advantage function returned: for each trajectory of the group, one number or None a turn."""
    rows = listed(value, "one list a trajectory")
    if len(rows) != len(group):
        raise ValueError(f"expected one list a trajectory of the group: {len(group)}, found {len(rows)}")
    checked = []
    for row, trajectory in zip(rows, group):
        numbers = _one_a_turn(row, trajectory, "advantage")
        checked.append([_number(n, f"the advantage of turn {i}") for i, n in enumerate(numbers)])
    return checked


def tasks(value: Any) -> list[Task]:
    """Checks the tasks of an environment and writes their data as JSON."""
    checked = []
    for one in listed(value, "tasks"):
        if not isinstance(one, Task):
            raise TypeError(f"expected a Task, found {show(one)}")
        if not isinstance(one.id, str) or not 0 <= _whole(one.seed, "the seed of a task") < 2**32:
            raise ValueError(f"a task has a text for `id` and a seed below 2³², found {show(one)}")
        checked.append(Task(one.id, json.dumps(one.data), one.seed))
    return checked


def start(value: Any) -> Start:
    """Checks what `reset` returned."""
    if not isinstance(value, Start):
        raise TypeError(f"`reset` returns a Start, found {show(value)}")
    _text(value.prompt, "`prompt`", optional=False)
    _text(value.observation, "`observation`", optional=False)
    return value


def step(value: Any) -> Step:
    """Checks what `step` returned."""
    if not isinstance(value, Step):
        raise TypeError(f"`step` returns a Step, found {show(value)}")
    _text(value.observation, "`observation`", optional=False)
    _boolean(value.success, "`success`")
    if not isinstance(value.done, bool):
        raise TypeError(f"`done` is True or False, found {show(value.done)}")
    reward = _number(value.reward, "the reward of a step")
    if reward is None:
        raise TypeError("the reward of a step is a number, found None")
    return Step(value.observation, reward, value.done, value.success)


def _number(value: Any, what: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)):
        raise TypeError(f"{what} is a number or None, found {show(value)}")
    number = float(value)
    if not math.isfinite(number) or abs(number) > 3.4028235e38:
        raise ValueError(f"{what} is a finite 32-bit number, found {number}")
    return number


def _whole(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} is a whole number, found {show(value)}")
    return value


def _text(value: Any, what: str, optional: bool = True) -> None:
    if not isinstance(value, str) and not (optional and value is None):
        raise TypeError(f"{what} is text{' or None' if optional else ''}, found {show(value)}")
    if isinstance(value, str) and not value.isascii():
        # Half of a pair of surrogates is no character: the host would end the component.
        value.encode()


def _boolean(value: Any, what: str) -> None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{what} is True, False or None, found {show(value)}")


def _one_a_turn(value: Any, trajectory: Trajectory, what: str) -> list[Any]:
    values = listed(value, f"one {what} a turn")
    if len(values) != len(trajectory.turns):
        raise ValueError(f"expected one {what} a turn: {len(trajectory.turns)}, found {len(values)}")
    return values


def listed(value: Any, what: str) -> list[Any]:
    """The values that were given, if they are several."""
    if isinstance(value, list):
        return value
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, dict)):
        return list(value)
    raise TypeError(f"expected a list: {what}, found {show(value)}")


def show(value: Any) -> str:
    """A value as a message shows it, cut short."""
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:79] + '…'} ({type(value).__name__})"
