import unittest

from plugin import tool_errors

from sternlight import Trajectory, Turn
from sternlight.testing import run


def verdicts(turns, final="", **config):
    (said,) = run(tool_errors, [Trajectory(turns=turns, final_observation=final)], **config)
    return [(one.verdict, one.diagnosis) for one in said]


class ToolErrors(unittest.TestCase):
    def test_an_error_is_known_by_the_record_or_by_its_look(self) -> None:
        marked = [Turn(tool_name="get", extra={"tool_error": True})]
        self.assertEqual(verdicts(marked, "HTTP 500"), [("unrecovered-error", "`get` failed: HTTP 500")])
        looks = [Turn(tool_name="get")]
        self.assertEqual(verdicts(looks, "\n KeyError: error 7\n")[0][1], "`get` failed: KeyError: error 7")
        cleared = [Turn(tool_name="get", extra={"tool_error": False})]
        self.assertEqual(verdicts(cleared, "no error"), [(None, None)])
        self.assertEqual(verdicts([Turn()], "error"), [(None, None)])

    def test_what_became_of_an_error(self) -> None:
        turns = [
            Turn(tool_name="get", tool_arguments="1"),
            Turn("not found", tool_name="get", tool_arguments="1"),
            Turn("not found", tool_name="get", tool_arguments="2"),
            Turn("fine", tool_name="put"),
        ]
        self.assertEqual(
            [verdict for verdict, _ in verdicts(turns, "error: read-only")],
            ["recovered-error", "repeated-error", "recovery", "unrecovered-error"],
        )

    def test_long_errors_are_cut(self) -> None:
        ((_, diagnosis),) = verdicts([Turn(tool_name="get")], "error " + "x" * 500, quote=20)
        self.assertEqual(diagnosis, "`get` failed: error xxxxxxxxxxxxx…")

    def test_a_pattern_that_is_none_is_told_at_once(self) -> None:
        with self.assertRaisesRegex(Exception, "unterminated character set"):
            verdicts([], patterns=["["])
