"""The spine: a model, a task, a run.

Read from top to bottom: find the task, resolve its files, choose items, look at their images,
load the model, encode each distinct input once, score, and note all that could change a number.
"""

from __future__ import annotations

import hashlib
import platform
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from benchbench.data.images import survey
from benchbench.devices import choose_device, cpu_workers, inference, memory_errors
from benchbench.editions import resolve_edition
from benchbench.embedding import (
    Captions,
    Pictures,
    Unfinished,
    encode_captions,
    encode_pictures,
)
from benchbench.errors import DataError, ImageError, MalformedData, UsageError
from benchbench.protocols.matching import match
from benchbench.registry import load_model, load_task
from benchbench.types import Counts, LoadOptions, Run
from benchbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from benchbench.types import DualEncoder, Edition, Item, OnMissing, Precision, Progress, Task

CAPTIONS_PER_PICTURE = 4
"""Captions in a batch for every picture in one: they are that much cheaper."""


def evaluate(
    model: str | DualEncoder,
    task: str | Task,
    *,
    data_root: str | Path | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    batch_size: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    on_missing: OnMissing = "error",
    progress: Progress | None = None,
    resume: bool = True,
) -> Run:
    """Evaluate one checkpoint on one task.

    Args:
        model: a specification (``openclip:ViT-B-32/openai``), or a loaded model, which keeps its
            own device and precision.
        task: a name (``vg-relation``) or a task.
        data_root: the folder with the task's files; by default the variable BENCHBENCH_DATA.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: of the model's arithmetic; similarities are float32 throughout.
        batch_size: pictures a forward pass (captions: four times that); by default 32 on a CPU,
            256 elsewhere.
        seed: draws untrained weights, and the clusters of ``limit``.
        limit: evaluate at most so many items, by whole clusters; marks the run as partial.
        on_missing: whether an image that cannot be read is an error, or its items are left out
            and counted.
        progress: called as ``progress(what, done, total)``.
        resume: keep what is encoded until the run is complete, and take up what an interrupted
            evaluation of the same inputs left (in BENCHBENCH_CACHE or the user's cache folder).

    Returns:
        The run: raw scores per item. Read it with ``benchbench.scorecard``.

    Raises:
        BenchbenchError: whatever the user can put right.
    """
    started = time.perf_counter()
    _check_settings(limit, batch_size, on_missing)
    task = load_task(task) if isinstance(task, str) else task
    edition = resolve_edition(task.info, data_root)
    all_items = task.items(edition.root)
    if not all_items:
        raise MalformedData(f"{task.info.name} finds no item under {edition.root}.")
    items = draw_clusters(all_items, limit, seed)
    usable, overhanging = _usable(items, on_missing)
    if isinstance(model, str):
        device = choose_device(device)
        model = load_model(model, LoadOptions(device, precision, seed))
    else:
        device, precision = "as loaded", model.manifest.dtype  # type: ignore[assignment]
    batch_size = batch_size or (32 if device == "cpu" else 256)
    unfinished = _unfinished(model, usable, device, batch_size) if resume else None
    encoded = _encode(model, usable, batch_size, on_missing, progress, unfinished)
    run = Run(
        model=model.manifest,
        task=task.info.name,
        task_version=task.info.version,
        protocol=task.info.protocol,
        edition=edition.name,
        data_sha256=_data_sha256(edition, encoded.pictures.sha256),
        settings={
            "device": device,
            "precision": precision,
            "batch_size": batch_size,
            "seed": seed,
            "limit": limit,
            "on_missing": on_missing,
        },
        environment=environment(),
        counts=_counts(len(all_items), len(items), overhanging, encoded),
        skipped=_left_out(items, encoded.items),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 3),
        outcomes=match(
            encoded.items,
            encoded.pictures.embedded,
            encoded.captions.embedded,
            encoded.captions.token_ids,
        ),
    )
    if unfinished:
        unfinished.remove()
    return run


