"""The stages between a source's examples and a batch, and the interface of views.

``Examples`` become ``ChosenExamples`` on the host: captions are read, and each view chooses what it
shows. ``ChosenExamples`` become ``RenderedExamples`` on the device that draws the images, and those
a ``Batch`` on the training device. Each stage is a record of its own, and is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from benchbench.training.rendering import RENDER, cut_parts, draw_on, normalise
from benchbench.variants.inputs import Inputs
from benchbench.variants.variant import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.scenes.world import Scenes
    from benchbench.training.examples import Examples
    from benchbench.training.visibility import Visibility
    from benchbench.types.arrays import Singles
    from benchbench.variants.texts import CaptionReader, Texts
    from benchbench.variants.variant import SwappedCaptions


class BatchView(Protocol):
    """One more thing to show of each example."""

    def choose(self, found: Examples, visibility: Visibility, reader: CaptionReader) -> ViewChoice:
        """Choose what to show and read its names."""
        ...


class ViewChoice(Protocol):
    """A view's choice for n examples, before rendering."""

    def render(self, images: Tensor, size: int) -> RenderedView:
        """Cut it out of the images, [n, 3, side, side] uint8, wherever they are."""
        ...


class RenderedView(Protocol):
    """A view of n examples after rendering, before it is on the device."""

    def inputs(self, device: str, preprocessing: Mapping[str, Any]) -> Inputs:
        """Return what goes into a batch, on the device."""
        ...


@dataclass(frozen=True, slots=True)
class ChosenExamples:
    """n examples that are read, and not yet rendered."""

    texts: Texts
    negatives: SwappedCaptions | None
    boxes: Singles
    """[n, 4]: left, top, right, bottom of what each caption is about, as shares of the image."""
    scenes: Scenes | None
    images: Tensor | None
    """[n, 3, side, side] uint8, where there are no scenes to draw."""
    views: tuple[ViewChoice, ...]
    """One for each view, in order."""

    def render(self, size: int, device: str) -> RenderedExamples:
        """Draw on a device, and cut out what the captions and the views are about."""
        if self.scenes is not None:
            images = draw_on(self.scenes, RENDER * size, device)
        elif self.images is not None:
            images = self.images.to(device)
        else:
            raise RuntimeError("a source gave neither images nor scenes")
        pixels = cut_parts(images, torch.from_numpy(self.boxes), size)
        views = tuple(each.render(images, size) for each in self.views)
        return RenderedExamples(self.texts, self.negatives, pixels, views)


@dataclass(frozen=True, slots=True)
class RenderedExamples:
    """n examples as texts and pixels."""

    texts: Texts
    negatives: SwappedCaptions | None
    pixels: Tensor
    """[n, 3, size, size] uint8"""
    views: tuple[RenderedView, ...]
    """One for each view, in order."""

    def batch(self, device: str, preprocessing: Mapping[str, Any]) -> Batch:
        """Return the batch, on a device."""
        pixels = self.pixels.to(device, non_blocking=True)
        inputs = Inputs()
        images, texts = normalise(pixels, preprocessing), self.texts.to(device)
        negatives = None if self.negatives is None else self.negatives.to(device)
        for each in self.views:
            inputs = inputs | each.inputs(device, preprocessing)
        return Batch(images, texts, negatives, inputs)
