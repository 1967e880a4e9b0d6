"""A component of world `advantage`."""

from typing import Any

from . import component
from .component import Plugin

component.take_rows()


class AdvantageStage:
    """The interface `advantage-stage`."""

    def advantage(self, batch: list[Any]) -> list[Any]:
        return component.results_of(component.configured().rows(batch))


__all__ = ["Plugin", "AdvantageStage"]
