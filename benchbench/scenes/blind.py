"""A text-only baseline: a classifier of caption pairs by their n-grams alone.

It is fitted on true and false captions of training items. It must stay at chance on test items of
both kinds: then no item can be solved from text alone. On shuffled captions it scores well, since
shuffled text is recognisable as shuffled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.types.arrays import Floats, Ints

Pair = tuple[str, str]
"""A true caption and a false one."""
Options = tuple[str, ...]
"""A true caption, then false captions."""

_STEPS, _RATE, _DECAY = 80, 0.5, 1e-4


@dataclass(frozen=True, slots=True)
class TextOnlyClassifier:
    """Logistic regression on the difference of two captions' n-grams."""

    features: dict[str, int]
    """The numbers of the n-grams, from 1; 0 is any n-gram that is not in the training captions."""
    weights: Floats
    """[features + 1]"""

    def scores(self, captions: Sequence[str]) -> Floats:
        """Return the score of each caption, [captions]; a higher score means more likely true."""
        return np.asarray(self.weights[_numbers(captions, self.features)].sum(axis=1))

    def accuracy(self, pairs: Sequence[Pair]) -> float:
        """Return the share of pairs whose true caption scores higher; a tie counts half."""
        true, false = (self.scores([pair[side] for pair in pairs]) for side in (0, 1))
        return float(((true > false) + 0.5 * (true == false)).mean())


def option_pairs(items: Sequence[Options]) -> list[Pair]:
    """Return each true caption paired with each of its false captions that differs from it."""
    return [(true, false) for true, *others in items for false in others if false != true]


def share_chosen(classifier: TextOnlyClassifier, items: Sequence[Options]) -> tuple[float, int]:
    """Return the share of items whose true caption scores above every other option.

    Options equal to the true caption are dropped, and so are items without another option. A tie is
    wrong.

    Returns:
        The share, and the number of items that it is of.
    """
    asked = [(t, *(o for o in others if o != t)) for t, *others in items if {*others} - {t}]
    flat = classifier.scores([option for each in asked for option in each])
    ends = np.cumsum([len(each) for each in asked])[:-1]
    right = [scores[0] > scores[1:].max() for scores in np.split(flat, ends)]
    return float(np.mean(right)), len(asked)


def fit(pairs: Sequence[Pair]) -> TextOnlyClassifier:
    """Fit a classifier of true and false captions by full-batch Adagrad.

    Raises:
        UsageError: there are no pairs.
    """
    if not pairs:
        raise UsageError("A blind reader needs at least one pair of captions to learn from.")
    names = dict.fromkeys(name for pair in pairs for text in pair for name in _ngrams(text))
    features = {name: i for i, name in enumerate(names, start=1)}
    true, false = (_numbers([pair[side] for pair in pairs], features) for side in (0, 1))
    weights, seen = np.zeros(len(features) + 1), np.full(len(features) + 1, 1e-8)
    for _ in range(_STEPS):
        margin = weights[true].sum(axis=1) - weights[false].sum(axis=1)
        pull = 1 / (1 + np.exp(np.clip(margin, -30, 30)))  # [pairs], of the logistic loss
        slope = _summed(false, pull, len(weights)) - _summed(true, pull, len(weights))
        slope = slope / len(pairs) + _DECAY * weights
        slope[0] = 0.0
        seen += slope**2
        weights -= _RATE * slope / np.sqrt(seen)
    return TextOnlyClassifier(features, weights)


def _summed(numbers: Ints, pull: Floats, count: int) -> Floats:
    spread = np.repeat(pull, numbers.shape[1])
    return np.bincount(numbers.reshape(-1), weights=spread, minlength=count).astype(np.float64)


def _numbers(captions: Sequence[str], features: dict[str, int]) -> Ints:
    """Return each caption's features, [captions, most]; 0 is padding."""
    rows = [[features.get(name, 0) for name in _ngrams(text)] for text in captions]
    longest = max((len(row) for row in rows), default=0)
    return np.array([row + [0] * (longest - len(row)) for row in rows], dtype=np.int64)


def _ngrams(text: str) -> Iterator[str]:
    """Yield the words, the words with their positions, and the runs of two and of three words."""
    words = ["^", *text.split(), "$"]
    for i, word in enumerate(words):
        yield word
        yield f"{i}:{word}"
        yield " ".join(words[i : i + 2])
        yield " ".join(words[i : i + 3])
