"""From a plan to a trained checkpoint."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchbench.devices import choose_device, cpu_workers
from benchbench.environment import describe_environment
from benchbench.errors import UsageError
from benchbench.training.distributed import joined, place
from benchbench.training.drawn import DrawnWorld
from benchbench.training.exams import EXAMS
from benchbench.training.feeding import Feed
from benchbench.training.loop import BEST, Training
from benchbench.training.views import VIEWS
from benchbench.variants import towers
from benchbench.variants.catalogue import variant as variant_named
from benchbench.variants.making import make

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.training.examples import Source
    from benchbench.training.plan import Plan
    from benchbench.variants.making import Made
    from benchbench.variants.variant import Variant

SMALL = "small"


def train(
    plan: Plan,
    out: str | Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    minutes: float | None = None,
    progress: Callable[[int, int, dict[str, float]], None] | None = None,
) -> Path:
    """Train a variant, or go on with a run.

    Args:
        plan: what to train, on what, for how long.
        out: the run's folder; where it holds this plan's state, the run goes on from there.
        device: ``auto``, ``cpu``, ``cuda``, ….
        workers: processes that prepare batches; by default what the machine has to spare.
        minutes: stop at the first validation after so long; the same call goes on from there.
        progress: called with the step, all steps, and the latest values.

    Returns:
        The best checkpoint so far.

    Raises:
        UsageError: a folder that holds another run; data that the objective cannot use.
        ModelError: a backbone that does not fit, a loss that is no number, memory that ran out.
    """
    here = place()
    here.check_batch(plan.batch)
    chosen = here.device(choose_device(device))
    described = variant_named(plan.variant)
    made = made_for(described, plan)
    source = source_of(plan, described)
    views = [VIEWS[name] for name in described.views]
    feed = Feed(
        source,
        made.reader,
        views,
        plan.batch,
        made.size,
        chosen,
        made.preprocessing,
        here.rank,
        here.world,
    )
    training = Training(
        plan=plan,
        made=made,
        feed=feed,
        examine=examiner(described, made, chosen) if here.leads else _unexamined,
        folder=Path(out).expanduser(),
        device=chosen,
        record=record_of(plan, described, made, source, chosen),
        workers=max(cpu_workers() // here.beside - 1, 0) if workers is None else workers,
        stop_after=math.inf if minutes is None else 60 * minutes,
        progress=progress,
        leads=here.leads,
    )
    with joined(here, chosen):
        training.run()
    return training.folder / BEST


def examiner(described: Variant, made: Made, device: str) -> Callable[[Any], dict[str, float]]:
    """Model → marks, on what the validation split shows."""
    paper = EXAMS[described.exam](made.transform)
    return lambda model: paper.marks(model, made.reader, device)


def _unexamined(model: Any) -> dict[str, float]:
    """In the place of an exam where another process takes it."""
    raise AssertionError("only the first process examines the model")


def made_for(described: Variant, plan: Plan) -> Made:
    """The model to train, its new weights drawn by the plan's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        clip, architecture = _backbone(plan.backbone)
        return make(described, clip, architecture)


def _backbone(name: str) -> tuple[Any, str]:
    """Towers to train, and open_clip's name for their architecture."""
    if name == SMALL:
        return towers.build(towers.NAME), towers.NAME
    from benchbench.registry import load_model

    kind, _, rest = name.partition(":")
    if kind != "openclip":
        raise UsageError(f"Unknown backbone '{name}'. There are: small, openclip:ARCH/TAG.")
    clip = load_model(name).clip  # type: ignore[attr-defined]
    return clip.float().requires_grad_(True), rest.rpartition("/")[0]


def source_of(plan: Plan, described: Variant) -> Source:
    """Where the plan's examples come from."""
    if plan.data == "scenes":
        return DrawnWorld(plan.seed, negatives=described.negatives)
    raise UsageError(f"Unknown data '{plan.data}'. There are: scenes, karpathy:FILE.")


def record_of(
    plan: Plan, described: Variant, made: Made, source: Source, device: str
) -> dict[str, Any]:
    """What a checkpoint says of itself."""
    return {
        "variant": described.name,
        "architecture": made.architecture,
        "settings": dict(made.settings),
        "preprocessing": dict(made.preprocessing),
        "data": source.name,
        "plan": plan.record(),
        "device": device_name(device),
        "environment": describe_environment(device),
        "parameters": sum(p.numel() for p in made.model.parameters()),
    }


def device_name(device: str) -> str:
    """``cpu``, or the accelerator's own name."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
