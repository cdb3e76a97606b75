"""Changed captions for training: words swapped, and other determiners.

The drawn world's captions introduce every object by "a"; tests and people do not, and a text tower
should not depend on it. In training some captions get another determiner in each such place.
Triples are read before that, and no caption takes the form of a test item: no phrasing has "is"
after a subject, or "and" between two objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.order import permutation
from benchbench.scenegraph import Caption, negatives, random_negative

if TYPE_CHECKING:
    from benchbench.variants.variant import Negatives

ARTICLES = ("a", "an")
DETERMINERS = (None, None, None, None, "the", "the", "the", "this", "one", "that")
"""The determiners to choose from, each as likely; None keeps the caption as it is."""
_SEED_STRIDE = 1 << 40
"""Between the seeds of one caption's random swaps: no other example has them."""


def swap_words(caption: Caption, kind: Negatives, seed: int, most: int = 1) -> list[Caption]:
    """Return captions that say something else with the same words, none where there are none.

    Args:
        caption: the true one, with its tags.
        kind: "random", "semantic"; or "none", which has none.
        seed: which of several; the same seed and caption, the same swaps.
        most: how many at most, all different; the first of them does not depend on it.
    """
    if kind == "none":
        return []
    if kind == "random":
        tagged = caption.tagged or ()
        drawn = (random_negative(tagged, seed + _SEED_STRIDE * turn) for turn in range(most))
        return [Caption(each) for each in dict.fromkeys(drawn) if each is not None]
    found = negatives(caption.graph)
    order = permutation(f"{seed}/{caption.text}", len(found))[:most]
    return [Caption(found[place].caption) for place in order]


def reword(caption: str, determiner: str | None) -> str:
    """Return the caption with another determiner for each "a"; as many words as before.

    >>> reword("a dog on a chair", "the"), reword("an orange cat", None)
    ('the dog on the chair', 'an orange cat')
    """
    if determiner is None:
        return caption
    return " ".join(determiner if word in ARTICLES else word for word in caption.split(" "))
