"""The view "action": whole images, named by their scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchbench.scenes.templates import SCENARIOS
from benchbench.training.objects import Named, NamedParts
from benchbench.variants.inputs import ACTION

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.training.examples import Examples
    from benchbench.training.visibility import Visibility
    from benchbench.variants.texts import Reader


class ActionView:
    """The whole image of each scene, and its scenario's name."""

    def choose(self, found: Examples, sight: Visibility, reader: Reader) -> NamedParts:
        """Read the names."""
        kinds = sight.scenes.scenario.tolist()
        names = reader.read([SCENARIOS[kind].name for kind in kinds])
        whole = torch.from_numpy((found.boxes == [0, 0, 1, 1]).all(axis=1))
        named = Named(ACTION, names, torch.ones(len(kinds), dtype=torch.bool), whole)
        return NamedParts(named, whole_boxes(len(kinds)))


def whole_boxes(count: int) -> Tensor:
    """Return boxes of whole images, [count, 4]."""
    return torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(count, 4)
