"""The view "relation": the focused region of one annotated relation in each scene, and its phrase.

The regions are ``scenes.edition.focus``'s, computed for a whole batch on any device. All arithmetic
is in integers: the pixels equal the test edition's at the same size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchbench.scenes.dice import dice
from benchbench.scenes.edition.focus import blur_weights, falloff
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATES
from benchbench.training.objects import NamedPixels, ViewNames, whole_boxes
from benchbench.training.rendering import cut_parts
from benchbench.training.visibility import choose_one
from benchbench.variants.inputs import RELATION

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.scenes.world import Scenes
    from benchbench.training.examples import Examples
    from benchbench.training.visibility import Visibility
    from benchbench.types.arrays import Ints
    from benchbench.variants.texts import CaptionReader


@dataclass(frozen=True, slots=True)
class FocusedParts:
    """Regions around two objects each, with names."""

    named: ViewNames
    labels: Tensor
    """[n, side, side]: the slot seen at each pixel."""
    ends: Tensor
    """[n, 2]: slots of subject and object."""

    def render(self, images: Tensor, size: int) -> NamedPixels:
        """Focus the images, [n, 3, size, size] uint8."""
        labels, ends = (each.to(images.device) for each in (self.labels, self.ends))
        masks = labels[:, None] == ends[:, :, None, None]
        pixels = cut_parts(focus_pairs(images, masks), whole_boxes(len(images)), size)
        return NamedPixels(self.named, pixels)


class RelationView:
    """Any annotated relation between objects that an annotator would see."""

    def choose(
        self, found: Examples, visibility: Visibility, reader: CaptionReader
    ) -> FocusedParts:
        """Choose the relations; a scene and what is shown of it belong together."""
        scenes, shown = visibility.scenes, visibility.shown
        told = (scenes.predicate >= 0) & shown[:, :, None] & shown[:, None, :]
        roll = dice("training/relation", scenes.index)
        cell, there = choose_one(told.reshape(len(scenes), -1), roll, "pair")
        ends = np.stack(np.divmod(cell, shown.shape[1]), axis=1)
        names = reader.read(phrases(scenes, np.arange(len(scenes)), ends))
        within = torch.from_numpy(visibility.within(ends, found.boxes))
        named = ViewNames(RELATION, names, torch.from_numpy(there), within)
        return FocusedParts(named, torch.from_numpy(visibility.seen.labels), torch.from_numpy(ends))


def phrases(scenes: Scenes, rows: Ints, ends: Ints) -> list[str]:
    """Return relations of some scenes in words: "dog chasing cat".

    Args:
        scenes: n of them.
        rows: [m]: which scene.
        ends: [m, 2]: slots of subject and object.
    """
    predicate = scenes.predicate[rows, ends[:, 0], ends[:, 1]].tolist()
    kinds = scenes.category[rows[:, None], ends].tolist()
    names = (
        (CATEGORIES[subject].name, PREDICATES[told].name, CATEGORIES[thing].name)
        for (subject, thing), told in zip(kinds, predicate, strict=True)
    )
    return [" ".join(words) for words in names]


def focus_pairs(images: Tensor, masks: Tensor) -> Tensor:
    """Return images focused on two objects each, as ``scenes.edition.focus.focus`` makes them.

    Args:
        images: [n, 3, height, width] uint8
        masks: [n, 2, height, width] bool: where the two objects are seen.

    Returns:
        [n, 3, height, width] uint8
    """
    light = _light(masks).amax(dim=1, keepdim=True)
    dim = _high_byte(_blurred(images).to(torch.int16) * light + 128)
    return torch.where(masks.any(dim=1, keepdim=True), images, dim)


def _blurred(images: Tensor) -> Tensor:
    """Return blurred images, [n, 3, height, width] uint8, with edges repeated."""
    weights = [int(weight) for weight in blur_weights(max(images.shape[2:]))]
    reach, out = len(weights) // 2, images.contiguous()
    for axis in (2, 3):
        length = out.shape[axis]
        where = torch.arange(-reach, length + reach, device=out.device).clamp(0, length - 1)
        wide = out.index_select(axis, where).to(torch.int16)
        total = torch.full_like(out, 128, dtype=torch.int16)
        for shift, weight in enumerate(weights):
            total.add_(wide.narrow(axis, shift, length), alpha=weight)
        out = _high_byte(total)
    return out


def _high_byte(words: Tensor) -> Tensor:
    """Return the high bytes of int16 that stand for 0 … 65,535, uint8; half the memory of int32."""
    return (words >> 8).to(torch.uint8)


def _light(masks: Tensor) -> Tensor:
    """Return the light of […, height, width] masks, int16: 256 in the middle, then a Gaussian."""
    sides = masks.shape[-2:]
    table = torch.from_numpy(falloff(max(sides)).astype(np.int32)).to(masks.device)
    down, right = (
        table[(torch.arange(side, device=masks.device) - _middle(masks.sum(dim=across))).abs()]
        for side, across in zip(sides, (-1, -2), strict=True)
    )
    return ((down[..., :, None] * right[..., None, :]) >> 8).to(torch.int16)


def _middle(counts: Tensor) -> Tensor:
    """Return the rounded mean position of […, length] pixels, [..., 1]; 0 where there are none."""
    count = counts.sum(dim=-1, keepdim=True)
    total = (counts * torch.arange(counts.shape[-1], device=counts.device)).sum(-1, keepdim=True)
    return (2 * total + count) // (2 * count).clamp(min=1)
