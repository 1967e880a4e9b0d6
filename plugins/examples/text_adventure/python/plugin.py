"""An environment: a small text adventure, another house for every seed.

A lamp lies in one room, a key in another; the chest is locked and the cellar dark. The agent walks, takes the lamp and the
key, opens the chest, and wins. Actions are one line: `go north`, `take lamp`, `open chest`, `look`. A step costs a little,
finding something is worth something, and the episode is over after `max_steps`.
"""

import random
from dataclasses import dataclass
from typing import Annotated, Any

from sternlight import Between, Start, Step, Task, environment

PLACES = ["kitchen", "library", "garden", "attic", "hall", "workshop", "cellar", "gallery", "pantry", "study"]
DIRECTIONS = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
PROMPT = (
    "You are in a house. Somewhere in it is a locked chest: open it.\n"
    "Say one of: go north|south|east|west, take THING, open chest, look."
)


@dataclass
class Config:
    rooms: Annotated[int, "rooms of a house", Between(3, len(PLACES))] = 5
    max_steps: Annotated[int, "steps before the episode ends", Between(minimum=1)] = 30
    step_cost: Annotated[float, "taken off for every step", Between(0, 1)] = 0.01


@environment()
class TextAdventure:
    """A house with a locked chest: find the lamp and the key, open the chest."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @staticmethod
    def tasks(count: int, seed: int, config: Config) -> list[Task]:
        return [Task(f"house-{seed}-{i}", house(f"{seed}/{i}", config.rooms), seed) for i in range(count)]

    def reset(self, task: Task) -> Start:
        self.rooms: dict[str, dict[str, Any]] = task.data["rooms"]
        self.here: str = task.data["start"]
        self.carried: set[str] = set()
        self.steps = 0
        return Start(PROMPT, self.look())

    def step(self, action: str) -> Step:
        self.steps += 1
        verb, _, what = action.strip().lower().partition(" ")
        told, gain, won = self.act(verb, what)
        over = won or self.steps >= self.config.max_steps
        return Step(told, gain - self.config.step_cost, over, won if over else None)

    def act(self, verb: str, what: str) -> tuple[str, float, bool]:
        """What happens: what is seen, what it is worth, and whether the chest is open."""
        room = self.rooms[self.here]
        if verb == "look":
            return self.look(), 0, False
        if verb == "go" and what in room["exits"]:
            self.here = room["exits"][what]
            return self.look(), 0, False
        if verb == "go":
            return "There is a wall.", 0, False
        if verb == "take" and what in room["things"] and self.sees():
            room["things"].remove(what)
            self.carried.add(what)
            return f"You have the {what}.", 0.2, False
        if verb == "open" and what == "chest" and room["chest"] and self.sees():
            if "key" not in self.carried:
                return "The chest is locked.", 0, False
            return "The chest opens. You have done it.", 1, True
        return f"You cannot do that: {verb} {what}".rstrip() + ".", 0, False

    def sees(self) -> bool:
        return not self.rooms[self.here]["dark"] or "lamp" in self.carried

    def look(self) -> str:
        room = self.rooms[self.here]
        exits = ", ".join(room["exits"])
        if not self.sees():
            return f"The {self.here}. It is dark. Exits: {exits}."
        seen = [f"a {thing}" for thing in room["things"]] + ["a chest"] * room["chest"]
        return f"The {self.here}. You see {', '.join(seen) or 'nothing'}. Exits: {exits}."


def house(seed: str, size: int) -> dict[str, Any]:
    """Rooms on a grid, each grown beside an earlier one; the lamp is never in the dark."""
    draw = random.Random(seed)
    names = draw.sample(PLACES, size)
    rooms = {name: {"exits": {}, "things": [], "chest": False, "dark": False} for name in names}
    at = {(0, 0): names[0]}
    for name in names[1:]:
        free = [
            (x + dx, y + dy) for x, y in at for dx, dy in DIRECTIONS.values() if (x + dx, y + dy) not in at
        ]
        at[draw.choice(free)] = name
    for (x, y), name in at.items():
        for direction, (dx, dy) in DIRECTIONS.items():
            if (x + dx, y + dy) in at:
                rooms[name]["exits"][direction] = at[x + dx, y + dy]
    # A dark room at the edge of the house would do; the last that was built cuts nothing off.
    dark, lamp, key = names[-1], *draw.sample(names[:-1], 2)
    rooms[dark] |= {"dark": True, "chest": True}
    rooms[lamp]["things"].append("lamp")
    rooms[key]["things"].append("key")
    return {"rooms": rooms, "start": names[0]}
