"""The exam of alignments: do groups of patches lie on the objects that they are matched with?

Images are parts of ``val`` scenes around two objects of different names, each named once by the
caption. Their patches are grouped, and the groups matched with the caption's entities, as MSG-CLIP
does in training. A match is right where its group covers more of the entity's own object than of
the other one: chance is a half. The mark stands beside those of ``validation`` and does not count
for the choice of a checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.devices import inference
from benchbench.scenes import seen
from benchbench.scenes.drawing import draw
from benchbench.training import validation
from benchbench.training.drawn import DrawnWorld
from benchbench.training.masks import coverage, slots_of
from benchbench.training.validation import SIZE, part
from benchbench.variants.alignment import covered, matched, means
from benchbench.variants.features import image_tokens, text_tokens, vision_of
from benchbench.variants.regions import grouped

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.training.validation import Exam
    from benchbench.variants.texts import Reader

EXAMPLES = 600
REGIONS = 6
"""Groups of an image's patches, as ``msgclip`` has them."""
MATCHED = "matched"


@dataclass(frozen=True)
class AlignmentExam:
    """Images with captions, and where the two objects are."""

    structure: Exam
    images: Tensor
    """[n, 3, size, size], normalised."""
    lines: list[str]
    masks: Tensor
    """[n, entities, cells, cells]: what each entity covers; 0 everywhere of unknown ones."""

    def marks(self, model: Any, reader: Reader, device: str) -> dict[str, float]:
        """Return the marks of ``validation``, and ``matched`` beside them, in percent."""
        found = self.structure.marks(model, reader, device)
        return found | {MATCHED: 100 * self.accuracy(model.clip, reader, device)}

    def accuracy(self, clip: Any, reader: Reader, device: str) -> float:
        """Return the share of right matches of known entities; an unmatched one is wrong."""
        right = total = 0
        clip.eval()
        with inference():
            for rows in torch.split(torch.arange(len(self.lines)), 100):
                texts = reader.read([self.lines[row] for row in rows.tolist()]).to(device)
                patches = image_tokens(clip, self.images[rows].to(device))[1].float()
                tokens = text_tokens(clip, texts.ids)[1].float()
                if texts.spans is None:
                    raise RuntimeError("alignments are judged by the spans of captions")
                words = covered(texts.spans.entities, tokens.shape[1])
                grid = vision_of(clip).grid_size
                hits = hits_of(patches, means(tokens, words), words.any(dim=2), grid,
                               self.masks[rows].to(device))  # fmt: skip
                known = self.masks[rows].to(device).flatten(2).any(dim=2)
                right += int((hits & known).sum())
                total += int(known.sum())
        clip.train()
        return right / total


def hits_of(
    patches: Tensor, entities: Tensor, there: Tensor, grid: tuple[int, int], masks: Tensor
) -> Tensor:
    """Return which entities are matched with a group on their own object: [n, E] bool.

    Args:
        patches: [n, rows · columns, dim].
        entities: [n, E, dim].
        there: [n, E] bool: which of them the caption has.
        grid: rows and columns.
        masks: [n, E, cells, cells].
    """
    groups = grouped(patches, grid, REGIONS)
    pairs = there[:, :, None] & (groups.sum(dim=2) > 0)[:, None]
    chosen = matched(entities @ means(patches, groups).transpose(1, 2), pairs)
    cells = torch.nn.functional.adaptive_avg_pool2d(masks.float(), grid).flatten(2)
    lies = chosen.to(cells.dtype) @ groups.to(cells.dtype) @ cells.transpose(1, 2)  # [n, E, E]
    own = lies.diagonal(dim1=1, dim2=2)
    others = lies.masked_fill(torch.eye(lies.shape[1], dtype=torch.bool, device=lies.device), 0.0)
    return own > others.amax(dim=2)


def exam(transform: Callable[[Image], Tensor], scenes: int | None = None) -> AlignmentExam:
    """Draw it.

    Args:
        transform: PIL image → [3, size, size].
        scenes: how many; by default ``EXAMPLES``, and those of ``validation``.
    """
    count = EXAMPLES if scenes is None else scenes
    world = DrawnWorld(0, splits=("val",)).examples(np.arange(count))
    slots = slots_of(world)
    some = np.flatnonzero((slots >= 0).sum(axis=1) == len(world.told or ()))
    if world.scenes is None:
        raise RuntimeError("the drawn world gave no scenes")
    parts, boxes = world.scenes.take(some), world.boxes[some]
    places = np.rint(boxes * SIZE).astype(int).tolist()
    shown = [transform(part(*each)) for each in zip(draw(parts, SIZE), places, strict=True)]
    labels = torch.from_numpy(seen(parts, SIZE).labels)
    masks = coverage(labels, torch.from_numpy(slots[some]), torch.from_numpy(boxes))
    lines = [world.captions[row] for row in some.tolist()]
    structure = validation.exam(transform, scenes=scenes)
    return AlignmentExam(structure, torch.stack(shown), lines, masks)
