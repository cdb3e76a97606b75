"""Views: inputs of an example besides its image and caption, for objectives that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.errors import UsageError
from benchbench.training.facts import FactsView
from benchbench.training.masks import MaskView
from benchbench.training.objects import ActionView, ObjectView
from benchbench.training.pairs import Pairs
from benchbench.training.regions import RelationView

if TYPE_CHECKING:
    from collections.abc import Sequence

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
"""View by name: the names that ``Variant.views`` lists."""


def find_views(names: Sequence[str], owner: str) -> dict[str, BatchView]:
    """Return the views of these names, in their order.

    Args:
        names: as in ``Variant.views`` or ``Recipe.views``.
        owner: what lists the names, for the error.

    Raises:
        UsageError: there is no view of some name.
    """
    if unknown := [name for name in names if name not in VIEWS]:
        raise UsageError(
            f"{owner} lists the view '{unknown[0]}', which does not exist. Views: "
            f"{', '.join(VIEWS)} (training/views.py)."
        )
    return {name: VIEWS[name] for name in names}
