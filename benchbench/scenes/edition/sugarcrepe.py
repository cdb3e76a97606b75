"""Write SugarCrepe's seven files: test images with a true and a minimally different false caption.

Upstream (Hsieh et al., NeurIPS 2023) maps ids to ``{filename, caption, negative_caption}``; images
are in ``val2017/``. Each scene gives at most one item per file. A swap is reversed in the twin, so
that either caption is true as often as it is false. A replacement or an addition is drawn from all
that such a scene could have, and is false of everything in the image. An addition makes the
negative the longer caption, here as upstream.

Reader: ``tasks/sugarcrepe.py``. Both together: ``tests/scenes/test_round_trips.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.dice import Dice, dice
from benchbench.scenes.edition.images import Drawings, drawings
from benchbench.scenes.edition.plan import Plan, WrittenFiles, image_name
from benchbench.scenes.graph import closure
from benchbench.scenes.holdout import held_attributes
from benchbench.scenes.items import attribute_items, relation_items
from benchbench.scenes.templates import SCENARIOS
from benchbench.scenes.vocabulary import (
    CATEGORIES,
    CATEGORY,
    COLOURS,
    MENTIONED,
    PREDICATE,
    PREDICATES,
)
from benchbench.scenes.world import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.scenes.graph import Graph
    from benchbench.scenes.items import AttributeItems, RelationItems
    from benchbench.scenes.world import Scenes

IMAGES = "val2017"
SUBSETS = (
    "add_att", "add_obj", "replace_att", "replace_obj", "replace_rel", "swap_att", "swap_obj",
)  # fmt: skip
PROVIDES = (*(f"{name}.json" for name in SUBSETS), f"{IMAGES}/")
MAX_SCENES = 400
Contrast = tuple[str, str, str]
"""Subset, true caption, false caption."""
Pair = tuple[str, str]
"""A true caption and a false one."""


def _scenes(plan: Plan) -> Scenes:
    return plan.scenes.take(slice(0, MAX_SCENES))


def images(plan: Plan) -> list[Drawings]:
    """Return the images of the first scenes, in a folder of the part's own."""
    scenes = _scenes(plan)
    names = [image_name(i) for i in scenes.index.tolist()]
    return [drawings(IMAGES, "images", scenes, names, plan.size)]


def write(folder: Path, plan: Plan) -> WrittenFiles:
    """Write the seven files."""
    scenes = _scenes(plan)
    plan.progress("captions and negatives", 0, len(scenes))
    files: dict[str, dict[str, dict[str, str]]] = {name: {} for name in SUBSETS}
    for row, (subset, caption, negative) in contrasts(scenes):
        name = image_name(int(scenes.index[row]))
        record = {"filename": name, "caption": caption, "negative_caption": negative}
        files[subset][str(int(scenes.index[row]))] = record
    out = WrittenFiles()
    for subset, records in files.items():
        out.json(folder / f"{subset}.json", records, len(records))
    plan.progress("captions and negatives", len(scenes), len(scenes))
    return out


def contrasts(scenes: Scenes) -> Iterator[tuple[int, Contrast]]:
    """Yield all items of some scenes (whole twins), each with its scene's row."""
    roll = dice(f"{VERSION}/{scenes.split}/contrasts", scenes.index)
    world = _World(scenes, closure(scenes), roll)
    related = relation_items(scenes, whole=True)
    captions = related.captions()
    for row, number in _one_each(related, world, "relation"):
        yield from ((row, found) for found in world.about_relation(related, number, captions))
    described = attribute_items(scenes, whole=True)
    captions = described.captions()
    for row, number in _one_each(described, world, "attribute"):
        yield from ((row, found) for found in world.about_attribute(described, number, captions))


