"""Validation of image towers: facts matched with images, and distinguished from exchanged ones.

Images are parts of ``val`` scenes around two objects; the facts are those of the view "facts".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.devices import inference
from benchbench.scenes.drawing import draw
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.facts import facts_of
from benchbench.training.validation.structure import SIZE, cut_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.variants.texts import CaptionReader
    from benchbench.variants.variant import Facts

EXAMPLES = 1000


@dataclass(frozen=True)
class FactSet:
    """Parts of ``val`` scenes, with true and false facts."""

    images: Tensor
    """[n, 3, size, size], normalised."""
    facts: Facts

    def metrics(self, model: Any, reader: CaptionReader, device: str) -> dict[str, float]:
        """Return the accuracy on exchanged facts and the retrieval of facts by image, in
        percent."""
        model.eval()
        with inference():
            lots = torch.split(self.images, 125)
            images = torch.cat([model.encode_images(lot.to(device), "scene") for lot in lots])
            facts = self.facts.to(device)
            true = model.encode_facts(facts.true)
            right, found = (images * true).sum(dim=1), {}
            for number, name in enumerate(facts.kinds):
                wrong = (images * model.encode_facts(facts.false[:, number])).sum(dim=1)
                there = facts.there[:, number]
                found[name] = 100 * float((right > wrong)[there].float().mean())
            first = (images @ true.T).argmax(dim=1) == torch.arange(len(true), device=true.device)
        model.train()
        found["retrieval"] = 100 * float(first.float().mean())
        return found | {"mean": float(np.mean(list(found.values())))}


def build(transform: Callable[[Image], Tensor], scenes: int | None = None) -> FactSet:
    """Draw the set.

    Args:
        transform: PIL image → [3, size, size].
        scenes: how many; by default ``EXAMPLES``.
    """
    count = EXAMPLES if scenes is None else scenes
    found = DrawnWorld(0, splits=("val",)).examples(np.arange(count))
    if found.scenes is None:
        raise RuntimeError("the drawn world gave no scenes")
    images = draw(found.scenes, SIZE)
    boxes = np.rint(found.boxes * SIZE).astype(int).tolist()
    shown = [transform(cut_part(*each)) for each in zip(images, boxes, strict=True)]
    return FactSet(torch.stack(shown), facts_of(found))
