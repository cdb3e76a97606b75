"""Encoding of captions to vectors, in batches of one length."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.filling import ANY
from benchbench.embedding.outputs import SAMPLE_SIZE, EmbeddingTable, OutputChecker
from benchbench.embedding.store import key_of
from benchbench.embedding.stored import tell_stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.embedding.filling import BatchRows
    from benchbench.embedding.outputs import Vectors
    from benchbench.embedding.store import Space
    from benchbench.embedding.stored import Stored
    from benchbench.types import DualEncoder, Progress, Role, TextBatch
    from benchbench.types.arrays import Indices


@dataclass(frozen=True, slots=True)
class EncodedCaptions:
    """Embedded captions, and their token ids."""

    embedded: EmbeddingTable[str]
    token_ids: Mapping[str, tuple[int, ...]]
    """The token ids of each caption, cut to the model's context length."""
    truncated: frozenset[str]
    """The captions that were longer."""


def encode_captions(
    model: DualEncoder,
    texts: Sequence[str],
    *,
    batch_size: int,
    rows: BatchRows = ANY,
    role: Role = "scene",
    progress: Progress | None = None,
    stored: Stored | None = None,
    outputs: OutputChecker | None = None,
) -> EncodedCaptions:
    """Encode captions, in batches of one length.

    Args:
        model: the model with the text tower.
        texts: captions, each once.
        batch_size: the largest number of captions per forward pass.
        rows: the numbers of rows that batches are filled up to: see ``batch_rows``.
        role: what the captions represent.
        progress: called after each batch.
        stored: encodings of earlier evaluations, which are used and extended.
        outputs: checks the model's outputs; one instance for all outputs that are compared.

    Raises:
        ModelError: the model's output violates its contract.
    """
    outputs = outputs or OutputChecker(model)
    context = model.manifest.context_length
    full = outputs.token_ids(model.token_ids(texts), len(texts))
    cut = [ids[:context] for ids in full]
    if by_prefix := getattr(model, "by_prefix", False):
        rows = ANY
    work = _Work(model, outputs, texts, cut, batch_size, rows, role, by_prefix)
    vectors = _looked_up(work, stored, progress) if stored else None
    if vectors is None:
        vectors = work.encode(range(len(texts)), None, (), progress)
    return EncodedCaptions(
        embedded=EmbeddingTable({text: i for i, text in enumerate(texts)}, vectors),
        token_ids=dict(zip(texts, cut, strict=True)),
        truncated=frozenset(
            text for text, ids in zip(texts, full, strict=True) if len(ids) > context
        ),
    )


def _looked_up(work: _Work, stored: Stored, progress: Progress | None) -> Vectors | None:
    """Return all vectors, those that are stored without encoding; None where nothing is stored."""
    space = stored.space("captions", work.role)
    if space is None:
        return None
    keys = [key_of(text) for text in work.texts]
    there, known = space.read(keys)
    space.require(there, work.texts)
    kept = work.outputs.stored_vectors(known, int(there.sum())) if there.any() else None
    if there.any() and (kept is None or not work.agrees(np.flatnonzero(there)[:SAMPLE_SIZE], kept)):
        stored.distrust(space)
        there[:], kept = False, None
    missing = np.flatnonzero(~there)
    if kept is None:
        return work.encode(missing, space, keys, progress)
    vectors = np.empty((len(keys), kept.shape[1]), np.float32)
    vectors[there] = kept
    if len(missing):
        vectors[missing] = work.encode(missing, space, keys, progress)
    stored.found += len(kept)
    return vectors


@dataclass(frozen=True, slots=True)
class _Work:
    """The captions to encode, with the model and the role."""

    model: DualEncoder
    outputs: OutputChecker
    texts: Sequence[str]
    ids: Sequence[tuple[int, ...]]
    """The tokens of each caption that the model reads."""
    batch_size: int
    rows: BatchRows
    role: Role
    by_prefix: bool
    """Whether captions that begin alike share a batch, not those of one length."""

    def encode(
        self,
        numbers: Sequence[int] | Indices,
        space: Space | None,
        keys: Sequence[bytes],
        progress: Progress | None,
    ) -> Vectors:
        """Return the vectors of some captions, [numbers, dim], and store them."""
        place = {int(number): i for i, number in enumerate(numbers)}
        batches = self._batches(list(place))
        done = len(self.texts) - len(place)
        report = progress or (lambda what, done, total: None)
        report("captions", 0, len(self.texts))
        if done:
            tell_stored(progress, "captions", done)
            report("captions", done, len(self.texts))
        found: Vectors | None = None
        for batch, vectors in self._forward(batches):
            if space:
                space.write([keys[i] for i in batch], vectors)
            found = np.empty((len(place), vectors.shape[1]), np.float32) if found is None else found
            found[[place[i] for i in batch]] = vectors
            done += len(batch)
            report("captions", done, len(self.texts))
        return np.empty((0, 0), np.float32) if found is None else found

    def agrees(self, numbers: Indices, kept: Vectors) -> bool:
        """Return whether some captions have the same vectors when encoded again."""
        again = self.encode(numbers, None, (), None)
        return self.outputs.are_close(again, kept[: len(again)])

    def _batches(self, numbers: Sequence[int]) -> list[list[int]]:
        """Return captions of one length side by side: a batch's shape is that of its captions."""
        alike: dict[int, list[int]] = {}
        for i in sorted(numbers, key=self.ids.__getitem__) if self.by_prefix else numbers:
            alike.setdefault(0 if self.by_prefix else len(self.ids[i]), []).append(i)
        return [
            same[start : start + self.batch_size]
            for _, same in sorted(alike.items())
            for start in range(0, len(same), self.batch_size)
        ]

    def _forward(self, batches: Sequence[Sequence[int]]) -> Iterator[tuple[Sequence[int], Vectors]]:
        """Yield the vectors of each batch; the next one is tokenised at the same time."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize") as pool:
            waiting = pool.submit(self._tokenized, batches[0]) if batches else None
            for i, batch in enumerate(batches):
                assert waiting is not None
                tokens, n = waiting.result()
                if i + 1 < len(batches):
                    waiting = pool.submit(self._tokenized, batches[i + 1])
                encoded = self.model.encode_texts(tokens, self.role)
                yield batch, self.outputs.vectors(encoded, n)[: len(batch)]

    def _tokenized(self, batch: Sequence[int]) -> tuple[TextBatch, int]:
        """Return a batch, filled up by its last caption, and its number of rows."""
        filled = [*batch, *[batch[-1]] * (self.rows.filled(len(batch)) - len(batch))]
        return self.model.tokenize([self.texts[i] for i in filled]), len(filled)
