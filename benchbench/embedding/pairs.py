"""Score images with captions, by models that read both together.

An image is decoded and encoded once for all its captions; a pair is scored once, however many items
contain it. Images are processed in chunks, so that the features held at once are bounded. A chunk's
pairs are scored in order of their captions' length, so that batches are dense; or image by image,
for models that compute once what the captions of an image share.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.images import decode_ahead, plan_batches
from benchbench.embedding.outputs import SAMPLE_SIZE, OutputChecker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.embedding.encoding_cache import EncodingCache
    from benchbench.embedding.images import Decoded, FileCrops
    from benchbench.types import Features, ImageRef, PairScorer, PreparedImage, Progress
    from benchbench.types.arrays import Indices, Singles

    Scores = Singles
    Block = tuple[Sequence[ImageRef], Sequence[str]]
    """Images and captions: every one of these images is scored with every one of these captions."""

PORTION = 4096
"""The largest number of pairs of an interrupted evaluation that are stored together."""


@dataclass(frozen=True, slots=True)
class PairScores:
    """The scores of pairs, and the captions' token ids."""

    token_ids: Mapping[str, tuple[int, ...]]
    """The token ids of each caption, cut to the model's context length."""
    truncated: frozenset[str]
    """The captions that were longer."""
    numbers: Mapping[str, int]
    """The number of each caption; captions with equal token ids have the same number."""
    captions_of: Mapping[ImageRef, Indices]
    """The numbers of the captions that each image was scored with, ascending."""
    scores: Mapping[ImageRef, Scores]
    """Each image's scores, in the order of ``captions_of``."""

    @property
    def n_pairs(self) -> int:
        """Return the number of distinct pairs that were scored."""
        return sum(map(len, self.captions_of.values()))

    def take(self, refs: Sequence[ImageRef], texts: Sequence[str]) -> Scores:
        """Return the scores of these images with these captions: [refs, texts]."""
        wanted = np.array([self.numbers[text] for text in texts], dtype=np.intp)
        rows = [self.scores[ref][np.searchsorted(self.captions_of[ref], wanted)] for ref in refs]
        return np.stack(rows)


def score_pairs(
    model: PairScorer,
    blocks: Sequence[Block],
    *,
    batch_size: int,
    workers: int,
    progress: Progress | None = None,
    cache: EncodingCache | None = None,
    outputs: OutputChecker | None = None,
) -> PairScores:
    """Score each distinct pair of an image and a token sequence once.

    Args:
        model: the pair scorer.
        blocks: the pairs: all pairs of each block's images and captions; repeats are allowed.
        batch_size: images, and pairs, per forward pass.
        workers: the number of decoding threads.
        progress: called after each batch of pairs.
        cache: the portions of an interrupted evaluation of the same blocks and the same
            bytes of files, which are used and extended.
        outputs: checks the model's outputs.

    Raises:
        ImageError: a file cannot be decoded.
        ModelError: the model's output violates its contract.
    """
    outputs = outputs or OutputChecker(model)
    texts = list(dict.fromkeys(text for _, captions in blocks for text in captions))
    full = dict(zip(texts, outputs.token_ids(model.token_ids(texts), len(texts)), strict=True))
    context = model.manifest.context_length
    cut = {text: ids[:context] for text, ids in full.items()}
    first: dict[tuple[int, ...], int] = {}
    numbers = {text: first.setdefault(ids, i) for i, (text, ids) in enumerate(cut.items())}
    captions_of = _captions_by_image(blocks, numbers)
    lengths = np.array([len(ids) for ids in cut.values()], dtype=np.intp)
    work = _Work(model, outputs, texts, lengths, captions_of, batch_size, cache)
    return PairScores(
        token_ids=cut,
        truncated=frozenset(text for text, ids in full.items() if len(ids) > context),
        numbers=numbers,
        captions_of=captions_of,
        scores=dict(work.scores(_Count(progress, sum(map(len, captions_of.values()))), workers)),
    )


