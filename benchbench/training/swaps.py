"""One swapped caption for a caption, of the kind that an objective asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.order import permutation
from benchbench.scenegraph import negatives, parse, random_negative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.variants.variant import Negatives


def swapped(
    caption: str, tagged: Sequence[tuple[str, str]], kind: Negatives, seed: int
) -> str | None:
    """A caption that says something else with the same words, or None where there is none.

    Args:
        caption: the true one.
        tagged: its words with Penn tags.
        kind: "random", "semantic"; or "none", which has none.
        seed: which of several; the same seed and caption, the same swap.
    """
    if kind == "none":
        return None
    if kind == "random":
        return random_negative(tagged, seed)
    found = negatives(parse(caption, tagged))
    return found[permutation(f"{seed}/{caption}", len(found))[0]].caption if found else None
