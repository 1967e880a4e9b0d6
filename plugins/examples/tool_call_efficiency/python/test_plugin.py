import unittest

from plugin import tool_call_efficiency

from sternlight import Trajectory, Turn
from sternlight.testing import run

CALL = Turn(tool_name="search", extra={"tool_error": False})
ERROR = Turn(tool_name="search", extra={"tool_error": True})


def reward_of(success, turns, **config):
    (outcome,) = run(tool_call_efficiency, [Trajectory(success=success, turns=turns)], **config)
    return outcome.reward


class ToolCallEfficiency(unittest.TestCase):
    def test_a_success_loses_for_calls_beyond_the_free_ones_and_for_errors(self) -> None:
        self.assertEqual(reward_of(True, [CALL, CALL]), 1)
        self.assertEqual(reward_of(True, [CALL, CALL, CALL, Turn()], per_call=0.25), 0.75)
        self.assertEqual(reward_of(True, [ERROR], per_error=0.5), 0.5)
        self.assertEqual(reward_of(True, [ERROR] * 100), 0.1)

    def test_a_failure_is_worth_nothing_and_what_was_not_judged_is_not_scored(self) -> None:
        self.assertEqual(reward_of(False, [CALL]), 0)
        self.assertIsNone(reward_of(None, [CALL]))
