"""Whole batches as plugins see them: columns of values. Not concerned with bytes: that is `arrow`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from .arrow import Received


class Batch:
    """Trajectories, column by column.

    A column of trajectories has one value for each of them. A column below `turns` has one value for each turn of all of
    them, in order: `turns` says whose they are.
    """

    def __init__(self, received: Received) -> None:
        self._received = received
        self._columns: dict[str, list[Any]] = {}
        #: Why rows have no value: see `fail`.
        self.failures: dict[int, str] = {}

    @property
    def rows(self) -> int:
        """Number of trajectories."""
        return self._received.rows

    def column(self, path: str) -> list[Any]:
        """The values of `prompt` or `turns.action`, None where there is none. They are made once: do not change the list.

        bool, int, float and str by the column's type; lists of them for `list<…>`.
        """
        if path not in self._columns:
            column = self._received.column(path)
            if column is None:
                raise _not_read(path)
            self._columns[path] = column.values()
        return self._columns[path]

    @cached_property
    def turns(self) -> list[range]:
        """The turns of each trajectory, as places in the columns below `turns`."""
        column = self._received.column("turns")
        if column is None:
            raise _not_read("turns")
        return [range(begin, end) for begin, end in pairwise(column.offsets)]

    def by_trajectory(self, values: Sequence[Any]) -> list[Sequence[Any]]:
        """Values of all turns, cut into those of each trajectory."""
        return [values[turns.start : turns.stop] for turns in self.turns]

    def fail(self, row: int, message: str) -> None:
        """Says why a trajectory has no value. What is returned for it then does not matter; other rows go on."""
        if type(row) is not int or not 0 <= row < self.rows:
            raise IndexError(f"there is no row {row!r}, the batch has {self.rows}")
        # Half of a pair of surrogates is no character: the host would end the component.
        self.failures.setdefault(row, str(message).encode(errors="backslashreplace").decode())


def _not_read(path: str) -> LookupError:
    return LookupError(f"column `{path}` is not read by this plugin; name it in `reads`")
