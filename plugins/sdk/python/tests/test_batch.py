"""Plugins over whole batches, without WebAssembly."""

import random
import unittest
from dataclasses import dataclass

from sternlight import Batch, Trajectory, Turn, arrow, batch, plugin_of
from sternlight.stage import Failure, Stage
from sternlight.testing import batch_of, run

EPISODES = [
    Trajectory(id="a", prompt="go", turns=[Turn(action="go north"), Turn(action="größer")]),
    Trajectory(id="b"),
    Trajectory(id="c", turns=[Turn(action="look")]),
]


@dataclass
class Config:
    factor: int = 1


@batch(reads={"turns.action": "utf8"}, adds={"turns.length": "int32", "length": "int32"})
def measure(batch: Batch, config: Config) -> dict[str, list]:
    """Measures actions."""
    lengths = [config.factor * len(action.split()) for action in batch.column("turns.action")]
    return {"turns.length": lengths, "length": [sum(own) for own in batch.by_trajectory(lengths)]}


def returning(value, **about):
    @batch(**({"reads": ["turns"], "adds": {"x": "int32"}} | about))
    def constant(batch):
        return value

    return constant


def errors_of(value, **about):
    return [made.message if isinstance(made, Failure) else None for made in run(returning(value, **about), EPISODES)]


class Batches(unittest.TestCase):
    def test_columns_go_in_and_out(self) -> None:
        expected = [{"turns.length": [2, 1], "length": 3}, {"turns.length": [], "length": 0}]
        self.assertEqual(run(measure, EPISODES)[:2], expected)
        self.assertEqual(run(measure, EPISODES[2:], factor=3), [{"turns.length": [3], "length": 3}])
        self.assertEqual(run(measure, []), [])

    def test_it_stays_a_function(self) -> None:
        made = measure(batch_of(measure, EPISODES), Config())
        self.assertEqual(made, {"turns.length": [2, 1, 1], "length": [3, 0, 1]})

    def test_a_batch_says_whose_turns_they_are(self) -> None:
        seen = batch_of(measure, EPISODES)
        self.assertEqual((seen.rows, seen.turns), (3, [range(0, 2), range(2, 2), range(2, 3)]))
        self.assertEqual(seen.column("trajectory_id"), ["a", "b", "c"])
        with self.assertRaisesRegex(LookupError, "column `prompt` is not read by this plugin; name it in `reads`"):
            seen.column("prompt")
        with self.assertRaisesRegex(LookupError, "column `turns` is not read by this plugin"):
            batch_of(returning(0, reads=["prompt"]), EPISODES).turns  # noqa: B018

    def test_columns_have_the_types_of_a_dataset(self) -> None:
        reads = {"seed": "", "reward": "", "note": "list<utf8>", "turns.weight": "", "turns.exit_code": ""}

        @batch(reads=reads, adds={"x": "bool"})
        def look(batch):
            return {"x": [None]}

        turn = Turn(extra={"weight": 0.1, "exit_code": 3})
        seen = batch_of(look, [Trajectory(seed=str(2**64 - 1), reward=0.1, extra={"note": ["x"]}, turns=[turn])])
        self.assertEqual([seen.column(path) for path in reads][0::2], [[2**64 - 1], [["x"]], [3]])
        # A number of 32 bits, as in a dataset.
        self.assertEqual(seen.column("reward"), [0.10000000149011612])
        self.assertEqual(seen.column("turns.weight"), [0.10000000149011612])
        with self.assertRaisesRegex(TypeError, "value 0 of `note` is a list or None, found 'x'"):
            batch_of(look, [Trajectory(extra={"note": "x", "turns": []})])

    def test_rows_may_fail_alone(self) -> None:
        @batch(reads=["prompt"], adds={"x": "int32"})
        def picky(batch):
            for row, prompt in enumerate(batch.column("prompt")):
                if prompt is None:
                    batch.fail(row, f"no prompt \ud800 {row}")
            return {"x": [1, "whatever", None]}

        made = run(picky, EPISODES)
        self.assertEqual(made, [{"x": 1}, Failure("no prompt \\ud800 1"), Failure("no prompt \\ud800 2")])
        with self.assertRaisesRegex(IndexError, "there is no row 3, the batch has 3"):
            batch_of(picky, EPISODES).fail(3, "")
        with self.assertRaisesRegex(IndexError, "there is no row 0.5, the batch has 3"):
            batch_of(picky, EPISODES).fail(0.5, "")

    def test_randomness_follows_from_the_first_row(self) -> None:
        begun = []

        @batch(reads=[], adds={"x": "float64"})
        def draw(batch):
            return {"x": [random.random() for _ in range(batch.rows)]}

        from sternlight import stage

        before, stage.begin = stage.begin, begun.append
        try:
            run(draw, EPISODES[1:])
            run(draw, [])
        finally:
            stage.begin = before
        self.assertEqual([seed for seed in begun if seed], ["b"])
        self.assertEqual(plugin_of(draw).reads, {"trajectory_id": "utf8"})


