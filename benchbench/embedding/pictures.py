"""Pictures to vectors: a file is read and decoded once for all its crops, ahead of the model."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from benchbench.data.images import crop, decode, read_bytes
from benchbench.embedding.embedded import Embedded, to_vectors
from benchbench.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.embedding.embedded import Vectors
    from benchbench.embedding.unfinished import Unfinished
    from benchbench.types import DualEncoder, ImageRef, OnMissing, Progress, Role

    FileCrops = tuple[Path, list[ImageRef]]

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Embedded images and crops."""

    embedded: Embedded[ImageRef]
    sha256: Mapping[Path, str]
    """Of each file's bytes."""
    unreadable: Mapping[Path, str]
    """Files that could not be decoded, and why; their crops have no row."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """One forward pass: its crops that could be read, with vectors, and their files."""

    refs: list[ImageRef]
    vectors: Vectors
    sha256: dict[Path, str]
    unreadable: dict[Path, str]


def encode_pictures(
    model: DualEncoder,
    refs: Sequence[ImageRef],
    *,
    batch_size: int,
    workers: int,
    role: Role = "scene",
    on_missing: OnMissing = "error",
    progress: Progress | None = None,
    unfinished: Unfinished | None = None,
) -> Pictures:
    """Encode each distinct image and crop once.

    Args:
        model: the image tower.
        refs: images and crops, repeats welcome.
        batch_size: pictures a forward pass, at most.
        workers: decoding threads.
        role: what the pictures stand for.
        on_missing: whether an unreadable file is an error or is left out and listed.
        progress: told after each batch.
        unfinished: batches of an interrupted evaluation, to be taken from and added to.

    Raises:
        ImageError: a file cannot be decoded and ``on_missing`` is "error".
    """
    plan = plan_batches(refs, batch_size)
    total = sum(len(crops) for files in plan for _, crops in files)
    done, batches = 0, []
    report = progress or (lambda what, done, total: None)
    report("images", done, total)
    encoded = _batches(model, plan, workers, role, on_missing, unfinished)
    with closing(encoded):
        for files, batch in zip(plan, encoded, strict=True):
            batches.append(batch)
            done += sum(len(crops) for _, crops in files)
            report("images", done, total)
    parts = [batch.vectors for batch in batches if len(batch.vectors)]
    read = [ref for batch in batches for ref in batch.refs]
    return Pictures(
        Embedded(
            {ref: row for row, ref in enumerate(read)},
            np.concatenate(parts) if parts else np.empty((0, 0), np.float32),
        ),
        {path: digest for batch in batches for path, digest in batch.sha256.items()},
        {path: reason for batch in batches for path, reason in batch.unreadable.items()},
    )


def plan_batches(refs: Sequence[ImageRef], batch_size: int) -> list[list[FileCrops]]:
    """Distinct crops by file, packed into batches that split a file only where it overflows one."""
    by_file: dict[Path, list[ImageRef]] = {}
    for ref in dict.fromkeys(refs):
        by_file.setdefault(ref.path, []).append(ref)
    plan: list[list[FileCrops]] = [[]]
    room = batch_size
    for path, crops in by_file.items():
        for start in range(0, len(crops), batch_size):
            part = crops[start : start + batch_size]
            if len(part) > room:
                plan.append([])
                room = batch_size
            plan[-1].append((path, part))
            room -= len(part)
    return [files for files in plan if files]


def _batches(
    model: DualEncoder,
    plan: Sequence[Sequence[FileCrops]],
    workers: int,
    role: Role,
    on_missing: OnMissing,
    unfinished: Unfinished | None,
) -> Generator[_Batch, None, None]:
    """The planned batches in order, from ``unfinished`` where it has them."""
    kept = [_kept(files, i, unfinished) for i, files in enumerate(plan)]
    missing = [file for files, batch in zip(plan, kept, strict=True) if not batch for file in files]
    with closing(decode_ahead(model.transform, missing, workers)) as decoded:
        for i, (files, earlier) in enumerate(zip(plan, kept, strict=True)):
            if earlier:
                yield earlier
                continue
            batch = _encode(model, [next(decoded) for _ in files], role, on_missing)
            if unfinished and not batch.unreadable:
                digests = np.array([batch.sha256[path] for path, _ in files])
                unfinished.save("images", i, vectors=batch.vectors, sha256=digests)
            yield batch


def _kept(files: Sequence[FileCrops], i: int, unfinished: Unfinished | None) -> _Batch | None:
    """Batch ``i`` of an interrupted evaluation, if its files still hold the same bytes."""
    arrays = unfinished.load("images", i, "vectors", "sha256") if unfinished else None
    if arrays is None:
        return None
    digests = {path: str(d) for (path, _), d in zip(files, arrays["sha256"], strict=True)}
    for path, digest in digests.items():
        if hashlib.sha256(read_bytes(path)).hexdigest() != digest:
            return None
    refs = [ref for _, crops in files for ref in crops]
    return _Batch(refs, arrays["vectors"].astype(np.float32), digests, {})


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Shown]):
    """What a worker makes of one file."""

    path: Path
    refs: list[ImageRef]
    pictures: list[Shown]
    """As the model's ``transform`` leaves them, in the order of ``refs``."""
    sha256: str
    error: ImageError | None = None


def _encode(
    model: DualEncoder, files: Sequence[Decoded[Tensor]], role: Role, on_missing: OnMissing
) -> _Batch:
    import torch

    for file in files:
        if file.error and on_missing == "error":
            raise file.error
    tensors = [tensor for file in files for tensor in file.pictures]
    vectors = np.empty((0, 0), np.float32)
    if tensors:
        vectors = to_vectors(model, model.encode_images(torch.stack(tensors), role), len(tensors))
    return _Batch(
        refs=[ref for file in files if not file.error for ref in file.refs],
        vectors=vectors,
        sha256={file.path: file.sha256 for file in files if not file.error},
        unreadable={file.path: str(file.error) for file in files if file.error},
    )


def decode_ahead(
    transform: Callable[[Image], Shown], files: Sequence[FileCrops], workers: int
) -> Generator[Decoded[Shown], None, None]:
    """Each file's crops, preprocessed, in order; a few files are always under way."""
    waiting: deque[Future[Decoded[Shown]]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode")
    try:
        for path, refs in files:
            waiting.append(pool.submit(_decode, transform, path, refs))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(
    transform: Callable[[Image], Shown], path: Path, refs: list[ImageRef]
) -> Decoded[Shown]:
    try:
        content = read_bytes(path)
        image = decode(content, path)
    except ImageError as error:
        return Decoded(path, refs, [], "", error)
    pictures = [transform(crop(image, ref)) for ref in refs]
    return Decoded(path, refs, pictures, hashlib.sha256(content).hexdigest())
