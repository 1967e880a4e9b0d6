"""Tables of FlatBuffers, in which Arrow describes schemas and batches: reading, and writing front to back.

Not concerned with what the tables mean. What lies outside of a buffer raises `struct.error`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence


class Table:
    """A table within a buffer."""

    def __init__(self, buffer: bytes, at: int) -> None:
        self._buffer, self._at = buffer, at
        self._vtable = at - _int(buffer, at)
        (self._vtable_length,) = struct.unpack_from("<H", buffer, self._vtable)

    @classmethod
    def root(cls, buffer: bytes) -> Table:
        """The table that a buffer begins with."""
        return cls(buffer, _int(buffer, 0))

    def _field(self, index: int) -> int | None:
        """Where a field lies; None if it has its default."""
        slot = 4 + 2 * index
        if slot + 2 > self._vtable_length:
            return None
        (within,) = struct.unpack_from("<H", self._buffer, self._vtable + slot)
        return self._at + within if within else None

    def number(self, index: int, form: str) -> int:
        """A number in a format of `struct`; 0 where it is left out."""
        at = self._field(index)
        return 0 if at is None else struct.unpack_from(f"<{form}", self._buffer, at)[0]

    def table(self, index: int) -> Table | None:
        """The table that a field refers to."""
        at = self._field(index)
        return None if at is None else Table(self._buffer, at + _int(self._buffer, at))

    def tables(self, index: int) -> list[Table]:
        """The tables of a vector."""
        at, length = self._vector(index)
        places = range(at, at + 4 * length, 4)
        return [Table(self._buffer, place + _int(self._buffer, place)) for place in places]

    def text(self, index: int) -> str:
        """A text; "" where it is left out."""
        at, length = self._vector(index)
        return str(struct.unpack_from(f"{length}s", self._buffer, at)[0], "utf-8")

    def pairs(self, index: int) -> list[tuple[int, int]]:
        """The elements of a vector of structs of two 64-bit integers."""
        at, length = self._vector(index)
        numbers = struct.unpack_from(f"<{2 * length}q", self._buffer, at)
        return list(zip(numbers[::2], numbers[1::2]))

    def _vector(self, index: int) -> tuple[int, int]:
        """Where the elements of a vector begin, and how many there are."""
        field = self._field(index)
        if field is None:
            return 0, 0
        at = field + _int(self._buffer, field)
        return at + 4, _int(self._buffer, at)


def _int(buffer: bytes, at: int) -> int:
    return struct.unpack_from("<i", buffer, at)[0]


#: A field of a table to be written: its format and value; OFFSET, to be filled in by `refer`; None: left out.
Field = tuple[str, int] | None
OFFSET: Field = ("I", 0)


class Writer:
    """Writes tables front to back: a table comes before what it refers to, and its offsets are filled in afterwards."""

    def __init__(self) -> None:
        #: The first word refers to the root table, which comes next.
        self.bytes = bytearray(4)

    def table(self, fields: Sequence[Field]) -> tuple[int, list[int]]:
        """Writes a table and gives the places of its offsets, in the order of the fields."""
        self.align(8)
        vtable, vtable_length = len(self.bytes), 4 + 2 * len(fields)
        self.bytes += bytes(vtable_length)
        self.align(8)
        table = len(self.bytes)
        self.bytes += struct.pack("<i", table - vtable)
        offsets = []
        for index, field in enumerate(fields):
            if field is None:
                continue
            form, value = field
            self.align(struct.calcsize(f"<{form}"))
            at = len(self.bytes)
            struct.pack_into("<H", self.bytes, vtable + 4 + 2 * index, at - table)
            self.bytes += struct.pack(f"<{form}", value)
            if field is OFFSET:
                offsets.append(at)
        struct.pack_into("<HH", self.bytes, vtable, vtable_length, len(self.bytes) - table)
        return table, offsets

    def refer(self, place: int, target: int) -> None:
        """Fills in an offset: what lies at `place` refers to what lies at `target`, further on."""
        struct.pack_into("<I", self.bytes, place, target - place)

    def text(self, text: str) -> int:
        """Writes a text."""
        encoded = text.encode()
        at = self.vector(len(encoded), 1, encoded)
        self.bytes.append(0)
        return at

    def vector(self, length: int, align: int, elements: bytes) -> int:
        """Writes a vector of structs or scalars; the elements are aligned, the length comes before them."""
        self.align(max(align, 4), 4)
        at = len(self.bytes)
        self.bytes += struct.pack("<I", length) + elements
        return at

    def offsets(self, length: int) -> tuple[int, list[int]]:
        """Writes a vector of offsets and gives their places."""
        at = self.vector(length, 4, bytes(4 * length))
        return at, [at + 4 + 4 * i for i in range(length)]

    def align(self, align: int, after: int = 0) -> None:
        """Pads until what comes `after` bytes further on is aligned."""
        self.bytes += bytes(-(len(self.bytes) + after) % align)
