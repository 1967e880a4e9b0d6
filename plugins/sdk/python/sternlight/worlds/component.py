"""What all worlds share: the user's module, `describe`, `configure`. Imported while a component is built."""

from typing import Any

from componentize_py_types import Err, Ok, Result
from wit_world.exports import plugin as wit
from wit_world.imports import host as wit_host

from .. import config as configuration
from .. import host, registration, sandbox, stage

# Before the user's module, which may take functions out of `time` and `random` as it is imported.
sandbox.prepare()

import plugin as module  # noqa: E402

spec = registration.the_plugin(module)
_stage: stage.Stage | None = None


def _enter() -> None:
    """Begins every call of the host: while building, its functions cannot be called and imports still read files."""
    levels = {level: wit_host.Level[level.upper()] for level in ("debug", "info", "warn", "error")}
    host.connect(lambda level, message: wit_host.log(levels[level], message), wit_host.metric)
    sandbox.seal(spec.needs)


def configured() -> stage.Stage:
    """The stage, once `configure` was called."""
    if _stage is None:
        raise RuntimeError("the host did not call `configure`")
    return _stage


def results_of(values: list[Any]) -> list[Result[Any, str]]:
    """As the component model has them."""
    sandbox.flush()
    return [Err(value.message) if isinstance(value, stage.Failure) else Ok(value) for value in values]


def value_of(value: Any) -> Any:
    """A value, or its failure raised as the component model has it."""
    sandbox.flush()
    if isinstance(value, stage.Failure):
        raise Err(value.message)
    return value


class Plugin:
    """The interface `plugin`, whatever the world."""

    def describe(self) -> wit.Description:
        _enter()
        schema = configuration.json.dumps(configuration.schema(spec.config))
        return wit.Description(spec.name, spec.version, spec.summary, schema)

    def configure(self, config: str) -> wit.Contract:
        global _stage
        _enter()
        try:
            _stage = stage.Stage(spec, config)
        except configuration.ConfigError as error:
            raise Err(str(error)) from None
        except BaseException as error:
            raise Err(stage.explain(error)) from None
        finally:
            sandbox.flush()
        return wit.Contract(
            wit.Scope.GROUP if spec.grouped else wit.Scope.TRAJECTORY,
            wit.Rows.NEW if spec.kind == "relabel" else wit.Rows.SUBSET if spec.selects else wit.Rows.SAME,
            wit.State.REUSED if spec.keeps_state else wit.State.FRESH,
            [wit.Column(path, data_type) for path, data_type in spec.reads.items()],
            [wit.Column(path, data_type) for path, data_type in spec.adds.items()],
            [],
        )


def take_rows() -> None:
    """Lets the host's records arrive as the SDK's own classes, which have the same fields."""
    from wit_world.imports import trajectories

    from ..trajectory import Trajectory, Turn

    trajectories.Trajectory, trajectories.Turn = Trajectory, Turn


__all__ = ["Plugin", "configured", "results_of", "take_rows", "value_of"]
