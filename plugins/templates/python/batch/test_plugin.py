import unittest

from plugin import measure

from sternlight import Trajectory, Turn
from sternlight.testing import run

EPISODES = [Trajectory(turns=[Turn(action="go north"), Turn(action="größer")]), Trajectory()]


class Batch(unittest.TestCase):
    def test_words_are_counted_of_turns_and_episodes(self):
        first, second = run(measure, EPISODES)
        self.assertEqual(first, {"turns.action_length": [2, 1], "action_length": 3})
        self.assertEqual(second, {"turns.action_length": [], "action_length": 0})

    def test_characters_are_not_bytes(self):
        first, _ = run(measure, EPISODES, unit="characters")
        self.assertEqual(first["turns.action_length"], [8, 6])


if __name__ == "__main__":
    unittest.main()
