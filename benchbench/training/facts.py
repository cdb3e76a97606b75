"""The view "facts": what of which kind is where, and looks how, in the part shown of each picture.

A fact is a category with one of: the third of the part's width or height that the middle of the
object lies in, its colour, its pattern, the side it faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from benchbench.devices import inference
from benchbench.scenes.dice import dice
from benchbench.scenes.drawing import draw
from benchbench.scenes.vocabulary import CATEGORIES, COLOURS, PATTERNS
from benchbench.training.drawn import DrawnWorld
from benchbench.training.sight import sight_of
from benchbench.training.validation import SIZE, part
from benchbench.variants.variant import Batch, Facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.training.examples import Examples
    from benchbench.training.feeding import Feed
    from benchbench.variants.texts import Reader

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

THIRDS = 3
KINDS = ("places", "looks")
"""What two objects exchange."""
_COLUMN, _ROW, _COLOUR = 0, THIRDS, 2 * THIRDS
_PATTERN = _COLOUR + len(COLOURS)
_SIDE = _PATTERN + len(PATTERNS) - 1
EACH = _SIDE + 2
"""Facts of each category."""


@dataclass(frozen=True, slots=True)
class _Things:
    """What facts are about: [n, w] each."""

    here: Flags
    """Seen, and its middle lies in the part."""
    category: Ints
    cell: Ints
    """[n, w, 2]: thirds of width and height."""
    colour: Ints
    pattern: Ints
    flip: Ints

    def stated(self) -> npt.NDArray[np.uint8]:
        """[n, facts] of 0 and 1."""
        table = np.zeros((len(self.here), len(CATEGORIES), EACH), dtype=np.uint8)
        row, slot = np.nonzero(self.here)
        kind = self.category[row, slot]
        for start, value in (
            (_COLUMN, self.cell[row, slot, 0]),
            (_ROW, self.cell[row, slot, 1]),
            (_COLOUR, self.colour[row, slot]),
            (_SIDE, self.flip[row, slot]),
        ):
            table[row, kind, start + value] = 1
        pattern = self.pattern[row, slot]
        told = pattern > 0
        table[row[told], kind[told], _PATTERN + pattern[told] - 1] = 1
        return table.reshape(len(table), -1)

    def exchanged(self, pair: Ints, places: bool) -> _Things:
        """Two objects of each scene, [n, 2] slots, with each other's place or looks."""

        def turned(values: Ints, now: bool) -> Ints:
            if not now:
                return values
            rows, out = np.arange(len(values)), values.copy()
            out[rows, pair[:, 0]], out[rows, pair[:, 1]] = (
                values[rows, pair[:, 1]], values[rows, pair[:, 0]],
            )  # fmt: skip
            return out

        return _Things(
            self.here,
            self.category,
            turned(self.cell, places),
            turned(self.colour, not places),
            turned(self.pattern, not places),
            turned(self.flip, places),
        )


class FactsView:
    """All facts of the part that a caption is about, and two false sets."""

    def prepare(self, found: Examples, reader: Reader) -> None:
        """State them."""
        found.extra["facts"] = facts_of(found)

    def show(self, found: Examples, pictures: Tensor, size: int) -> None:
        """Nothing more than the part itself."""

    def add(self, batch: Batch, found: Examples, feed: Feed) -> None:
        """As ``Facts``."""
        batch.extra["facts"] = found.extra["facts"].to(feed.device)


def facts_of(found: Examples) -> Facts:
    """What is true of each example, and what would be if two objects changed places, or looks."""
    sight = sight_of(found)
    scenes, boxes = sight.scenes, sight.seen.boxes / sight.seen.labels.shape[1]
    low, high = found.boxes[:, None, :2], found.boxes[:, None, 2:]
    middle = ((boxes[..., :2] + boxes[..., 2:]) / 2 - low) / (high - low)
    here = sight.shown & (middle >= 0).all(axis=-1) & (middle < 1).all(axis=-1)
    cell = np.clip((middle * THIRDS).astype(np.int64), 0, THIRDS - 1)
    flip = scenes.flip.astype(np.int64)
    things = _Things(here, scenes.category, cell, scenes.colour, scenes.pattern, flip)
    pair, apart = _pair(things, scenes.index)
    true = things.stated()
    false = np.stack([things.exchanged(pair, kind == "places").stated() for kind in KINDS], axis=1)
    there = (false != true[:, None]).any(axis=2) & apart[:, None]
    return Facts(*map(torch.from_numpy, (true, false, there)), KINDS)


def _pair(things: _Things, index: Ints) -> tuple[Ints, Flags]:
    """Two objects of each scene, [n, 2] slots; and whether they are there, and of two kinds."""
    roll = dice("training/exchange", index)
    width = things.here.shape[1]
    lots = np.stack([roll.below(f"slot {slot}", 1 << 20) for slot in range(width)], axis=1)
    pair = np.argsort(np.where(things.here, -lots, 1), axis=1, kind="stable")[:, :2]
    rows = np.arange(len(pair))[:, None]
    kind = things.category[rows, pair]
    return pair, np.asarray(things.here[rows, pair].all(axis=1) & (kind[:, 0] != kind[:, 1]))


EXAMPLES = 1000


@dataclass(frozen=True)
class FactsExam:
    """Parts of ``val`` scenes, with what is true of them and what is not."""

    images: Tensor
    """[n, 3, size, size], normalised."""
    facts: Facts

    def marks(self, model: Any, reader: Reader, device: str) -> dict[str, float]:
        """Exchanges told from the truth, and facts found by their picture, in percent."""
        model.eval()
        with inference():
            lots = self.images.split(125)
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


def exam(transform: Callable[[Image], Tensor]) -> FactsExam:
    """Draw it.

    Args:
        transform: PIL picture → [3, size, size].
    """
    found = DrawnWorld(0, split="val").examples(np.arange(EXAMPLES))
    if found.scenes is None:
        raise RuntimeError("the drawn world gave no scenes")
    found.side = SIZE
    pictures = draw(found.scenes, SIZE)
    boxes = np.rint(found.boxes * SIZE).astype(int).tolist()
    shown = [transform(part(*each)) for each in zip(pictures, boxes, strict=True)]
    return FactsExam(torch.stack(shown), facts_of(found))
