"""The stage's `with:` as a dataclass: its JSON Schema, and decoding with readable errors.

Understood types: bool, int, float, str, `list[T]`, `dict[str, T]`, `T | None`, `Literal[...]`, string enums, dataclasses.
`Annotated[T, "what it is for", Between(0, 1)]` adds a description and bounds.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


class ConfigError(ValueError):
    """A value below `with` that is not what the plugin expects."""


@dataclasses.dataclass(frozen=True)
class Between:
    """Bounds of a number, both included; None leaves a side open."""

    minimum: float | None = None
    maximum: float | None = None


def schema(config: type | None) -> dict[str, Any]:
    """JSON Schema (draft 7) of a configuration class; without one, `with` has no keys."""
    if config is None:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    return _schema(config, config.__name__)


def _schema(hint: Any, where: str) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        made = _schema(arguments[0], where)
        for note in arguments[1:]:
            if isinstance(note, str):
                made["description"] = note
            elif isinstance(note, Between):
                made |= {k: v for k, v in dataclasses.asdict(note).items() if v is not None}
        return made
    simple = {bool: "boolean", int: "integer", float: "number", str: "string"}
    if hint in simple:
        return {"type": simple[hint]}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], f"{where}[]")}
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": _schema(arguments[1], f"{where}.*")}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if a is type(None) else _schema(a, where) for a in arguments]}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if dataclasses.is_dataclass(hint):
        return _object_schema(hint, where)
    raise TypeError(f"`{where}`: configuration of type {_name(hint)} is not supported")


def _object_schema(hint: Any, where: str) -> dict[str, Any]:
    hints = get_type_hints(hint, include_extras=True)
    properties, required = {}, []
    for f in dataclasses.fields(hint):
        properties[f.name] = _schema(hints[f.name], f"{where}.{f.name}")
        if f.default is not dataclasses.MISSING:
            properties[f.name]["default"] = _encoded(f.default)
        elif f.default_factory is not dataclasses.MISSING:
            properties[f.name]["default"] = _encoded(f.default_factory())
        else:
            required.append(f.name)
    made: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    # Without a docstring of its own a dataclass has its signature for one.
    if hint.__doc__ and not hint.__doc__.startswith(f"{hint.__name__}("):
        made["description"] = " ".join(hint.__doc__.split())
    if required:
        made["required"] = required
    return made


def _encoded(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _encoded(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, list):
        return [_encoded(v) for v in value]
    if isinstance(value, dict):
        return {k: _encoded(v) for k, v in value.items()}
    return value


def decode(hint: Any, value: Any, where: str = "with") -> Any:
    """Makes `value`, as JSON gives it, a value of type `hint`; `where` is its place, for errors."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        decoded = decode(arguments[0], value, where)
        for note in arguments[1:]:
            if isinstance(note, Between) and decoded is not None:
                _within(note, decoded, where)
        return decoded
    if hint is None or hint is type(None):
        return _expect(value is None, value, "null", where)
    if hint is bool:
        return _expect(isinstance(value, bool), value, "true or false", where)
    if hint is int:
        return _expect(isinstance(value, int) and not isinstance(value, bool), value, "a whole number", where)
    if hint is float:
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return float(_expect(numeric, value, "a number", where))
    if hint is str:
        return _expect(isinstance(value, str), value, "text", where)
    if origin is list:
        _expect(isinstance(value, list), value, "a list", where)
        return [decode(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(value)]
    if origin is dict:
        _expect(isinstance(value, dict), value, "a mapping", where)
        return {k: decode(arguments[1], v, f"{where}.{k}") for k, v in value.items()}
    if origin is Literal:
        return _expect(value in arguments, value, _either(arguments), where)
    if origin in (Union, types.UnionType):
        return _decode_union(arguments, value, where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        _expect(value in [m.value for m in hint], value, _either([m.value for m in hint]), where)
        return hint(value)
    return _decode_object(hint, value, where)


def _decode_union(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    errors = []
    for argument in arguments:
        if argument is type(None):
            continue
        try:
            return decode(argument, value, where)
        except ConfigError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise ConfigError(f"`{where}`: expected {' or '.join(map(_name, arguments))}, found {json.dumps(value)}")


def _decode_object(hint: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), value, "a mapping", where)
    hints = get_type_hints(hint, include_extras=True)
    known = [f.name for f in dataclasses.fields(hint)]
    for key in value:
        if key not in known:
            raise ConfigError(f"`{where}.{key}`: unknown key, expected one of {', '.join(f'`{k}`' for k in known)}")
    decoded = {k: decode(hints[k], v, f"{where}.{k}") for k, v in value.items()}
    for f in dataclasses.fields(hint):
        absent = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if absent and f.name not in decoded:
            raise ConfigError(f"`{where}.{f.name}`: missing")
    # A `__post_init__` may refuse values; its error passes as it is.
    return hint(**decoded)


def _expect(holds: bool, value: Any, expected: str, where: str) -> Any:
    if not holds:
        raise ConfigError(f"`{where}`: expected {expected}, found {json.dumps(value)}")
    return value


def _within(bounds: Between, value: float, where: str) -> None:
    if bounds.minimum is not None and value < bounds.minimum:
        raise ConfigError(f"`{where}`: expected at least {bounds.minimum}, found {value}")
    if bounds.maximum is not None and value > bounds.maximum:
        raise ConfigError(f"`{where}`: expected at most {bounds.maximum}, found {value}")


def _either(values: Any) -> str:
    return "one of " + ", ".join(f"`{v}`" for v in values)


def _name(hint: Any) -> str:
    return getattr(hint, "__name__", str(hint))
