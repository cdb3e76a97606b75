"""``Monitor`` as callbacks for the trainers of other libraries.

Each library is imported only when its callback is created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from benchbench.monitor import Monitor

EPOCH = "epoch"
"""The value of ``Monitor.every`` that evaluates at the end of each epoch."""


def trainer_callback(monitor: Monitor) -> Any:
    """Return a ``transformers.TrainerCallback`` that runs the monitor.

    It validates when training begins, where that step is due, and after optimizer steps or epochs.
    The ``processing_class`` of the ``Trainer`` is the processor if none was given.
    """
    from transformers import TrainerCallback

    class MonitorCallback(TrainerCallback):
        """A callback that validates the Trainer's model."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            monitor.use_processor(kwargs.get("processing_class"))
            if monitor.every != EPOCH:
                monitor(kwargs["model"], state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if monitor.every != EPOCH:
                monitor(kwargs["model"], state.global_step)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if monitor.every == EPOCH:
                monitor(kwargs["model"], state.global_step)

    return MonitorCallback()


def lightning_callback(monitor: Monitor, part: str | None) -> Any:
    """Return a ``lightning.pytorch.Callback`` that runs the monitor.

    Raises:
        UsageError: Lightning is not installed.
    """
    Callback = _lightning().Callback  # noqa: N806 - a class

    class MonitorCallback(Callback):  # type: ignore[misc,valid-type]
        """A callback that validates the LightningModule, or a part of it."""

        def __init__(self) -> None:
            self.last_step = -1

        def validate(self, trainer: Any, module: Any) -> None:
            """Validate once per step: with accumulated gradients, several batches share a step."""
            if trainer.sanity_checking or trainer.global_step == self.last_step:
                return
            self.last_step = trainer.global_step
            monitor(_submodule(module, part), trainer.global_step)

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            if monitor.every != EPOCH:
                self.validate(trainer, pl_module)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            if monitor.every != EPOCH:
                self.validate(trainer, pl_module)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if monitor.every == EPOCH:
                self.validate(trainer, pl_module)

    return MonitorCallback()


def _submodule(module: Any, name: str | None) -> Any:
    if name is None:
        return module
    if not hasattr(module, name):
        there = ", ".join(each for each, _ in module.named_children()) or "no modules"
        raise UsageError(f"{type(module).__name__} has no part '{name}'. It has: {there}.")
    return getattr(module, name)


def _lightning() -> Any:
    """Import and return Lightning, under either of its names."""
    try:
        import lightning.pytorch as lightning
    except ImportError:
        try:
            import pytorch_lightning as lightning
        except ImportError as error:
            raise UsageError("Lightning is not installed: pip install lightning") from error
    return lightning