def _captions_by_image(
    blocks: Sequence[Block], numbers: Mapping[str, int]
) -> dict[ImageRef, Indices]:
    """Return the numbers of the captions that each image is scored with: distinct, ascending.

    Images of one block alone share its array: a gallery's captions are listed once.
    """
    of_refs: dict[ImageRef, list[Indices]] = {}
    for refs, captions in blocks:
        of_block = np.unique(np.array([numbers[text] for text in captions], dtype=np.intp))
        for ref in dict.fromkeys(refs):
            of_refs.setdefault(ref, []).append(of_block)
    return {
        ref: found[0] if len(found) == 1 else np.unique(np.concatenate(found))
        for ref, found in of_refs.items()
    }


class _Count:
    """A counter of scored pairs, which reports progress."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self.add(0)

    def add(self, n: int) -> None:
        """Add n pairs and report progress."""
        self._done += n
        if self._progress:
            self._progress("pairs", self._done, self._total)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Images that are encoded together, and their pairs; arrays are [pairs]."""

    refs: Sequence[ImageRef]
    image: Indices
    """The index of each pair's image in ``refs``."""
    caption: Indices
    """The number of each pair's caption."""
    order: Indices
    """The order in which pairs are scored."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The pairs to score, with the model and its settings."""

    model: PairScorer
    outputs: OutputChecker
    texts: Sequence[str]
    lengths: Indices
    """The length of each caption in tokens."""
    captions_of: Mapping[ImageRef, Indices]
    batch_size: int
    cache: EncodingCache | None

    @property
    def by_image(self) -> bool:
        """Return whether an image's captions are scored together."""
        return getattr(self.model, "by_image", False)

    @property
    def stage(self) -> str:
        """Return the kind under which portions are stored; each order of pairs has its own."""
        return "pairs-by-image" if self.by_image else "pairs"

    def scores(self, count: _Count, workers: int) -> Iterator[tuple[ImageRef, Scores]]:
        """Yield each image's scores, in the order of ``captions_of``."""
        plan = plan_batches(list(self.captions_of), self.batch_size)
        kept = self._stored_portions(plan, workers)
        missing = [
            file
            for files, portions in zip(plan, kept, strict=True)
            if _lacks(portions)
            for file in files
        ]
        with closing(decode_ahead(self.model.transform, missing, workers)) as decoded:
            for files, portions in zip(plan, kept, strict=True):
                features: Sequence[Features] = ()
                if _lacks(portions):
                    features = self._encode([next(decoded) for _ in files])
                yield from self._of_chunk(self._chunk(files), portions, features, count)

    def _chunk(self, files: Sequence[FileCrops]) -> _Chunk:
        """Return a chunk's pairs sorted by caption length, over all images or within each image."""
        refs = [ref for _, crops in files for ref in crops]
        captions_of = [self.captions_of[ref] for ref in refs]
        caption = np.concatenate(captions_of)
        image = np.repeat(np.arange(len(refs)), [len(each) for each in captions_of])
        by = (self.lengths[caption], image) if self.by_image else (image, self.lengths[caption])
        return _Chunk(refs, image, caption, np.lexsort((caption, *by)))

    def _stored_portions(
        self, plan: Sequence[Sequence[FileCrops]], workers: int
    ) -> list[dict[int, Scores | None]]:
        """Return each chunk's portions by number, with their stored scores or None.

        Stored scores are used only if some of them are scored again and come out the same.
        """
        kept, number = [], 0
        for files in plan:
            n = sum(len(self.captions_of[ref]) for _, crops in files for ref in crops)
            sizes = [min(PORTION, n - start) for start in range(0, n, PORTION)]
            kept.append({i: self._load(i, size) for i, size in enumerate(sizes, number)})
            number += len(sizes)
        found = [
            (files, i * PORTION, scores)
            for files, portions in zip(plan, kept, strict=True)
            for i, scores in enumerate(portions.values())
            if scores is not None
        ]
        if self.cache is None or not found:
            return kept
        if not self.cache.confirms("pairs", lambda: self._agrees(*found[0], workers)):
            return [dict.fromkeys(portions) for portions in kept]
        self.cache.count(sum(len(scores) for _, _, scores in found))
        return kept

    def _load(self, number: int, n: int) -> Scores | None:
        """Return the n stored scores of a portion, where they exist and are valid."""
        arrays = self.cache.load(self.stage, number, "scores") if self.cache else None
        if self.cache is None or arrays is None:
            return None
        scores = arrays["scores"]
        if scores.dtype != np.float32 or scores.shape != (n,) or not np.isfinite(scores).all():
            self.cache.drop(self.stage, number)
            return None
        return np.asarray(scores, dtype=np.float32)

    def _agrees(self, files: Sequence[FileCrops], start: int, kept: Scores, workers: int) -> bool:
        """Return whether some pairs of a chunk's portion have the same scores when scored again."""
        chunk = self._chunk(files)
        part = chunk.order[start : start + SAMPLE_SIZE]
        numbers, image = np.unique(chunk.image[part], return_inverse=True)
        (some,) = plan_batches([chunk.refs[i] for i in numbers], len(numbers))
        with closing(decode_ahead(self.model.transform, some, workers)) as decoded:
            features = self._encode(list(decoded))
        again = self._score(features, image, chunk.caption[part], _Count(None, 0))
        return self.outputs.are_close(again, kept[:SAMPLE_SIZE])

    def _encode(self, files: Sequence[Decoded[PreparedImage]]) -> Sequence[Features]:
        """Return the features of the files' images, in their order."""
        for file in files:
            if file.error:
                raise file.error
        images = [image for file in files for image in file.images]
        return self.outputs.features(self.model.encode_images(images), len(images))

    def _of_chunk(
        self,
        chunk: _Chunk,
        portions: Mapping[int, Scores | None],
        features: Sequence[Features],
        count: _Count,
    ) -> Iterator[tuple[ImageRef, Scores]]:
        """Yield the scores of a chunk's images."""
        scores = np.empty(len(chunk.order), dtype=np.float32)
        starts = range(0, len(chunk.order), PORTION)
        for (number, kept), start in zip(portions.items(), starts, strict=True):
            part = chunk.order[start : start + PORTION]
            if kept is None:
                pairs = chunk.image[part], chunk.caption[part]
                scores[part] = self._score(features, *pairs, count)
                if self.cache:
                    self.cache.save(self.stage, number, scores=scores[part])
            else:
                scores[part] = kept
                count.add(len(part))
        ends = np.cumsum([len(self.captions_of[ref]) for ref in chunk.refs])[:-1]
        yield from zip(chunk.refs, np.split(scores, ends), strict=True)

    def _score(
        self, features: Sequence[Features], image: Indices, caption: Indices, count: _Count
    ) -> Scores:
        """Return the scores of pairs, [pairs]; the next batch is tokenised at the same time."""
        size, parts = self.batch_size, []
        texts = [self.texts[i] for i in caption]
        batches = [texts[i : i + size] for i in range(0, len(texts), size)]
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize") as pool:
            waiting = pool.submit(self.model.tokenize, batches[0])
            for i, batch in enumerate(batches):
                tokens = waiting.result()
                if i + 1 < len(batches):
                    waiting = pool.submit(self.model.tokenize, batches[i + 1])
                shown = [features[j] for j in image[i * size : (i + 1) * size]]
                parts.append(self.outputs.scores(self.model.score(shown, tokens), len(batch)))
                count.add(len(batch))
        return np.concatenate(parts)


def _lacks(portions: Mapping[int, Scores | None]) -> bool:
    return any(kept is None for kept in portions.values())
