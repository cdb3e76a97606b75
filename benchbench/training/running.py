"""Train a variant: from a plan to model, data and validation set, and to the best checkpoint."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from benchbench.checkpoints.digests import weights_sha256
from benchbench.data.tagging import best_tagger
from benchbench.devices import choose_device, cpu_workers, describe_environment
from benchbench.errors import ModelError, UsageError
from benchbench.files import expand_path
from benchbench.training.batches import BatchBuilder
from benchbench.training.columns import Assembly
from benchbench.training.distributed import current_process, join
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.loop import BEST, Training
from benchbench.training.pack_batches import PackedBatches, holds, load_on_device
from benchbench.training.packs import Pack
from benchbench.training.photographs import Photographs, read_photographs
from benchbench.training.rendering import RENDER
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.training.validation.storage import load_or_draw
from benchbench.training.views import find_views
from benchbench.variants import towers, weights
from benchbench.variants.building import build_variant
from benchbench.variants.catalogue import bundled_path, bundled_starts
from benchbench.variants.catalogue import variant as variant_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchbench.training.distributed import TrainingProcess
    from benchbench.training.examples import Source
    from benchbench.training.plan import Plan
    from benchbench.training.stages import BatchView
    from benchbench.training.validation.sets import ValidationSet
    from benchbench.types import ModelManifest
    from benchbench.variants.building import Build
    from benchbench.variants.texts import CaptionReader
    from benchbench.variants.variant import Variant

SMALL = "small"
MIN_VALIDATION_SCENES = 8
"""Scenes from which every validation set can be built."""


def train(
    plan: Plan,
    out: str | Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    minutes: float | None = None,
    pack: Path | None = None,
    validation: Path | None = None,
    validation_scenes: int | None = None,
    progress: Callable[[int, int, dict[str, float]], None] | None = None,
) -> Path:
    """Train a variant, or resume a run.

    Args:
        plan: variant, data and length of the training.
        out: the run's folder; if it holds this plan's state, the run resumes from it.
        device: ``auto``, ``cpu``, ``cuda``, ….
        workers: processes that prepare batches; by default the free cores.
        minutes: stop at the first validation after so long; the same call resumes.
        pack: a folder of the same examples, prepared beforehand (``packs``).
        validation: a folder of drawn validation sets (``validation.storage``).
        validation_scenes: the number of scenes of a smaller validation set, for trials; by default
            the whole set.
        progress: called with the step, all steps, and the latest values.

    Returns:
        The best checkpoint so far.

    Raises:
        UsageError: a folder that holds another run; data that the objective cannot use.
        ModelError: a backbone that does not fit, a loss that is not finite, memory that ran out.
    """
    called = time.monotonic()
    here = current_process()
    here.check_batch(plan.batch)
    chosen = here.device(choose_device(device))
    described = variant_named(plan.variant)
    build = build_for(described, plan)
    source, validation_set = data_of(plan, described, build)
    smaller = _smaller_set(plan, validation_scenes)
    if validation is not None and plan.data == "scenes":
        validation_set = partial(_stored, validation, described.validation, build)
    validation_set = partial(validation_set, **smaller)
    training = Training(
        plan=plan,
        build=build,
        feed=_feed(plan, described, build, source, chosen, here)
        if pack is None
        else open_pack(pack, plan, described, build, chosen),
        validate=validator(validation_set, build, chosen) if here.leads else _refuse_validation,
        folder=expand_path(out),
        device=chosen,
        record=record_of(plan, described, build, source, chosen)
        | {f"validation_{name}": count for name, count in smaller.items()},
        workers=max(cpu_workers() // here.per_machine - 1, 0) if workers is None else workers,
        stop_at=math.inf if minutes is None else called + 60 * minutes,
        progress=progress,
        leads=here.leads,
    )
    with join(here, chosen):
        training.run()
    return training.folder / BEST


def _smaller_set(plan: Plan, scenes: int | None) -> dict[str, int]:
    """Return the arguments of a smaller validation set; none for the whole set.

    Raises:
        UsageError: the number is not positive, or the data are photographs.
    """
    if scenes is None:
        return {}
    if plan.data != "scenes":
        raise UsageError(
            f"A number of validation scenes needs drawn scenes, and the data are '{plan.data}'. "
            "Leave --validation-scenes out."
        )
    if scenes < MIN_VALIDATION_SCENES:
        raise UsageError(
            f"A validation set of {scenes} scenes is too small. Take {MIN_VALIDATION_SCENES} or "
            "more: --validation-scenes."
        )
    return {"scenes": scenes}


def _feed(
    plan: Plan, described: Variant, build: Build, source: Source, device: str, here: TrainingProcess
) -> BatchBuilder:
    """Return this process's batches."""
    views = list(find_views(described.views, described.name).values())
    return BatchBuilder(
        source, build.reader, views, plan.batch, build.size, device, build.preprocessing,
        here.rank, here.world, plan.order,
    )  # fmt: skip


