"""Randomness of a component: `random` follows from the row, so that results do not depend on batches or builds.

The functions of `random` are seeded anew for each row, and only if the row draws, because seeding is dear. A generator
that the plugin seeds itself, `random.Random(7)`, works as everywhere; one without a seed asks the system, which refuses.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

_Original = random.Random


class RowRandom(_Original):
    """A generator that is seeded by the row when the row first draws."""

    def __init__(self) -> None:
        self.row: str | None = None
        super().__init__(0)

    def seed(self, a: Any = None, version: int = 2) -> None:
        self.row = None
        super().seed(0 if a is None else a, version)

    def random(self) -> float:
        self._ready()
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        self._ready()
        return super().getrandbits(k)

    def _ready(self) -> None:
        if self.row is not None:
            # A number, since text would be hashed first.
            self.seed(int.from_bytes(self.row.encode(), "little"))


_shared = RowRandom()


def begin(row: str) -> None:
    """The next draw follows from `row`."""
    _shared.row = row


def install(ask_system: Callable[[], None]) -> None:
    """Puts the generator above behind the functions of `random`; `ask_system` is called where there is no seed."""

    class Seeded(_Original):
        def seed(self, a: Any = None, version: int = 2) -> None:
            if a is None:
                ask_system()
            super().seed(a, version)

    def from_system(size: int) -> bytes:
        ask_system()
        return original(size)

    # Seeding with text imports a hash function; later there are no imports.
    _Original("")
    original, random._urandom = random._urandom, from_system
    Seeded.__name__ = Seeded.__qualname__ = "Random"
    random.Random = Seeded
    for name in random.__all__:
        if name[0].islower() and hasattr(_shared, name):
            setattr(random, name, getattr(_shared, name))
