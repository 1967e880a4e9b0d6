"""A component of world `reflect`."""

from typing import Any

from . import component
from .component import Plugin

component.take_rows()


class ReflectStage:
    """The interface `reflect-stage`."""

    def reflect(self, batch: list[Any]) -> list[Any]:
        return component.results_of(component.configured().rows(batch))


__all__ = ["Plugin", "ReflectStage"]
