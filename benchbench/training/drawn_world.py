"""Training examples from the drawn world, without end and without a file.

Example k of a seed is always the same: a scene of the training split, a part of it, and a caption
of that part. Three examples in ten show the whole image with one of its captions; the others show
the part around two objects with a caption of their relation, as region descriptions do. Every kind
of relation in an image is equally likely; otherwise "to the left of" would outnumber all others.
Two fifths of these captions mention no attributes, as most captions that people write: their swaps
differ only in who does what. (Measured on text towers over a frozen image tower, 90,000 examples:
relations 62.6 % with half of them bare, 56.7 with a fifth.)
The two scenes of a pair of twins rarely meet in a batch: look-alike negatives come from the
objective or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.scenegraph import Caption
from benchbench.scenes.atlas import CANVAS
from benchbench.scenes.captions import PER_SCENE, captions, dense_captions, pair_captions
from benchbench.scenes.dice import Dice, dice
from benchbench.scenes.sampling import sample
from benchbench.scenes.vocabulary import PREDICATES
from benchbench.scenes.world import VERSION
from benchbench.training.captions import DETERMINERS, swap_words
from benchbench.training.examples import Examples
from benchbench.training.visibility import choose_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Flags, Ints, Singles
    from benchbench.variants.variant import Negatives


WHOLE_PERCENT = 30
BARE_PERCENT = 40
"""The share of captions of two objects that mention no attributes."""
MARGIN_PERCENT = 15
"""The largest margin around the objects of a part, in percent of its side."""
_EMPTY_SLOT = {"category": -1, "sprite": -1, "predicate": -1}
"""The values of empty slots; all other fields are 0."""
_NUMBERS = 2**31 - 1


@dataclass(frozen=True)
class DrawnWorld:
    """Examples of the training splits by number."""

    seed: int = 0
    splits: Sequence[str] = ("train",)
    """In equal shares."""
    negatives: Negatives = "none"
    swaps: int = 1
    """Swapped captions of a caption, at most."""
    twins: bool = False
    """Whether every odd example shows the twin of the scene before it, with the same caption
    form."""
    dense_percent: int = 0
    """The percentage of whole images that come with a dense caption."""

    @property
    def name(self) -> str:
        """Return the drawn world's version, ``scenes-v1``."""
        return VERSION

    def record(self) -> dict[str, Any]:
        """Return its splits, and what is unusual of its examples."""
        unusual = {"swaps": self.swaps, "dense_percent": self.dense_percent}
        if self.negatives == "none":
            unusual["swaps"] = 0
        found = {name: value for name, value in unusual.items() if value > (name == "swaps")}
        return {"splits": list(self.splits), **found, **({"twins": True} if self.twins else {})}

    def examples(self, numbers: Ints) -> Examples:
        """Return the scenes, parts and captions of these examples.

        Args:
            numbers: [n], from 0.
        """
        odd = numbers & 1 if self.twins else np.zeros_like(numbers)
        roll = dice(f"training/{self.seed}", numbers - odd)
        which = roll.below("split", len(self.splits))
        scenes = sample_splits(self.splits, which, roll.below("scene", _NUMBERS) ^ odd)
        pair = _choose_pair(scenes, roll)
        whole = roll.chance("whole", WHOLE_PERCENT) | (pair[0] == pair[1])
        everything = np.array([0, 0, 1, 1], dtype=np.float32)
        boxes = np.where(whole[:, None], everything, boxes_around(scenes, pair, roll))
        dense = whole & roll.chance("dense", self.dense_percent)
        lines = _captions(scenes, pair, (whole & ~dense, dense), roll)
        texts = [" ".join(word for word, _ in line).replace(" ,", ",") for line in lines]
        said = list(map(Caption, texts, lines))
        other = [
            swap_words(caption, self.negatives, number, self.swaps)
            for caption, number in zip(said, numbers.tolist(), strict=True)
        ]
        chosen = [DETERMINERS[k] for k in roll.below("determiner", len(DETERMINERS)).tolist()]
        return Examples(said, other, boxes, scenes, pair=pair, determiners=chosen)


