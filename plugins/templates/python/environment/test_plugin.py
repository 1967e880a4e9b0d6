import unittest

from plugin import Guessing

from sternlight.testing import play


class Environment(unittest.TestCase):
    def test_every_number_is_found_by_halving(self):
        for seed in range(20):
            low, high, guesses = 1, 100, []
            while True:
                guesses.append(str((low + high) // 2))
                *_, last = play(Guessing, guesses, seed=seed)
                if last.observation == "It is higher.":
                    low = (low + high) // 2 + 1
                elif last.observation == "It is lower.":
                    high = (low + high) // 2 - 1
                else:
                    break
            self.assertEqual((last.reward, last.done, last.success), (1, True, True))

    def test_an_episode_ends_without_success_after_its_steps(self):
        _, first, last = play(Guessing, ["0", "seven"], seed=1, max_steps=2)
        self.assertEqual((first.observation, first.done), ("It is higher.", False))
        self.assertEqual((last.observation, last.done, last.success), ("That is no number.", True, False))


if __name__ == "__main__":
    unittest.main()
