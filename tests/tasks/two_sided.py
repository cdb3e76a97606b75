"""Winoground's three scores as plain loops, for the tests of the tasks that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchbench.types import Run


def three_scores(run: Run) -> dict[str, float]:
    """Text, image and group score of items with two images and two captions, by the papers' words.

    ``c0`` is the caption of ``i0``; all comparisons are strict.
    """
    right = {"text": 0, "image": 0, "group": 0}
    for outcome in run.outcomes:
        (c0_i0, c1_i0), (c0_i1, c1_i1) = outcome.scores.tolist()
        text = c0_i0 > c1_i0 and c1_i1 > c0_i1
        image = c0_i0 > c0_i1 and c1_i1 > c1_i0
        right["text"] += text
        right["image"] += image
        right["group"] += text and image
    return {name: n / len(run.outcomes) for name, n in right.items()}
