"""What is measured of Python plugins: 1 if an expression matches one of the actions, else 0."""

import re
from dataclasses import dataclass
from functools import cache

from sternlight import Trajectory, reward


@dataclass
class Config:
    regex: str = "[0-9]+ (results|items)"


@cache
def compiled(pattern: str) -> re.Pattern:
    return re.compile(pattern)


@reward(reads=["turns.action"])
def search(trajectory: Trajectory, config: Config) -> float:
    """Looks for an expression in every action."""
    found = compiled(config.regex).search
    return 1.0 if any(found(turn.action) for turn in trajectory.turns) else 0.0
