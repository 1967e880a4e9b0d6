"""What is measured of Python plugins: 1 if an expression matches one of the actions, and 1 if one of the observations."""

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


@reward(reads=["turns.action", "turns.observation"])
def search(trajectory: Trajectory, config: Config) -> float:
    """Looks for an expression in every action and every observation."""
    found = compiled(config.regex).search
    done = any(found(turn.action) for turn in trajectory.turns)
    return float(done + any(found(turn.observation) for turn in trajectory.turns))
