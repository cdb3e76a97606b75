"""Swapped captions, of the kind that an objective needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.order import permutation
from benchbench.scenegraph import Caption, negatives, random_negative

if TYPE_CHECKING:
    from benchbench.variants.variant import Negatives

_APART = 1 << 40
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
        drawn = (random_negative(tagged, seed + _APART * turn) for turn in range(most))
        return [Caption(each) for each in dict.fromkeys(drawn) if each is not None]
    found = negatives(caption.graph)
    order = permutation(f"{seed}/{caption.text}", len(found))[:most]
    return [Caption(found[place].caption) for place in order]
