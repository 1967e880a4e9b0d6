"""Plugins for sternlight pipelines as plain Python functions and classes.

A plugin is a module `plugin.py` with one decorated function::

    @reward(reads=["turns.tool_name"])
    def few_calls(trajectory: Trajectory, config: Config) -> float | None: ...

The function stays an ordinary function: call it in a test as it is. `sternlight plugin build` makes a WebAssembly
component of it; nothing of WebAssembly shows here.
"""

from .batches import Batch
from .config import Between, ConfigError
from .host import debug, error, info, metric, warn
from .registration import Plugin, advantage, batch, environment, plugin_of, reflect, relabel, reward
from .results import Outcome, Reflection, Relabelled, Start, Step, Task, TurnEdit
from .trajectory import Trajectory, Turn

__all__ = [
    "Batch",
    "Between",
    "ConfigError",
    "Outcome",
    "Plugin",
    "Reflection",
    "Relabelled",
    "Start",
    "Step",
    "Task",
    "Trajectory",
    "Turn",
    "TurnEdit",
    "advantage",
    "batch",
    "debug",
    "environment",
    "error",
    "info",
    "metric",
    "plugin_of",
    "reflect",
    "relabel",
    "reward",
    "warn",
]
