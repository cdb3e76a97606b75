"""How likely a caption is by the n-grams of a training split's captions: ``blind:ngram``.

Interpolated Kneser-Ney of order 3 (Kneser and Ney, 'Improved backing-off for m-gram language
modeling', ICASSP 1995; interpolated with one discount an order, as Chen and Goodman, 'An empirical
study of smoothing techniques for language modeling', 1999, §2.7, and D = n₁ / (n₁ + 2 n₂) of Ney,
Essen and Kneser, 1994):

    p(w | u v) = max(c(u v w) − D₃, 0) / c(u v ·) + D₃ N(u v ·) / c(u v ·) · p(w | v)

c counts n-grams; N(u v ·) is how many words follow u v. Below the highest order, c(v w) is the
number of words before v w, except at the start of a caption, where it counts. p(w | v) falls back
on p(w), and that on 1 / (words known + 1): the one more is what training never had.

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
import numpy.typing as npt

from benchbench.adapters.text_only import Reader
from benchbench.types import Entry, Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from benchbench.types import Question

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ORDER = 3
UNKNOWN, START, END = 0, 1, 2
"""Numbers of what training never had, and of a caption's bounds; words have those after."""
_WORD = re.compile(r"[\w'’-]+|,")


def words(text: str) -> list[str]:
    """Words and commas, in lower case.

    >>> words("A red-brown dog, running.")
    ['a', 'red-brown', 'dog', ',', 'running']
    """
    return _WORD.findall(text.lower())


@dataclass(frozen=True, slots=True)
class _Counted:
    """The n-grams of one order, and what was made of their counts."""

    grams: Ints
    """[grams], sorted: numbers of n words as digits to the base of the vocabulary."""
    shares: Floats
    """[grams]: max(c − D, 0) / c of its context."""
    contexts: Ints
    """[contexts], sorted: numbers of the n − 1 words before."""
    left: Floats
    """[contexts]: D N / c, what is left for the order below."""


class KneserNey:
    """The language model above, of a list of captions."""

    def __init__(self, captions: Sequence[str]) -> None:
        told = [words(text) for text in captions]
        names = sorted({word for each in told for word in each})
        self._number = {name: i for i, name in enumerate(names, start=END + 1)}
        self._base = len(names) + END + 1
        self._outcomes = len(names) + 2  # an end can follow, a start cannot; one is unknown
        flat = np.concatenate([self._grams(each) for each in told])  # [tokens, order]
        self.tokens = len(flat)
        self._orders = self._counted(flat)
        self.sha256 = self._digest(names)

    def log_probability(self, text: str) -> tuple[float, int]:
        """Σ log p(w) over a caption's words and end, in float64, and how many they are."""
        grams = self._grams(words(text))
        below = np.full(len(grams), 1 / self._outcomes)
        for order, counted in enumerate(self._orders, start=1):
            below = self._interpolated(grams[:, ORDER - order :], counted, below)
        return math.fsum(np.log(below).tolist()), len(grams)

    def _grams(self, told: Sequence[str]) -> Ints:
        """A row a word, and one for the end: the words before it, then itself. [n + 1, order]."""
        inner = [self._number.get(word, UNKNOWN) for word in told]
        row = np.array([*[START] * (ORDER - 1), *inner, END], dtype=np.int64)
        return np.lib.stride_tricks.sliding_window_view(row, ORDER)

    def _code(self, grams: Ints) -> Ints:
        """Rows as numbers, their words as digits: [n]."""
        digits = self._base ** np.arange(grams.shape[1] - 1, -1, -1, dtype=np.int64)
        return np.asarray(grams @ digits)

    def _counted(self, flat: Ints) -> list[_Counted]:
        """Each order's, the lowest first; ``flat`` has every n-gram of the highest."""
        grams, counts = np.unique(self._code(flat), return_counts=True)
        orders = [self._made(grams, counts)]
        for order in range(ORDER - 1, 0, -1):
            grams, counts = self._continued(grams, counts, order)
            orders.append(self._made(grams, counts))
        return orders[::-1]

    def _continued(self, grams: Ints, counts: Ints, order: int) -> tuple[Ints, Ints]:
        """The n-grams of the order below: by how many words come before them.

        Nothing but a start comes before a start: those go by how often they come.
        """
        shorter = grams % self._base**order
        at_start = (shorter // self._base ** (order - 1) == START) & (order > 1)
        there, of = np.unique(shorter, return_inverse=True)
        return there, np.bincount(of, np.where(at_start, counts, 1)).astype(np.int64)

    def _made(self, grams: Ints, counts: Ints) -> _Counted:
        contexts, of = np.unique(grams // self._base, return_inverse=True)
        total, discount = np.bincount(of, counts), _discount(counts)
        return _Counted(
            grams=grams,
            shares=np.maximum(counts - discount, 0) / total[of],
            contexts=contexts,
            left=discount * np.bincount(of) / total,
        )

    def _interpolated(self, grams: Ints, counted: _Counted, below: Floats) -> Floats:
        """p of each row's last word after the others: [n]."""
        code = self._code(grams)
        own = _looked_up(code, counted.grams, counted.shares, 0.0)
        left = _looked_up(code // self._base, counted.contexts, counted.left, 1.0)
        return own + left * below

    def _digest(self, names: Sequence[str]) -> str:
        digest = hashlib.sha256(repr(names).encode())
        for each in self._orders:
            for part in (each.grams, each.shares, each.left):
                digest.update(np.ascontiguousarray(part, part.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def _discount(counts: Ints) -> float:
    """D = n₁ / (n₁ + 2 n₂), n₁ n-grams counted once and n₂ twice; ½ where none is counted once."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5


def _looked_up(wanted: Ints, there: Ints, values: Floats, otherwise: float) -> Floats:
    """The value of each number that is there: [n]."""
    place = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    return np.where(there[place] == wanted, values[place], otherwise)


class Ngram(Reader):
    """Captions by their probability; all alike before it has learnt."""

    def __init__(self, kind: str, mean: bool, learnt: KneserNey | None = None, n: int = 0) -> None:
        how: dict[str, Any] = {"score": "mean log p" if mean else "sum of log p", "order": ORDER}
        super().__init__(kind, "words and commas, lower case", how | _said(learnt, n))
        self._kind, self._mean, self._learnt = kind, mean, learnt

    def learned(self, training: Sequence[Question]) -> Ngram:
        """From the true captions of ``training``; nothing where there are none."""
        captions = [text for question in training for text in true_captions(question)]
        learnt = KneserNey(captions) if captions else None
        return Ngram(self._kind, self._mean, learnt, len(captions))

    def read(self, text: str) -> str:
        """Words and commas."""
        return " ".join(words(text))

    def score(self, text: str) -> float:
        """Its log-probability, or the mean over words and end."""
        if self._learnt is None:
            return 0.0
        total, n = self._learnt.log_probability(text)
        return total / n if self._mean else total


def true_captions(question: Question) -> Iterator[str]:
    """The captions that a question says are true; none of a scene."""
    if isinstance(question, Item):
        yield from (question.captions[column] for column in question.target)
    elif isinstance(question, Entry):
        yield from question.captions


def _said(learnt: KneserNey | None, n: int) -> dict[str, Any]:
    """What the manifest says of what was learnt."""
    if learnt is None:
        note = (
            "It has learnt nothing, and scores all captions alike: it learns from the training "
            "split of captions beside a task's files, where there is one."
        )
        return {"learned": "nothing", "note": note}
    return {"learned": f"{n:,} training captions", "counts_sha256": learnt.sha256}
