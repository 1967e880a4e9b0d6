"""What a batch plugin gives back, checked: columns of the types that it adds, as long as they must be.

A column that is missing or has another length is an error of the whole batch; a value that does not fit is one of its row.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .arrow import types
from .batches import Batch
from .results import listed, show

#: The column of a plugin that selects rows.
KEEP = "keep"

#: What numbers of floating point lie between; beyond it they are infinite.
_FLOATS = {"float32": (-3.4028235e38, 3.4028235e38), "float64": (-math.inf, math.inf)}

#: What values are in Python, where they are not integers.
_CLASSES = {"bool": {bool}, "utf8": {str}} | dict.fromkeys(_FLOATS, {float, int})


def added(value: Any, batch: Batch, adds: Mapping[str, str]) -> dict[str, list[Any]]:
    """Checks the columns that a function returned. Rows with a value that does not fit fail, and have None."""
    expected = ", ".join(f"`{path}`" for path in adds)
    if not isinstance(value, Mapping):
        raise TypeError(f"a batch plugin returns a dict with the columns {expected}, found {show(value)}")
    for path in value:
        if path not in adds:
            raise ValueError(f"unknown column {show(path)}, expected {expected}")
    checked = {}
    for path, data_type in adds.items():
        if path not in value:
            raise ValueError(f"there is no column `{path}`, expected {expected}")
        checked[path] = _column(value[path], path, data_type, batch)
    return _without_failed_rows(checked, batch)


def kept(value: Any, batch: Batch) -> dict[str, list[Any]]:
    """Checks which rows a function keeps: True or False a trajectory."""
    values = listed(value, "True or False a trajectory")
    if len(values) != batch.rows:
        raise ValueError(f"expected True or False a trajectory: {batch.rows}, found {len(values)}")
    for row, one in enumerate(values):
        if not isinstance(one, bool):
            batch.fail(row, f"TypeError: whether row {row} is kept is True or False, found {show(one)}")
    return _without_failed_rows({KEEP: values}, batch)


def _column(value: Any, path: str, data_type: str, batch: Batch) -> list[Any]:
    of_turns = path.startswith("turns.")
    what = f"one value a {'turn' if of_turns else 'trajectory'} in column `{path}`"
    values = listed(value, what)
    count = sum(map(len, batch.turns)) if of_turns else batch.rows
    if len(values) != count:
        raise ValueError(f"expected {what}: {count}, found {len(values)}")
    if not _fit(values, data_type):
        for place, one in enumerate(values):
            row, turn = _row_of(place, batch) if of_turns else (place, "")
            try:
                check(one, data_type, f"`{path}` of {turn}row {row}")
            except (TypeError, ValueError) as error:
                batch.fail(row, f"{type(error).__name__}: {error}")
    return values


def _row_of(place: int, batch: Batch) -> tuple[int, str]:
    """Whose turn that is, and which one."""
    # The last row that begins there or before: those before it that begin there too have no turns.
    row = bisect_right(batch.turns, place, key=lambda turns: turns.start) - 1
    return row, f"turn {place - batch.turns[row].start} of "


def _without_failed_rows(columns: dict[str, list[Any]], batch: Batch) -> dict[str, list[Any]]:
    if not batch.failures:
        return columns
    made = {}
    for path, values in columns.items():
        values = list(values)
        for row in batch.failures:
            places = batch.turns[row] if path.startswith("turns.") else (row,)
            for place in places:
                values[place] = None
        made[path] = values
    return made


def _fit(values: Sequence[Any], data_type: str) -> bool:
    """Whether all values fit a type, without a look at each: it may say no where they do."""
    found = set(map(type, values)) - {type(None)}
    there = [value for value in values if value is not None]
    within = types.element(data_type)
    if within is not None:
        return found <= {list, tuple} and _fit([one for value in there for one in value], within)
    if not found <= _CLASSES.get(data_type, {int}):
        return False
    try:
        if data_type == "utf8":
            "".join(there).encode()
        elif data_type in _FLOATS:
            return all(map(math.isfinite, there)) and _lie(there, *_FLOATS[data_type])
        elif data_type != "bool":
            return _lie(there, *types.bounds(data_type))
    except (OverflowError, UnicodeEncodeError):
        return False
    return True


def _lie(numbers: list[Any], least: float, greatest: float) -> bool:
    return not numbers or (least <= min(numbers) and max(numbers) <= greatest)


def check(value: Any, data_type: str, what: str) -> None:
    """Raises what is wrong with a value of a column of this type; None fits every type."""
    if value is None:
        return
    within = types.element(data_type)
    if within is not None:
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"{what} is a list or None, found {show(value)}")
        for place, one in enumerate(value):
            check(one, within, f"element {place} of {what}")
    else:
        _SCALARS.get(data_type, _check_integer)(value, data_type, what)


def _check_boolean(value: Any, data_type: str, what: str) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{what} is True, False or None, found {show(value)}")


def _check_text(value: Any, data_type: str, what: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} is text or None, found {show(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half of a pair of surrogates.
        raise ValueError(f"{what} is text of whole characters, found {show(value)}") from None


def _check_float(value: Any, data_type: str, what: str) -> None:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{what} is a number or None, found {show(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or not _lie([number], *_FLOATS[data_type]):
        raise ValueError(f"{what} is a finite {data_type.removeprefix('float')}-bit number, found {number}")


def _check_integer(value: Any, data_type: str, what: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} is a whole number or None, found {show(value)}")
    least, greatest = types.bounds(data_type)
    if not least <= value <= greatest:
        raise ValueError(f"{what} is a whole number from {least} to {greatest}, found {value}")


_SCALARS: dict[str, Callable[[Any, str, str], None]] = {
    "bool": _check_boolean,
    "utf8": _check_text,
    "float32": _check_float,
    "float64": _check_float,
}
