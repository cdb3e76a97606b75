"""The view "action": whole pictures, and what kind of scene they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchbench.scenes.templates import SCENARIOS
from benchbench.training.objects import add_shown
from benchbench.training.showing import parts
from benchbench.training.sight import sight_of

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.training.examples import Examples
    from benchbench.training.feeding import Feed
    from benchbench.variants.texts import Reader
    from benchbench.variants.variant import Batch


class ActionView:
    """The whole picture of each scene, and its scenario's name."""

    def prepare(self, found: Examples, reader: Reader) -> None:
        """Read the names."""
        kinds = sight_of(found).scenes.scenario.tolist()
        whole = (found.boxes == [0, 0, 1, 1]).all(axis=1)
        found.extra |= {
            "action names": reader.read([SCENARIOS[kind].name for kind in kinds]),
            "action there": torch.ones(len(kinds), dtype=torch.bool),
            "action within": torch.from_numpy(whole),
        }

    def show(self, found: Examples, pictures: Tensor, size: int) -> None:
        """[n, 3, size, size] uint8"""
        found.extra["action pixels"] = parts(pictures, whole_boxes(len(pictures)), size)

    def add(self, batch: Batch, found: Examples, feed: Feed) -> None:
        """As ``Shown``."""
        add_shown(batch, found, feed, "action")


def whole_boxes(count: int) -> Tensor:
    """[count, 4]: all of each picture."""
    return torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(count, 4)
