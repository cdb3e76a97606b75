"""Encode captions to vectors, in batches of similar length."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.outputs import SAMPLE_SIZE, EmbeddingTable, OutputChecker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.embedding.encoding_cache import EncodingCache
    from benchbench.embedding.outputs import Vectors
    from benchbench.types import DualEncoder, Progress, Role, TextBatch


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
    role: Role = "scene",
    progress: Progress | None = None,
    cache: EncodingCache | None = None,
    outputs: OutputChecker | None = None,
) -> EncodedCaptions:
    """Encode captions, in batches of similar length.

    Args:
        model: the model with the text tower.
        texts: captions, each once.
        batch_size: captions per forward pass.
        role: what the captions represent.
        progress: called after each batch.
        cache: the batches of an interrupted evaluation, which are used and extended.
        outputs: checks the model's outputs; one instance for all outputs that are compared.

    Raises:
        ModelError: the model's output violates its contract.
    """
    outputs = outputs or OutputChecker(model)
    context = model.manifest.context_length
    full = outputs.token_ids(model.token_ids(texts), len(texts))
    order = sorted(range(len(texts)), key=lambda i: min(len(full[i]), context))
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    named = [[texts[i] for i in batch] for batch in batches]
    work = _Work(model, outputs, named, role, cache)
    rows = np.concatenate(list(work.forward(progress)))
    vectors = np.empty_like(rows)
    vectors[order] = rows
    return EncodedCaptions(
        embedded=EmbeddingTable({text: i for i, text in enumerate(texts)}, vectors),
        token_ids={text: ids[:context] for text, ids in zip(texts, full, strict=True)},
        truncated=frozenset(
            text for text, ids in zip(texts, full, strict=True) if len(ids) > context
        ),
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """The batches to encode, with the model and the role."""

    model: DualEncoder
    outputs: OutputChecker
    batches: Sequence[Sequence[str]]
    role: Role
    cache: EncodingCache | None

    def forward(self, progress: Progress | None) -> Iterator[Vectors]:
        """Yield the vectors of each batch; the next one is tokenised at the same time."""
        done, total = 0, sum(map(len, self.batches))
        report = progress or (lambda what, done, total: None)
        report("captions", done, total)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize") as pool:
            waiting = pool.submit(self.model.tokenize, self.batches[0])
            for i, batch in enumerate(self.batches):
                tokens = waiting.result()
                if i + 1 < len(self.batches):
                    waiting = pool.submit(self.model.tokenize, self.batches[i + 1])
                yield self._of_batch(i, tokens)
                done += len(batch)
                report("captions", done, total)

    def _of_batch(self, i: int, tokens: TextBatch) -> Vectors:
        """Return the vectors of batch i: those stored by an interrupted evaluation, or new ones."""
        batch = self.batches[i]
        if (kept := self._stored(i)) is not None:
            return kept
        vectors = self.outputs.vectors(self.model.encode_texts(tokens, self.role), len(batch))
        if self.cache:
            self.cache.save("captions", i, vectors=vectors)
        return vectors

    def _stored(self, i: int) -> Vectors | None:
        """Return the stored vectors of batch i, where they exist and agree with this model."""
        batch, cache = self.batches[i], self.cache
        arrays = cache.load("captions", i, "vectors") if cache else None
        if cache is None or arrays is None:
            return None
        vectors = self.outputs.stored_vectors(arrays["vectors"], len(batch))
        if vectors is None:
            cache.drop("captions", i)
            return None
        if not cache.confirms("captions", lambda: self._agrees(batch, vectors)):
            return None
        cache.count(len(batch))
        return vectors

    def _agrees(self, batch: Sequence[str], kept: Vectors) -> bool:
        """Return whether some captions of a batch have the same vectors when encoded again."""
        some = batch[:SAMPLE_SIZE]
        tokens = self.model.tokenize(some)
        again = self.outputs.vectors(self.model.encode_texts(tokens, self.role), len(some))
        return self.outputs.are_close(again, kept[:SAMPLE_SIZE])
