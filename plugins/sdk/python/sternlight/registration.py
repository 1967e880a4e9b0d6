"""The decorators: they look at a function's signature, note what the plugin is, and return the function as it was."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, get_type_hints

from . import columns
from . import config as configuration
from . import trajectory as trajectories
from .arrow import types

Function = TypeVar("Function", bound=Callable[..., Any])

#: What the host can grant; a plugin that needs one of these says so, and is built with WASI.
GRANTS = ("clock", "environment", "files", "network", "random")

_PATH = re.compile(r"(turns\.)?[A-Za-z_][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True)
class Plugin:
    """What is known of a plugin before it is configured."""

    #: The world that it is built for: reward, reflect, relabel, advantage, batch or environment.
    kind: str
    name: str
    version: str
    summary: str
    #: The decorated function, or class of an environment.
    function: Callable[..., Any]
    #: The class of its configuration; None if it takes none.
    config: type | None
    #: Columns read: path to Arrow type, "" for any.
    reads: dict[str, str]
    #: Columns added: path to Arrow type.
    adds: dict[str, str]
    #: Whether rows come in whole groups.
    grouped: bool
    #: Whether it says which rows stay.
    selects: bool
    #: Whether results may depend on earlier batches; the stage's output is then not reproducible.
    keeps_state: bool
    #: What it needs that is not given without being asked: see GRANTS.
    needs: frozenset[str]


#: Every plugin of this process, in the order of decoration.
REGISTERED: list[Plugin] = []


def reward(
    *,
    reads: Iterable[str] | Mapping[str, str],
    turn_rewards: bool = False,
    **about: Any,
) -> Callable[[Function], Function]:
    """Marks `function(trajectory, config) -> float | None | Outcome` as a reward.

    `reads` names the columns that the function looks at: `prompt`, `turns.action`, or `turns` alone for their number; no
    others are sent to it. None means not scored, which is not 0. With `turn_rewards` it returns an `Outcome` that may hold a reward for each turn.
    `about`: `name`, `version`, `keeps_state`, `needs`.
    """
    adds = {"reward": "float32"} | ({"turns.reward": "float32"} if turn_rewards else {})
    return _decorator("reward", reads, adds, **about)


def reflect(*, reads: Iterable[str] | Mapping[str, str], **about: Any) -> Callable[[Function], Function]:
    """Marks `function(trajectory, config) -> list[Reflection | None]` as a reflection: one for each turn."""
    return _decorator("reflect", reads, {"turns.verdict": "utf8", "turns.diagnosis": "utf8"}, **about)


def relabel(*, reads: Iterable[str] | Mapping[str, str], **about: Any) -> Callable[[Function], Function]:
    """Marks `function(trajectory, config) -> list[Relabelled]` as a relabeller; it may also `yield` them."""
    return _decorator("relabel", reads, {}, **about)


def advantage(*, reads: Iterable[str] | Mapping[str, str], **about: Any) -> Callable[[Function], Function]:
    """Marks `function(group, config) -> list[list[float | None]]` as an advantage.

    It sees all trajectories of a group at once and returns one list for each, with one number a turn.
    """
    return _decorator("advantage", reads, {"turns.advantage": "float32"}, grouped=True, **about)


def batch(
    *,
    reads: Iterable[str] | Mapping[str, str],
    adds: Mapping[str, str] | None = None,
    selects: bool = False,
    grouped: bool = False,
    **about: Any,
) -> Callable[[Function], Function]:
    """Marks `function(batch, config) -> dict[str, list]` as a plugin over whole batches: any columns in, any columns out.

    `adds` names the columns that it returns, with their Arrow types: `{"turns.length": "int32"}`. With `selects=True`
    instead, it returns True or False a trajectory: whether it stays. With `grouped=True` it sees whole groups: the rows of
    each lie one after the other.
    """
    if selects is (adds is not None):
        raise TypeError("`@batch` takes either `adds`, the columns that it returns, or `selects=True`")
    adds = {columns.KEEP: "bool"} if selects else _added(adds)
    return _decorator("batch", reads, adds, selects=selects, grouped=grouped, **about)


def environment(**about: Any) -> Callable[[Function], Function]:
    """Marks a class as an environment: an object of it is one episode.

    `tasks(count, seed[, config])`, a static or class method, gives the tasks; `reset(self, task)` starts an episode and
    returns a `Start`; `step(self, action)` returns a `Step`. The constructor takes the configuration or nothing.
    """
    if about.get("keeps_state"):
        raise TypeError("@environment(): an episode knows nothing of others, take `keeps_state` out")
    return _decorator("environment", {}, {}, **about)


def plugin_of(function: Callable[..., Any]) -> Plugin:
    """What was noted about a decorated function or class."""
    for plugin in REGISTERED:
        if plugin.function is function:
            return plugin
    raise TypeError(f"`{getattr(function, '__name__', function)}` is not decorated as a plugin")


def the_plugin(module: Any) -> Plugin:
    """The one plugin of a module."""
    here = [p for p in REGISTERED if p.function.__module__ == module.__name__]
    if len(here) == 1:
        return here[0]
    found = ", ".join(f"`{p.function.__name__}`" for p in here) or "none"
    raise TypeError(f"expected one decorated function or class in `{module.__name__}`, found {found}")


def _decorator(
    kind: str,
    reads: Any,
    adds: dict[str, str],
    *,
    grouped: bool = False,
    selects: bool = False,
    name: str | None = None,
    version: str | None = None,
    keeps_state: bool = False,
    needs: Iterable[str] = (),
) -> Callable[[Function], Function]:
    read = _columns(reads, "reads")
    if kind in ("reward", "reflect", "relabel", "batch"):
        # Randomness follows from it.
        read = {"trajectory_id": "utf8"} | read
    needs = frozenset(needs)
    for need in needs - set(GRANTS):
        raise ValueError(f"`needs`: unknown `{need}`, expected one of {', '.join(f'`{g}`' for g in GRANTS)}")

    def decorate(function: Function) -> Function:
        config = _environment_config(function) if kind == "environment" else _function_config(function, kind)
        configuration.schema(config)  # refuses what cannot be configured now rather than in a pipeline
        if kind != "batch":
            for path in read:
                trajectories.declare(path)
        module = sys.modules.get(function.__module__)
        REGISTERED.append(
            Plugin(
                kind=kind,
                name=name or _kebab(function.__name__),
                version=version or getattr(module, "__version__", "0.1.0"),
                summary=(inspect.getdoc(function) or "").split("\n")[0],
                function=function,
                config=config,
                reads=read,
                adds=adds,
                grouped=grouped,
                selects=selects,
                keeps_state=keeps_state,
                needs=needs,
            )
        )
        return function

    return decorate


def _columns(named: Any, key: str) -> dict[str, str]:
    if isinstance(named, str) or not isinstance(named, Iterable):
        raise TypeError(f"`{key}` is a list of columns, found {named!r}")
    typed = dict(named) if isinstance(named, Mapping) else {path: "" for path in named}
    for path in typed:
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            raise ValueError(f"`{key}`: expected a column such as `prompt` or `turns.action`, found {path!r}")
    return typed


def _added(adds: Any) -> dict[str, str]:
    if not isinstance(adds, Mapping) or not adds:
        raise TypeError(f"`adds` is a dict of columns and their types, found {adds!r}")
    for path, data_type in adds.items():
        if path == "turns":
            raise ValueError("`adds`: the turns stay as they are, expected a column such as `turns.length`")
        if not isinstance(data_type, str) or not types.is_known(data_type):
            known = ", ".join(f"`{name}`" for name in types.NAMES)
            raise ValueError(f"`adds`: `{path}` has a type such as {known} or `list<int32>`, found {data_type!r}")
    return _columns(adds, "adds")


def _function_config(function: Callable[..., Any], kind: str) -> type | None:
    parameters = list(inspect.signature(function).parameters.values())
    first = {"advantage": "group", "batch": "batch"}.get(kind, "trajectory")
    if len(parameters) not in (1, 2):
        raise TypeError(f"`{function.__name__}` takes ({first}) or ({first}, config), found {len(parameters)} parameters")
    return _annotated(function, parameters[1]) if len(parameters) == 2 else None


def _environment_config(owner: Any) -> type | None:
    if not inspect.isclass(owner):
        raise TypeError("@environment() decorates a class")
    for method in ("tasks", "reset", "step"):
        if not callable(getattr(owner, method, None)):
            raise TypeError(f"environment `{owner.__name__}` has no method `{method}`")
    if owner.__init__ is object.__init__:
        return None
    parameters = list(inspect.signature(owner).parameters.values())
    if len(parameters) > 1:
        raise TypeError(f"`{owner.__name__}` is made of its configuration or of nothing, found {len(parameters)} parameters")
    return _annotated(owner.__init__, parameters[0]) if parameters else None


def _annotated(function: Callable[..., Any], parameter: inspect.Parameter) -> type:
    hint = get_type_hints(function).get(parameter.name)
    if not (isinstance(hint, type) and dataclasses.is_dataclass(hint)):
        raise TypeError(f"annotate `{parameter.name}` of `{function.__qualname__}` with a dataclass")
    return hint


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).replace("_", "-").lower()
