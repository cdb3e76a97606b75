"""The view "action": whole images, named by their scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchbench.scenes.templates import SCENARIOS
from benchbench.training.objects import add_shown
from benchbench.training.rendering import cut_parts
from benchbench.training.visibility import visibility_of

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.training.batches import BatchBuilder
    from benchbench.training.examples import Examples
    from benchbench.variants.texts import CaptionReader
    from benchbench.variants.variant import Batch


class ActionView:
    """The whole image of each scene, and its scenario's name."""

    def prepare(self, found: Examples, reader: CaptionReader) -> None:
        """Read the names."""
        kinds = visibility_of(found).scenes.scenario.tolist()
        whole = (found.boxes == [0, 0, 1, 1]).all(axis=1)
        found.extra |= {
            "action names": reader.read([SCENARIOS[kind].name for kind in kinds]),
            "action there": torch.ones(len(kinds), dtype=torch.bool),
            "action within": torch.from_numpy(whole),
        }

    def show(self, found: Examples, images: Tensor, size: int) -> None:
        """Cut out the images, [n, 3, size, size] uint8."""
        found.extra["action pixels"] = cut_parts(images, whole_boxes(len(images)), size)

    def add(self, batch: Batch, found: Examples, feed: BatchBuilder) -> None:
        """Add them as ``Shown``."""
        add_shown(batch, found, feed, "action")


def whole_boxes(count: int) -> Tensor:
    """Return boxes of whole images, [count, 4]."""
    return torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(count, 4)
