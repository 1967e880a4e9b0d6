import unittest

from plugin import judge

from sternlight import Trajectory, Turn
from sternlight.testing import run


def call(tool, arguments):
    return Turn(tool_name=tool, tool_arguments=arguments)


def verdicts(**config):
    turns = [call("find", "1"), call("find", "2"), call("find", "1"), Turn(), call("find", "1")]
    (said,) = run(judge, [Trajectory(turns=turns)], **config)
    return [one.verdict for one in said]


class Reflect(unittest.TestCase):
    def test_the_same_call_again_is_repeated(self):
        self.assertEqual(verdicts(), [None, None, "repeated", None, "repeated"])

    def test_some_repetition_may_be_allowed(self):
        self.assertEqual(verdicts(allowed=1), [None, None, None, None, "repeated"])


if __name__ == "__main__":
    unittest.main()
