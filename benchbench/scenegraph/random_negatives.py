"""Make random negatives: two words of one kind, chosen at random, change places.

They are the control for semantic negatives, after NegCLIP (Yüksekgönül et al., ICLR 2023), which
swaps two nouns, two adjectives or two verbs. The result may happen to be true ("a cat near a dog").
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from benchbench.data.order import ADJECTIVES, NOUNS, permutation
from benchbench.scenegraph.wording import MOST_WORDS, agree, joined

if TYPE_CHECKING:
    from collections.abc import Sequence


def random_negative(tagged: Sequence[tuple[str, str]], seed: int = 0) -> str | None:
    """Return a caption with two of its nouns, adjectives or verbs (of one tag) swapped.

    Every pair of two different words up to ``MOST_WORDS`` is equally likely. The pair depends on
    the seed and the caption alone.

    Args:
        tagged: the caption's words with Penn tags, from a tagger or ``drawn_tags``.
        seed: another seed mostly gives another pair.

    Returns:
        The new caption in lower case; None where no two words of a kind differ.

    >>> random_negative([("An", "DT"), ("apple", "NN"), ("on", "IN"), ("a", "DT"), ("box", "NN")])
    'a box on an apple'
    >>> random_negative([("a", "DT"), ("dog", "NN"), ("sleeps", "VBZ")]) is None
    True
    """
    words = [word.lower() for word, _ in tagged]
    kinds: dict[str, list[int]] = {}
    for place, (_, tag) in enumerate(tagged[:MOST_WORDS]):
        if kind := _kind(tag):
            kinds.setdefault(kind, []).append(place)
    pairs = [
        pair
        for places in kinds.values()
        for pair in combinations(places, 2)
        if words[pair[0]] != words[pair[1]]
    ]
    if not pairs:
        return None
    one, other = pairs[permutation(f"random swap/{seed}/{' '.join(words)}", len(pairs))[0]]
    words[one], words[other] = words[other], words[one]
    agree(words, (one, other))
    return joined(words)


def _kind(tag: str) -> str:
    """Return the kind of words that a word may be swapped with; empty where it is never swapped."""
    if tag in NOUNS:
        return "noun"
    if tag in ADJECTIVES:
        return "adjective"
    return tag if tag.startswith("V") else ""
