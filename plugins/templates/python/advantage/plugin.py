"""An advantage by rank: it matters which episodes of a group were better, not by how much.

With n scored episodes in the group, an episode that beats b of the others and loses to w has (b - w) / (n - 1), times
`scale`, for each of its turns; one alone has 0. An episode without a reward has no advantage and is no rival.
"""

from dataclasses import dataclass
from typing import Annotated

from sternlight import Between, Trajectory, advantage


@dataclass
class Config:
    """What the pipeline gives in `with`."""

    scale: Annotated[float, "the advantage of an episode that beats all others", Between(minimum=0)] = 1.0


@advantage(name="my-plugin", reads={"reward": "float32", "turns": ""})
def rank(group: list[Trajectory], config: Config) -> list[list[float | None]]:
    """Ranks the episodes of a group."""
    rewards = [episode.reward for episode in group if episode.reward is not None]
    rivals = max(1, len(rewards) - 1)

    def of(reward: float | None) -> float | None:
        if reward is None:
            return None
        beaten = sum(other < reward for other in rewards)
        better = sum(other > reward for other in rewards)
        return config.scale * (beaten - better) / rivals

    return [[of(episode.reward)] * len(episode.turns) for episode in group]
