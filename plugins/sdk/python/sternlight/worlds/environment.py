"""A component of world `environment`."""

from typing import Any

from . import component
from .component import Plugin


class EnvironmentStage:
    """The interface `environment-stage`."""

    def tasks(self, count: int, seed: int) -> list[Any]:
        return component.value_of(component.configured().tasks(count, seed))

    def reset(self, episodes: list[tuple[int, Any]]) -> list[Any]:
        return component.results_of(component.configured().reset(episodes))

    def step(self, moves: list[Any]) -> list[Any]:
        return component.results_of(component.configured().step([(move.episode, move.action) for move in moves]))

    def close(self, episodes: list[int]) -> None:
        component.configured().close(episodes)


__all__ = ["EnvironmentStage", "Plugin"]
