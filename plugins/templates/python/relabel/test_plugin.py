import unittest

from plugin import hindsight

from sternlight import Relabelled, Trajectory, Turn
from sternlight.testing import run


def call(tool, observation):
    return Turn(tool_name=tool, tool_arguments="{}", observation=observation)


def copies(success, last):
    turns = [call("find", ""), call("book", "found"), call("pay", "booked")]
    (made,) = run(hindsight, [Trajectory(success=success, turns=turns, final_observation=last)])
    return made


class Relabel(unittest.TestCase):
    def test_a_failure_becomes_a_success_at_the_last_call_that_worked(self):
        self.assertEqual(copies(False, "paid")[0].keep_turns, 3)
        prompt = "Call `book` with the arguments {}."
        self.assertEqual(copies(False, "Error"), [Relabelled(prompt=prompt, reward=1.0, success=True, keep_turns=2)])

    def test_a_success_stays_as_it_is(self):
        self.assertEqual(copies(True, "paid"), [])


if __name__ == "__main__":
    unittest.main()