class WrongResults(unittest.TestCase):
    def test_columns_that_are_not_those_are_errors_of_the_batch(self) -> None:
        cases = [
            (3, "TypeError: a batch plugin returns a dict with the columns `x`, found 3 (int)"),
            ({}, "ValueError: there is no column `x`, expected `x`"),
            ({"x": [1, 2, 3], "y": []}, "ValueError: unknown column 'y' (str), expected `x`"),
            ({"x": [1, 2]}, "ValueError: expected one value a trajectory in column `x`: 3, found 2"),
            ({"x": "abc"}, "TypeError: expected a list: one value a trajectory in column `x`, found 'abc' (str)"),
        ]
        for value, message in cases:
            self.assertEqual(errors_of(value), [message] * 3)
        of_turns = errors_of({"turns.x": [1, 2]}, adds={"turns.x": "int32"})
        self.assertEqual(of_turns[0], "ValueError: expected one value a turn in column `turns.x`: 3, found 2")

    def test_values_that_do_not_fit_are_errors_of_their_rows(self) -> None:
        cases = [
            ("int32", 1.5, "TypeError: `x` of row 1 is a whole number or None, found 1.5 (float)"),
            ("int32", True, "TypeError: `x` of row 1 is a whole number or None, found True (bool)"),
            ("int8", 128, "ValueError: `x` of row 1 is a whole number from -128 to 127, found 128"),
            ("uint64", -1, "ValueError: `x` of row 1 is a whole number from 0 to 18446744073709551615, found -1"),
            ("float32", "1", "TypeError: `x` of row 1 is a number or None, found '1' (str)"),
            ("float32", 1e39, "ValueError: `x` of row 1 is a finite 32-bit number, found 1e+39"),
            ("float64", float("inf"), "ValueError: `x` of row 1 is a finite 64-bit number, found inf"),
            ("float64", 10**400, "ValueError: `x` of row 1 is a finite 64-bit number, found inf"),
            ("bool", 1, "TypeError: `x` of row 1 is True, False or None, found 1 (int)"),
            ("utf8", "\ud800", r"ValueError: `x` of row 1 is text of whole characters, found '\ud800' (str)"),
            ("utf8", b"x", "TypeError: `x` of row 1 is text or None, found b'x' (bytes)"),
            ("list<int32>", 1, "TypeError: `x` of row 1 is a list or None, found 1 (int)"),
            ("list<int32>", [1, "2"], "TypeError: element 1 of `x` of row 1 is a whole number or None, found '2' (str)"),
            ("list<float32>", [float("nan")], "ValueError: element 0 of `x` of row 1 is a finite 32-bit number, found nan"),
        ]
        for data_type, value, message in cases:
            with self.subTest(data_type=data_type, value=value):
                self.assertEqual(errors_of({"x": [None, value, None]}, adds={"x": data_type}), [None, message, None])

    def test_values_of_turns_that_do_not_fit_are_errors_of_whose_they_are(self) -> None:
        values = [1, "2", "3"]
        of_turns = errors_of({"turns.x": values, "y": [1, 2, 3]}, adds={"turns.x": "int32", "y": "int32"})
        message = "TypeError: `turns.x` of turn {} of row {} is a whole number or None, found '{}' (str)"
        self.assertEqual(of_turns, [message.format(1, 0, 2), None, message.format(0, 2, 3)])
        # What is written for the rows that fail is nothing.
        sent = arrow.write(3, {"trajectory_id": ("utf8", ["a", "b", "c"])}, arrow.Turns([2, 0, 1], {}))
        plugin = plugin_of(returning({"turns.x": [1, "2", 3]}, adds={"turns.x": "int32"}))
        self.assertEqual(arrow.read(Stage(plugin).process(sent).ipc).column("turns.x").values(), [None, None, 3])

    def test_all_that_fits_comes_back(self) -> None:
        cases = {
            "int64": [-(2**63), 2**63 - 1, None],
            "uint8": [0, 255, None],
            "float64": [1, 0.1, True],
            "float32": (number for number in (3.4028234663852886e38, None, -0.5)),
            "utf8": ["", "ü", None],
            "list<float32>": [[1, 0.5], (), None],
            "list<list<utf8>>": [[["a", None], None], [], None],
        }
        for data_type, values in cases.items():
            values = list(values)
            made = run(returning({"x": iter(values)}, adds={"x": data_type}), EPISODES)
            self.assertEqual([row["x"] for row in made], [list(one) if isinstance(one, tuple) else one for one in values])

    def test_an_exception_is_one_of_the_batch_with_its_place(self) -> None:
        @batch(reads=["turns"], adds={"x": "int32"})
        def divide(batch):
            return {"x": [1 // len(turns) for turns in batch.turns]}

        first, *_ = {made.message for made in run(divide, EPISODES)}
        self.assertRegex(first, r"^ZeroDivisionError: .*\n  at .*test_batch.py:\d+\)")
        self.assertIsInstance(Stage(plugin_of(measure)).process(b"junk"), Failure)


class Selecting(unittest.TestCase):
    def test_rows_are_kept_or_not(self) -> None:
        @batch(reads=["turns"], selects=True)
        def begun(batch):
            return [len(turns) > 0 for turns in batch.turns]

        plugin = plugin_of(begun)
        self.assertEqual((plugin.selects, plugin.grouped, plugin.adds), (True, False, {"keep": "bool"}))
        self.assertTrue(plugin_of(returning([], adds=None, selects=True, grouped=True)).grouped)
        self.assertEqual(run(begun, EPISODES), [True, False, True])
        sent = arrow.write(1, {"trajectory_id": ("utf8", ["a"])}, arrow.Turns([0], {}))
        made = arrow.read(Stage(plugin).process(sent).ipc)
        self.assertEqual((list(made.columns), made.column("keep").values()), (["keep"], [False]))

    def test_wrong_choices_are_told(self) -> None:
        self.assertEqual(
            errors_of([True, None, 1], adds=None, selects=True),
            [
                None,
                "TypeError: whether row 1 is kept is True or False, found None (NoneType)",
                "TypeError: whether row 2 is kept is True or False, found 1 (int)",
            ],
        )
        message = "ValueError: expected True or False a trajectory: 3, found 1"
        self.assertEqual(errors_of([True], adds=None, selects=True), [message] * 3)


class Definitions(unittest.TestCase):
    def test_what_could_not_run_is_refused(self) -> None:
        cases = [
            ({}, "`@batch` takes either `adds`, the columns that it returns, or `selects=True`"),
            ({"adds": {"x": "int32"}, "selects": True}, "`@batch` takes either"),
            ({"adds": ["x"]}, r"`adds` is a dict of columns and their types, found \['x'\]"),
            ({"adds": {}}, "`adds` is a dict of columns"),
            ({"adds": {"x": "text"}}, "`adds`: `x` has a type such as `bool`, .* or `list<int32>`, found 'text'"),
            ({"adds": {"x": "list<>"}}, "`adds`: `x` has a type such as"),
            ({"adds": {"turns": "int32"}}, "`adds`: the turns stay as they are"),
            ({"adds": {"turns.": "int32"}}, "`adds`: expected a column such as"),
        ]
        for about, message in cases:
            with self.subTest(about=about), self.assertRaisesRegex((TypeError, ValueError), message):
                batch(reads=["turns"], **about)
        with self.assertRaisesRegex(TypeError, r"`f` takes \(batch\) or \(batch, config\)"):

            @batch(reads=[], adds={"x": "int32"})
            def f(): ...
