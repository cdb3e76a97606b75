"""What training looks at to choose its best checkpoint: scenes of the ``val`` split, never of test.

Items are ARO's two kinds, in the test's own templates, and a search of captions by whole images.
Relations are averaged as the headline of vg-relation averages them: each relation counts alike,
however many items it has. Images are drawn at the editions' size and go through the model's own
preprocessing, as at test time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from benchbench.devices import inference
from benchbench.scenes import attribute_items, captions, crops, relation_items, sample, seen
from benchbench.scenes.drawing import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.scenes import AttributeItems, RelationItems, Scenes
    from benchbench.types import Role
    from benchbench.variants.texts import Reader

SIZE = 224
SCENES, ITEMS, GALLERY = 1000, 600, 250
PER_RELATION = 60
"""Items of a relation at most: rare ones have all of theirs, left and right do not crowd the rest.
"""
_AT_ONCE = 128


@dataclass(frozen=True)
class Choices:
    """Images with a true and a false caption each."""

    images: Tensor
    """[m, 3, size, size], normalised."""
    true: list[str]
    false: list[str]
    groups: npt.NDArray[np.intp]
    """[m]: numbers of the groups whose shares are averaged."""

    def share(self, right: Tensor) -> float:
        """Return the percentage of right items, [m] bool, each group counting alike."""
        each = right.cpu().numpy()
        found = [each[self.groups == group].mean() for group in np.unique(self.groups)]
        return 100 * float(np.mean(found))


@dataclass(frozen=True)
class Exam:
    """Images and captions to be told apart, as a model reads them."""

    choices: dict[str, Choices]
    gallery: Tensor
    """[n, 3, size, size]"""
    lines: list[str]
    """A caption of each image of the gallery."""

    def marks(self, model: Any, reader: Reader, device: str) -> dict[str, float]:
        """Return the percentages of right items by name, and their ``mean``.

        Ties count as wrong.
        """
        model.eval()
        with inference():
            found = {
                name: each.share(_chosen(model, reader, device, each))
                for name, each in self.choices.items()
            }
            images = embedded_images(model, self.gallery, device)
            texts = embedded_texts(model, reader, self.lines, device)
        model.train()
        best = (images @ texts.T).argmax(dim=1).cpu()
        found["retrieval"] = 100 * float((best == torch.arange(len(best))).float().mean())
        return found | {"mean": float(np.mean(list(found.values())))}


def exam(
    transform: Callable[[Image], Tensor], items: int = ITEMS, scenes: int | None = None
) -> Exam:
    """Draw it: the same for every variant.

    Args:
        transform: PIL image → [3, size, size].
        items: of each kind, at most.
        scenes: how many; by default ``SCENES``.
    """
    return _exam(transform, items, sample("val", np.arange(SCENES if scenes is None else scenes)))


def _exam(transform: Callable[[Image], Tensor], items: int, scenes: Scenes) -> Exam:
    drawn, sight = draw(scenes, SIZE), seen(scenes, SIZE)
    relations, attributes = relation_items(scenes), attribute_items(scenes)
    alike = np.zeros(len(attributes.scene), dtype=np.intp)
    kinds: dict[str, tuple[RelationItems | AttributeItems, npt.NDArray[np.intp], int]] = {
        "relation": (relations, relations.predicate.astype(np.intp), PER_RELATION),
        "attribute": (attributes, alike, items),
    }
    choices = {}
    for name, (found, groups, most) in kinds.items():
        some = spread(balanced(groups, most), items)
        boxes = crops(sight, found.scene, found.slots)[some].tolist()
        rows = zip(found.scene[some].tolist(), boxes, strict=True)
        shown = torch.stack([transform(part(drawn[row], box)) for row, box in rows])
        told = found.captions()
        true, false = ([told[k][side] for k in some.tolist()] for side in (0, 1))
        choices[name] = Choices(shown, true, false, groups[some])
    whole = [transform(part(image, None)) for image in drawn[:GALLERY]]
    lines = [row[0] for row in captions(scenes.take(slice(len(whole)))).texts()]
    return Exam(choices, torch.stack(whole), lines)


def balanced(groups: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Return places of at most so many items of each group, evenly spaced, in ascending order.

    Args:
        groups: [m] numbers.
        most: of each.

    >>> balanced(np.array([0, 0, 0, 0, 1]), 2).tolist()
    [0, 3, 4]
    """
    chosen = [spread(np.flatnonzero(groups == group), most) for group in np.unique(groups)]
    return np.sort(np.concatenate(chosen))


def spread(places: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Return at most so many of some places, evenly spaced."""
    return places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(np.intp)]


def part(picture: Any, box: Sequence[int] | None) -> Image:
    """A picture, [height, width, 3] uint8, or what lies in a box of it, for a transform."""
    from PIL import Image

    whole = Image.fromarray(picture)
    return whole if box is None else whole.crop(tuple(box))  # type: ignore[arg-type]


def _chosen(model: Any, reader: Reader, device: str, choices: Choices) -> Tensor:
    """Return which true captions are nearer to their images than the false ones: [m] bool."""
    images = embedded_images(model, choices.images, device)
    true, false = (
        (images * embedded_texts(model, reader, lines, device)).sum(dim=1)
        for lines in (choices.true, choices.false)
    )
    return true > false


def embedded_images(model: Any, pictures: Tensor, device: str, role: Role = "scene") -> Tensor:
    """[n, 3, size, size] → [n, dim]"""
    lots = torch.split(pictures, _AT_ONCE)
    return torch.cat([model.encode_images(lot.to(device), role).float() for lot in lots])


def embedded_texts(
    model: Any, reader: Reader, lines: Sequence[str], device: str, role: Role = "scene"
) -> Tensor:
    """n captions → [n, dim]"""
    lots = [reader.read(lines[i : i + _AT_ONCE]) for i in range(0, len(lines), _AT_ONCE)]
    return torch.cat([model.encode_texts(lot.to(device), role).float() for lot in lots])