def draw_clusters(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """As many whole clusters as fit into ``limit`` items, at least one, in the items' own order.

    Clusters come in the order of a hash of seed and name, so that the draw depends on neither the
    order of the file nor the version of a random generator.
    """
    if limit is None or limit >= len(items):
        return list(items)
    sizes: dict[str, int] = {}
    for item in items:
        sizes[item.cluster] = sizes.get(item.cluster, 0) + 1
    drawn: set[str] = set()
    left = limit
    for cluster in sorted(sizes, key=lambda c: hashlib.sha256(f"{seed}\0{c}".encode()).digest()):
        if drawn and sizes[cluster] > left:
            break
        drawn.add(cluster)
        left -= sizes[cluster]
    return [item for item in items if item.cluster in drawn]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """The items whose images could all be read, and their embeddings."""

    items: list[Item]
    pictures: Pictures
    captions: Captions


def _encode(
    model: DualEncoder,
    items: Sequence[Item],
    batch_size: int,
    on_missing: OnMissing,
    progress: Progress | None,
    unfinished: Unfinished | None,
) -> _Encoded:
    with inference(), memory_errors(batch_size):
        pictures = encode_pictures(
            model,
            [ref for item in items for ref in item.images],
            batch_size=batch_size,
            workers=cpu_workers(),
            on_missing=on_missing,
            progress=progress,
            unfinished=unfinished,
        )
        kept = _without(items, pictures.unreadable)
        captions = encode_captions(
            model,
            [caption for item in kept for caption in item.captions],
            batch_size=batch_size * CAPTIONS_PER_PICTURE,
            progress=progress,
            unfinished=unfinished,
        )
    return _Encoded(kept, pictures, captions)


def _unfinished(
    model: DualEncoder, items: Sequence[Item], device: str, batch_size: int
) -> Unfinished:
    import torch

    stats = {ref.path: ref.path.stat() for item in items for ref in item.images}
    files = {str(path): (found.st_size, found.st_mtime_ns) for path, found in stats.items()}
    inputs = [[(str(ref.path), ref.box) for ref in item.images] for item in items]
    captions = [item.captions for item in items]
    how = (model.manifest.fingerprint, device, batch_size, torch.__version__)
    return Unfinished.of([how, files, inputs, captions])


def _usable(items: Sequence[Item], on_missing: OnMissing) -> tuple[list[Item], int]:
    """The items whose images have sound headers, and how many of their crops overhang."""
    problems, overhanging = survey(ref for item in items for ref in item.images)
    if problems and on_missing == "error":
        path, error = next(iter(problems.items()))
        item = next(i for i in items if any(ref.path == path for ref in i.images))
        n_items = len(items) - len([i for i in items if _reads_all(i, problems)])
        raise ImageError(
            f"{error} (item {item.id}; {len(problems):,} such images, {n_items:,} items). "
            "Put them there, or leave their items out and counted: --on-missing skip"
        )
    return _without(items, problems), len(overhanging)


def _without(items: Sequence[Item], unreadable: Container[Path]) -> list[Item]:
    kept = [item for item in items if _reads_all(item, unreadable)]
    if not kept:
        raise DataError("No item is left: not one image could be read.")
    return kept


def _reads_all(item: Item, unreadable: Container[Path]) -> bool:
    return all(ref.path not in unreadable for ref in item.images)


def _left_out(items: Sequence[Item], kept: Sequence[Item]) -> tuple[str, ...]:
    there = {item.id for item in kept}
    return tuple(item.id for item in items if item.id not in there)


def _counts(in_edition: int, chosen: int, overhanging: int, encoded: _Encoded) -> Counts:
    return Counts(
        items_in_edition=in_edition,
        items=len(encoded.items),
        skipped=chosen - len(encoded.items),
        images=len({ref for item in encoded.items for ref in item.images}),
        captions=len(encoded.captions.embedded.rows),
        clusters=len({item.cluster for item in encoded.items}),
        overhanging_crops=overhanging,
        truncated_captions=encoded.captions.truncated,
    )


def _data_sha256(edition: Edition, images: Mapping[Path, str]) -> str:
    digest = hashlib.sha256(edition.annotations_sha256.encode())
    for path in sorted(images):
        name = path.relative_to(edition.root) if path.is_relative_to(edition.root) else path
        digest.update(f"\n{name.as_posix()} {images[path]}".encode())
    return digest.hexdigest()


def _check_settings(limit: int | None, batch_size: int | None, on_missing: str) -> None:
    for name, value in (("limit", limit), ("batch size", batch_size)):
        if value is not None and value < 1:
            raise UsageError(f"The {name} should be at least 1, not {value}.")
    if on_missing not in ("error", "skip"):
        raise UsageError(f"on_missing should be 'error' or 'skip', not '{on_missing}'.")


def environment() -> dict[str, Any]:
    """Versions of what computed the numbers, and the machine."""
    import torch

    packages = ("torch", "torchvision", "open_clip_torch", "transformers", "pillow", "numpy")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return {
        "benchbench": VERSION,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        **{name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