def _choose_pair(scenes: Scenes, roll: Dice) -> tuple[Ints, Ints]:
    """Return the slots of one annotated relation's ends; one slot twice where there is none.

    A predicate out of those annotated in the scene, then one of its pairs.
    """
    flat = scenes.predicate.reshape(len(scenes), -1)
    kinds = (flat[:, :, None] == np.arange(len(PREDICATES))).any(axis=1)
    pairs = flat == choose_one(kinds, roll, "predicate")[0][:, None]
    return np.divmod(choose_one(pairs, roll, "relation")[0], scenes.category.shape[1])


def boxes_around(scenes: Scenes, slots: Sequence[Ints], roll: Dice) -> Singles:
    """Return boxes around some objects of each scene, with a margin.

    Args:
        scenes: n of them.
        slots: [n] each: the objects.
        roll: says how wide the margin is.

    Returns:
        [n, 4]: left, top, right, bottom as shares of the image.
    """
    rows, boxes = np.arange(len(scenes)), scenes.boxes() / CANVAS
    low = np.min([boxes[rows, slot, :2] for slot in slots], axis=0)
    high = np.max([boxes[rows, slot, 2:] for slot in slots], axis=0)
    margin = (high - low) * roll.below("margin", MARGIN_PERCENT + 1)[:, None] / 100
    low, high = np.clip(low - margin, 0, 1), np.clip(high + margin, 0, 1)
    return np.concatenate([low, high], axis=1).astype(np.float32)


def _captions(
    scenes: Scenes, pair: tuple[Ints, Ints], whole: tuple[Flags, Flags], roll: Dice
) -> list[list[tuple[str, str]]]:
    """Return one caption each, as words with their tags.

    Args:
        scenes: n of them.
        pair: [n] each, the slots of two objects.
        whole: [n] each: which are shown whole with one fact told, and which with a dense caption;
            captions of the others are about the two objects.
        roll: says which of the captions.
    """
    lines: list[list[tuple[str, str]]] = [[]] * len(scenes)
    wholes, long = (np.flatnonzero(each) for each in whole)
    pairs = np.flatnonzero(~(whole[0] | whole[1]))
    if len(long):
        told_all = dense_captions(scenes.take(long))
        for k, row in enumerate(long.tolist()):
            lines[row] = told_all.tagged(k, 0)
    if len(wholes):
        every, column = captions(scenes.take(wholes)), roll.below("caption", PER_SCENE)[wholes]
        for k, row in enumerate(wholes.tolist()):
            lines[row] = every.tagged(k, int(column[k]))
    if len(pairs):
        parts, who, whom = scenes.take(pairs), pair[0][pairs], pair[1][pairs]
        bare = roll.chance("bare", BARE_PERCENT)[pairs]
        own = pair_captions(parts, who, whom, "training", bare)
        for k, row in enumerate(pairs.tolist()):
            lines[row] = own.tagged(k, 0)
    return lines


def sample_splits(splits: Sequence[str], which: Ints, numbers: Ints) -> Scenes:
    """Return scenes of several splits, narrower ones with empty slots at their end.

    Args:
        splits: their names.
        which: [n], into ``splits``.
        numbers: [n], in that split.

    Returns:
        n scenes, of a split named "train+train-dense".
    """
    if len(splits) == 1:
        return sample(splits[0], numbers)
    parts = [sample(split, numbers[which == k]) for k, split in enumerate(splits)]
    width = max(part.category.shape[1] for part in parts)
    parts = [_widened(part, width) for part in parts]
    back = np.argsort(np.argsort(which, kind="stable"), kind="stable")
    arrays: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])[back]
        for each in fields(parts[0])
        if each.name != "split"
    }
    return replace(parts[0], split="+".join(splits), **arrays)


def _widened(scenes: Scenes, width: int) -> Scenes:
    """Return the scenes with empty slots up to a width."""
    more, old = width - scenes.category.shape[1], scenes.category.shape[1]
    arrays: dict[str, Any] = {}
    for each in fields(scenes):
        value = getattr(scenes, each.name)
        slots = [i for i in range(1, np.ndim(value)) if value.shape[i] == old]
        if not slots:
            continue
        room = [(0, more if i in slots else 0) for i in range(value.ndim)]
        arrays[each.name] = np.pad(value, room, constant_values=_EMPTY_SLOT.get(each.name, 0))
    arrays["owner"][:, old:] = np.arange(old, width)
    return replace(scenes, **arrays)
