"""From the bytes of an Arrow IPC stream to columns. A column becomes values when it is asked for, all of it at once."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .flatbuffer import Table
from .types import FORMATS

#: What every message begins with.
CONTINUATION = b"\xff\xff\xff\xff"
SCHEMA, RECORD_BATCH = 1, 3


class Invalid(ValueError):
    """The bytes of a batch are not what they should be."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the batch is not a valid Arrow IPC stream: {message}")


@dataclass
class Column:
    """One column: a value, or None, for each row."""

    #: In the words of the contract.
    data_type: str
    #: Makes all values, of rows that have none as well.
    decode: Callable[[], list[Any]]
    #: A bit a row; None: all rows have a value.
    validity: bytes | None = None
    #: Of a list: where each row's elements begin, and where the last ones end.
    offsets: tuple[int, ...] = ()
    #: Of a list: its elements.
    items: Column | None = None
    #: Of a struct: its columns.
    fields: dict[str, Column] = field(default_factory=dict)

    def values(self) -> list[Any]:
        """The values, made anew at each call."""
        values = self.decode()
        if self.validity is None:
            return values
        return [value if there else None for value, there in zip(values, _bits(self.validity, len(values)))]


@dataclass
class Received:
    """The columns that were sent."""

    rows: int
    columns: dict[str, Column]

    def column(self, path: str) -> Column | None:
        """A column by its path, `reward` or `turns.action`; None if it was not sent."""
        outer, dot, inner = path.partition(".")
        column = self.columns.get(outer)
        if not dot or column is None:
            return column
        return column.items.fields.get(inner) if column.items is not None else None


def read(ipc: bytes) -> Received:
    """Reads a stream: a schema, one record batch, and the end. What cannot be read raises `Invalid`."""
    try:
        kind, schema, _, rest = _message(ipc, 0)
        if kind != SCHEMA:
            raise Invalid("it does not begin with a schema")
        kind, batch, body, _ = _message(ipc, rest)
        if kind != RECORD_BATCH:
            raise Invalid("the schema is not followed by a record batch")
        if batch.table(3) is not None:
            raise Invalid("it is compressed")
        rows, reader = batch.number(0, "q"), _Reader(body, batch.pairs(1), batch.pairs(2))
        return Received(rows, dict(reader.field(field, rows) for field in schema.tables(1)))
    except struct.error as error:
        raise Invalid(f"it ends too early ({error})") from None


def _message(ipc: bytes, at: int) -> tuple[int, Table, bytes, int]:
    """The kind, the header and the body of the message there, and where the next one begins."""
    mark, size = struct.unpack_from("<4si", ipc, at)
    if mark != CONTINUATION:
        raise Invalid("a message does not begin with its mark")
    begin = at + 8 + size
    message = Table.root(ipc[at + 8 : begin])
    header = message.table(2)
    if header is None:
        raise Invalid("a message has no header")
    end = begin + message.number(3, "q")
    if not begin <= end <= len(ipc):
        raise Invalid("it ends too early")
    return message.number(1, "B"), header, ipc[begin:end], end


