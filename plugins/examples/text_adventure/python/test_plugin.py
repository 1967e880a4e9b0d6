import unittest
from collections import deque

from plugin import TextAdventure, house

from sternlight.testing import Failure, play


def way(rooms, start, goal):
    """The shortest way, as actions."""
    ways, queue = {start: []}, deque([start])
    while queue:
        here = queue.popleft()
        for direction, there in rooms[here]["exits"].items():
            if there not in ways:
                ways[there] = [*ways[here], f"go {direction}"]
                queue.append(there)
    return ways[goal]


def solution(built):
    rooms, here, actions = built["rooms"], built["start"], []
    for thing, action in [("lamp", "take lamp"), ("key", "take key"), (None, "open chest")]:
        goal = next(name for name, room in rooms.items() if (room["chest"] if thing is None else thing in room["things"]))
        actions += [*way(rooms, here, goal), action]
        here = goal
    return actions


class Adventure(unittest.TestCase):
    def test_every_house_can_be_solved(self) -> None:
        for seed in range(20):
            start, *steps = play(TextAdventure, solution(house(f"{seed}/0", 8)), seed=seed, rooms=8, max_steps=99)
            self.assertNotIsInstance(start, Failure)
            self.assertTrue(steps[-1].success, seed)
            self.assertTrue(steps[-1].done)
            self.assertAlmostEqual(sum(step.reward for step in steps), 1.4 - 0.01 * len(steps))

    def test_the_same_seed_is_the_same_house(self) -> None:
        self.assertEqual(play(TextAdventure, ["look"], seed=4), play(TextAdventure, ["look"], seed=4))
        self.assertNotEqual(house("1/0", 5), house("2/0", 5))

    def test_what_cannot_be_done_is_told(self) -> None:
        _, *steps = play(TextAdventure, ["go up", "dance", "open chest"])
        self.assertEqual(
            [step.observation for step in steps[:2]], ["There is a wall.", "You cannot do that: dance."]
        )
        self.assertFalse(steps[2].done)

    def test_an_episode_ends_without_success_after_its_steps(self) -> None:
        *_, last = play(TextAdventure, ["look", "look"], max_steps=2)
        self.assertEqual((last.done, last.success), (True, False))
