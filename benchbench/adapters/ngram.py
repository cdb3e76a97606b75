"""``blind:ngram``: score a caption by the n-grams of a training split's captions.

Interpolated Kneser-Ney of order 3 (Kneser and Ney, 'Improved backing-off for m-gram language
modeling', ICASSP 1995; interpolated with one discount an order, as Chen and Goodman, 'An empirical
study of smoothing techniques for language modeling', 1999, §2.7, and D = n₁ / (n₁ + 2 n₂) of Ney,
Essen and Kneser, 1994):

    p(w | u v) = max(c(u v w) − D₃, 0) / c(u v ·) + D₃ N(u v ·) / c(u v ·) · p(w | v)

c counts n-grams; N(u v ·) is the number of words that follow u v. Below the highest order, c(v w)
is the number of words before v w, except at the start of a caption, where it counts. p(w | v)
falls back on p(w), and that on 1 / (words of training + 1): the one more is for unknown words.

A caption is its words and commas in lower case (ARO's options have no other marks), and an end;
two starts go before. Its score is Σ log p(w), or that over the number of words and end.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.adapters.text_only import CaptionScorer
from benchbench.datasets.tallies import sides

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from benchbench.types import Question
    from benchbench.types.arrays import Floats, Ints


ORDER = 3
UNKNOWN, START, END = 0, 1, 2
"""Numbers of unknown words, and of a caption's bounds; words have those after."""
_WORD = re.compile(r"[\w'’-]+|,")


def words(text: str) -> list[str]:
    """Return words and commas, in lower case.

    >>> words("A red-brown dog, running.")
    ['a', 'red-brown', 'dog', ',', 'running']
    """
    return _WORD.findall(text.lower())


@dataclass(frozen=True, slots=True)
class _NgramCounts:
    """The n-grams of one order, and their smoothed shares."""

    grams: Ints
    """[grams], sorted: numbers of n words as digits to the base of the vocabulary."""
    shares: Floats
    """[grams]: max(c − D, 0) / c of its context."""
    contexts: Ints
    """[contexts], sorted: numbers of the n − 1 words before."""
    left: Floats
    """[contexts]: D N / c, the share of the order below."""