class _Reader:
    """Takes the nodes and buffers of a record batch in the order of the schema's fields."""

    def __init__(self, body: bytes, nodes: list[tuple[int, int]], buffers: list[tuple[int, int]]) -> None:
        self._body, self._nodes, self._buffers = body, iter(nodes), iter(buffers)

    def field(self, field: Table, rows: int) -> tuple[str, Column]:
        """The next column, of which the first `rows` rows are taken: below a list there may be more."""
        name = field.text(0)
        node, nulls = self._next(self._nodes, "columns")
        if node < rows:
            raise _wrong(name, f"has {node} rows, expected {rows}")
        if field.table(4) is not None:
            raise _wrong(name, "is a dictionary")
        kind = field.number(2, "B")
        if kind == 1:
            return name, Column("null", lambda: [None] * rows)
        bits = self._buffer()
        validity = bits if nulls else None
        if nulls and 8 * len(bits) < rows:
            raise _wrong(name, "says too little about which rows have a value")
        column = self._values(name, kind, field, rows)
        column.validity = validity
        return name, column

    def _values(self, name: str, kind: int, field: Table, rows: int) -> Column:
        match kind:
            case 2 | 3:
                return self._numbers(name, _number_type(name, kind, field.table(3)), rows)
            case 5:
                return self._texts(name, rows)
            case 6:
                buffer = self._sized(name, -(-rows // 8))
                return Column("bool", lambda: _bits(buffer, rows))
            case 12:
                return self._lists(name, field, rows)
            case 13:
                fields = dict(self.field(child, rows) for child in field.tables(5))
                told = ", ".join(f"{name}: {column.data_type}" for name, column in fields.items())
                return Column(f"struct<{told}>", lambda: _structs(fields, rows), fields=fields)
        raise _wrong(name, f"has a type that is not understood (number {kind})")

    def _numbers(self, name: str, data_type: str, rows: int) -> Column:
        form = f"<{rows}{FORMATS[data_type]}"
        buffer = self._sized(name, struct.calcsize(form))
        return Column(data_type, lambda: list(struct.unpack_from(form, buffer)))

    def _texts(self, name: str, rows: int) -> Column:
        offsets, buffer = self._offsets(name, rows), self._buffer()
        if offsets[-1] > len(buffer):
            raise _wrong(name, "has offsets beyond its text")

        def decode() -> list[str]:
            used = buffer[: offsets[-1]]
            if used.isascii():
                text = used.decode()
                return [text[begin:end] for begin, end in pairwise(offsets)]
            return [used[begin:end].decode() for begin, end in pairwise(offsets)]

        return Column("utf8", decode)

    def _lists(self, name: str, field: Table, rows: int) -> Column:
        offsets, children = self._offsets(name, rows), field.tables(5)
        if len(children) != 1:
            raise _wrong(name, "is a list without a type")
        _, items = self.field(children[0], offsets[-1])

        def decode() -> list[Any]:
            values = items.values()
            return [values[begin:end] for begin, end in pairwise(offsets)]

        return Column(f"list<{items.data_type}>", decode, offsets=offsets, items=items)

    def _offsets(self, name: str, rows: int) -> tuple[int, ...]:
        buffer = self._buffer()
        if rows == 0:
            return (0,)
        if len(buffer) < 4 * (rows + 1):
            raise _wrong(name, "has too few offsets")
        offsets = struct.unpack_from(f"<{rows + 1}i", buffer)
        if offsets[0] < 0 or sorted(offsets) != list(offsets):
            raise _wrong(name, "has offsets that fall")
        return offsets

    def _sized(self, name: str, size: int) -> bytes:
        """The next buffer, which holds at least `size` bytes."""
        buffer = self._buffer()
        if len(buffer) < size:
            raise _wrong(name, f"has {len(buffer)} bytes of values, expected {size}")
        return buffer

    def _buffer(self) -> bytes:
        at, size = self._next(self._buffers, "buffers")
        if at < 0 or size < 0 or at + size > len(self._body):
            raise Invalid("a buffer reaches beyond the end")
        return self._body[at : at + size]

    @staticmethod
    def _next(pairs: Any, what: str) -> tuple[int, int]:
        pair = next(pairs, None)
        if pair is None:
            raise Invalid(f"it has too few {what}")
        return pair


def _number_type(name: str, kind: int, about: Table | None) -> str:
    if about is None:
        raise _wrong(name, "does not say its type")
    if kind == 2:
        data_type = f"{'' if about.number(1, 'B') else 'u'}int{about.number(0, 'i')}"
    else:
        data_type = f"float{16 << about.number(0, 'h')}"
    if data_type not in FORMATS:
        raise _wrong(name, f"has numbers of type {data_type}")
    return data_type


def _structs(fields: dict[str, Column], rows: int) -> list[dict[str, Any]]:
    values = {name: column.values() for name, column in fields.items()}
    return [{name: column[row] for name, column in values.items()} for row in range(rows)]


def _bits(buffer: bytes, rows: int) -> list[bool]:
    # By way of a text, which Python makes faster than it shifts bits; its first digit is the last row's.
    digits = f"{int.from_bytes(buffer, 'little'):0{8 * len(buffer)}b}"
    return [digit == "1" for digit in digits[: -rows - 1 : -1]] if rows else []


def _wrong(name: str, what: str) -> Invalid:
    return Invalid(f"column `{name}` {what}")
