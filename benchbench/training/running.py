"""From a plan to a trained checkpoint."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from benchbench.checkpoints.digests import weights_sha256
from benchbench.data.tagging import best_tagger
from benchbench.devices import choose_device, cpu_workers
from benchbench.environment import describe_environment
from benchbench.errors import ModelError, UsageError
from benchbench.files import expanded
from benchbench.training.columns import Assembly
from benchbench.training.distributed import joined, place
from benchbench.training.drawn import DrawnWorld
from benchbench.training.exams import EXAMS
from benchbench.training.feeding import Feed
from benchbench.training.kept_exams import kept_exam
from benchbench.training.loop import BEST, Training
from benchbench.training.packed import PackedFeed, holds, resident
from benchbench.training.packing import Pack
from benchbench.training.photographs import Photographs, photographs
from benchbench.training.showing import RENDER
from benchbench.training.views import VIEWS
from benchbench.variants import towers, weights
from benchbench.variants.catalogue import bundled_path, bundled_starts
from benchbench.variants.catalogue import variant as variant_named
from benchbench.variants.making import make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchbench.training.distributed import Place
    from benchbench.training.examples import Source
    from benchbench.training.exams import Marked
    from benchbench.training.plan import Plan
    from benchbench.training.views import View
    from benchbench.types import ModelManifest
    from benchbench.variants.making import Made
    from benchbench.variants.texts import Reader
    from benchbench.variants.variant import Variant

SMALL = "small"


def train(
    plan: Plan,
    out: str | Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    minutes: float | None = None,
    pack: Path | None = None,
    exams: Path | None = None,
    progress: Callable[[int, int, dict[str, float]], None] | None = None,
) -> Path:
    """Train a variant, or go on with a run.

    Args:
        plan: what to train, on what, for how long.
        out: the run's folder; where it holds this plan's state, the run goes on from there.
        device: ``auto``, ``cpu``, ``cuda``, ….
        workers: processes that prepare batches; by default what the machine has to spare.
        minutes: stop at the first validation after so long; the same call goes on from there.
        pack: a folder of the same examples, made beforehand (``packing``).
        exams: a folder where exams of drawn scenes are kept (``kept_exams``).
        progress: called with the step, all steps, and the latest values.

    Returns:
        The best checkpoint so far.

    Raises:
        UsageError: a folder that holds another run; data that the objective cannot use.
        ModelError: a backbone that does not fit, a loss that is no number, memory that ran out.
    """
    called = time.monotonic()
    here = place()
    here.check_batch(plan.batch)
    chosen = here.device(choose_device(device))
    described = variant_named(plan.variant)
    made = made_for(described, plan)
    source, exam = data_of(plan, described, made)
    if exams is not None and plan.data == "scenes":
        exam = partial(_kept, exams, described.exam, made)
    training = Training(
        plan=plan,
        made=made,
        feed=_feed(plan, described, made, source, chosen, here)
        if pack is None
        else packed(pack, plan, described, made, chosen),
        examine=examiner(exam, made, chosen) if here.leads else _unexamined,
        folder=expanded(out),
        device=chosen,
        record=record_of(plan, described, made, source, chosen),
        workers=max(cpu_workers() // here.beside - 1, 0) if workers is None else workers,
        stop_at=math.inf if minutes is None else called + 60 * minutes,
        progress=progress,
        leads=here.leads,
    )
    with joined(here, chosen):
        training.run()
    return training.folder / BEST


def _feed(
    plan: Plan, described: Variant, made: Made, source: Source, device: str, here: Place
) -> Feed:
    """This process's batches.

    Raises:
        UsageError: photographs are fewer than a batch.
    """
    if isinstance(source, Photographs):
        source.check_batch(plan.batch)
    views = [VIEWS[name] for name in described.views]
    return Feed(
        source, made.reader, views, plan.batch, made.size, device, made.preprocessing,
        here.rank, here.world, plan.order,
    )  # fmt: skip


def packed(folder: Path, plan: Plan, described: Variant, made: Made, device: str) -> PackedFeed:
    """Return the plan's batches out of a pack; elsewhere than on a CPU, out of the device's memory.

    Raises:
        UsageError: the pack holds other examples than the plan's.
    """
    found = Pack.at(folder)
    assembly = Assembly(described, made.reader, made.preprocessing)
    if plan.data != "scenes" or not holds(found, described, assembly, plan.data_seed, made.size):
        raise UsageError(
            f"The pack in {folder} ({found.recipe}) does not hold the examples of "
            f"{described.name}, seed {plan.data_seed}, {made.size} px. Train without it."
        )
    feed = PackedFeed(found, assembly, plan.batch, device, plan.order)
    return feed if device == "cpu" else resident(feed)


def examiner(
    exam: Callable[[Any], Marked], made: Made, device: str
) -> Callable[[Any], dict[str, float]]:
    """Model → marks, on what the validation split shows."""
    paper = exam(made.transform)
    return lambda model: paper.marks(model, made.reader, device)


def _kept(folder: Path, name: str, made: Made, transform: object) -> Marked:
    """A kept exam, whose transform is the model's own."""
    return kept_exam(folder, name, made)


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
    if name in bundled_starts():
        return _towers_of(bundled_path(name))
    if name.endswith(weights.SUFFIX):
        return _towers_of(expanded(name))
    from benchbench.registry import load_model

    kind = name.partition(":")[0]
    if kind != "openclip":
        raise UsageError(
            f"Unknown backbone '{name}'. There are: {', '.join((SMALL, *bundled_starts()))}, "
            f"openclip:ARCH/TAG, and checkpoints of benchbench train (PATH{weights.SUFFIX})."
        )
    model: Any = load_model(name)
    return model.clip.float().requires_grad_(True), _rebuilt_as(model.manifest)


