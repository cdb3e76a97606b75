"""The views "object" and "action": parts of scenes with names.

One shows the crop of a visible object and its name; the other the whole image and its scenario.
``NamedPixels`` is what both have in common with the view "relation" (``regions``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.scenes.dice import dice
from benchbench.scenes.templates import SCENARIOS
from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.training.rendering import cut_parts, normalise
from benchbench.training.visibility import choose_one
from benchbench.variants.inputs import ACTION, OBJECT, Input, Inputs
from benchbench.variants.variant import NamedImages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.training.examples import Examples
    from benchbench.training.visibility import Visibility
    from benchbench.variants.texts import CaptionReader, Texts


@dataclass(frozen=True, slots=True)
class ViewNames:
    """Names and flags of n images that a view shows."""

    key: Input[NamedImages]
    """Under which a batch holds them."""
    names: Texts
    there: Tensor
    """[n] bool: whether the example has any such thing."""
    within: Tensor
    """[n] bool: whether the caption's image shows it, too."""


@dataclass(frozen=True, slots=True)
class NamedParts:
    """Parts of the images, with names."""

    named: ViewNames
    boxes: Tensor
    """[n, 4]: left, top, right, bottom as shares of the image."""

    def render(self, images: Tensor, size: int) -> NamedPixels:
        """Cut the parts out, [n, 3, size, size] uint8."""
        return NamedPixels(self.named, cut_parts(images, self.boxes, size))


@dataclass(frozen=True, slots=True)
class NamedPixels:
    """Pixels with names."""

    named: ViewNames
    pixels: Tensor
    """[n, 3, size, size] uint8"""

    def inputs(self, device: str, preprocessing: Mapping[str, Any]) -> Inputs:
        """Return pixels, names and flags as ``NamedImages``, on the device."""
        pixels = self.pixels.to(device, non_blocking=True)
        shown = NamedImages(
            images=normalise(pixels, preprocessing),
            texts=self.named.names.to(device),
            there=self.named.there.to(device, non_blocking=True),
            within=self.named.within.to(device, non_blocking=True),
        )
        return self.named.key.of(shown)


class ObjectView:
    """Any object that an annotator would see, as tightly cut out as in the test edition."""

    def choose(self, found: Examples, visibility: Visibility, reader: CaptionReader) -> NamedParts:
        """Choose the objects; a scene and what is shown of it belong together."""
        slot, there = choose_one(
            visibility.shown, dice("training/object", visibility.scenes.index), "slot"
        )
        at = np.arange(len(slot)), slot
        boxes = visibility.seen.boxes[at] / visibility.side
        names = [CATEGORIES[kind].name for kind in visibility.scenes.category[at].tolist()]
        within = torch.from_numpy(visibility.within(slot[:, None], found.boxes))
        named = ViewNames(OBJECT, reader.read(names), torch.from_numpy(there), within)
        return NamedParts(named, torch.from_numpy(boxes.astype(np.float32)))


class ActionView:
    """The whole image of each scene, and its scenario's name."""

    def choose(self, found: Examples, visibility: Visibility, reader: CaptionReader) -> NamedParts:
        """Read the names."""
        kinds = visibility.scenes.scenario.tolist()
        names = reader.read([SCENARIOS[kind].name for kind in kinds])
        whole = torch.from_numpy((found.boxes == [0, 0, 1, 1]).all(axis=1))
        named = ViewNames(ACTION, names, torch.ones(len(kinds), dtype=torch.bool), whole)
        return NamedParts(named, whole_boxes(len(kinds)))


def whole_boxes(count: int) -> Tensor:
    """Return boxes of whole images, [count, 4]."""
    return torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(count, 4)
