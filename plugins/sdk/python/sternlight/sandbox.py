"""What a component may reach: its output goes to the run's events, and what was not granted is refused in words.

In a component without WASI any such call would end it without a word. `prepare` runs while the component is built, before
the user's module is imported, so that `from time import time` takes the guarded function; the guards let everything pass
until `seal`, in the first call, because imports read files and clocks. Not a wall: the host is the wall, this is the sign.
"""

from __future__ import annotations

import _io
import builtins
import datetime
import io
import os
import posix
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from . import host, randomness, stage

_NAMES = {
    "clock": "the clock",
    "files": "reading and writing files",
    "network": "the network",
    "random": "randomness of the system",
}
_CLOCKS = (
    "clock_gettime", "clock_gettime_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
    "process_time_ns", "sleep", "thread_time", "thread_time_ns", "time", "time_ns",
)  # fmt: skip
#: These ask the clock only if they are not given a time, as their n-th argument.
_CLOCKS_UNLESS_GIVEN = {"asctime": 1, "ctime": 1, "gmtime": 1, "localtime": 1, "strftime": 2}
_FILES = (
    "access", "chdir", "getcwd", "link", "listdir", "lstat", "mkdir", "open", "readlink", "remove", "rename", "replace",
    "rmdir", "scandir", "stat", "symlink", "truncate", "unlink", "utime",
)  # fmt: skip

_sealed = False
_granted: set[str] = set()


def prepare() -> None:
    """Puts guards before the clock, files, and randomness of the system, and takes over what is printed."""
    for name in _CLOCKS:
        _guard(time, name, "clock")
    for name, given in _CLOCKS_UNLESS_GIVEN.items():
        _guard(time, name, "clock", unless_given=given)
    datetime.datetime, datetime.date = _guarded_datetime(), _guarded_date()
    # The import machinery and `linecache` go to the modules below `os` and `io` directly.
    for name in _FILES:
        _guard(posix, name, "files")
        _guard(os, name, "files")
    for module in (_io, io, builtins):
        for name in ("FileIO", "open", "open_code"):
            _guard(module, name, "files")
    for name in ("getrandom", "urandom"):
        _guard(posix, name, "random")
        _guard(os, name, "random")
    randomness.install(lambda: refuse("random"))
    sys.stdout = sys.__stdout__ = _Lines(sys.stdout, host.info)
    sys.stderr = sys.__stderr__ = _Lines(sys.stderr, host.warn)


def seal(needs: frozenset[str]) -> None:
    """From now on the guards refuse, `print` writes to the run's events, and each row has its own randomness."""
    global _sealed
    if _sealed:
        return
    _sealed = True
    _granted.update(needs)
    stage.begin = randomness.begin
    if "files" not in needs:
        sys.stdin = sys.__stdin__ = _NoInput()
        sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
        sys.meta_path.append(_NoFurtherImports)
    if "network" not in needs and "socket" in sys.modules:
        sys.modules["socket"].socket.__init__ = lambda *_, **__: refuse("network")
    if "clock" not in needs and "logging" in sys.modules:
        # A record has a time; that of the event is the host's to give.
        sys.modules["logging"].time = _no_time()
    if "clock" not in needs and "asyncio" in sys.modules:
        # Event loops run by the clock.
        asyncio = sys.modules["asyncio"]
        asyncio.run = asyncio.new_event_loop = lambda *_, **__: refuse("clock")


def flush() -> None:
    """Writes what was printed without a line break. Called after each call of the host."""
    sys.stdout.flush()
    sys.stderr.flush()


def refuse(grant: str) -> None:
    """Raises `PermissionError`, unless the component is being built or was granted this."""
    if _sealed and grant not in _granted:
        raise PermissionError(f"{_NAMES[grant]} is not granted to this plugin")


def _guard(module: Any, name: str, grant: str, unless_given: int | None = None) -> None:
    original = getattr(module, name, None)
    if original is None:
        return

    def guarded(*arguments: Any, **named: Any) -> Any:
        if unless_given is None or len(arguments) < unless_given:
            refuse(grant)
        return original(*arguments, **named)

    guarded.__name__ = name
    setattr(module, name, guarded)


def _guarded_datetime() -> type:
    class Guarded(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            refuse("clock")
            return super().now(tz)

        @classmethod
        def utcnow(cls) -> Any:
            refuse("clock")
            return super().utcnow()

        @classmethod
        def today(cls) -> Any:
            refuse("clock")
            return super().today()

    Guarded.__name__ = Guarded.__qualname__ = "datetime"
    return Guarded


def _guarded_date() -> type:
    class Guarded(datetime.date):
        @classmethod
        def today(cls) -> Any:
            refuse("clock")
            return super().today()

    Guarded.__name__ = Guarded.__qualname__ = "date"
    return Guarded


def _no_time() -> types.SimpleNamespace:
    return types.SimpleNamespace(
        **{name: getattr(time, name) for name in ("gmtime", "localtime", "strftime")},
        time=lambda: 0.0,
        time_ns=lambda: 0,
    )


class _Lines:
    """A text stream whose lines become events, once there is a host."""

    encoding = "utf-8"

    def __init__(self, before: Any, write_line: Callable[[str], None]) -> None:
        self._before, self._write_line, self._part = before, write_line, ""

    def write(self, text: str) -> int:
        if not _sealed:
            return self._before.write(text)
        *lines, self._part = (self._part + text).split("\n")
        for line in lines:
            self._write_line(line)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if not _sealed:
            self._before.flush()
        elif self._part:
            part, self._part = self._part, ""
            self._write_line(part)

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        raise OSError("there is no file behind the output of a plugin")


class _NoInput(io.TextIOBase):
    """Standard input: there is none."""

    def read(self, size: int | None = -1, /) -> str:
        raise PermissionError("a plugin has no standard input")

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return self.read(size)


class _NoFurtherImports:
    """Says why a module cannot be found that was not imported while the component was built."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        raise ModuleNotFoundError(
            f"module `{name}` was not there when the plugin was built: import it at the top of the file", name=name
        )