def _rebuilt_as(manifest: ModelManifest) -> str:
    """The architecture that the weights run in, when it is built anew without their tag.

    Raises:
        ModelError: open_clip has no such architecture, or none that runs with QuickGELU as they do.
    """
    import open_clip

    name = manifest.architecture
    if name not in open_clip.list_models():
        raise ModelError(
            f"{manifest.name} cannot be a backbone: its configuration is its own, and what is "
            "trained from it could not be loaded again. Take openclip:ARCH/TAG."
        )
    quick = (open_clip.get_model_config(name) or {}).get("quick_gelu", False)
    if manifest.activation != "quickgelu" or quick:
        return name
    if f"{name}-quickgelu" not in open_clip.list_models():
        raise ModelError(f"{manifest.name} runs with QuickGELU, and {name}-quickgelu is unknown.")
    return f"{name}-quickgelu"


def _towers_of(path: Path) -> tuple[Any, str]:
    """The towers of a checkpoint that ``benchbench train`` has written."""
    tensors, record = weights.read(path)
    try:
        clip = towers.build(record["architecture"], record["preprocessing"])
        own = {name: each for name, each in tensors.items() if name.startswith(weights.TOWERS)}
        clip.load_state_dict({name: each.float() for name, each in weights.plain(own).items()})
    except (AttributeError, KeyError, TypeError, RuntimeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise ModelError(f"{path} holds no towers to start from ({reason}).") from error
    return clip, record["architecture"]


def data_of(plan: Plan, described: Variant, made: Made) -> tuple[Source, Callable[[Any], Marked]]:
    """Where the plan's examples come from, and from a transform to what is examined on.

    Raises:
        UsageError: unknown data, or such as the objective cannot use.
        DataError: photographs or their file are not what they should be.
    """
    kind, _, rest = plan.data.partition(":")
    if plan.data == "scenes":
        drawn = DrawnWorld(
            plan.data_seed, described.splits, described.negatives, described.swaps,
            described.twins, described.dense_percent,
        )  # fmt: skip
        return drawn, EXAMS[described.exam]
    if kind != "karpathy" or not rest:
        raise UsageError(f"Unknown data '{plan.data}'. There are: scenes, karpathy:FILE.")
    if described.data == "scenes" or described.views:
        raise UsageError(
            f"{described.name} is trained on scenes with their graphs, and photographs have "
            "captions alone: --data scenes."
        )
    source = photographs(
        expanded(rest),
        side=RENDER * made.size,
        cropped=made.preprocessing.get("resize_mode") == "shortest",
        seed=plan.seed,
        negatives=described.negatives,
        swaps=described.swaps,
    )
    if made.reader.with_triples:
        _reads_free_text(made.reader, source, described.name)
    return source, source.exam


def _reads_free_text(reader: Reader, source: Photographs, name: str) -> None:
    """Have triples read by tags, of all captions alike: true, swapped, and at test time.

    Raises:
        MissingData: there is no tagger.
        UsageError: the captions tell of nothing.
    """
    reader.tagger = best_tagger()
    if not any(reader.triples(text) for text in source.captions()):
        raise UsageError(
            f"None of the captions in {source.name} tells of a relation or an attribute: {name} "
            "would learn nothing of triples. Train clip on it."
        )


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
        **source.record(),
        **({"tagger": made.reader.tagger} if made.reader.tagger else {}),
        "views": {name: _settings_of(VIEWS[name]) for name in described.views},
        "plan": plan.record(),
        "start_sha256": weights_sha256(made.model.state_dict()),
        "environment": describe_environment(device),
        "parameters": sum(p.numel() for p in made.model.parameters()),
    }


def _settings_of(view: View) -> dict[str, Any]:
    return asdict(view) if is_dataclass(view) else {}
