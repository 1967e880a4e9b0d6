"""A component of world `relabel`."""

from typing import Any

from . import component
from .component import Plugin

component.take_rows()


class RelabelStage:
    """The interface `relabel-stage`."""

    def relabel(self, batch: list[Any]) -> list[Any]:
        return component.results_of(component.configured().rows(batch))


__all__ = ["Plugin", "RelabelStage"]