class KneserNey:
    """The language model above, by a list of captions."""

    def __init__(self, captions: Sequence[str]) -> None:
        texts = [words(text) for text in captions]
        names = sorted({word for each in texts for word in each})
        self._number = {name: i for i, name in enumerate(names, start=END + 1)}
        self._base = len(names) + END + 1
        self._outcomes = len(names) + 2  # an end can follow, a start cannot; one is unknown
        flat = np.concatenate([self._grams(each) for each in texts])  # [tokens, order]
        self.tokens = len(flat)
        self._orders = self._count(flat)
        self.sha256 = self._digest(names)

    def log_probability(self, text: str) -> tuple[float, int]:
        """Return Σ log p(w) over a caption's words and end, in float64, and their number."""
        grams = self._grams(words(text))
        below = np.full(len(grams), 1 / self._outcomes)
        for order, counted in enumerate(self._orders, start=1):
            below = self._interpolate(grams[:, ORDER - order :], counted, below)
        return math.fsum(np.log(below).tolist()), len(grams)

    def _grams(self, texts: Sequence[str]) -> Ints:
        """Return a row a word and one for the end, each after those before: [n + 1, order]."""
        inner = [self._number.get(word, UNKNOWN) for word in texts]
        row = np.array([*[START] * (ORDER - 1), *inner, END], dtype=np.int64)
        return np.lib.stride_tricks.sliding_window_view(row, ORDER)

    def _code(self, grams: Ints) -> Ints:
        """Return rows as numbers, their words as digits: [n]."""
        digits = self._base ** np.arange(grams.shape[1] - 1, -1, -1, dtype=np.int64)
        return np.asarray(grams @ digits)

    def _count(self, flat: Ints) -> list[_NgramCounts]:
        """Count each order, the lowest first; ``flat`` has every n-gram of the highest."""
        grams, counts = np.unique(self._code(flat), return_counts=True)
        orders = [self._smooth(grams, counts)]
        for order in range(ORDER - 1, 0, -1):
            grams, counts = self._continue(grams, counts, order)
            orders.append(self._smooth(grams, counts))
        return orders[::-1]

    def _continue(self, grams: Ints, counts: Ints, order: int) -> tuple[Ints, Ints]:
        """Count the n-grams of the order below, by the number of words before them.

        Only a start comes before a start: those are counted by their occurrences.
        """
        shorter = grams % self._base**order
        at_start = (shorter // self._base ** (order - 1) == START) & (order > 1)
        there, of = np.unique(shorter, return_inverse=True)
        return there, np.bincount(of, np.where(at_start, counts, 1)).astype(np.int64)

    def _smooth(self, grams: Ints, counts: Ints) -> _NgramCounts:
        contexts, of = np.unique(grams // self._base, return_inverse=True)
        total, discount = np.bincount(of, counts), _discount(counts)
        return _NgramCounts(
            grams=grams,
            shares=np.maximum(counts - discount, 0) / total[of],
            contexts=contexts,
            left=discount * np.bincount(of) / total,
        )

    def _interpolate(self, grams: Ints, counted: _NgramCounts, below: Floats) -> Floats:
        """Return p of each row's last word after the others: [n]."""
        code = self._code(grams)
        own = _look_up(code, counted.grams, counted.shares, 0.0)
        left = _look_up(code // self._base, counted.contexts, counted.left, 1.0)
        return own + left * below

    def _digest(self, names: Sequence[str]) -> str:
        digest = hashlib.sha256(repr(names).encode())
        for each in self._orders:
            for part in (each.grams, each.shares, each.left):
                digest.update(np.ascontiguousarray(part, part.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def _discount(counts: Ints) -> float:
    """Return D = n₁ / (n₁ + 2 n₂), n₁ n-grams counted once, n₂ twice; ½ where n₁ or n₂ is 0."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5


def _look_up(wanted: Ints, there: Ints, values: Floats, otherwise: float) -> Floats:
    """Return the value of each number, or ``otherwise``: [n]."""
    place = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    return np.where(there[place] == wanted, values[place], otherwise)


class NgramScorer(CaptionScorer):
    """Captions by their probability; all alike without a training split."""

    def __init__(self, kind: str, mean: bool, model: KneserNey | None = None, n: int = 0) -> None:
        how: dict[str, Any] = {"score": "mean log p" if mean else "sum of log p", "order": ORDER}
        super().__init__(kind, "words and commas, lower case", how | _training_settings(model, n))
        self._kind, self._mean, self._model = kind, mean, model

    def fit(self, training: Sequence[Question]) -> NgramScorer:
        """Return the baseline trained on the true captions of ``training``, if there are any."""
        captions = [text for question in training for text in true_captions(question)]
        model = KneserNey(captions) if captions else None
        return NgramScorer(self._kind, self._mean, model, len(captions))

    def read(self, text: str) -> str:
        """Return words and commas."""
        return " ".join(words(text))

    def score(self, text: str) -> float:
        """Return the log-probability, or its mean over words and end."""
        if self._model is None:
            return 0.0
        total, n = self._model.log_probability(text)
        return total / n if self._mean else total


class NgramRatio(CaptionScorer):
    """Captions by their log-probability as true captions minus that as false ones.

    Score = log p(caption | true captions) − log p(caption | false captions), a naive Bayes
    classifier by two of the models above: what marks a suite's false captions as such without an
    image. All captions are alike without a training split that has both.
    """

    def __init__(self, models: tuple[KneserNey, KneserNey] | None = None, n: int = 0) -> None:
        how: dict[str, Any] = {"score": "log p as true − log p as false", "order": ORDER}
        if models is None:
            how |= _training_settings(None, 0)
        else:
            told = f"{n:,} training captions, true and false"
            how |= {"learned": told, "counts_sha256": [model.sha256 for model in models]}
        super().__init__("ngram-ratio", "words and commas, lower case", how)
        self._models = models

    def fit(self, training: Sequence[Question]) -> NgramRatio:
        """Return the baseline trained on the true and the false captions of ``training``."""
        both = [sides(question) for question in training]
        true, false = ([text for each in both for text in each[side]] for side in (0, 1))
        if not (true and false):
            return NgramRatio()
        return NgramRatio((KneserNey(true), KneserNey(false)), len(true) + len(false))

    def read(self, text: str) -> str:
        """Return words and commas."""
        return " ".join(words(text))

    def score(self, text: str) -> float:
        """Return the difference of the log-probabilities."""
        if self._models is None:
            return 0.0
        true, false = (model.log_probability(text)[0] for model in self._models)
        return true - false


def true_captions(question: Question) -> Iterator[str]:
    """Yield the true captions of a question; none of a scene."""
    yield from sides(question)[0]


def _training_settings(model: KneserNey | None, n: int) -> dict[str, Any]:
    """Return the manifest's settings of the training split."""
    if model is None:
        note = (
            "It has learnt nothing, and scores all captions alike: it learns from the training "
            "split of captions beside a task's files, where there is one."
        )
        return {"learned": "nothing", "note": note}
    return {"learned": f"{n:,} training captions", "counts_sha256": model.sha256}
