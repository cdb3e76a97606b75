"""Learning curves of runs, by examples and by arithmetic: equal examples, and equal FLOPs.

Marks are those of the validation split in a run's log, an example being one caption's image (or one
scene, where those are shown whole). Between two looks a mark is interpolated on the logarithm of
examples. FLOPs are counted by torch on a forward and a backward pass of one batch; the start that
members share is not among them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import torch

from benchbench.atomic import atomic_write
from benchbench.training.batches import BatchBuilder
from benchbench.training.bundling import devices_of
from benchbench.training.log import read_log
from benchbench.training.plan import Plan
from benchbench.training.running import SMALL, data_of
from benchbench.training.views import VIEWS
from benchbench.variants import towers, weights
from benchbench.variants.building import build_variant
from benchbench.variants.catalogue import variant
from benchmarks.members import BEFORE, STARTS, place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchbench.variants.variant import Batch

EXAMPLES = (100_000, 300_000, 1_000_000, 3_000_000)
"""Numbers of examples at which metrics are reported."""
TARGET = 80.0
"""Percent, of "examples to 80 %"."""
FLOP_EXAMPLES = 32
"""Examples of the batch whose arithmetic is counted."""
PREFIX = "val_"
OUTSIDE_MEAN = ("mean",)
"""Values of logs that are not metrics."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of one run during its training."""

    examples: tuple[int, ...]
    """Ascending."""
    percents: tuple[float, ...]

    def at(self, examples: float) -> float:
        """Return the metric after so many examples; NaN before the first validation and after the
        last."""
        if not self.examples or not self.examples[0] <= examples <= self.examples[-1]:
            return float("nan")
        k = next(k for k, each in enumerate(self.examples) if each >= examples)
        if self.examples[k] == examples:
            return self.percents[k]
        low, high = self.examples[k - 1 : k + 1]
        share = math.log(examples / low) / math.log(high / low)
        return self.percents[k - 1] + share * (self.percents[k] - self.percents[k - 1])

    def examples_to(self, percent: float = TARGET) -> float:
        """Return the examples after which a percentage is first reached; NaN if it never is.

        Where the first look is above it already, that look's: it may have been reached before.
        """
        k = next((k for k, each in enumerate(self.percents) if each >= percent), None)
        if k is None:
            return float("nan")
        if k == 0:
            return float(self.examples[0])
        low, high = self.percents[k - 1 : k + 1]
        (first, second), share = self.examples[k - 1 : k + 1], (percent - low) / (high - low)
        return float(first * (second / first) ** share)


@dataclass(frozen=True, slots=True)
class RunCurves:
    """A run's curves and what an example costs it."""

    member: str
    seed: int
    curves: Mapping[str, Curve]
    """By metric."""
    flops: float
    """Per example, forward and backward."""
    steps: int
    batch: int
    start: str
    """Its start, by its checkpoint."""
    device: str
    """The device that trained it, and the precision."""
    pool: int = 0
    """Distinct examples, shown again and again; 0: each is shown once."""


def curves_of(log: Sequence[Mapping[str, Any]], batch: int) -> dict[str, Curve]:
    """Return the metrics of a run's log, by the number of examples.

    Args:
        log: of ``read_log``.
        batch: examples a step.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    for record in log:
        for name, value in record.items():
            mark = name.removeprefix(PREFIX)
            if name.startswith(PREFIX) and mark not in OUTSIDE_MEAN:
                found.setdefault(mark, []).append((batch * record["step"], float(value)))
    return {
        mark: Curve(*zip(*sorted(dict(looks).items()), strict=True))
        for mark, looks in found.items()
    }


def read_run_curves(member: str, seed: int, run: Path, best: str, known: Path) -> RunCurves:
    """Read a run's curves, and count the arithmetic of its examples.

    Args:
        member: whose.
        seed: its seed.
        run: its folder.
        best: its checkpoint's name there.
        known: a file that keeps what was counted.
    """
    record = weights.read(run / best)[1]
    plan = record["plan"]
    return RunCurves(
        member, seed, curves_of(read_log(run), plan["batch"]), _cached_flops(record, known),
        plan["steps"], plan["batch"], start_of(plan), trained_on(record), plan.get("pool", 0),
    )  # fmt: skip


def trained_on(record: Mapping[str, Any]) -> str:
    """Return the device that trained a checkpoint and the precision, by its record.

    >>> trained_on({"environment": {"gpu": "NVIDIA H200"}, "plan": {"precision": "bf16"}})
    'NVIDIA H200, bf16'
    """
    return f"{devices_of(record)}, {record['plan']['precision']}"


def start_of(plan: Mapping[str, Any]) -> str:
    """Return what a run started from: a name of ``STARTS``, another member's name, or its backbone.

    >>> start_of({"backbone": "small"}), start_of({"backbone": "out/0/captioner/best.safetensors"})
    ('random', 'captioner')
    """
    backbone = str(plan["backbone"])
    if backbone == SMALL:
        return "random"
    folder = PurePath(backbone).parent.name or backbone  # what is bundled has a name alone
    folders = {str(place(PurePath(), name)): name for name in BEFORE} | {
        name: name for name in BEFORE
    }
    member = folders.get(folder, "")
    return (
        next((start for start, name in STARTS.items() if name and name == member), member)
        or backbone
    )


def _cached_flops(record: Mapping[str, Any], known: Path) -> float:
    """Return FLOPs per example, counted once for members of equal settings."""
    told = {name: record[name] for name in ("variant", "architecture", "settings", "step")}
    key = json.dumps(told, sort_keys=True)
    there: dict[str, float] = json.loads(known.read_text("utf-8")) if known.is_file() else {}
    if key not in there:
        there[key] = flops_per_example(record)
        with atomic_write(known) as temporary:
            temporary.write_text(json.dumps(there, indent=1, sort_keys=True), "utf-8")
    return there[key]


def flops_per_example(record: Mapping[str, Any], examples: int = FLOP_EXAMPLES) -> float:
    """Return the FLOPs of a forward and a backward pass per example, by a checkpoint's record.

    A multiplication and an addition are two. What does no matrix product or convolution counts
    nothing, as in ``torch.utils.flop_counter``. It is a late step's: some objectives have parts
    that begin later than others.

    Args:
        record: of ``weights.read``.
        examples: in the batch.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    model, batch = model_and_batch(record, examples)
    # Attention as matrix products: torch counts nothing of a CPU's own kernel for it.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(batch, int(record["step"])).total.backward()
    return float(counter.get_total_flops()) / examples


def model_and_batch(record: Mapping[str, Any], examples: int) -> tuple[Any, Batch]:
    """Build the model of a checkpoint's record with random weights, and its first batch."""
    described = variant(record["variant"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        clip = towers.build(record["architecture"], record["preprocessing"])
        build = build_variant(described, clip, record["architecture"], record["settings"])
    source, _ = data_of(Plan(described.name, batch=examples), described, build)
    feed = BatchBuilder(
        source=source,
        reader=build.reader,
        views=[VIEWS[name] for name in described.views],
        batch=examples,
        size=build.size,
        device="cpu",
        preprocessing=build.preprocessing,
    )
    return build.model.train(), feed.on_device(feed[0])
