"""The plan of a training run: every setting that a checkpoint's numbers depend on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchbench.errors import UsageError
from benchbench.training.order import Order

if TYPE_CHECKING:
    from collections.abc import Mapping

TrainPrecision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Plan:
    """The settings of a run; a run resumes only with equal ones."""

    variant: str
    backbone: str = "small"
    """``small`` (random), a bundled start by its name, a checkpoint, or ``openclip:ARCH/TAG``."""
    data: str = "scenes"
    """``scenes``, or ``karpathy:FILE``."""
    seed: int = 0
    """Draws new weights, and which examples come in which order."""
    steps: int = 8000
    batch: int = 64
    rate: float = 1e-3
    """The highest learning rate."""
    warmup: int = 200
    """Steps until it is reached, at most a quarter of all; then it falls along a cosine to zero."""
    decay: float = 0.1
    """AdamW's weight decay, of matrices alone."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    precision: TrainPrecision = "fp32"
    validate_every: int = 1000
    """Steps between validations."""
    pool: int = 0
    """So many examples of the drawn world are shown again and again, in an order that ``seed``
    draws; they are the same for all seeds. 0: fresh ones without end, of the seed's own."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "validate_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"A training run needs {name} of 1 or more.")
        Order(self.pool)  # an odd one is refused
        if 0 < self.pool < self.batch:
            raise UsageError(
                f"A pool of {self.pool} examples is smaller than a batch of {self.batch}, which "
                "would hold the same example several times. Take a larger one: --pool."
            )
        if self.pool and self.data != "scenes":
            raise UsageError(
                f"A pool is of drawn scenes, and {self.data} has as many photographs as it has: "
                "leave out --pool."
            )
        for name in ("rate", "clip_norm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"A training run needs a {name} above 0, not {value}.")

    @property
    def warmup_steps(self) -> int:
        """Return the steps until the highest learning rate: a quarter of a short run."""
        return min(self.warmup, self.steps // 4)

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step: a warm-up, then half a cosine."""
        if step < self.warmup_steps:
            return self.rate * (step + 1) / self.warmup_steps
        along = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.rate * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))

    @property
    def order(self) -> Order:
        """Return the order of the examples."""
        return Order(self.pool, self.seed if self.pool else 0)

    @property
    def data_seed(self) -> int:
        """Return the seed that draws the examples themselves."""
        return 0 if self.pool else self.seed

    def record(self) -> dict[str, Any]:
        """Return the plan as plain values; without a pool where there is none."""
        return {name: value for name, value in asdict(self).items() if value or name != "pool"}

    def differences(self, other: Mapping[str, Any]) -> list[str]:
        """Return in words how a recorded plan differs: "batch 64, here 128"."""
        mine = self.record()
        return [
            f"{name} {other.get(name)}, here {mine.get(name)}"
            for name in sorted({*mine, *other})
            if mine.get(name) != other.get(name)
        ]
