"""Validation of compositional structure: ARO's two kinds of items, and caption retrieval.

Scenes are of the ``val`` split, never of test; captions have the test's own templates. As in the
test edition, every relation and every pair of attributes has as many items, from scenes chosen for
that, and each counts alike. Images are drawn at the edition's size and go through the model's own
preprocessing, as at test time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.devices import inference
from benchbench.scenes.balance import (
    attribute_groups,
    balance_attributes,
    balance_relations,
    relation_groups,
)
from benchbench.scenes.captions import captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.items import crops
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.scenes.items import AttributeItems, RelationItems
    from benchbench.scenes.world import Scenes
    from benchbench.types import Role
    from benchbench.types.arrays import Indices, Ints
    from benchbench.variants.texts import CaptionReader

SIZE = 224
PER_RELATION, PER_PAIR, GALLERY = 60, 42, 250
"""Items of each relation and of each pair of attributes, images that captions are searched in."""
_AT_ONCE = 128


@dataclass(frozen=True)
class CaptionChoices:
    """Images with a true and a false caption each."""

    images: Tensor
    """[m, 3, size, size], normalised."""
    true: list[str]
    false: list[str]
    groups: Indices
    """[m]: numbers of the groups whose shares are averaged."""

    def share(self, right: Tensor) -> float:
        """Return the percentage of right items, [m] bool, each group counting alike."""
        each = right.cpu().numpy()
        found = [each[self.groups == group].mean() for group in np.unique(self.groups)]
        return 100 * float(np.mean(found))


@dataclass(frozen=True)
class StructureSet:
    """Images with true and false captions, as a model reads them."""

    choices: dict[str, CaptionChoices]
    gallery: Tensor
    """[n, 3, size, size]"""
    lines: list[str]
    """A caption of each image of the gallery."""

    def metrics(self, model: Any, reader: CaptionReader, device: str) -> dict[str, float]:
        """Return the percentages of right items by name, and their ``mean``.

        Ties count as wrong.
        """
        model.eval()
        with inference():
            found = {
                name: each.share(_chosen(model, reader, device, each))
                for name, each in self.choices.items()
            }
            images = embed_images(model, self.gallery, device)
            texts = embed_texts(model, reader, self.lines, device)
        model.train()
        best = (images @ texts.T).argmax(dim=1).cpu()
        found["retrieval"] = 100 * float((best == torch.arange(len(best))).float().mean())
        return found | {"mean": float(np.mean(list(found.values())))}


def build(
    transform: Callable[[Image], Tensor],
    per_relation: int = PER_RELATION,
    per_pair: int = PER_PAIR,
    gallery: int = GALLERY,
    scenes: int | None = None,
) -> StructureSet:
    """Draw the set, the same for every variant.

    Args:
        transform: PIL image → [3, size, size].
        per_relation: items of each relation, an even number.
        per_pair: items of each pair of attributes, an even number.
        gallery: images that captions are searched in.
        scenes: as many images at most, and two items of each kind: for trials.
    """
    if scenes is not None:
        per_relation, per_pair, gallery = 2, 2, min(gallery, scenes)
    relating, relations = balance_relations("val", per_relation)
    looking, attributes = balance_attributes("val", per_pair)
    choices = {
        "relation": _choices(relating, relations, relation_groups(relations), transform),
        "attribute": _choices(looking, attributes, attribute_groups(attributes), transform),
    }
    shown = sample("val", np.arange(gallery))
    lines = [row[0] for row in captions(shown).texts()]
    whole = [transform(cut_part(image, None)) for image in draw(shown, SIZE)]
    return StructureSet(choices, torch.stack(whole), lines)


def _choices(
    scenes: Scenes,
    items: RelationItems | AttributeItems,
    groups: Ints,
    transform: Callable[[Image], Tensor],
) -> CaptionChoices:
    """Draw the scenes of the items, some at a time.

    Args:
        scenes: [n]
        items: [m], in the order of the scenes.
        groups: [m]: what to average over.
        transform: the transform of each crop.
    """
    shown = []
    for start in range(0, len(scenes), _AT_ONCE):
        some = scenes.take(slice(start, start + _AT_ONCE))
        here = items.take(np.flatnonzero((items.scene >= start) & (items.scene < start + _AT_ONCE)))
        rows = here.scene - start
        drawn, boxes = draw(some, SIZE), crops(measure_visible(some, SIZE), rows, here.slots)
        shown += [
            transform(cut_part(drawn[row], box))
            for row, box in zip(rows.tolist(), boxes.tolist(), strict=True)
        ]
    true, false = zip(*items.captions(), strict=True)
    return CaptionChoices(torch.stack(shown), list(true), list(false), groups.astype(np.intp))


def cut_part(image: Any, box: Sequence[int] | None) -> Image:
    """Return an image, [height, width, 3] uint8, or a box of it, as PIL for a transform."""
    from PIL import Image

    whole = Image.fromarray(image)
    return whole if box is None else whole.crop(tuple(box))  # type: ignore[arg-type]


def _chosen(model: Any, reader: CaptionReader, device: str, choices: CaptionChoices) -> Tensor:
    """Return which true captions are nearer to their images than the false ones: [m] bool."""
    images = embed_images(model, choices.images, device)
    true, false = (
        (images * embed_texts(model, reader, lines, device)).sum(dim=1)
        for lines in (choices.true, choices.false)
    )
    return true > false


def embed_images(model: Any, images: Tensor, device: str, role: Role = "scene") -> Tensor:
    """Encode images, [n, 3, size, size] → [n, dim]."""
    lots = torch.split(images, _AT_ONCE)
    return torch.cat([model.encode_images(lot.to(device), role).float() for lot in lots])


def embed_texts(
    model: Any, reader: CaptionReader, lines: Sequence[str], device: str, role: Role = "scene"
) -> Tensor:
    """Encode n captions → [n, dim]."""
    lots = [reader.read(lines[i : i + _AT_ONCE]) for i in range(0, len(lines), _AT_ONCE)]
    return torch.cat([model.encode_texts(lot.to(device), role).float() for lot in lots])
