"""Encode images to vectors: decode each file once for all its crops, ahead of the model."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from benchbench.data.images import crop, decode, read_bytes
from benchbench.embedding.outputs import SAMPLE_SIZE, EmbeddingTable, OutputChecker
from benchbench.embedding.store import key_of
from benchbench.embedding.stored import tell_stored
from benchbench.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.embedding.outputs import Vectors
    from benchbench.embedding.store import Space
    from benchbench.embedding.stored import Stored
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


def encode_images(
    model: DualEncoder,
    refs: Sequence[ImageRef],
    *,
    batch_size: int,
    workers: int,
    rows: int = 1,
    role: Role = "scene",
    on_missing: OnMissing = "error",
    progress: Progress | None = None,
    stored: Stored | None = None,
    outputs: OutputChecker | None = None,
    files: FileLog | None = None,
) -> EmbeddingTable[ImageRef]:
    """Encode images and crops; those of unreadable files have no row.

    Args:
        model: the model with the image tower.
        refs: images and crops, each once.
        batch_size: the largest number of images per forward pass.
        workers: the number of decoding threads.
        rows: the number of which a batch's rows are a multiple: see ``batch_rows``.
        role: what the images represent.
        on_missing: whether an unreadable file is an error or is left out and listed.
        progress: called after each batch.
        stored: encodings of earlier evaluations, which are used and extended.
        outputs: checks the model's outputs; one instance for all outputs that are compared.
        files: takes the digest of each file that is read, and the reason for the others.

    Raises:
        ImageError: a file cannot be decoded and ``on_missing`` is "error".
        ModelError: the model's output violates its contract.
    """
    outputs, log = outputs or OutputChecker(model), FileLog() if files is None else files
    space = stored.space("images", role) if stored else None
    report = progress or (lambda what, done, total: None)
    work = _Work(model, outputs, batch_size, rows, workers, role, on_missing, space, log)
    report("images", 0, len(refs))
    read: list[ImageRef] = []
    parts: list[Vectors] = []
    done = 0
    for batch in work.batches(refs):
        read += batch.refs
        parts.append(batch.vectors)
        done += len(batch.refs)
        if batch.is_stored:
            tell_stored(progress, "images", len(batch.refs))
        report("images", done, len(refs))
    report("images", len(refs), len(refs))
    if stored and space and work.found and not work.confirms():
        stored.distrust(space)
        return encode_images(
            model, refs, batch_size=batch_size, workers=workers, rows=rows, role=role,
            on_missing=on_missing, progress=progress, stored=stored, outputs=outputs, files=log,
        )  # fmt: skip
    if stored:
        stored.found += work.found
    vectors = np.concatenate(parts) if parts else np.empty((0, 0), np.float32)
    return EmbeddingTable({ref: row for row, ref in enumerate(read)}, vectors)


def crops_by_file(refs: Iterable[ImageRef], most: int) -> list[FileCrops]:
    """Return the crops of each file, in order; a file with more than ``most`` comes repeatedly."""
    by_file: dict[Path, list[ImageRef]] = {}
    for ref in refs:
        by_file.setdefault(ref.path, []).append(ref)
    return [
        (path, crops[start : start + most])
        for path, crops in by_file.items()
        for start in range(0, len(crops), most)
    ]


def image_key(sha256: str, ref: ImageRef) -> bytes:
    """Return the key of an image or a crop, by the SHA-256 of its file's bytes.

    A file's bytes stand for its pixels, so that a known image need not be decoded; the decoder's
    version is part of the space.
    """
    return key_of(sha256, repr(ref.box))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Images with their vectors."""

    refs: list[ImageRef]
    vectors: Vectors
    is_stored: bool = False


