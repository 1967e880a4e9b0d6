"""The signs before clock, files and randomness, each tried in a process of its own: they stay once they are up."""

import subprocess
import sys
import unittest
from pathlib import Path

PREPARE = "from sternlight import host, sandbox, randomness; sandbox.prepare()\n"
SEAL = """
lines = []
host.connect(lambda level, line: lines.append((level, line)), lambda name, value: None)
sandbox.seal(frozenset())
"""


def tell(before: str, after: str) -> str:
    """What `after` evaluates to, or the error it raises, in a sealed process whose plugin ran `before` on import."""
    script = f"""{PREPARE}{before}{SEAL}
try:
    told = repr({after})
except BaseException as error:
    told = f"{{type(error).__name__}}: {{error}}"
import os
posix_write(1, told.encode())
"""
    made = subprocess.run(
        [sys.executable, "-c", f"from posix import write as posix_write\n{script}"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    return made.stdout or made.stderr


class Sandbox(unittest.TestCase):
    def test_refuses_in_words(self) -> None:
        cases = [
            ("from time import time as now", "now()", "the clock"),
            ("from datetime import datetime", "datetime.now()", "the clock"),
            ("import datetime", "datetime.date.today()", "the clock"),
            ("import time", "time.strftime('%Y')", "the clock"),
            ("", "open('/etc/passwd')", "reading and writing files"),
            ("import os", "os.listdir('/')", "reading and writing files"),
            ("import pathlib", "pathlib.Path('x').read_text()", "reading and writing files"),
            ("import os", "os.urandom(1)", "randomness of the system"),
            ("import random", "random.Random()", "randomness of the system"),
            ("import random", "random.SystemRandom().random()", "randomness of the system"),
            ("import socket", "socket.socket()", "the network"),
            ("import asyncio", "asyncio.run(None)", "the clock"),
        ]
        for before, after, what in cases:
            with self.subTest(after=after):
                self.assertEqual(tell(before, after), f"PermissionError: {what} is not granted to this plugin")

    def test_leaves_what_needs_no_grant(self) -> None:
        self.assertEqual(tell("import time", "time.gmtime(0).tm_year"), "1970")
        self.assertEqual(tell("from datetime import datetime", "datetime(2020, 1, 2).year"), "2020")
        self.assertEqual(tell("import random", "random.Random(7).random()"), "0.32383276483316237")

    def test_a_module_that_was_not_imported_is_missing_in_words(self) -> None:
        self.assertIn("import it at the top of the file", tell("", "__import__('colorsys')"))

    def test_what_is_printed_becomes_events(self) -> None:
        self.assertEqual(
            tell("import sys", "(print('a\\nb', end=''), print('c', file=sys.stderr), sandbox.flush(), lines)[-1]"),
            "[('info', 'a'), ('warn', 'c'), ('info', 'b')]",
        )
        self.assertEqual(
            tell("import logging", "(logging.warning('careful'), lines)[-1]"), "[('warn', 'WARNING:root:careful')]"
        )

    def test_randomness_follows_from_the_row(self) -> None:
        draws = "[(randomness.begin(row), random.random())[1] for row in ('a', 'b', 'a')]"
        a, b, again = eval(tell("import random", draws))
        self.assertEqual(a, again)
        self.assertNotEqual(a, b)
        self.assertEqual(tell("import random", draws), repr([a, b, a]))
