"""Find the visible objects of a batch of drawn examples, for views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.edition.plan import select_annotated
from benchbench.scenes.visibility import measure_visible

if TYPE_CHECKING:
    from benchbench.scenes.dice import Dice
    from benchbench.scenes.visibility import VisibleParts
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Flags, Ints, Singles


@dataclass(frozen=True)
class Visibility:
    """The visible objects of n scenes in images of one size, computed once for all views."""

    drawn: Scenes | None
    """None if the images are not drawn."""
    side: int
    """Pixels along the sides of whole images, once they are drawn."""

    @property
    def scenes(self) -> Scenes:
        """The scenes."""
        if self.drawn is None:
            raise RuntimeError("only drawn scenes say where their objects are")
        return self.drawn

    @cached_property
    def seen(self) -> VisibleParts:
        """The object visible at each pixel, and the visible boxes."""
        return measure_visible(self.scenes, self.side)

    @cached_property
    def shown(self) -> Flags:
        """[n, w]: objects that an annotator of the test edition would see."""
        return select_annotated(self.scenes, self.seen)

    def within(self, slots: Ints, boxes: Singles) -> Flags:
        """Return whether the middles of some objects lie in a part of each image.

        Args:
            slots: [n, k] objects.
            boxes: [n, 4]: left, top, right, bottom as shares of the image.

        Returns:
            [n]
        """
        own = self.seen.boxes[np.arange(len(slots))[:, None], slots] / self.seen.labels.shape[1]
        middle = (own[..., :2] + own[..., 2:]) / 2
        inside = (middle >= boxes[:, None, :2]) & (middle <= boxes[:, None, 2:])
        return np.asarray(inside.all(axis=(1, 2)))


def choose_one(there: Flags, roll: Dice, name: str) -> tuple[Ints, Flags]:
    """Choose one of the known columns of each row at random, each as likely.

    Args:
        there: [n, k]
        roll: n dice.
        name: the name of the draw.

    Returns:
        [n]: columns, 0 where nothing is there; and [n], whether anything is.
    """
    rank = roll.below(name, np.maximum(there.sum(axis=1), 1))
    found = np.argmax(np.cumsum(there, axis=1) > rank[:, None], axis=1)
    return found, np.asarray(there.any(axis=1))
