"""A component of world `batch`."""

from typing import Any

from wit_world.exports import batch_stage as wit

from . import component
from .component import Plugin


class BatchStage:
    """The interface `batch-stage`."""

    def process(self, ipc: bytes) -> Any:
        made = component.value_of(component.configured().process(ipc))
        return wit.Output(made.ipc, [wit.RowError(row, message) for row, message in sorted(made.failures.items())])


__all__ = ["BatchStage", "Plugin"]
