import unittest

from plugin import Config, score

from sternlight import Outcome, Trajectory, Turn
from sternlight.testing import run


def episode(success, turns):
    return Trajectory(success=success, turns=[Turn() for _ in range(turns)])


class Reward(unittest.TestCase):
    def test_turns_beyond_the_free_ones_cost(self):
        config = Config(free_turns=2, per_turn=0.25)
        self.assertEqual([score(episode(True, turns), config) for turns in (2, 3, 9)], [1, 0.75, 0])

    def test_a_failure_is_worth_nothing_and_what_was_not_judged_is_not_scored(self):
        self.assertEqual(run(score, [episode(False, 1), episode(None, 1)]), [Outcome(0), Outcome(None)])


if __name__ == "__main__":
    unittest.main()