def open_pack(
    folder: Path, plan: Plan, described: Variant, build: Build, device: str
) -> PackedBatches:
    """Return the plan's batches out of a pack; elsewhere than on a CPU, out of the device's memory.

    Raises:
        UsageError: the pack holds other examples than the plan's.
    """
    found = Pack.at(folder)
    assembly = Assembly(described, build.reader, build.preprocessing)
    if plan.data != "scenes" or not holds(found, described, assembly, plan.data_seed, build.size):
        raise UsageError(
            f"The pack in {folder} ({found.recipe}) does not hold the examples of "
            f"{described.name}, seed {plan.data_seed}, {build.size} px. Train without it."
        )
    feed = PackedBatches(found, assembly, plan.batch, device, plan.order)
    return feed if device == "cpu" else load_on_device(feed)


def validator(
    validation_set: Callable[[Any], ValidationSet], build: Build, device: str
) -> Callable[[Any], dict[str, float]]:
    """Return a function from a model to its metrics on a validation set."""
    items = validation_set(build.transform)
    return lambda model: items.metrics(model, build.reader, device)


def _stored(
    folder: Path, name: str, build: Build, transform: object, **smaller: int
) -> ValidationSet:
    """Return a stored validation set, whose transform is the model's own."""
    return load_or_draw(folder, name, build, **smaller)


def _refuse_validation(model: Any) -> dict[str, float]:
    """Stand in for validation where another process does it."""
    raise AssertionError("only the first process validates the model")


def build_for(described: Variant, plan: Plan) -> Build:
    """Return the model to train, its new weights drawn by the plan's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        clip, architecture = _backbone(plan.backbone)
        return build_variant(described, clip, architecture)


def _backbone(name: str) -> tuple[Any, str]:
    """Return the towers to train, and open_clip's name for their architecture."""
    if name == SMALL:
        return towers.build(towers.NAME), towers.NAME
    if name in bundled_starts():
        return _towers_of(bundled_path(name))
    if name.endswith(weights.SUFFIX):
        return _towers_of(expand_path(name))
    from benchbench.registry import load_model

    kind = name.partition(":")[0]
    if kind != "openclip":
        raise UsageError(
            f"Unknown backbone '{name}'. There are: {', '.join((SMALL, *bundled_starts()))}, "
            f"openclip:ARCH/TAG, and checkpoints of benchbench train (PATH{weights.SUFFIX})."
        )
    model: Any = load_model(name)
    return model.clip.float().requires_grad_(True), _architecture_to_rebuild(model.manifest)


def _architecture_to_rebuild(manifest: ModelManifest) -> str:
    """Return the architecture of a backbone's weights when it is built again without their tag.

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
    """Return the towers of a checkpoint that ``benchbench train`` wrote."""
    tensors, record = weights.read(path)
    try:
        clip = towers.build(record["architecture"], record["preprocessing"])
        own = {name: each for name, each in tensors.items() if name.startswith(weights.TOWERS)}
        clip.load_state_dict(
            {name: each.float() for name, each in weights.tower_weights(own).items()}
        )
    except (AttributeError, KeyError, TypeError, RuntimeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise ModelError(f"{path} holds no towers to start from ({reason}).") from error
    return clip, record["architecture"]


def data_of(
    plan: Plan, described: Variant, build: Build
) -> tuple[Source, Callable[[Any], ValidationSet]]:
    """Return the source of a plan's examples, and its validation set as a function of a transform.

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
        return drawn, VALIDATION_SETS[described.validation]
    if kind != "karpathy" or not rest:
        raise UsageError(f"Unknown data '{plan.data}'. There are: scenes, karpathy:FILE.")
    if described.data == "scenes" or described.views:
        raise UsageError(
            f"{described.name} is trained on scenes with their graphs, and photographs have "
            "captions alone: --data scenes."
        )
    source = read_photographs(
        expand_path(rest),
        side=RENDER * build.size,
        cropped=build.preprocessing.get("resize_mode") == "shortest",
        seed=plan.seed,
        negatives=described.negatives,
        swaps=described.swaps,
        batch=plan.batch,
    )
    if build.reader.with_triples:
        _set_tagger(build.reader, source, described.name)
    return source, source.validation_set


def _set_tagger(reader: CaptionReader, source: Photographs, name: str) -> None:
    """Set the tagger that reads triples from all captions, at test time too.

    Raises:
        MissingData: there is no tagger.
        UsageError: no caption states a relation or an attribute.
    """
    reader.tagger = best_tagger()
    if not any(reader.triples(text) for text in source.captions()):
        raise UsageError(
            f"None of the captions in {source.name} states a relation or an attribute: {name} "
            "would learn nothing of triples. Train clip on it."
        )


def record_of(
    plan: Plan, described: Variant, build: Build, source: Source, device: str
) -> dict[str, Any]:
    """Return the record in a checkpoint's header."""
    return {
        "variant": described.name,
        "architecture": build.architecture,
        "settings": dict(build.settings),
        "preprocessing": dict(build.preprocessing),
        "data": source.name,
        **source.record(),
        **({"tagger": build.reader.tagger} if build.reader.tagger else {}),
        "views": {
            name: _settings_of(view)
            for name, view in find_views(described.views, described.name).items()
        },
        "plan": plan.record(),
        "start_sha256": weights_sha256(build.model.state_dict()),
        "environment": describe_environment(device),
        "parameters": sum(p.numel() for p in build.model.parameters()),
    }


def _settings_of(view: BatchView) -> dict[str, Any]:
    return asdict(view) if is_dataclass(view) else {}
