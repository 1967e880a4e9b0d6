import unittest

from plugin import repetition

from sternlight import Trajectory, Turn
from sternlight.testing import run


def episode(*actions):
    return Trajectory(turns=[Turn(action=action) for action in actions])


class Repetition(unittest.TestCase):
    def test_counts_within_each_episode(self) -> None:
        episodes = [episode("look", "go", " look ", "look"), episode(), episode("Look", "look")]
        expected = [
            {"turns.repetitions": [0, 0, 1, 2], "distinct_actions": 0.5},
            {"turns.repetitions": [], "distinct_actions": None},
            {"turns.repetitions": [0, 0], "distinct_actions": 1},
        ]
        self.assertEqual(run(repetition, episodes), expected)

    def test_case_may_be_ignored(self) -> None:
        (made,) = run(repetition, [episode("Look", "look")], ignore_case=True)
        self.assertEqual(made["turns.repetitions"], [0, 1])
