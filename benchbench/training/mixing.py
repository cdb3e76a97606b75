"""Scenes of several splits in one batch."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.scenes.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Ints


_NOTHING = {"category": -1, "sprite": -1, "predicate": -1}
"""What empty slots hold; others 0."""


def mix(splits: Sequence[str], which: Ints, numbers: Ints) -> Scenes:
    """Return scenes of several splits, narrower ones with empty slots at their end.

    Args:
        splits: their names.
        which: [n], into ``splits``.
        numbers: [n], in that split.

    Returns:
        n scenes, of a split named "train+train-dense".
    """
    if len(splits) == 1:
        return sample(splits[0], numbers)
    parts = [sample(split, numbers[which == k]) for k, split in enumerate(splits)]
    width = max(part.category.shape[1] for part in parts)
    parts = [_widened(part, width) for part in parts]
    back = np.argsort(np.argsort(which, kind="stable"), kind="stable")
    arrays: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])[back]
        for each in fields(parts[0])
        if each.name != "split"
    }
    return replace(parts[0], split="+".join(splits), **arrays)


def _widened(scenes: Scenes, width: int) -> Scenes:
    """Return the scenes with empty slots up to a width."""
    more, old = width - scenes.category.shape[1], scenes.category.shape[1]
    arrays: dict[str, Any] = {}
    for each in fields(scenes):
        value = getattr(scenes, each.name)
        slots = [i for i in range(1, np.ndim(value)) if value.shape[i] == old]
        if not slots:
            continue
        room = [(0, more if i in slots else 0) for i in range(value.ndim)]
        arrays[each.name] = np.pad(value, room, constant_values=_NOTHING.get(each.name, 0))
    arrays["owner"][:, old:] = np.arange(old, width)
    return replace(scenes, **arrays)