@dataclass(slots=True)
class _Work:
    """The images to encode, with the model and its settings."""

    model: DualEncoder
    outputs: OutputChecker
    batch_size: int
    rows: int
    workers: int
    role: Role
    on_missing: OnMissing
    space: Space | None
    log: FileLog
    found: int = 0
    """The number of images whose vectors were taken from the store."""
    probed: list[tuple[ImageRef, Vectors]] = field(default_factory=list)
    """The first of them."""
    wrong: bool = False
    """Whether stored vectors had another dimension."""

    def batches(self, refs: Sequence[ImageRef]) -> Iterator[_Batch]:
        """Yield all images with their vectors: a file's stored ones, and batches of the others.

        Raises:
            ImageError: as for ``encode_images``.
        """
        keys: dict[ImageRef, bytes] = {}
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack") as pool:
            before: tuple[list[ImageRef], Future[Tensor]] | None = None
            for found in self._gathered(refs, keys):
                if isinstance(found, _Batch):
                    yield found
                    continue
                stacked = pool.submit(self._stacked, [tensor for _, tensor in found])
                if before:
                    yield self._encoded(*before, keys)
                before = [ref for ref, _ in found], stacked
            if before:
                yield self._encoded(*before, keys)

    def _gathered(
        self, refs: Sequence[ImageRef], keys: dict[ImageRef, bytes]
    ) -> Iterator[_Batch | list[tuple[ImageRef, Tensor]]]:
        """Yield each file's stored vectors, and the others' pixels by whole batches, then the rest.

        ``keys`` takes the key of each image that is to be encoded.
        """
        waiting: list[tuple[ImageRef, Tensor]] = []
        planned = crops_by_file(refs, self.batch_size)
        with closing(
            decode_ahead(
                self.model.transform, planned, self.workers, 2 * self.batch_size, self.space
            )
        ) as files:
            for file in files:
                if file.error and self.on_missing == "error":
                    raise file.error
                self.log.add(file.path, file.error or file.sha256)
                if file.known and (batch := self._taken(file)):
                    yield batch
                waiting += zip(file.refs, file.images, strict=True)
                if self.space:
                    keys |= zip(file.refs, file.keys, strict=True)
                while len(waiting) >= self.batch_size:
                    now, waiting = waiting[: self.batch_size], waiting[self.batch_size :]
                    yield now
        if waiting:
            yield waiting

    def confirms(self) -> bool:
        """Return whether some stored images have the same vectors when encoded again."""
        if self.wrong:
            return False
        refs = [ref for ref, _ in self.probed]
        files = crops_by_file(refs, self.batch_size)
        with closing(decode_ahead(self.model.transform, files, self.workers, len(refs))) as decoded:
            tensors = {
                ref: tensor
                for file in decoded
                for ref, tensor in zip(file.refs, file.images, strict=True)
            }
        again = self._vectors(self._stacked([tensors[ref] for ref in refs]), len(refs))
        return self.outputs.are_close(again, np.stack([vector for _, vector in self.probed]))

    def _taken(self, file: Decoded[Tensor]) -> _Batch | None:
        """Return a file's stored vectors; None where they do not fit the others."""
        refs = [ref for ref, _ in file.known]
        known = np.stack([vector for _, vector in file.known])
        vectors = self.outputs.stored_vectors(known, len(refs))
        self.found += len(refs)
        if vectors is None:
            self.wrong = True
            return None
        if len(self.probed) < SAMPLE_SIZE:
            self.probed.append(file.known[0])
        return _Batch(refs, vectors, is_stored=True)

    def _encoded(
        self, refs: list[ImageRef], stacked: Future[Tensor], keys: dict[ImageRef, bytes]
    ) -> _Batch:
        vectors = self._vectors(stacked.result(), len(refs))
        if self.space:
            self.space.write([keys.pop(ref) for ref in refs], vectors)
        return _Batch(refs, vectors)

    def _vectors(self, batch: Tensor, n: int) -> Vectors:
        encoded = self.model.encode_images(batch, self.role)
        return self.outputs.vectors(encoded, len(batch))[:n]

    def _stacked(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return a batch, filled up by its last image; in pinned memory for a GPU of CUDA."""
        filled = [*tensors, *[tensors[-1]] * (-len(tensors) % self.rows)]
        batch = self.outputs.images(filled)
        return batch.pin_memory() if self.model.device.startswith("cuda") else batch


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Shown]):
    """One file's decoded and preprocessed crops, or its error."""

    path: Path
    refs: list[ImageRef]
    """The crops that are to be encoded."""
    images: list[Shown]
    """The outputs of the model's ``transform``, in the order of ``refs``."""
    sha256: str
    keys: Sequence[bytes] = ()
    """The crops' keys in the store, in the order of ``refs``."""
    known: Sequence[tuple[ImageRef, Vectors]] = ()
    """Crops that are encoded already, each with its vector."""
    error: ImageError | None = None


def decode_ahead(
    transform: Callable[[Image], Shown],
    files: Sequence[FileCrops],
    workers: int,
    ahead: int,
    space: Space | None = None,
) -> Generator[Decoded[Shown], None, None]:
    """Yield each file's preprocessed crops, in order; some files are decoded ahead.

    Args:
        transform: the model's.
        files: the files, each with its crops.
        workers: the number of threads; so many files are begun at least.
        ahead: the number of crops above which no further file is begun: a few batches, so that
            threads go on while a batch is encoded, and memory is bounded.
        space: what is encoded already; crops whose vectors it holds are not decoded.
    """
    waiting: deque[tuple[int, Future[Decoded[Shown]]]] = deque()
    begun = 0
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode")
    try:
        for path, refs in files:
            waiting.append((len(refs), pool.submit(_decode, transform, path, refs, space)))
            begun += len(refs)
            while len(waiting) > workers and begun > ahead:
                crops, file = waiting.popleft()
                begun -= crops
                yield file.result()
        while waiting:
            yield waiting.popleft()[1].result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(
    transform: Callable[[Image], Shown], path: Path, refs: list[ImageRef], space: Space | None
) -> Decoded[Shown]:
    try:
        content = read_bytes(path)
        sha256 = hashlib.sha256(content).hexdigest()
        keys = [image_key(sha256, ref) for ref in refs] if space else []
        known: list[tuple[ImageRef, Vectors]] = []
        if space and not space.is_empty:
            there, vectors = space.read(keys)
            space.require(there, [path] * len(refs))
            known = list(zip(compress(refs, there), vectors, strict=True))
            keys, refs = list(compress(keys, ~there)), list(compress(refs, ~there))
        image = decode(content, path) if refs else None
    except ImageError as error:
        return Decoded(path, [], [], "", error=error)
    images = [transform(crop(image, ref)) for ref in refs] if image else []
    return Decoded(path, refs, images, sha256, keys, known)
