"""An environment: the agent is to find a number, and is told after each guess whether it is higher or lower.

The right guess is worth 1. The episode is over with it, or without success after `max_steps` guesses.
"""

import random
from dataclasses import dataclass
from typing import Annotated

from sternlight import Between, Start, Step, Task, environment


@dataclass
class Config:
    """What the pipeline gives in `with`."""

    highest: Annotated[int, "the highest number; the lowest is 1", Between(minimum=2)] = 100
    max_steps: Annotated[int, "guesses before the episode ends", Between(minimum=1)] = 10


@environment(name="my-plugin")
class Guessing:
    """A number to be found."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @staticmethod
    def tasks(count: int, seed: int, config: Config) -> list[Task]:
        numbers = [random.Random(f"{seed}/{index}").randint(1, config.highest) for index in range(count)]
        return [Task(f"number-{seed}-{index}", {"number": number}, seed) for index, number in enumerate(numbers)]

    def reset(self, task: Task) -> Start:
        self.number: int = task.data["number"]
        self.steps_left = self.config.max_steps
        prompt = f"I think of a number from 1 to {self.config.highest}. Find it: say one number at a time."
        return Start(prompt, "Which number is it?")

    def step(self, action: str) -> Step:
        self.steps_left -= 1
        found = False
        try:
            guess = int(action)
        except ValueError:
            observation = "That is no number."
        else:
            found = guess == self.number
            observation = "That is it." if found else "It is higher." if guess < self.number else "It is lower."
        done = found or self.steps_left == 0
        return Step(observation, 1.0 if found else 0.0, done, found if done else None)
