"""Encode images to vectors: decode each file once for all its crops, ahead of the model."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from benchbench.data.images import crop, decode, read_bytes
from benchbench.embedding.outputs import SAMPLE_SIZE, EmbeddingTable, OutputChecker
from benchbench.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.embedding.encoding_cache import EncodingCache
    from benchbench.embedding.outputs import Vectors
    from benchbench.types import DualEncoder, ImageRef, OnMissing, Progress, Role

    FileCrops = tuple[Path, list[ImageRef]]

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class FileLog:
    """The image files of one evaluation."""

    sha256: dict[Path, str] = field(default_factory=dict)
    """The SHA-256 of each file that was read."""
    unreadable: dict[Path, str] = field(default_factory=dict)
    """Files that could not be decoded, and the reason."""

    def add(self, path: Path, found: str | ImageError) -> None:
        """Record a file's digest, or the error of decoding it."""
        if isinstance(found, ImageError):
            self.unreadable[path] = str(found)
            self.sha256.pop(path, None)
        else:
            self.sha256[path] = found


@dataclass(frozen=True, slots=True)
class _Batch:
    """One forward pass: the crops that could be read, with their vectors."""

    refs: list[ImageRef]
    vectors: Vectors


def encode_images(
    model: DualEncoder,
    refs: Sequence[ImageRef],
    *,
    batch_size: int,
    workers: int,
    role: Role = "scene",
    on_missing: OnMissing = "error",
    progress: Progress | None = None,
    cache: EncodingCache | None = None,
    outputs: OutputChecker | None = None,
    files: FileLog | None = None,
) -> EmbeddingTable[ImageRef]:
    """Encode images and crops; those of unreadable files have no row.

    Args:
        model: the model with the image tower.
        refs: images and crops, each once.
        batch_size: the largest number of images per forward pass.
        workers: the number of decoding threads.
        role: what the images represent.
        on_missing: whether an unreadable file is an error or is left out and listed.
        progress: called after each batch.
        cache: the batches of an interrupted evaluation, which are used and extended.
        outputs: checks the model's outputs; one instance for all outputs that are compared.
        files: takes the digest of each file that is read, and the reason for the others.

    Raises:
        ImageError: a file cannot be decoded and ``on_missing`` is "error".
        ModelError: the model's output violates its contract.
    """
    plan = plan_batches(refs, batch_size)
    total = len(refs)
    done, batches = 0, []
    report = progress or (lambda what, done, total: None)
    report("images", done, total)
    outputs, log = outputs or OutputChecker(model), FileLog() if files is None else files
    work = _Work(model, outputs, plan, workers, role, on_missing, cache, log)
    encoded = work.batches()
    with closing(encoded):
        for planned, batch in zip(plan, encoded, strict=True):
            batches.append(batch)
            done += sum(len(crops) for _, crops in planned)
            report("images", done, total)
    parts = [batch.vectors for batch in batches if len(batch.vectors)]
    read = [ref for batch in batches for ref in batch.refs]
    return EmbeddingTable(
        {ref: row for row, ref in enumerate(read)},
        np.concatenate(parts) if parts else np.empty((0, 0), np.float32),
    )


def plan_batches(refs: Sequence[ImageRef], batch_size: int) -> list[list[FileCrops]]:
    """Group crops, each given once, by file, in batches; only files beyond a batch are split."""
    by_file: dict[Path, list[ImageRef]] = {}
    for ref in refs:
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


@dataclass(frozen=True, slots=True)
class _Work:
    """The batches to encode, with the model and its settings."""

    model: DualEncoder
    outputs: OutputChecker
    plan: Sequence[Sequence[FileCrops]]
    workers: int
    role: Role
    on_missing: OnMissing
    cache: EncodingCache | None
    log: FileLog

    def batches(self) -> Generator[_Batch, None, None]:
        """Yield the planned batches in order, from the cache where it has them."""
        kept = self._all_stored()
        missing = [
            file
            for files, batch in zip(self.plan, kept, strict=True)
            if not batch
            for file in files
        ]
        with closing(decode_ahead(self.model.transform, missing, self.workers)) as decoded:
            for i, (files, earlier) in enumerate(zip(self.plan, kept, strict=True)):
                if earlier:
                    yield earlier
                    continue
                batch = self._encode([next(decoded) for _ in files])
                if self.cache and all(path in self.log.sha256 for path, _ in files):
                    digests = np.array([self.log.sha256[path] for path, _ in files])
                    self.cache.save("images", i, vectors=batch.vectors, sha256=digests)
                yield batch

    def _all_stored(self) -> list[_Batch | None]:
        """Return the stored result of each batch, where it is what the model computes now."""
        cache = self.cache
        if cache is None:
            return [None] * len(self.plan)
        kept = [self._stored(i, cache) for i in range(len(self.plan))]
        first = next((batch for batch in kept if batch), None)
        if first and not cache.confirms("images", lambda: self._agrees(first)):
            return [None] * len(self.plan)
        cache.count(sum(len(batch.refs) for batch in kept if batch))
        return kept

    def _stored(self, i: int, cache: EncodingCache) -> _Batch | None:
        """Return the stored batch i, where its files still have the same bytes."""
        arrays = cache.load("images", i, "vectors", "sha256")
        if arrays is None:
            return None
        refs = [ref for _, crops in self.plan[i] for ref in crops]
        vectors = self.outputs.stored_vectors(arrays["vectors"], len(refs))
        if vectors is None or arrays["sha256"].shape != (len(self.plan[i]),):
            cache.drop("images", i)
            return None
        found = zip(self.plan[i], arrays["sha256"], strict=True)
        digests = {path: str(digest) for (path, _), digest in found}
        for path, digest in digests.items():
            if hashlib.sha256(read_bytes(path)).hexdigest() != digest:
                return None
            self.log.add(path, digest)
        return _Batch(refs, vectors)

    def _agrees(self, kept: _Batch) -> bool:
        """Return whether some images of a batch have the same vectors when encoded again."""
        some = kept.refs[:SAMPLE_SIZE]
        (files,) = plan_batches(some, len(some))
        with closing(decode_ahead(self.model.transform, files, self.workers)) as decoded:
            again = self._encode(list(decoded))
        return self.outputs.are_close(again.vectors, kept.vectors[: len(some)])

    def _encode(self, files: Sequence[Decoded[Tensor]]) -> _Batch:
        for file in files:
            if file.error and self.on_missing == "error":
                raise file.error
            self.log.add(file.path, file.error or file.sha256)
        tensors = [tensor for file in files for tensor in file.images]
        vectors = np.empty((0, 0), np.float32)
        if tensors:
            encoded = self.model.encode_images(self.outputs.images(tensors), self.role)
            vectors = self.outputs.vectors(encoded, len(tensors))
        return _Batch(
            refs=[ref for file in files if not file.error for ref in file.refs],
            vectors=vectors,
        )


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Shown]):
    """One file's decoded and preprocessed crops, or its error."""

    path: Path
    refs: list[ImageRef]
    images: list[Shown]
    """The outputs of the model's ``transform``, in the order of ``refs``."""
    sha256: str
    error: ImageError | None = None


def decode_ahead(
    transform: Callable[[Image], Shown], files: Sequence[FileCrops], workers: int
) -> Generator[Decoded[Shown], None, None]:
    """Yield each file's preprocessed crops, in order; a few files are decoded ahead."""
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
    images = [transform(crop(image, ref)) for ref in refs]
    return Decoded(path, refs, images, hashlib.sha256(content).hexdigest())
