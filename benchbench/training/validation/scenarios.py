"""Validation of variants that name actions, objects and relations: ScenarioCLIP's tasks, small.

Scenes are of the ``val`` split. Images, crops and focused regions are made as in the test edition.
Each is classified among all names of its kind in the split, and dense captions are retrieved both
ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from benchbench.devices import inference
from benchbench.scenes.captions import dense_captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition.focus import blur, focus
from benchbench.scenes.edition.plan import select_annotated
from benchbench.scenes.sampling import sample
from benchbench.scenes.templates import SCENARIOS
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.training.regions import phrases
from benchbench.training.validation.structure import SIZE, embed_images, embed_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from benchbench.scenes.visibility import VisibleParts
    from benchbench.scenes.world import Scenes
    from benchbench.types import Role
    from benchbench.types.arrays import Flags, Ints
    from benchbench.variants.texts import CaptionReader

SCENES, ITEMS = 250, 400


@dataclass(frozen=True)
class NameSearch:
    """Images of one kind, and the names to choose from."""

    role: Role
    images: Tensor
    """[m, 3, size, size]"""
    names: list[str]
    right: Tensor
    """[m, names] bool: names of that very image; a region may have two."""


@dataclass(frozen=True)
class ScenarioSet:
    """Classification by names on three levels, and retrieval both ways."""

    namings: dict[str, NameSearch]
    lines: list[str]
    """A dense caption of each of the action's images."""

    def metrics(self, model: Any, reader: CaptionReader, device: str) -> dict[str, float]:
        """Return top-1 accuracy by level in percent, ``retrieval`` both ways, and the ``mean``."""
        model.eval()
        with inference():
            found = {
                name: _named(model, reader, device, each) for name, each in self.namings.items()
            }
            images = embed_images(model, self.namings["action"].images, device)
            texts = embed_texts(model, reader, self.lines, device)
        model.train()
        similarity = (images @ texts.T).cpu()
        own = torch.arange(len(similarity))
        ways = [(way.argmax(dim=1) == own).float().mean() for way in (similarity, similarity.T)]
        found["retrieval"] = 100 * float(torch.stack(ways).mean())
        return found | {"mean": float(np.mean(list(found.values())))}


def build(
    transform: Callable[[Image.Image], Tensor], scenes: int = SCENES, items: int = ITEMS
) -> ScenarioSet:
    """Draw the set, the same for every variant.

    Args:
        transform: PIL image → [3, size, size].
        scenes: how many, each whole once.
        items: crops, and as many focused regions.
    """
    found = sample("val", np.arange(scenes))
    drawn, visibility = draw(found, SIZE), measure_visible(found, SIZE)
    shown = select_annotated(found, visibility)
    return ScenarioSet(
        {
            "action": _actions(transform, found, drawn),
            "object": _objects(transform, found, drawn, visibility, shown, items),
            "relation": _relations(transform, found, drawn, visibility, shown, items),
        },
        [row[0] for row in dense_captions(found).texts()],
    )


def _naming(
    role: Role, shown: Sequence[Tensor], own: Sequence[set[str]], names: Sequence[str]
) -> NameSearch:
    right = [[name in each for name in names] for each in own]
    return NameSearch(role, torch.stack(list(shown)), list(names), torch.tensor(right))


def _actions(transform: Any, scenes: Scenes, drawn: Any) -> NameSearch:
    own = [{SCENARIOS[kind].name} for kind in scenes.scenario.tolist()]
    shown = [transform(Image.fromarray(image)) for image in drawn]
    return _naming("scene", shown, own, sorted(set[str]().union(*own)))


def _objects(
    transform: Any, scenes: Scenes, drawn: Any, visibility: VisibleParts, shown: Flags, items: int
) -> NameSearch:
    row, slot = np.nonzero(shown)
    names = sorted({CATEGORIES[kind].name for kind in scenes.category[shown].tolist()})
    some = _spread(len(row), items)
    crops, own = [], []
    for k, s in zip(row[some].tolist(), slot[some].tolist(), strict=True):
        left, top, right, bottom = visibility.boxes[k, s].tolist()
        crops.append(transform(Image.fromarray(drawn[k, top:bottom, left:right])))
        own.append({CATEGORIES[scenes.category[k, s]].name})
    return _naming("object", crops, own, names)


def _relations(
    transform: Any, scenes: Scenes, drawn: Any, visibility: VisibleParts, shown: Flags, items: int
) -> NameSearch:
    told = (scenes.predicate >= 0) & shown[:, :, None] & shown[:, None, :]
    row, subject, thing = np.nonzero(told)
    ends = np.stack([subject, thing], axis=1)
    said = phrases(scenes, row, ends)
    of_region: dict[tuple[int, ...], set[str]] = {}
    for phrase, key in zip(said, _regions(row, ends), strict=True):
        of_region.setdefault(key, set()).add(phrase)
    keys = sorted(of_region)
    regions = [keys[k] for k in _spread(len(keys), items).tolist()]
    pixels = (
        focus(drawn[k], blur(drawn[k]), (visibility.mask(k, one), visibility.mask(k, other)))
        for k, one, other in regions
    )
    images = [transform(Image.fromarray(image)) for image in pixels]
    return _naming("relation", images, [of_region[key] for key in regions], sorted(set(said)))


def _regions(row: Ints, ends: Ints) -> list[tuple[int, ...]]:
    """Return scene and both objects, the lesser first: relations both ways share a region."""
    table = np.concatenate([row[:, None], np.sort(ends, axis=1)], axis=1)
    return [tuple(each) for each in table.tolist()]


def _spread(count: int, most: int) -> Ints:
    """Return at most so many numbers below ``count``, evenly spread."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def _named(model: Any, reader: CaptionReader, device: str, asked: NameSearch) -> float:
    images = embed_images(model, asked.images, device, asked.role)
    texts = embed_texts(model, reader, asked.names, device, asked.role)
    best = (images @ texts.T).argmax(dim=1).cpu()
    return 100 * float(asked.right[torch.arange(len(best)), best].float().mean())
