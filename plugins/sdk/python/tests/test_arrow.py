"""Reader and writer of batches against the bytes of another implementation, and against bytes that are cut short."""

import json
import unittest
from pathlib import Path

from sternlight import arrow

GOLDEN = Path(__file__).parents[2] / "golden"
TOLD = json.loads((GOLDEN / "columns.json").read_text())
ENCODINGS = ("by_pyarrow", "by_sdk")


def values_of(column):
    wide = column["type"] in ("int64", "uint64")
    return [int(value) if wide and value is not None else value for value in column["values"]]


COLUMNS = {path: (column["type"], values_of(column)) for path, column in TOLD["columns"].items()}


def stored(name):
    return (GOLDEN / f"{name}.arrow").read_bytes()


class Reading(unittest.TestCase):
    def test_every_type_is_read(self) -> None:
        for name in ENCODINGS:
            batch = arrow.read(stored(name))
            self.assertEqual(batch.rows, len(TOLD["turns"]))
            for path, (data_type, values) in COLUMNS.items():
                with self.subTest(name=name, path=path):
                    column = batch.column(path)
                    self.assertEqual(column.data_type, data_type)
                    self.assertEqual(repr(column.values()), repr(values))
            turns = batch.column("turns").values()
            self.assertEqual([len(own) for own in turns], TOLD["turns"])
            of_turns = {path.removeprefix("turns."): values for path, (_, values) in COLUMNS.items() if "." in path}
            self.assertEqual(turns[2], [{name: values[2] for name, values in of_turns.items()}])
            self.assertIsNone(batch.column("turns.absent"))
            self.assertIsNone(batch.column("prompt.absent"))
        self.assertEqual(arrow.read(stored("by_pyarrow")).column("nothing").values(), [None] * 4)

    def test_what_cannot_be_read_is_told(self) -> None:
        whole = stored("by_pyarrow")
        cases = [
            (b"junkjunkjunk", "a message does not begin with its mark"),
            (b"", "it ends too early"),
            (whole[:100], "it ends too early"),
        ]
        for ipc, message in cases:
            with self.assertRaisesRegex(arrow.Invalid, f"^the batch is not a valid Arrow IPC stream: {message}"):
                arrow.read(ipc)
        # The last eight bytes are the mark of the end.
        for length in range(len(whole) - 8):
            with self.assertRaises(arrow.Invalid):
                arrow.read(whole[:length])

    def test_a_type_that_is_not_understood_is_told(self) -> None:
        sent = arrow.write(1, {"day": ("utf8", ["x"])})
        # That it may have nulls, and its type.
        self.assertEqual(sent.count(b"\x01\x05"), 1)
        message = r"column `day` has a type that is not understood \(number 8\)"
        with self.assertRaisesRegex(arrow.Invalid, message):
            arrow.read(sent.replace(b"\x01\x05", b"\x01\x08"))


class Writing(unittest.TestCase):
    def test_bytes_are_those_that_another_implementation_has_read(self) -> None:
        of_turns = {path.removeprefix("turns."): one for path, one in COLUMNS.items() if path.startswith("turns.")}
        columns = {path: one for path, one in COLUMNS.items() if not path.startswith("turns.")}
        made = arrow.write(len(TOLD["turns"]), columns, arrow.Turns(TOLD["turns"], of_turns))
        self.assertEqual(made, stored("by_sdk"))

    def test_batches_without_rows_turns_or_columns(self) -> None:
        self.assertEqual(arrow.read(arrow.write(0, {"x": ("utf8", [])})).column("x").values(), [])
        self.assertEqual(arrow.read(arrow.write(3, {})).rows, 3)
        batch = arrow.read(arrow.write(2, {}, arrow.Turns([0, 0], {"x": ("list<int32>", [])})))
        self.assertEqual((batch.column("turns").values(), batch.column("turns.x").values()), ([[], []], []))

    def test_more_rows_than_a_byte_has_bits(self) -> None:
        values = [None if i % 3 == 0 else i % 2 == 0 for i in range(100)]
        for count in (1, 7, 8, 9, 100):
            ipc = arrow.write(count, {"x": ("bool", values[:count])})
            self.assertEqual(arrow.read(ipc).column("x").values(), values[:count])
