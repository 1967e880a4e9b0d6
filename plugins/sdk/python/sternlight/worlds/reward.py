"""A component of world `reward`."""

from typing import Any

from . import component
from .component import Plugin

component.take_rows()


class RewardStage:
    """The interface `reward-stage`."""

    def score(self, batch: list[Any]) -> list[Any]:
        return component.results_of(component.configured().rows(batch))


__all__ = ["Plugin", "RewardStage"]
