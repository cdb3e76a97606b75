"""Views: inputs of an example besides its image and caption, for objectives that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.training.facts import FactsView
from benchbench.training.masks import MaskView
from benchbench.training.objects import ActionView, ObjectView
from benchbench.training.pairs import Pairs
from benchbench.training.regions import RelationView

if TYPE_CHECKING:
    from benchbench.training.stages import BatchView

VIEWS: dict[str, BatchView] = {
    "action": ActionView(),
    "facts": FactsView(),
    "masks": MaskView(),
    "object": ObjectView(),
    "relation": RelationView(),
    "pairs": Pairs(),
    "distant pairs": Pairs(distant_percent=50, false_percent=5),
}
"""By name, as ``Variant.views`` asks for them."""
