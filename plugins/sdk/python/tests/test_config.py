"""Schemas and decoding of `with:`."""

import enum
import unittest
from dataclasses import dataclass, field
from typing import Annotated, Literal

from sternlight import Between, ConfigError
from sternlight.config import decode, schema


class Mode(enum.Enum):
    LOUD = "loud"
    QUIET = "quiet"


@dataclass
class Inner:
    depth: int


@dataclass
class Config:
    """How much is taken off."""

    name: str
    weight: Annotated[float, "per call", Between(0, 1)] = 0.5
    words: list[str] = field(default_factory=lambda: ["a"])
    limit: int | None = None
    order: Literal["up", "down"] = "up"
    mode: Mode = Mode.LOUD
    weights: dict[str, float] = field(default_factory=dict)
    inner: Inner = field(default_factory=lambda: Inner(1))


class Schema(unittest.TestCase):
    def test_says_types_defaults_bounds_and_what_is_required(self) -> None:
        made = schema(Config)
        self.assertEqual(made["required"], ["name"])
        self.assertEqual(made["description"], "How much is taken off.")
        self.assertFalse(made["additionalProperties"])
        self.assertEqual(
            made["properties"]["weight"],
            {"type": "number", "description": "per call", "minimum": 0, "maximum": 1, "default": 0.5},
        )
        self.assertEqual(made["properties"]["words"], {"type": "array", "items": {"type": "string"}, "default": ["a"]})
        self.assertEqual(
            made["properties"]["limit"], {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}
        )
        self.assertEqual(made["properties"]["mode"], {"enum": ["loud", "quiet"], "default": "loud"})
        self.assertEqual(made["properties"]["inner"]["default"], {"depth": 1})

    def test_of_nothing_allows_no_keys(self) -> None:
        self.assertEqual(schema(None), {"type": "object", "properties": {}, "additionalProperties": False})

    def test_names_the_field_whose_type_is_not_supported(self) -> None:
        @dataclass
        class Odd:
            when: complex

        with self.assertRaisesRegex(TypeError, "`Odd.when`: configuration of type complex is not supported"):
            schema(Odd)


class Decode(unittest.TestCase):
    def test_makes_typed_values(self) -> None:
        config = decode(Config, {"name": "x", "weight": 1, "mode": "quiet", "weights": {"a": 2}, "inner": {"depth": 3}})
        self.assertEqual((config.weight, type(config.weight)), (1.0, float))
        self.assertIs(config.mode, Mode.QUIET)
        self.assertEqual(config.weights, {"a": 2.0})
        self.assertEqual(config.inner, Inner(3))

    def test_errors_name_the_place_what_was_expected_and_found(self) -> None:
        cases = [
            ({}, "`with.name`: missing"),
            ({"name": 3}, "`with.name`: expected text, found 3"),
            ({"name": "x", "weight": "y"}, '`with.weight`: expected a number, found "y"'),
            ({"name": "x", "weight": True}, "`with.weight`: expected a number, found true"),
            ({"name": "x", "weight": 1.5}, "`with.weight`: expected at most 1, found 1.5"),
            ({"name": "x", "words": ["a", 1]}, "`with.words[1]`: expected text, found 1"),
            ({"name": "x", "limit": "y"}, '`with.limit`: expected a whole number, found "y"'),
            ({"name": "x", "order": "left"}, '`with.order`: expected one of `up`, `down`, found "left"'),
            ({"name": "x", "mode": "soft"}, '`with.mode`: expected one of `loud`, `quiet`, found "soft"'),
            ({"name": "x", "inner": {"deep": 1}}, "`with.inner.deep`: unknown key, expected one of `depth`"),
        ]
        for value, message in cases:
            with self.subTest(value=value), self.assertRaises(ConfigError) as raised:
                decode(Config, value)
            self.assertEqual(str(raised.exception), message)
