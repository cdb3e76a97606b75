"""Encode images to vectors, in batches that are put together while another one is encoded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.decoding import crops_by_file, decode_ahead, image_key, require_same
from benchbench.embedding.filling import ANY
from benchbench.embedding.outputs import SAMPLE_SIZE, EmbeddingTable, OutputChecker
from benchbench.embedding.stored import tell_stored
from benchbench.errors import DataError, ImageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from torch import Tensor

    from benchbench.data.image_facts import ImageFacts
    from benchbench.embedding.filling import BatchRows
    from benchbench.embedding.outputs import Vectors
    from benchbench.embedding.store import Space
    from benchbench.embedding.stored import Stored
    from benchbench.types import DualEncoder, ImageRef, OnMissing, Progress, Role

CHUNK = 4096
"""Stored images that are handed on at once."""


@dataclass(frozen=True, slots=True)
class FileLog:
    """The image files of one evaluation."""

    sha256: dict[Path, str] = field(default_factory=dict)
    """The SHA-256 of each file that was read."""
    unreadable: dict[Path, str] = field(default_factory=dict)
    """Files that could not be decoded, and the reason."""

    def add(self, path: Path, found: str | ImageError) -> None:
        """Record a file's digest, or the error of decoding it.

        Raises:
            DataError: the file had another digest before.
        """
        if isinstance(found, ImageError):
            self.unreadable[path] = str(found)
            self.sha256.pop(path, None)
        elif self.sha256.setdefault(path, found) != found:
            raise DataError(
                f"The image {path} changed while it was evaluated. Run the command again."
            )


def encode_images(
    model: DualEncoder,
    refs: Sequence[ImageRef],
    *,
    batch_size: int,
    workers: int,
    rows: BatchRows = ANY,
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
        rows: the numbers of rows that batches are filled up to: see ``batch_rows``.
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
    facts = stored.facts if stored else None
    work = _Work(model, outputs, batch_size, rows, workers, role, on_missing, space, log, facts)
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
    rows: BatchRows
    workers: int
    role: Role
    on_missing: OnMissing
    space: Space | None
    log: FileLog
    facts: ImageFacts | None = None
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
        left = yield from self._unread(refs)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack") as pool:
            before: tuple[list[ImageRef], Future[Tensor]] | None = None
            for found in self._gathered(left, keys):
                if isinstance(found, _Batch):
                    yield found
                    continue
                stacked = pool.submit(self._stacked, [tensor for _, tensor in found])
                if before:
                    yield self._encoded(*before, keys)
                before = [ref for ref, _ in found], stacked
            if before:
                yield self._encoded(*before, keys)

    def _unread(self, refs: Sequence[ImageRef]) -> Generator[_Batch, None, Sequence[ImageRef]]:
        """Yield the stored vectors of files that need not be read; return the other images.

        Those are files of which the digest is known and every image is stored.
        """
        if self.facts is None or self.space is None or self.space.is_empty:
            return refs
        facts = {path: self.facts.known(path) for path in dict.fromkeys(ref.path for ref in refs)}
        digests = {path: fact.sha256 for path, fact in facts.items() if fact and fact.sha256}
        some = [ref for ref in refs if ref.path in digests]
        there, vectors = self.space.read([image_key(digests[ref.path], ref) for ref in some])
        lacking = {ref.path for ref in compress(some, ~there)}
        vectors = vectors[[ref.path not in lacking for ref in compress(some, there)]]
        whole = [ref for ref in some if ref.path not in lacking]
        for path in dict.fromkeys(ref.path for ref in whole):
            self.log.add(path, digests[path])
        spread = slice(None, None, max(1, len(whole) // SAMPLE_SIZE))
        self.probed = list(zip(whole[spread], vectors[spread], strict=True))[:SAMPLE_SIZE]
        for start in range(0, len(whole), CHUNK):
            part = slice(start, start + CHUNK)
            if batch := self._taken(list(zip(whole[part], vectors[part], strict=True))):
                yield batch
        return [ref for ref in refs if ref.path not in digests or ref.path in lacking]

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
                self.model.transform, planned, self.workers, 2 * self.batch_size, self.space,
                self.facts,
            )
        ) as files:  # fmt: skip
            for file in files:
                if file.error and self.on_missing == "error":
                    raise file.error
                self.log.add(file.path, file.error or file.sha256)
                if file.known and (batch := self._taken(file.known)):
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
        """Return whether some stored images have the same vectors when encoded again.

        Raises:
            DataError: the file of one has another digest than it had.
        """
        if self.wrong:
            return False
        refs = [ref for ref, _ in self.probed]
        files = crops_by_file(refs, self.batch_size)
        with closing(decode_ahead(self.model.transform, files, self.workers, len(refs))) as decoded:
            tensors = {
                ref: tensor
                for file in require_same(decoded, self.log.sha256, self.facts)
                for ref, tensor in zip(file.refs, file.images, strict=True)
            }
        again = self._vectors(self._stacked([tensors[ref] for ref in refs]), len(refs))
        return self.outputs.are_close(again, np.stack([vector for _, vector in self.probed]))

    def _taken(self, known: Sequence[tuple[ImageRef, Vectors]]) -> _Batch | None:
        """Return stored vectors; None where they do not fit the others."""
        refs = [ref for ref, _ in known]
        vectors = self.outputs.stored_vectors(np.stack([row for _, row in known]), len(refs))
        self.found += len(refs)
        if vectors is None:
            self.wrong = True
            return None
        if len(self.probed) < SAMPLE_SIZE:
            self.probed.append(known[0])
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
        filled = [*tensors, *[tensors[-1]] * (self.rows.filled(len(tensors)) - len(tensors))]
        batch = self.outputs.images(filled)
        return batch.pin_memory() if self.model.device.startswith("cuda") else batch
