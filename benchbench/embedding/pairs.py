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

from benchbench.embedding.decoding import crops_by_file, decode_ahead, image_key, require_same
from benchbench.embedding.outputs import SAMPLE_SIZE, OutputChecker
from benchbench.embedding.store import key_of
from benchbench.embedding.stored import tell_stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding.decoding import Decoded, FileCrops
    from benchbench.embedding.store import Space
    from benchbench.embedding.stored import Stored
    from benchbench.types import Features, ImageRef, PairScorer, PreparedImage, Progress
    from benchbench.types.arrays import Flags, Indices, Singles

    Scores = Singles
    Block = tuple[Sequence[ImageRef], Sequence[str]]
    """Images and captions: every one of these images is scored with every one of these captions."""


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
    stored: Stored | None = None,
    digests: Mapping[Path, str] | None = None,
    role: str = "scene",
    outputs: OutputChecker | None = None,
) -> PairScores:
    """Score each distinct pair of an image and a token sequence once.

    Args:
        model: the pair scorer.
        blocks: the pairs: all pairs of each block's images and captions; repeats are allowed.
        batch_size: images, and pairs, per forward pass.
        workers: the number of decoding threads.
        progress: called after each batch of pairs.
        stored: scores of earlier evaluations, which are used and extended.
        digests: the SHA-256 of each image's file, by which stored scores are found.
        role: what the pairs are scored for, where a model scores them in several ways.
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
    keys = _Keys(digests or {}, [key_of(repr(ids)) for ids in cut.values()])
    work = _Work(model, outputs, texts, lengths, captions_of, keys, batch_size, role, stored)
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

    def add(self, n: int, *, stored: bool = False) -> None:
        """Add n pairs and report progress."""
        self._done += n
        if stored:
            tell_stored(self._progress, "pairs", n)
        if self._progress:
            self._progress("pairs", self._done, self._total)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Images that are encoded together, and their pairs; arrays are [pairs]."""

    files: Sequence[FileCrops]
    refs: Sequence[ImageRef]
    image: Indices
    """The index of each pair's image in ``refs``."""
    caption: Indices
    """The number of each pair's caption."""
    order: Indices
    """The order in which pairs are scored."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of pairs in the store."""

    digests: Mapping[Path, str]
    captions: Sequence[bytes]
    """The key of each caption, by its token ids."""

    def of(self, chunk: _Chunk) -> list[bytes]:
        """Return the keys of a chunk's pairs, in the order in which they are scored."""
        images = [image_key(self.digests[ref.path], ref) for ref in chunk.refs]
        pairs = zip(chunk.image[chunk.order], chunk.caption[chunk.order], strict=True)
        return [key_of(images[i], self.captions[c]) for i, c in pairs]


