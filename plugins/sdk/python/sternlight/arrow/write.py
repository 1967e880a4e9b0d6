"""From new columns to the bytes of an Arrow IPC stream, one record batch, ready to be handed to the host.

The values must fit their types and lengths: `columns` sees to that.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from .flatbuffer import OFFSET, Field, Writer
from .read import CONTINUATION, RECORD_BATCH, SCHEMA
from .types import FORMATS, element

#: Version 5 of the format, the first with the layout that is written here.
VERSION = 4

#: A column to be written: its type in the words of the contract, and its values.
Values = tuple[str, Sequence[Any]]


@dataclass
class Turns:
    """Columns below `turns`."""

    #: How many turns each trajectory has.
    counts: Sequence[int]
    #: Columns with as many rows as there are turns.
    columns: Mapping[str, Values]


def write(rows: int, columns: Mapping[str, Values], turns: Turns | None = None) -> bytes:
    """Columns of `rows` trajectories, and columns of their turns, as an Arrow IPC stream."""
    body = _Body()
    for data_type, values in columns.values():
        body.values(data_type, values)
    if turns is not None:
        total = body.lengths(turns.counts)
        body.node(total, 0)
        body.buffer(b"")
        for data_type, values in turns.columns.values():
            body.values(data_type, values)
    of_turns = None if turns is None else _types(turns.columns)
    batch = _message(RECORD_BATCH, lambda writer: body.describe(writer, rows), bytes(body.bytes))
    # The end of the stream is a mark and no message.
    return _schema(_types(columns), of_turns) + batch + CONTINUATION + bytes(4)


def _types(columns: Mapping[str, Values]) -> tuple[tuple[str, str], ...]:
    return tuple((name, data_type) for name, (data_type, _) in columns.items())


def _message(kind: int, header: Callable[[Writer], int], body: bytes = b"") -> bytes:
    writer = Writer()
    root, places = writer.table([("h", VERSION), ("B", kind), OFFSET, ("q", len(body))])
    writer.refer(0, root)
    made = header(writer)
    for place in places:
        writer.refer(place, made)
    writer.align(8)
    return CONTINUATION + struct.pack("<I", len(writer.bytes)) + writer.bytes + body


# A plugin adds the same columns at each call.
@functools.lru_cache(maxsize=16)
def _schema(columns: tuple[tuple[str, str], ...], turns: tuple[tuple[str, str], ...] | None) -> bytes:
    fields = [_describe(name, data_type) for name, data_type in columns]
    if turns is not None:
        item = _Described("item", _STRUCT, children=[_describe(name, data_type) for name, data_type in turns])
        fields.append(_Described("turns", _LIST, children=[item]))

    def header(writer: Writer) -> int:
        table, places = writer.table([None, OFFSET])
        made = _write_fields(writer, fields)
        for place in places:
            writer.refer(place, made)
        return table

    return _message(SCHEMA, header)


_INT, _FLOAT, _TEXT, _BOOLEAN, _LIST, _STRUCT = 2, 3, 5, 6, 12, 13


@dataclass
class _Described:
    """A field of the schema."""

    name: str
    kind: int
    #: What the table of its type holds.
    about: list[Field] = field(default_factory=list)
    children: list[_Described] = field(default_factory=list)


def _describe(name: str, data_type: str) -> _Described:
    within = element(data_type)
    if within is not None:
        return _Described(name, _LIST, children=[_describe("item", within)])
    if data_type == "bool":
        return _Described(name, _BOOLEAN)
    if data_type == "utf8":
        return _Described(name, _TEXT)
    form = FORMATS[data_type]
    if data_type.startswith("float"):
        return _Described(name, _FLOAT, [("h", 1 if data_type == "float32" else 2)])
    return _Described(name, _INT, [("i", 8 * struct.calcsize(f"<{form}")), ("B", int(form.islower()))])


def _write_fields(writer: Writer, fields: list[_Described]) -> int:
    made, slots = writer.offsets(len(fields))
    for slot, one in zip(slots, fields):
        writer.refer(slot, _write_field(writer, one))
    return made


def _write_field(writer: Writer, one: _Described) -> int:
    nullable = ("B", 1)
    table, places = writer.table([OFFSET, nullable, ("B", one.kind), OFFSET, None, OFFSET])
    name = writer.text(one.name)
    about, _ = writer.table(one.about)
    children = _write_fields(writer, one.children)
    for place, target in zip(places, (name, about, children)):
        writer.refer(place, target)
    return table


class _Body:
    """The body of a record batch, with what is said about it."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self._nodes: list[int] = []
        self._buffers: list[int] = []

    def describe(self, writer: Writer, rows: int) -> int:
        """Writes the header of the record batch."""
        table, places = writer.table([("q", rows), OFFSET, OFFSET])
        for place, numbers in zip(places, (self._nodes, self._buffers)):
            writer.refer(place, writer.vector(len(numbers) // 2, 8, struct.pack(f"<{len(numbers)}q", *numbers)))
        return table

    def values(self, data_type: str, values: Sequence[Any]) -> None:
        """Writes a column."""
        within = element(data_type)
        if within is not None:
            self.lengths([0 if value is None else len(value) for value in values], values)
            self.values(within, [one for value in values if value is not None for one in value])
        elif data_type == "utf8":
            texts = [b"" if value is None else value.encode() for value in values]
            self.lengths([len(text) for text in texts], values)
            self.buffer(b"".join(texts))
        elif data_type == "bool":
            self._validity(values)
            self.buffer(_bits(values))
        else:
            nulls = self._validity(values)
            numbers = [0 if value is None else value for value in values] if nulls else values
            self.buffer(struct.pack(f"<{len(values)}{FORMATS[data_type]}", *numbers))

    def lengths(self, lengths: Sequence[int], values: Sequence[Any] | None = None) -> int:
        """Node, validity and offsets of a column of lists or texts; gives how long they are together."""
        self._validity(lengths if values is None else values)
        offsets = list(accumulate(lengths, initial=0))
        self.buffer(struct.pack(f"<{len(offsets)}i", *offsets))
        return offsets[-1]

    def _validity(self, values: Sequence[Any]) -> int:
        """Node and validity of a column; gives how many nulls it has."""
        nulls = sum(value is None for value in values)
        self.node(len(values), nulls)
        self.buffer(_bits(value is not None for value in values) if nulls else b"")
        return nulls

    def node(self, rows: int, nulls: int) -> None:
        """Says how long a column is."""
        self._nodes += (rows, nulls)

    def buffer(self, content: bytes) -> None:
        """Adds a buffer, aligned to 8 bytes."""
        self._buffers += (len(self.bytes), len(content))
        self.bytes += content + bytes(-len(content) % 8)


def _bits(values: Iterable[Any]) -> bytes:
    """A bit a value, the first one lowest."""
    # By way of a text, which Python makes faster than it shifts bits; its first digit is the last value's.
    digits = "".join(["1" if value else "0" for value in values])
    return int(digits[::-1] or "0", 2).to_bytes(-(-len(digits) // 8), "little")
