"""Types of columns in the words of the contract: `utf8`, `float32`, `list<int32>`."""

from __future__ import annotations

#: Numbers by name, as the module `struct` writes them.
FORMATS = {
    "int8": "b", "int16": "h", "int32": "i", "int64": "q",
    "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip

#: All but lists of them.
NAMES = ("bool", *FORMATS, "utf8")


def element(data_type: str) -> str | None:
    """The type of a list's elements; None if it is no list."""
    return data_type[5:-1] if data_type.startswith("list<") and data_type.endswith(">") else None


def is_known(data_type: str) -> bool:
    """Whether a column can be written in this type."""
    within = element(data_type)
    return is_known(within) if within is not None else data_type in NAMES


def bounds(integer: str) -> tuple[int, int]:
    """The least and the greatest number of a type of integers."""
    signed, bits = not integer.startswith("u"), int(integer.lstrip("uint"))
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
