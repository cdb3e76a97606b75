"""The training loop.

Every ``validate_every`` steps the model is evaluated on the validation split. The best checkpoint
so far is kept beside the state from which a killed run resumes. The test split is never used.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from benchbench.devices import memory_errors, processor_of
from benchbench.errors import ModelError, UsageError
from benchbench.memory import reuse_memory
from benchbench.training import state
from benchbench.training.distributed import agree
from benchbench.training.log import Log
from benchbench.training.passes import passes_of
from benchbench.variants import weights
from benchbench.variants.variant import shipped_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchbench.training.batches import BatchBuilder
    from benchbench.training.pack_batches import PackedBatches
    from benchbench.training.passes import Passes
    from benchbench.training.plan import Plan
    from benchbench.variants.building import Build

BEST = "best.safetensors"
REPORT_EVERY = 50
ORIGIN = (
    "settings", "splits", "swaps", "twins", "dense_percent", "data_sha256", "tagger", "views",
    "start_sha256", "validation_scenes",
)  # fmt: skip
"""Fields of the record that, beside the plan, must be equal when a run resumes."""


@dataclass
class Training:
    """A training run: its plan, its parts and its progress."""

    plan: Plan
    build: Build
    feed: BatchBuilder | PackedBatches
    validate: Callable[[Any], dict[str, float]]
    """Model → metrics in percent, among them ``mean``, by which the best checkpoint is chosen."""
    folder: Path
    device: str
    record: dict[str, Any]
    """The record in every checkpoint's header."""
    workers: int = 0
    stop_at: float = math.inf
    """When to stop at the next validation, with the state saved, by ``time.monotonic``."""
    progress: Callable[[int, int, dict[str, float]], None] | None = None
    leads: bool = True
    """Whether this process writes: of several, the first."""
    step: int = 0
    best: float = -math.inf
    seconds: float = 0.0
    """Training time so far, over all resumed calls."""
    devices: list[str] = field(default_factory=list)
    """What trained it so far, in order."""
    _recent: dict[str, float] = field(default_factory=dict)
    _noted: str = ""

    def run(self) -> None:
        """Train to the end of the plan, or until time is up.

        Raises:
            ModelError: the loss is NaN, or memory ran out.
            UsageError: the folder holds another run.
        """
        model = self.build.model.to(self.device)
        optimizer = build_optimizer(model, self.plan)
        if numbers := state.restore(self.folder, model, optimizer, self.plan, self.origin):
            self.step, self.seconds = int(numbers["step"]), numbers["seconds"]
            self.best, self.devices = numbers["best"], [*numbers["devices"]]
        if self.devices[-1:] != [mine := processor_of(self.record["environment"])]:
            self.devices.append(mine)
        self._check_folder()
        self._check_together()
        log = Log(self.folder, self.step) if self.leads else None
        before, started = self.seconds, time.monotonic()
        model.train()
        parallel = _parallel(model)
        passes = passes_of(
            parallel, self.feed, self.device, self.plan.precision, alone=parallel is model
        )
        advice = f"Take a smaller batch than {self.plan.batch}: --batch-size."
        with reuse_memory(), memory_errors(advice):
            for shown in passes.shown(self.step, self.plan.steps, self.workers):
                values = self._advance(model, passes, optimizer, shown)
                self.seconds = before + time.monotonic() - started
                due = self.step % self.plan.validate_every == 0 or self.step == self.plan.steps
                if due or self.step % REPORT_EVERY == 0:
                    self._report(values, log, passes.note)
                if due and log is not None:
                    self._validate(model, optimizer, log)
                late = time.monotonic() > self.stop_at
                if due and agree(late, self.device):
                    break

    @property
    def origin(self) -> dict[str, Any]:
        """Return what identifies a run besides its plan: it resumes only with the same."""
        kept = {name: self.record[name] for name in ORIGIN if name in self.record}
        origin: dict[str, Any] = json.loads(json.dumps(kept))
        return origin

    def _check_folder(self) -> None:
        """Refuse a folder whose checkpoint would be overwritten, or is gone.

        Raises:
            UsageError: it has a checkpoint and no state; or the run is finished, without one.
        """
        there = (self.folder / BEST).exists()
        if self.leads and not self.step and there:
            raise UsageError(
                f"{self.folder} has the {BEST} of a run that cannot be resumed: its {state.STATE} "
                "is not there. Name another folder: --out."
            )
        if self.leads and self.step >= self.plan.steps and not there:
            raise UsageError(
                f"The run in {self.folder} is finished, and its {BEST} is gone. Name another "
                "folder: --out."
            )

    def _check_together(self) -> None:
        """Refuse to resume from different steps, as happens without a shared folder.

        Raises:
            UsageError: the first process resumes from another step than this one.
        """
        first = agree(self.step, self.device)
        if self.step != first:
            raise UsageError(
                f"{self.folder} is at step {self.step} for one process and at {first} for another. "
                "Name a folder that all of them see: --out."
            )

    def _advance(
        self, model: Any, passes: Passes, optimizer: Any, shown: Any
    ) -> dict[str, torch.Tensor]:
        """Take one step. Return the parts of its loss, still on the device."""
        for group in optimizer.param_groups:
            group["lr"] = self.plan.learning_rate_at(self.step)
        parts = passes(shown, self.step)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), self.plan.clip_norm)
        # A step with a gradient that is not finite would spoil the weights for good. Elsewhere than
        # on a CPU, to look at every step would make the device wait; the next report does.
        if self.device == "cpu" and not bool(torch.isfinite(norm)):
            self._stop()
        optimizer.step()
        self.step += 1
        return parts | {"gradient": norm.detach()}

    def _report(self, values: dict[str, torch.Tensor], log: Log | None, note: str) -> None:
        found = {name: float(value) for name, value in values.items()}
        if not all(map(math.isfinite, found.values())):
            self._stop()
        rate = self.step * self.plan.batch / max(self.seconds, 1e-9)
        self._recent = found | {"per_second": rate}
        if log is not None:
            if note and note != self._noted:
                log.write(self.step, note=note)
                self._noted = note
            log.write(self.step, seconds=round(self.seconds, 1), **self._recent)
            if self.progress is not None:
                self.progress(self.step, self.plan.steps, self._recent)

    def _stop(self) -> None:
        """Stop at a loss that is not finite; what was saved last stays.

        Raises:
            ModelError: always.
        """
        kept = self.folder / BEST
        there = f"The best checkpoint before it is {kept}" if kept.is_file() else "Nothing was kept"
        raise ModelError(
            f"The loss of {self.plan.variant} is NaN or infinite at step {self.step}. {there}. "
            "A lower learning rate may help: --lr."
        )

    def _validate(self, model: Any, optimizer: Any, log: Log) -> None:
        metrics = self.validate(model)
        log.write(self.step, **{f"val_{name}": round(value, 2) for name, value in metrics.items()})
        if self.progress is not None:
            self.progress(self.step, self.plan.steps, self._recent | metrics)
        if metrics["mean"] > self.best:
            self.best = metrics["mean"]
            header = self.record | {
                "step": self.step,
                "validation": metrics,
                "seconds": self.seconds,
                "devices": self.devices,
            }
            weights.write(self.folder / BEST, shipped_weights(model), header)
        state.save(
            self.folder, model, optimizer, self.plan, self.origin, step=self.step,
            seconds=self.seconds, best=self.best, devices=self.devices,
        )  # fmt: skip


def _parallel(model: Any) -> Any:
    """Return the model with gradients averaged over the processes, where there are several."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return model
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model)


def build_optimizer(model: Any, plan: Plan) -> torch.optim.AdamW:
    """Return AdamW; biases, gains and scales do not decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": plan.decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    fused = all(p.is_cuda for p in parameters)  # one kernel for all, in the place of dozens
    return torch.optim.AdamW(
        groups, lr=plan.rate, betas=(0.9, 0.98), eps=1e-6, fused=True if fused else None
    )
