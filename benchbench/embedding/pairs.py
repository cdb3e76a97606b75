"""Pictures and captions to scores, by a model that reads them together.

A picture is decoded and encoded once for all captions that are asked of it; a pair is scored once,
however many items ask it. Pictures are taken in chunks, so that what is kept of them is bounded. A
chunk's pairs are scored in order of their captions' length, so that batches are dense; or picture
by picture, for models that read once what the captions of a picture share.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.pictures import decode_ahead, plan_batches
from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from benchbench.embedding.pictures import Decoded, FileCrops
    from benchbench.embedding.unfinished import Unfinished
    from benchbench.types import Features, ImageRef, PairScorer, Progress, Shown

    Scores = npt.NDArray[np.float32]
    Integers = npt.NDArray[np.intp]
    Block = tuple[Sequence[ImageRef], Sequence[str]]
    """Every one of these pictures is asked with every one of these captions."""

PORTION = 4096
"""Pairs that are kept together of an interrupted evaluation, at most."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of pairs, and what the model read of the captions."""

    token_ids: Mapping[str, tuple[int, ...]]
    """Of each caption, cut to the model's context."""
    truncated: frozenset[str]
    """Those that were longer."""
    numbers: Mapping[str, int]
    """Of each caption; the same for captions of the same token ids."""
    asked: Mapping[ImageRef, Integers]
    """The numbers that each picture was scored with, ascending."""
    scores: Mapping[ImageRef, Scores]
    """Their scores, in the order of ``asked``."""

    @property
    def n_pairs(self) -> int:
        """How many distinct pairs were scored."""
        return sum(map(len, self.asked.values()))

    def take(self, refs: Sequence[ImageRef], texts: Sequence[str]) -> Scores:
        """The scores of these pictures with these captions: [refs, texts]."""
        wanted = np.array([self.numbers[text] for text in texts], dtype=np.intp)
        rows = [self.scores[ref][np.searchsorted(self.asked[ref], wanted)] for ref in refs]
        return np.stack(rows)


def score_pairs(
    model: PairScorer,
    blocks: Sequence[Block],
    *,
    batch_size: int,
    workers: int,
    progress: Progress | None = None,
    unfinished: Unfinished | None = None,
) -> Scored:
    """Score each distinct pair of a picture and a token sequence once.

    Args:
        model: scores pairs.
        blocks: what is asked: all pairs of each block's pictures and captions; repeats welcome.
        batch_size: pictures, and pairs, a forward pass.
        workers: decoding threads.
        progress: told after each batch of pairs.
        unfinished: portions of an interrupted evaluation of the same blocks and the same bytes of
            files, to be taken from and added to.

    Raises:
        ImageError: a file cannot be decoded.
        ModelError: the model's scores are not one finite number a pair.
    """
    texts = list(dict.fromkeys(text for _, captions in blocks for text in captions))
    full = dict(zip(texts, model.token_ids(texts), strict=True))
    context = model.manifest.context_length
    cut = {text: ids[:context] for text, ids in full.items()}
    first: dict[tuple[int, ...], int] = {}
    numbers = {text: first.setdefault(ids, i) for i, (text, ids) in enumerate(cut.items())}
    asked = _asked(blocks, numbers)
    lengths = np.array([len(ids) for ids in cut.values()], dtype=np.intp)
    work = _Work(model, texts, lengths, asked, batch_size, unfinished)
    return Scored(
        token_ids=cut,
        truncated=frozenset(text for text, ids in full.items() if len(ids) > context),
        numbers=numbers,
        asked=asked,
        scores=dict(work.scores(_Count(progress, sum(map(len, asked.values()))), workers)),
    )


def _asked(blocks: Sequence[Block], numbers: Mapping[str, int]) -> dict[ImageRef, Integers]:
    """The numbers of the captions that each picture is asked with: distinct, ascending.

    Pictures of one block alone share its array: a gallery's captions are listed once.
    """
    of_refs: dict[ImageRef, list[Integers]] = {}
    for refs, captions in blocks:
        of_block = np.unique(np.array([numbers[text] for text in captions], dtype=np.intp))
        for ref in dict.fromkeys(refs):
            of_refs.setdefault(ref, []).append(of_block)
    return {
        ref: found[0] if len(found) == 1 else np.unique(np.concatenate(found))
        for ref, found in of_refs.items()
    }


