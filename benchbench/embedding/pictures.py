"""Pictures to vectors: a file is read and decoded once for all its crops, ahead of the model."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.data.images import crop, decode, read_bytes
from benchbench.embedding.embedded import Embedded, to_vectors
from benchbench.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from torch import Tensor

    from benchbench.embedding.embedded import Vectors
    from benchbench.types import DualEncoder, ImageRef, OnMissing, Progress, Role


@dataclass(frozen=True, slots=True)
class Pictures:
    """Embedded images and crops."""

    embedded: Embedded[ImageRef]
    sha256: Mapping[Path, str]
    """Of each file's bytes."""
    unreadable: Mapping[Path, str]
    """Files that could not be decoded, and why; their crops have no row."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What a worker makes of one file."""

    refs: Sequence[ImageRef]
    sha256: str
    tensors: list[Tensor]
    """[3, height, width] each, in the order of ``refs``."""


def encode_pictures(
    model: DualEncoder,
    refs: Sequence[ImageRef],
    *,
    batch_size: int,
    workers: int,
    role: Role = "scene",
    on_missing: OnMissing = "error",
    progress: Progress | None = None,
) -> Pictures:
    """Encode each distinct image and crop once.

    Args:
        model: the image tower.
        refs: images and crops, repeats welcome.
        batch_size: pictures a forward pass.
        workers: decoding threads.
        role: what the pictures stand for.
        on_missing: whether an unreadable file is an error or is left out and listed.
        progress: told after each batch.

    Raises:
        ImageError: a file cannot be decoded and ``on_missing`` is "error".
    """
    by_file: dict[Path, list[ImageRef]] = {}
    for ref in dict.fromkeys(refs):
        by_file.setdefault(ref.path, []).append(ref)
    total = sum(map(len, by_file.values()))
    sha256: dict[Path, str] = {}
    unreadable: dict[Path, str] = {}
    rows: dict[ImageRef, int] = {}
    parts: list[Vectors] = []
    batch: list[Tensor] = []

    def flush() -> None:
        parts.append(_encode(model, batch, role))
        batch.clear()
        if progress:
            progress("images", len(rows), total)

    for path, decoded in _decode_ahead(model, by_file, workers):
        if isinstance(decoded, ImageError):
            if on_missing == "error":
                raise decoded
            unreadable[path] = str(decoded)
            continue
        sha256[path] = decoded.sha256
        for ref, tensor in zip(decoded.refs, decoded.tensors, strict=True):
            rows[ref] = len(rows)
            batch.append(tensor)
            if len(batch) == batch_size:
                flush()
    if batch:
        flush()
    vectors = np.concatenate(parts) if parts else np.empty((0, 0), np.float32)
    return Pictures(Embedded(rows, vectors), sha256, unreadable)


def _encode(model: DualEncoder, batch: Sequence[Tensor], role: Role) -> Vectors:
    import torch

    return to_vectors(model, model.encode_images(torch.stack(list(batch)), role), len(batch))


def _decode_ahead(
    model: DualEncoder, by_file: Mapping[Path, Sequence[ImageRef]], workers: int
) -> Iterator[tuple[Path, _Decoded | ImageError]]:
    """Each file's crops, preprocessed, in order; a few files are always under way."""
    waiting: deque[tuple[Path, Future[_Decoded]]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode")

    def take() -> tuple[Path, _Decoded | ImageError]:
        path, future = waiting.popleft()
        try:
            return path, future.result()
        except ImageError as error:
            return path, error

    try:
        for path, refs in by_file.items():
            waiting.append((path, pool.submit(_decode, model, path, refs)))
            if len(waiting) > 4 * workers:
                yield take()
        while waiting:
            yield take()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(model: DualEncoder, path: Path, refs: Sequence[ImageRef]) -> _Decoded:
    content = read_bytes(path)
    image = decode(content, path)
    tensors = [model.transform(crop(image, ref)) for ref in refs]
    return _Decoded(refs, hashlib.sha256(content).hexdigest(), tensors)
