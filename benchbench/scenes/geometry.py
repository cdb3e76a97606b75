"""Measure the pairwise geometry of the objects of a scene; subjects are in rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Flags, Ints


@dataclass(frozen=True, slots=True)
class Layout:
    """Measures of each pair of slots, [scenes, slots, slots] each, in scene units.

    The subject i is in rows, the object j in columns.
    """

    rightward: Ints
    """x of j's middle minus x of i's middle."""
    downward: Ints
    gap_right: Ints
    """j's left edge minus i's right edge: positive where i ends before j begins."""
    lower: Ints
    """i's bottom minus j's bottom."""
    overlap_x: Ints
    """The length along x that both cover; negative where they are apart."""
    overlap_y: Ints
    shorter: Ints
    """The lesser of the two heights."""
    area: Ints
    """The area of i's box."""
    nearer: Flags
    """True where i is painted after j."""
    toward: Flags
    """True where j lies on the side that i faces: i's right, or its left where it is flipped."""


def measure_layout(scenes: Scenes) -> Layout:
    """Measure every ordered pair of slots; empty slots give meaningless numbers."""
    left, top, right, bottom = (_rows(edge) for edge in np.moveaxis(scenes.boxes(), -1, 0))
    rightward = (_turn(left + right) - (left + right)) // 2
    ahead = np.where(_rows(scenes.flip), -rightward, rightward)
    width, height = right - left, bottom - top
    return Layout(
        rightward=rightward,
        downward=(_turn(top + bottom) - (top + bottom)) // 2,
        gap_right=_turn(left) - right,
        lower=bottom - _turn(bottom),
        overlap_x=np.minimum(right, _turn(right)) - np.maximum(left, _turn(left)),
        overlap_y=np.minimum(bottom, _turn(bottom)) - np.maximum(top, _turn(top)),
        shorter=np.minimum(height, _turn(height)),
        area=np.broadcast_to(width * height, rightward.shape),
        nearer=_rows(scenes.depth) > _turn(_rows(scenes.depth)),
        toward=ahead > 0,
    )


def _rows(values: npt.NDArray[np.generic]) -> Ints:
    """Return values per subject, [scenes, slots], as [scenes, slots, 1]."""
    return values[:, :, None]  # type: ignore[return-value]


def _turn(values: Ints) -> Ints:
    """Exchange the axes of subjects and objects."""
    return values.swapaxes(1, 2)
