"""What the host gives every plugin: lines among the run's events, and figures of the stage.

Outside of a component (in tests) lines go to standard error and figures into `figures`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

#: Figures given by `metric` outside of a component, for tests to look at.
figures: dict[str, list[float]] = {}


def _native_log(level: str, message: str) -> None:
    print(f"{level}: {message}", file=sys.stderr)


def _native_metric(name: str, value: float) -> None:
    figures.setdefault(name, []).append(value)


# A component puts the host's functions here.
_log: Callable[[str, str], None] = _native_log
_metric: Callable[[str, float], None] = _native_metric


def connect(log: Callable[[str, str], None], metric: Callable[[str, float], None]) -> None:
    """Sends everything to these functions from now on. Called once, in a component."""
    global _log, _metric
    # Half of a pair of surrogates is no character: the host would end the component.
    _log = lambda level, message: log(level, str(message).encode(errors="backslashreplace").decode())  # noqa: E731
    _metric = metric


def debug(message: str) -> None:
    """A line that only a verbose run shows."""
    _log("debug", message)


def info(message: str) -> None:
    """A line among the run's events; `print` does the same."""
    _log("info", message)


def warn(message: str) -> None:
    """A warning among the run's events."""
    _log("warn", message)


def error(message: str) -> None:
    """An error among the run's events. It stops nothing: raise an exception to fail a row."""
    _log("error", message)


def metric(name: str, value: float) -> None:
    """A figure of this stage; the run shows the mean of each name."""
    _metric(name, float(value))
