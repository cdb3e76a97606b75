"""What RelCLIP knows of relations from boxes and names alone: it is shown grey pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL import Image

import benchbench as bb
from benchbench.variants.relating import Scorer

if TYPE_CHECKING:
    from benchbench.types import View

GREY = (128, 128, 128)


def main() -> None:
    """Print both scores, with the pictures and without."""
    tell("with pictures")
    sighted = Scorer.score_relations

    def blind(self: Scorer, view: View) -> Any:
        size = view.picture().size
        return sighted(self, replace(view, picture=lambda: Image.new("RGB", size, GREY)))

    Scorer.score_relations = blind  # type: ignore[method-assign]
    tell("grey")


def tell(what: str) -> None:
    """Evaluate and print."""
    card = bb.scorecard(bb.evaluate("relclip", "vg-relation-detection"))
    found = {row.name: row.estimate.value for row in card.metrics}
    print(what, *(f"{name} {100 * found[name]:.1f}" for name in ("mR@20", "zR@20")))


if __name__ == "__main__":
    main()