@dataclass(frozen=True, slots=True)
class _World:
    """Some scenes, their graph, and the dice of each."""

    scenes: Scenes
    graph: Graph
    roll: Dice

    def about_relation(
        self, items: RelationItems, number: int, captions: Sequence[Pair]
    ) -> Iterator[Contrast]:
        """Yield the false variants of "the x is r the y"."""
        row, predicate = int(items.scene[number]), int(items.predicate[number])
        pair = tuple(int(c) for c in items.categories[number])
        true, false = captions[number]
        yield "swap_obj", true, false
        other = self._way_back(items, number)
        if other is not None and not self._may_hold(row, other, pair):
            yield "replace_rel", true, _relation(pair, other)
        if (strange := self._absent(row, items, number)) is not None:
            yield "replace_obj", true, _relation(strange, predicate)
            new = CATEGORIES[strange[0] if strange[0] != pair[0] else strange[1]].name
            yield "add_obj", true, f"{true} and there is {'an' if new[0] in 'aeiou' else 'a'} {new}"

    def about_attribute(
        self, items: AttributeItems, number: int, captions: Sequence[Pair]
    ) -> Iterator[Contrast]:
        """Yield the false variants of "the a x and the b y"."""
        row = int(items.scene[number])
        true, false = captions[number]
        yield "swap_att", true, false
        (a, b), (x, y) = items.attributes[number].tolist(), items.categories[number].tolist()
        new = self._lacking(row, x, (a, b))
        if new is None:
            return
        one, other = CATEGORIES[x].name, CATEGORIES[y].name
        changed = f"the {MENTIONED[new]} {one} and the {MENTIONED[b]} {other}"
        yield "replace_att", true, changed
        yield "add_att", f"the {one} and the {MENTIONED[b]} {other}", changed

    def _way_back(self, items: RelationItems, number: int) -> int | None:
        """Return the relation of the item's object to its subject; None where there is none.

        The twin has this relation between them.
        """
        row, (subject, thing) = int(items.scene[number]), items.slots[number]
        if items.principal[number]:
            back = int(self.scenes.predicate[row, thing, subject])
            return back if back >= 0 else None
        return PREDICATE[str(PREDICATES[items.predicate[number]].inverse)]

    def _may_hold(self, row: int, predicate: int, pair: tuple[int, ...]) -> bool:
        """Return whether any objects of these names may be said to have that relation."""
        category = self.scenes.category[row]
        plane = self.graph.possible[row, predicate]
        return bool(plane[np.ix_(category == pair[0], category == pair[1])].any())

    def _absent(self, row: int, items: RelationItems, number: int) -> tuple[int, int] | None:
        """Return the item's pair with one of the two replaced.

        The replacement is a category that the scenario might have and the scene lacks.
        """
        scenario = SCENARIOS[self.scenes.scenario[row]]
        if not items.principal[number]:
            return None
        pair = [int(c) for c in items.categories[number]]
        side = int(self._roll("side", row, 2))
        stays = CATEGORIES[pair[1 - side]].name
        there = set(self.scenes.category[row].tolist())
        mates = {a if b == stays else b for a, b in scenario.pairs if stays in (a, b)}
        free = sorted(CATEGORY[name] for name in mates if CATEGORY[name] not in there)
        if not free:
            return None
        pair[side] = free[self._roll("stranger", row, len(free))]
        return pair[0], pair[1]

    def _lacking(self, row: int, thing: int, taken: tuple[int, int]) -> int | None:
        """Return an attribute that no object of that name may be said to have.

        It is a colour for a colour and a pattern for a pattern.

        Training has it on that category exactly if training has the replaced attribute on it.
        """
        named = self.scenes.category[row] == thing
        may = self.graph.may_have[row][named].any(axis=0)
        numbers, held = np.arange(len(MENTIONED)), held_attributes()[thing]
        alike = (numbers < len(COLOURS)) == (taken[0] < len(COLOURS))
        as_rare = held == held[taken[0]]
        free = np.flatnonzero(alike & as_rare & ~may & ~np.isin(numbers, taken))
        return int(free[self._roll("attribute", row, len(free))]) if len(free) else None

    def _roll(self, name: str, row: int, bound: int) -> int:
        return int(self.roll.below(name, bound)[row])


def _one_each(
    items: RelationItems | AttributeItems, world: _World, name: str
) -> Iterator[tuple[int, int]]:
    """Yield each scene's row and one of its items, principals before others."""
    for row in np.unique(items.scene).tolist():
        mine = np.flatnonzero(items.scene == row)
        main = mine[items.principal[mine]]
        pool = main if len(main) else mine
        yield row, int(pool[int(world.roll.below(name, len(pool))[row])])


def _relation(pair: tuple[int, ...], predicate: int) -> str:
    who, whom = (CATEGORIES[c].name for c in pair)
    return f"the {who} is {PREDICATES[predicate].name} the {whom}"
