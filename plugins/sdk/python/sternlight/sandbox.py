"""What a component may reach: its output goes to the run's events, and what was not granted is refused in words.

In a component without WASI any such call would end it without a word. `prepare` runs while the component is built, before
the user's module is imported, so that `from time import time` takes the guarded function; the guards let everything pass
until `seal`, in the first call, because imports read files and clocks.
"""

from __future__ import annotations

import builtins
import datetime
import io
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from . import host, stage

_sealed = False


def prepare() -> None:
    """Puts guards before the clock, files and the system's randomness."""
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
                 "process_time_ns", "sleep", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns"):
        _guard(time, name, "clock")
    # These ask the clock only if they are not given a time.
    for name, given in (("localtime", 1), ("gmtime", 1), ("ctime", 1), ("asctime", 1), ("strftime", 2)):
        _guard(time, name, "clock", unless_given=given)
    datetime.datetime, datetime.date = _guarded_datetime(), _guarded_date()
    for name in ("open", "stat", "lstat", "listdir", "scandir", "mkdir", "remove", "unlink", "rename", "rmdir", "getcwd",
                 "access", "readlink", "chdir", "utime", "truncate"):
        _guard(os, name, "files")
    for module, name in ((builtins, "open"), (io, "open"), (io, "open_code"), (io, "FileIO")):
        _guard(module, name, "files")
    _guard(builtins, "input", "files")
    for name in ("urandom", "getrandom"):
        _guard(os, name, "random")
    _randomness.install()


def seal(needs: frozenset[str]) -> None:
    """From now on the guards refuse, `print` writes to the run's events, and each row has its own randomness."""
    global _sealed
    if _sealed:
        return
    _sealed = True
    _granted.update(needs)
    sys.stdout, sys.stderr = _Lines(host.info), _Lines(host.warn)
    stage.begin = _begin
    if "files" not in needs:
        sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, "__name__", "") != "PathFinder"]
        sys.meta_path.append(_NoFurtherImports)


def flush() -> None:
    """Writes what was printed without a line break. Called after each call of the host."""
    sys.stdout.flush()
    sys.stderr.flush()


_granted: set[str] = set()

_NAMES = {"clock": "the clock", "files": "reading and writing files", "random": "randomness of the system"}


def _refuse(grant: str) -> None:
    if _sealed and grant not in _granted:
        raise PermissionError(f"{_NAMES[grant]} is not granted to this plugin")


def _guard(module: Any, name: str, grant: str, unless_given: int | None = None) -> None:
    original = getattr(module, name, None)
    if original is None:
        return

    def guarded(*arguments: Any, **named: Any) -> Any:
        if unless_given is None or len(arguments) < unless_given:
            _refuse(grant)
        return original(*arguments, **named)

    guarded.__name__ = name
    setattr(module, name, guarded)


def _guarded_datetime() -> type:
    original = datetime.datetime

    class Guarded(original):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            _refuse("clock")
            return super().now(tz)

        @classmethod
        def utcnow(cls) -> Any:
            _refuse("clock")
            return super().utcnow()

        @classmethod
        def today(cls) -> Any:
            _refuse("clock")
            return super().today()

    Guarded.__name__ = Guarded.__qualname__ = "datetime"
    return Guarded


def _guarded_date() -> type:
    original = datetime.date

    class Guarded(original):  # type: ignore[misc, valid-type]
        @classmethod
        def today(cls) -> Any:
            _refuse("clock")
            return super().today()

    Guarded.__name__ = Guarded.__qualname__ = "date"
    return Guarded


class _RowRandom(random.Random):
    """The functions of `random`, seeded anew for each row, but only if the row draws: seeding is dear."""

    def __init__(self) -> None:
        self.row: str | None = None
        super().__init__(0)

    def seed(self, a: Any = None, version: int = 2) -> None:
        self.row = None
        # Without a seed the system's randomness would be asked.
        super().seed(0 if a is None else a, version)

    def random(self) -> float:
        if self.row is not None:
            self.seed(self.row)
        return super().random()

    def getrandbits(self, k: int) -> int:
        if self.row is not None:
            self.seed(self.row)
        return super().getrandbits(k)

    def install(self) -> None:
        for name in random.__all__:
            if name[0].islower() and hasattr(self, name):
                setattr(random, name, getattr(self, name))


_randomness = _RowRandom()


def _begin(row: str) -> None:
    _randomness.row = row


class _Lines:
    """A text stream whose lines become events."""

    encoding = "utf-8"

    def __init__(self, write_line: Callable[[str], None]) -> None:
        self._write_line = write_line
        self._part = ""

    def write(self, text: str) -> int:
        *lines, self._part = (self._part + text).split("\n")
        for line in lines:
            self._write_line(line)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._part:
            part, self._part = self._part, ""
            self._write_line(part)

    def isatty(self) -> bool:
        return False


class _NoFurtherImports:
    """Says why a module cannot be found that was not imported while the component was built."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        raise ModuleNotFoundError(
            f"module `{name}` was not there when the plugin was built: import it at the top of the file", name=name
        )
