import unittest

from plugin import Config, rank

from sternlight import Trajectory, Turn


def group(*rewards):
    return [Trajectory(reward=reward, turns=[Turn(), Turn()]) for reward in rewards]


class Advantage(unittest.TestCase):
    def test_episodes_are_ranked_within_their_group(self):
        advantages = rank(group(0.5, 100, 0.5, -3), Config(scale=3))
        self.assertEqual(advantages, [[0, 0], [3, 3], [0, 0], [-3, -3]])
        self.assertEqual(rank(group(7), Config()), [[0, 0]])

    def test_an_episode_without_a_reward_has_no_advantage(self):
        self.assertEqual(rank(group(1, None), Config()), [[0, 0], [None, None]])


if __name__ == "__main__":
    unittest.main()
