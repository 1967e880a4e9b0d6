"""Decorators, checks of results, and running rows, without WebAssembly."""

import json
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

from sternlight import (
    ConfigError,
    Outcome,
    Reflection,
    Relabelled,
    Start,
    Step,
    Task,
    Trajectory,
    Turn,
    TurnEdit,
    advantage,
    environment,
    plugin_of,
    reflect,
    relabel,
    reward,
)
from sternlight.stage import Failure, Stage
from sternlight.testing import play, run

TWO_TURNS = Trajectory(id="t", group="g", prompt="go", turns=[Turn(action="a"), Turn(action="b")])


def returning(value, decorator=reward, **about):
    """A plugin that returns `value`, whatever it is given."""

    @decorator(reads=["turns.action"], **about)
    def constant(trajectory):
        return value

    return constant


def error_of(value, decorator=reward, **about):
    (result,) = run(returning(value, decorator, **about), [TWO_TURNS])
    assert isinstance(result, Failure), result
    return result.message


class Rewards(unittest.TestCase):
    def test_numbers_and_none_are_rewards(self) -> None:
        for value, reward_ in [(1, 1.0), (0.5, 0.5), (None, None), (True, 1.0)]:
            self.assertEqual(run(returning(value), [TWO_TURNS]), [Outcome(reward_)])

    def test_wrong_results_say_what_was_expected(self) -> None:
        self.assertEqual(error_of("good"), "TypeError: a reward is a number or None, found 'good' (str)")
        self.assertEqual(error_of(float("nan")), "ValueError: a reward is a finite 32-bit number, found nan")
        self.assertEqual(error_of(1e39), "ValueError: a reward is a finite 32-bit number, found 1e+39")
        self.assertIn("`@reward(turn_rewards=True)`", error_of(Outcome(1, [0, 1])))
        self.assertEqual(
            error_of(Outcome(1, [0]), turn_rewards=True), "ValueError: expected one reward a turn: 2, found 1"
        )

    def test_one_bad_row_does_not_sink_the_others(self) -> None:
        @reward(reads=["prompt"])
        def score(trajectory: Trajectory) -> float:
            if trajectory.prompt == "BOOM":
                raise ValueError("cannot score it") from KeyError("x")
            return 1

        good, bad = run(score, [TWO_TURNS, Trajectory(prompt="BOOM")])
        self.assertEqual(good, Outcome(1.0))
        first, place, cause = bad.message.split("\n")
        self.assertEqual(first, "ValueError: cannot score it")
        self.assertRegex(place, r"^  at score \(.*test_stage.py:\d+\)$")
        self.assertEqual(cause, "caused by KeyError: 'x'")

    def test_exiting_and_endless_recursion_are_failures_of_the_row(self) -> None:
        @reward(reads=[])
        def leave(trajectory):
            sys.exit(3)

        @reward(reads=[])
        def fall(trajectory):
            return fall(trajectory)

        self.assertTrue(run(leave, [TWO_TURNS])[0].message.startswith("SystemExit: 3"))
        message = run(fall, [TWO_TURNS])[0].message
        self.assertTrue(message.startswith("RecursionError"))
        self.assertLess(message.count("\n"), 20)

    def test_half_a_character_does_not_reach_the_host(self) -> None:
        @reward(reads=[])
        def fail(trajectory):
            raise ValueError("half \ud800")

        self.assertTrue(run(fail, [TWO_TURNS])[0].message.startswith("ValueError: half \\ud800\n"))
        self.assertIn("UnicodeEncodeError", error_of([Reflection("\ud800"), None], reflect))

    def test_a_column_that_is_not_read_is_not_there(self) -> None:
        @reward(reads=["turns.tool_error"])
        def score(trajectory):
            return sum(turn.tool_error is True for turn in trajectory.turns) + (trajectory.prompt is not None)

        @reward(reads=["turns.action"])
        def forgetful(trajectory):
            return trajectory.turns[0].exit_code

        @reward(reads=["turns"])
        def length(trajectory):
            return len(trajectory.turns)

        rows = [Trajectory(prompt="p", turns=[Turn(extra={"tool_error": True, "exit_code": 1}), Turn()])]
        self.assertEqual(run(score, rows), [Outcome(1.0)])
        self.assertEqual(run(length, rows), [Outcome(2.0)])
        self.assertIn(
            "AttributeError: column `turns.exit_code` is not read by this plugin; name it in `reads`",
            run(forgetful, rows)[0].message,
        )


class OtherKinds(unittest.TestCase):
    def test_reflections_are_one_a_turn(self) -> None:
        one = Reflection("bad", "why")
        self.assertEqual(run(returning([one, None], reflect), [TWO_TURNS]), [[one, Reflection()]])
        self.assertIn("one reflection a turn: 2, found 1", error_of([one], reflect))
        self.assertIn("turn 1: expected a Reflection or None, found 'bad' (str)", error_of([None, "bad"], reflect))
        self.assertIn("the verdict of turn 0 is text or None", error_of([Reflection(verdict=1), None], reflect))

    def test_relabelled_copies_fit_the_trajectory(self) -> None:
        copy = Relabelled(prompt="other", reward=1, keep_turns=1, turns=[TurnEdit(0, weight=0)])
        self.assertEqual(run(returning(copy, relabel), [TWO_TURNS]), [[copy]])
        self.assertEqual(run(returning(None, relabel), [TWO_TURNS]), [[]])
        self.assertIn("`keep_turns` is 3, but the trajectory has 2 turns", error_of(Relabelled(keep_turns=3), relabel))
        self.assertIn("turn 2 is edited", error_of(Relabelled(turns=[TurnEdit(2)]), relabel))
        self.assertIn("expected a Relabelled, found 1 (int)", error_of([1], relabel))

    def test_advantages_see_whole_groups(self) -> None:
        @advantage(reads=["turns.action", "reward"])
        def centred(group):
            mean = sum(t.reward for t in group) / len(group)
            return [[t.reward - mean] * len(t.turns) for t in group]

        rows = [Trajectory(id=str(i), group="ab"[i % 2], reward=i, turns=[Turn()]) for i in range(4)]
        self.assertEqual(run(centred, rows), [[-1], [-1], [1], [1]])
        rows[0].reward = None
        results = run(centred, rows)
        self.assertIsInstance(results[0], Failure)
        self.assertIsInstance(results[2], Failure)
        self.assertEqual(results[1::2], [[-1], [1]])


