"""Validation of alignments: whether matched groups of patches lie on the right objects.

Images are parts of ``val`` scenes around two objects of different names, each named once by the
caption. Their patches are grouped, and the groups matched with the caption's entities, as MSG-CLIP
does in training. A match is right where its group covers more of the entity's own object than of
the other one: chance is one half. This metric stands beside those of ``structure`` and does not
count for the choice of a checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.devices import inference
from benchbench.scenes.drawing import draw
from benchbench.scenes.visibility import measure_visible
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.masks import coverage, slots_of
from benchbench.training.validation import structure
from benchbench.training.validation.structure import SIZE, cut_part
from benchbench.variants.alignment import mark_tokens, match_regions, means
from benchbench.variants.features import image_tokens, text_tokens, vision_of
from benchbench.variants.regions import group_patches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.training.validation.structure import StructureSet
    from benchbench.variants.texts import CaptionReader

EXAMPLES = 600
REGIONS = 6
"""Groups of an image's patches, as ``msgclip`` has them."""
MATCHED = "matched"
_AT_ONCE = 100


@dataclass(frozen=True)
class AlignmentSet:
    """Images with captions, and where the two objects are."""

    structure: StructureSet
    images: Tensor
    """[n, 3, size, size], normalised."""
    lines: list[str]
    masks: Tensor
    """[n, entities, cells, cells]: what each entity covers; 0 everywhere of unknown ones."""

    def metrics(self, model: Any, reader: CaptionReader, device: str) -> dict[str, float]:
        """Return the metrics of ``structure``, and ``matched`` beside them, in percent."""
        found = self.structure.metrics(model, reader, device)
        return found | {MATCHED: 100 * self.accuracy(model.clip, reader, device)}

    def accuracy(self, clip: Any, reader: CaptionReader, device: str) -> float:
        """Return the share of right matches of known entities; an unmatched one is wrong."""
        right = total = 0
        for judged in self.judged(clip, reader, device):
            right += int((judged.hits & judged.known).sum())
            total += int(judged.known.sum())
        return right / total

    def judged(self, clip: Any, reader: CaptionReader, device: str) -> Iterator[GroupMatches]:
        """Return what towers make of the images, some at a time."""
        clip.eval()
        with inference():
            for rows in torch.split(torch.arange(len(self.lines)), _AT_ONCE):
                texts = reader.read([self.lines[row] for row in rows.tolist()]).to(device)
                patches = image_tokens(clip, self.images[rows].to(device))[1].float()
                tokens = text_tokens(clip, texts.ids)[1].float()
                if texts.spans is None:
                    raise RuntimeError("alignments are judged by the spans of captions")
                words = mark_tokens(texts.spans.entities, tokens.shape[1])
                masks = self.masks[rows].to(device)
                yield judge(
                    patches, means(tokens, words), words.any(dim=2), vision_of(clip).grid_size,
                    masks,
                )  # fmt: skip
        clip.train()


@dataclass(frozen=True, slots=True)
class GroupMatches:
    """The matches in n images, with R groups and E entities each."""

    likeness: Tensor
    """[n, E, R] cosines."""
    pairs: Tensor
    """[n, E, R] bool: whether entity and group are both there."""
    hits: Tensor
    """[n, E] bool: whether an entity is matched with a group on its own object."""
    known: Tensor
    """[n, E] bool: whether it is known where its object is."""


def judge(
    patches: Tensor, entities: Tensor, there: Tensor, grid: tuple[int, int], masks: Tensor
) -> GroupMatches:
    """Group, match and judge.

    Args:
        patches: [n, rows · columns, dim].
        entities: [n, E, dim], of unit length.
        there: [n, E] bool: which of them the caption has.
        grid: rows and columns.
        masks: [n, E, cells, cells].
    """
    groups = group_patches(patches, grid, REGIONS)
    pairs = there[:, :, None] & (groups.sum(dim=2) > 0)[:, None]
    likeness = entities @ means(patches, groups).transpose(1, 2)
    chosen = match_regions(likeness, pairs)
    cells = torch.nn.functional.adaptive_avg_pool2d(masks.float(), grid).flatten(2)
    lies = chosen.to(cells.dtype) @ groups.to(cells.dtype) @ cells.transpose(1, 2)  # [n, E, E]
    own = lies.diagonal(dim1=1, dim2=2)
    others = lies.masked_fill(torch.eye(lies.shape[1], dtype=torch.bool, device=lies.device), 0.0)
    return GroupMatches(likeness, pairs, own > others.amax(dim=2), masks.flatten(2).any(dim=2))


def build(transform: Callable[[Image], Tensor], scenes: int | None = None) -> AlignmentSet:
    """Draw the set.

    Args:
        transform: PIL image → [3, size, size].
        scenes: how many; by default ``EXAMPLES``, and those of ``structure``.
    """
    count = EXAMPLES if scenes is None else scenes
    world = DrawnWorld(0, splits=("val",)).examples(np.arange(count))
    slots = slots_of(world)
    some = np.flatnonzero((slots >= 0).sum(axis=1) == len(world.pair or ()))
    if world.scenes is None:
        raise RuntimeError("the drawn world gave no scenes")
    parts, boxes = world.scenes.take(some), world.boxes[some]
    places = np.rint(boxes * SIZE).astype(int).tolist()
    shown = [transform(cut_part(*each)) for each in zip(draw(parts, SIZE), places, strict=True)]
    labels = torch.from_numpy(measure_visible(parts, SIZE).labels)
    masks = coverage(labels, torch.from_numpy(slots[some]), torch.from_numpy(boxes))
    lines = [world.captions[row].text for row in some.tolist()]
    choices = structure.build(transform, scenes=scenes)
    return AlignmentSet(choices, torch.stack(shown), lines, masks)
