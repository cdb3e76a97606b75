"""What training looks at to choose its best checkpoint: scenes of the ``val`` split, never of test.

Items are ARO's two kinds, in the test's own templates, and a search of captions by whole pictures.
Pictures are drawn at the editions' size and go through the model's own preprocessing, as at test
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.devices import inference
from benchbench.scenes import attribute_items, captions, crops, relation_items, sample, seen
from benchbench.scenes.drawing import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.scenes import AttributeItems, RelationItems
    from benchbench.types import Role
    from benchbench.variants.texts import Reader

SIZE = 224
SCENES, ITEMS, GALLERY = 1000, 600, 250
_AT_ONCE = 128


@dataclass(frozen=True)
class Exam:
    """Pictures and captions to be told apart, as a model reads them."""

    choices: dict[str, tuple[Tensor, list[str], list[str]]]
    """Name → pictures [m, 3, size, size], true captions, false ones."""
    gallery: Tensor
    """[n, 3, size, size]"""
    lines: list[str]
    """A caption of each picture of the gallery."""

    def marks(self, model: Any, reader: Reader, device: str) -> dict[str, float]:
        """Shares right in percent, by name, and ``mean`` of them.

        Ties count as wrong.
        """
        model.eval()
        with inference():
            found = {
                name: _chosen(model, reader, device, *each) for name, each in self.choices.items()
            }
            images = embedded_images(model, self.gallery, device)
            texts = embedded_texts(model, reader, self.lines, device)
        model.train()
        best = (images @ texts.T).argmax(dim=1).cpu()
        found["retrieval"] = 100 * float((best == torch.arange(len(best))).float().mean())
        return found | {"mean": float(np.mean(list(found.values())))}


def exam(transform: Callable[[Image], Tensor], items: int = ITEMS) -> Exam:
    """Draw it: the same for every variant.

    Args:
        transform: PIL picture → [3, size, size].
        items: of each kind.
    """
    scenes = sample("val", np.arange(SCENES))
    pictures, sight = draw(scenes, SIZE), seen(scenes, SIZE)
    kinds: dict[str, RelationItems | AttributeItems] = {
        "relation": relation_items(scenes),
        "attribute": attribute_items(scenes),
    }
    choices = {}
    for name, found in kinds.items():
        some = np.linspace(0, len(found.scene) - 1, min(items, len(found.scene))).astype(int)
        boxes = crops(sight, found.scene, found.slots)[some].tolist()
        rows = zip(found.scene[some].tolist(), boxes, strict=True)
        shown = [transform(part(pictures[row], box)) for row, box in rows]
        told = [found.captions()[k] for k in some.tolist()]
        choices[name] = (torch.stack(shown), [t for t, _ in told], [f for _, f in told])
    whole = [transform(part(picture, None)) for picture in pictures[:GALLERY]]
    lines = [row[0] for row in captions(scenes.take(slice(GALLERY))).texts()]
    return Exam(choices, torch.stack(whole), lines)


def part(picture: Any, box: Sequence[int] | None) -> Image:
    """A picture, [height, width, 3] uint8, or what lies in a box of it, for a transform."""
    from PIL import Image

    whole = Image.fromarray(picture)
    return whole if box is None else whole.crop(tuple(box))  # type: ignore[arg-type]


def _chosen(
    model: Any, reader: Reader, device: str, pictures: Tensor, true: list[str], false: list[str]
) -> float:
    images = embedded_images(model, pictures, device)
    right, wrong = (
        (images * embedded_texts(model, reader, t, device)).sum(dim=1) for t in (true, false)
    )
    return 100 * float((right > wrong).float().mean())


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