@environment()
class Counter:
    """Counts up to a goal."""

    @staticmethod
    def tasks(count, seed):
        return [Task(f"to-{i}", {"goal": i + 1}, seed + i) for i in range(count)]

    def reset(self, task):
        self.left = task.data["goal"]
        return Start("count", str(self.left))

    def step(self, action):
        self.left -= 1
        return Step(str(self.left), reward=1, done=self.left == 0, success=self.left == 0 or None)


class Environments(unittest.TestCase):
    def test_episodes_are_played_to_their_end(self) -> None:
        start, first, last, after = play(Counter, ["up", "up", "up"], task=1)
        self.assertEqual(start, Start("count", "2"))
        self.assertEqual((first.done, last.done, last.success), (False, True, True))
        self.assertIn("episode 0 is over", after.message)

    def test_episodes_lie_side_by_side(self) -> None:
        stage = Stage(plugin_of(Counter))
        stage.reset(list(enumerate(stage.tasks(2, 0))))
        self.assertEqual([s.observation for s in stage.step([(1, "up"), (0, "up")])], ["1", "0"])
        stage.close([1])
        self.assertIn("there is no episode 1", stage.step([(1, "up")])[0].message)

    def test_a_missing_method_is_told_when_decorating(self) -> None:
        with self.assertRaisesRegex(TypeError, "an episode knows nothing of others, take `keeps_state` out"):
            environment(keeps_state=True)
        with self.assertRaisesRegex(TypeError, "environment `Half` has no method `step`"):

            @environment()
            class Half:
                tasks = reset = lambda self: None


class Decorators(unittest.TestCase):
    def test_describe_the_function(self) -> None:
        @reward(reads={"prompt": "utf8"}, turn_rewards=True, version="2.0.0", needs=["clock"])
        def few_calls(trajectory):
            """Few calls.

            More text."""

        plugin = plugin_of(few_calls)
        self.assertEqual((plugin.name, plugin.version, plugin.summary), ("few-calls", "2.0.0", "Few calls."))
        self.assertEqual(plugin.adds, {"reward": "float32", "turns.reward": "float32"})

    def test_refuse_what_could_not_run(self) -> None:
        with self.assertRaisesRegex(TypeError, "`reads` is a list of columns, found 'prompt'"):
            reward(reads="prompt")
        with self.assertRaisesRegex(ValueError, "expected a column such as"):
            reward(reads=["turns."])
        with self.assertRaisesRegex(ValueError, "`needs`: unknown `sound`"):
            reward(reads=[], needs=["sound"])
        with self.assertRaisesRegex(TypeError, r"`f` takes \(trajectory\) or \(trajectory, config\)"):
            reward(reads=[])(lambda_named_f())
        with self.assertRaisesRegex(TypeError, "annotate `config` of `.*untyped` with a dataclass"):

            @reward(reads=[])
            def untyped(trajectory, config): ...

    def test_configuration_is_checked_when_the_stage_is_made(self) -> None:
        @dataclass
        class Config:
            weight: float = 1

            def __post_init__(self) -> None:
                if self.weight == 0:
                    raise ValueError("a weight of 0 scores nothing")

        @reward(reads=[])
        def score(trajectory, config: Config) -> float:
            return config.weight

        self.assertEqual(run(score, [TWO_TURNS], weight=2), [Outcome(2.0)])
        with self.assertRaisesRegex(ConfigError, "`with.wait`: unknown key"):
            run(score, [TWO_TURNS], wait=2)
        with self.assertRaisesRegex(ValueError, "a weight of 0 scores nothing"):
            run(score, [TWO_TURNS], weight=0)
        with self.assertRaisesRegex(ConfigError, "`with.x`: this plugin takes no configuration"):
            run(returning(1), [TWO_TURNS], x=1)


def lambda_named_f():
    def f(a, b, c): ...

    return f


class CommandLine(unittest.TestCase):
    def about(self, source: str) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "plugin.py").write_text(source)
            return subprocess.run(
                [sys.executable, "-m", "sternlight", folder],
                cwd=Path(__file__).parents[1],
                capture_output=True,
                text=True,
            )

    def test_tells_what_a_build_must_know(self) -> None:
        made = self.about("from sternlight import reward\n@reward(reads=[])\ndef f(t): ...\n")
        self.assertEqual(json.loads(made.stdout)["world"], "reward")

    def test_one_plugin_a_module(self) -> None:
        self.assertIn("expected one decorated function or class in `plugin`, found none", self.about("").stderr)