@dataclass(frozen=True, slots=True)
class _Work:
    """The pairs to score, with the model and its settings."""

    model: PairScorer
    outputs: OutputChecker
    texts: Sequence[str]
    lengths: Indices
    """The length of each caption in tokens."""
    captions_of: Mapping[ImageRef, Indices]
    keys: _Keys
    batch_size: int
    role: str
    stored: Stored | None

    @property
    def by_image(self) -> bool:
        """Return whether an image's captions are scored together."""
        return getattr(self.model, "by_image", False)

    def scores(self, count: _Count, workers: int) -> Iterator[tuple[ImageRef, Scores]]:
        """Yield each image's scores, in the order of ``captions_of``."""
        chunks = [self._chunk(files) for files in _chunks(list(self.captions_of), self.batch_size)]
        space = self.stored.space("pairs", self.role) if self.stored else None
        known = self._all_known(chunks, space, workers)
        lacking = [c for c, (there, _) in zip(chunks, known, strict=True) if not there.all()]
        files = [file for chunk in lacking for file in chunk.files]
        ahead = 2 * self.batch_size
        with closing(decode_ahead(self.model.transform, files, workers, ahead)) as decoded:
            for chunk, (there, scores) in zip(chunks, known, strict=True):
                count.add(int(there.sum()), stored=True)
                if not there.all():
                    features = self._encode([next(decoded) for _ in chunk.files])
                    self._fill(chunk, features, ~there, scores, space, count)
                yield from self._of_images(chunk, scores)

    def _chunk(self, files: Sequence[FileCrops]) -> _Chunk:
        """Return a chunk's pairs sorted by caption length, over all images or within each image."""
        refs = [ref for _, crops in files for ref in crops]
        captions_of = [self.captions_of[ref] for ref in refs]
        caption = np.concatenate(captions_of)
        image = np.repeat(np.arange(len(refs)), [len(each) for each in captions_of])
        by = (self.lengths[caption], image) if self.by_image else (image, self.lengths[caption])
        return _Chunk(files, refs, image, caption, np.lexsort((caption, *by)))

    def _all_known(
        self, chunks: Sequence[_Chunk], space: Space | None, workers: int
    ) -> list[tuple[Flags, Scores]]:
        """Return for each chunk which of its pairs are stored, and the scores of those.

        Both are in the order in which pairs are scored. Stored scores are used only if some of them
        are scored again and come out the same.
        """
        nothing = [
            (np.zeros(len(c.order), bool), np.empty(len(c.order), np.float32)) for c in chunks
        ]
        if self.stored is None or space is None or space.is_empty:
            return nothing
        found = []
        for chunk, (_, scores) in zip(chunks, nothing, strict=True):
            there, values = space.read(self.keys.of(chunk))
            space.require(there, [chunk.refs[i].path for i in chunk.image[chunk.order]])
            scores[there] = values[:, 0]
            found.append((there, scores))
        first = next((i for i, (there, _) in enumerate(found) if there.any()), None)
        if first is not None and not self._agrees(chunks[first], *found[first], workers):
            self.stored.distrust(space)
            return [(np.zeros_like(there), scores) for there, scores in found]
        self.stored.found += sum(int(there.sum()) for there, _ in found)
        return found

    def _agrees(self, chunk: _Chunk, there: Flags, known: Scores, workers: int) -> bool:
        """Return whether some pairs of a chunk have the same scores when scored again."""
        some = np.flatnonzero(there)[:SAMPLE_SIZE]
        part = chunk.order[some]
        numbers, image = np.unique(chunk.image[part], return_inverse=True)
        refs = [chunk.refs[i] for i in numbers]
        files = crops_by_file(refs, len(refs))
        with closing(decode_ahead(self.model.transform, files, workers, len(refs))) as decoded:
            features = self._encode(list(decoded))
        place = {ref: i for i, ref in enumerate(ref for _, crops in files for ref in crops)}
        shown = np.array([place[refs[i]] for i in image], np.intp)
        again = list(self._score(features, shown, chunk.caption[part]))
        return self.outputs.are_close(np.concatenate(again), known[some])

    def _encode(self, files: Sequence[Decoded[PreparedImage]]) -> Sequence[Features]:
        """Return the features of the files' images, in their order.

        Raises:
            ImageError: a file cannot be decoded.
            DataError: a file has another digest than its pairs' keys.
        """
        facts = self.stored.facts if self.stored else None
        same = require_same(files, self.keys.digests, facts)
        images = [image for file in same for image in file.images]
        return self.outputs.features(self.model.encode_images(images), len(images))

    def _fill(
        self,
        chunk: _Chunk,
        features: Sequence[Features],
        missing: Flags,
        scores: Scores,
        space: Space | None,
        count: _Count,
    ) -> None:
        """Score a chunk's missing pairs; each batch is stored as soon as it is scored."""
        keys = self.keys.of(chunk) if space else []
        left = np.flatnonzero(missing)
        part, done = chunk.order[left], 0
        for batch in self._score(features, chunk.image[part], chunk.caption[part]):
            now = left[done : done + len(batch)]
            scores[now] = batch
            if space:
                space.write([keys[i] for i in now], batch[:, None])
            done += len(batch)
            count.add(len(batch))

    def _of_images(self, chunk: _Chunk, scores: Scores) -> Iterator[tuple[ImageRef, Scores]]:
        """Yield each image's scores, in the order of ``captions_of``."""
        ordered = np.empty_like(scores)
        ordered[chunk.order] = scores
        ends = np.cumsum([len(self.captions_of[ref]) for ref in chunk.refs])[:-1]
        yield from zip(chunk.refs, np.split(ordered, ends), strict=True)

    def _score(
        self, features: Sequence[Features], image: Indices, caption: Indices
    ) -> Iterator[Scores]:
        """Yield the scores of each batch of pairs; the next one is tokenised at the same time."""
        size = self.batch_size
        texts = [self.texts[i] for i in caption]
        batches = [texts[i : i + size] for i in range(0, len(texts), size)]
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize") as pool:
            waiting = pool.submit(self.model.tokenize, batches[0])
            for i, batch in enumerate(batches):
                tokens = waiting.result()
                if i + 1 < len(batches):
                    waiting = pool.submit(self.model.tokenize, batches[i + 1])
                shown = [features[j] for j in image[i * size : (i + 1) * size]]
                yield self.outputs.scores(self.model.score(shown, tokens), len(batch))


def _chunks(refs: Sequence[ImageRef], batch_size: int) -> list[list[FileCrops]]:
    """Return images in chunks of at most a batch; a file's crops are decoded together."""
    chunks: list[list[FileCrops]] = []
    room = 0
    for path, crops in crops_by_file(refs, batch_size):
        if len(crops) > room:
            chunks.append([])
            room = batch_size
        chunks[-1].append((path, crops))
        room -= len(crops)
    return chunks