class _Count:
    """How many pairs are through."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self.add(0)

    def add(self, n: int) -> None:
        """So many more."""
        self._done += n
        if self._progress:
            self._progress("pairs", self._done, self._total)


@dataclass(frozen=True, slots=True)
class _Work:
    """All that is to be scored, and with what."""

    model: PairScorer
    texts: Sequence[str]
    lengths: Integers
    """Of each caption in tokens."""
    asked: Mapping[ImageRef, Integers]
    batch_size: int
    unfinished: Unfinished | None

    @property
    def by_picture(self) -> bool:
        """Whether a picture's captions stand together."""
        return getattr(self.model, "by_picture", False)

    @property
    def stage(self) -> str:
        """What portions are kept as: those of another order are others."""
        return "pairs-by-picture" if self.by_picture else "pairs"

    def scores(self, count: _Count, workers: int) -> Iterator[tuple[ImageRef, Scores]]:
        """Each picture's scores, in the order of ``asked``."""
        plan = plan_batches(list(self.asked), self.batch_size)
        kept = list(self._kept(plan))
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
                refs = [ref for _, crops in files for ref in crops]
                yield from self._of_chunk(refs, portions, features, count)

    def _kept(self, plan: Sequence[Sequence[FileCrops]]) -> Iterator[dict[int, Scores | None]]:
        """Of each chunk, the portions by their numbers, with what is kept of them."""
        start = 0
        for files in plan:
            n = sum(len(self.asked[ref]) for _, crops in files for ref in crops)
            numbers = range(start, start + -(-n // PORTION))
            yield {number: self._load(number) for number in numbers}
            start = numbers.stop

    def _load(self, number: int) -> Scores | None:
        arrays = self.unfinished.load(self.stage, number, "scores") if self.unfinished else None
        return None if arrays is None else arrays["scores"].astype(np.float32)

    def _encode(self, files: Sequence[Decoded[Shown]]) -> Sequence[Features]:
        """The features of a chunk's pictures, in their order."""
        for file in files:
            if file.error:
                raise file.error
        pictures = [picture for file in files for picture in file.pictures]
        features = self.model.encode_images(pictures)
        if len(features) != len(pictures):
            raise ModelError(
                f"{self.model.manifest.name} returned features of {len(features)} pictures for "
                f"{len(pictures)}."
            )
        return features

    def _of_chunk(
        self,
        refs: Sequence[ImageRef],
        portions: Mapping[int, Scores | None],
        features: Sequence[Features],
        count: _Count,
    ) -> Iterator[tuple[ImageRef, Scores]]:
        """The scores of a chunk's pictures, short captions first: of all, or of each picture."""
        asked = [self.asked[ref] for ref in refs]
        caption = np.concatenate(asked)  # [pairs]
        picture = np.repeat(np.arange(len(refs)), [len(each) for each in asked])
        by = (
            (self.lengths[caption], picture)
            if self.by_picture
            else (picture, self.lengths[caption])
        )
        order = np.lexsort((caption, *by))
        scores = np.empty(len(order), dtype=np.float32)
        for (number, kept), start in zip(
            portions.items(), range(0, len(order), PORTION), strict=True
        ):
            part = order[start : start + PORTION]
            if kept is None:
                scores[part] = self._score(features, picture[part], caption[part], count)
                if self.unfinished:
                    self.unfinished.save(self.stage, number, scores=scores[part])
            else:
                scores[part] = kept
                count.add(len(part))
        ends = np.cumsum([len(each) for each in asked])[:-1]
        yield from zip(refs, np.split(scores, ends), strict=True)

    def _score(
        self, features: Sequence[Features], picture: Integers, caption: Integers, count: _Count
    ) -> Scores:
        """Score pairs in their order, the next batch being tokenised meanwhile: [pairs]."""
        size, parts = self.batch_size, []
        texts = [self.texts[i] for i in caption]
        batches = [texts[i : i + size] for i in range(0, len(texts), size)]
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize") as pool:
            waiting = pool.submit(self.model.tokenize, batches[0])
            for i, batch in enumerate(batches):
                tokens = waiting.result()
                if i + 1 < len(batches):
                    waiting = pool.submit(self.model.tokenize, batches[i + 1])
                shown = [features[j] for j in picture[i * size : (i + 1) * size]]
                parts.append(to_scores(self.model, self.model.score(shown, tokens), len(batch)))
                count.add(len(batch))
        return np.concatenate(parts)


def _lacks(portions: Mapping[int, Scores | None]) -> bool:
    return any(kept is None for kept in portions.values())


def to_scores(model: PairScorer, output: Tensor, n: int) -> Scores:
    """A model's scores as float32 on the CPU: [n].

    Raises:
        ModelError: the shape is wrong or a value is not finite.
    """
    if tuple(output.shape) != (n,):
        raise ModelError(
            f"{model.manifest.name} returned shape {tuple(output.shape)} for {n} pairs; expected "
            f"[{n}]."
        )
    scores: Scores = output.float().cpu().numpy()
    if not np.isfinite(scores).all():
        raise ModelError(
            f"{model.manifest.name} returned scores that are not finite "
            f"(dtype {model.manifest.dtype}). Try --precision fp32."
        )
    return scores
