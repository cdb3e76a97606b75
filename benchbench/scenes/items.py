"""Make items in ARO's two forms: the direction of a relation, and attributes bound to objects.

Items are about crops around two objects. A pair of principals gives an item only if its twin scene
gives the opposite item. In any range of whole twins, each caption is therefore true exactly as
often as it is false; of attributes, up to the order of its two halves. Items about pairs of
bystanders are even by the symmetry of their draws.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.appearance import principals
from benchbench.scenes.casting import scenario_flags
from benchbench.scenes.dice import dice
from benchbench.scenes.graph import Graph, attribute_holds, closure, triple_holds
from benchbench.scenes.holdout import held_attributes, held_triples
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import VisibleParts, measure_visible
from benchbench.scenes.vocabulary import (
    CATEGORIES,
    CATEGORY,
    COLOURS,
    MENTIONED,
    PREDICATE,
    PREDICATES,
)
from benchbench.scenes.world import VERSION, Scenes

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Ints

MIN_VISIBLE_SHARE = 0.3
"""The least visible share of an object that a caption is about."""
MIN_PIXELS = 24
CANONICAL = 96
"""The canvas size in pixels at which visibility is judged. Items therefore do not depend on the
size of the images."""

_LEFT, _RIGHT = PREDICATE["to the left of"], PREDICATE["to the right of"]
_PERSON = CATEGORY["person"]


@dataclass(frozen=True, slots=True)
class RelationItems:
    """Relation items: "the s is p the o" against "the o is p the s"."""

    scene: Ints
    """[items]: row of the batch."""
    slots: Ints
    """[items, 2]: subject, object."""
    predicate: Ints
    """[items]"""
    categories: Ints
    """[items, 2]: subject, object."""
    unseen: Flags
    """[items]: true where training has neither triple."""
    principal: Flags
    """[items]: true for the scenario's own relation, false for mere position."""

    def captions(self) -> list[tuple[str, str]]:
        """Return the true and the false caption of each item."""
        out = []
        for predicate, (s, o) in zip(
            self.predicate.tolist(), self.categories.tolist(), strict=True
        ):
            who, what, whom = CATEGORIES[s].name, PREDICATES[predicate].name, CATEGORIES[o].name
            out.append((f"the {who} is {what} the {whom}", f"the {whom} is {what} the {who}"))
        return out

    def take(self, kept: Ints) -> RelationItems:
        """Return some of the items."""
        return RelationItems(*(getattr(self, each.name)[kept] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class AttributeItems:
    """Attribute items: "the a x and the b y" against "the b x and the a y"."""

    scene: Ints
    """[items]: row of the batch."""
    slots: Ints
    """[items, 2]: the slots of x and y."""
    attributes: Ints
    """[items, 2]: a and b, indices into ``vocabulary.MENTIONED``."""
    categories: Ints
    """[items, 2]: x, y."""
    unseen: Flags
    """[items]: true where both captions have an attribute that training never draws on its object.
    """
    principal: Flags
    """[items]: true for the scenario's principals, false for two other objects."""

    def captions(self) -> list[tuple[str, str]]:
        """Return the true and the false caption of each item."""
        out = []
        for (a, b), (x, y) in zip(self.attributes.tolist(), self.categories.tolist(), strict=True):
            one, other, left, right = (
                MENTIONED[a], MENTIONED[b], CATEGORIES[x].name, CATEGORIES[y].name,
            )  # fmt: skip
            true = f"the {one} {left} and the {other} {right}"
            out.append((true, f"the {other} {left} and the {one} {right}"))
        return out

    def take(self, kept: Ints) -> AttributeItems:
        """Return some of the items."""
        return AttributeItems(*(getattr(self, each.name)[kept] for each in fields(self)))


def relation_items(scenes: Scenes, *, whole: bool = False) -> RelationItems:
    """Return all relation items of some scenes.

    Left and right are used of any two objects (mirroring makes them even). The other predicates are
    used only of principals that can be drawn in both orders.

    Args:
        scenes: whole twins, where the items are to be even.
        whole: whether items are about whole images, not about crops around the two objects.
    """
    look, other = _ItemChecks.at(scenes, whole), _ItemChecks.at(_twins(scenes), whole)
    row, slots, predicate, principal = _relation_candidates(look)
    fair = _relation_is_fair(look, row, slots, predicate)
    fair &= ~principal | _relation_is_fair(other, row, slots, predicate)
    row, slots, predicate, principal = row[fair], slots[fair], predicate[fair], principal[fair]
    categories = scenes.category[row[:, None], slots]
    unseen = held_triples()[predicate, categories[:, 0], categories[:, 1]]
    return RelationItems(row, slots, predicate, categories, unseen, principal)


def attribute_items(scenes: Scenes, *, whole: bool = False) -> AttributeItems:
    """Return all attribute items of some scenes.

    They are about the two principals, and about any two other objects.

    Args:
        scenes: whole twins, where the items are to be even.
        whole: whether items are about whole images, not about crops around the two objects.
    """
    look, other = _ItemChecks.at(scenes, whole), _ItemChecks.at(_twins(scenes), whole)
    row, slots, principal = _attribute_candidates(scenes)
    fair = _attributes_are_fair(look, row, slots)
    fair &= ~principal | _attributes_are_fair(other, row, slots)
    row, slots, principal = row[fair], slots[fair], principal[fair]
    attributes, categories = (
        mentions(scenes)[row[:, None], slots],
        scenes.category[row[:, None], slots],
    )
    unseen = np.asarray(held_attributes()[categories, attributes].any(axis=1))
    return AttributeItems(row, slots, attributes, categories, unseen, principal)


def crops(visibility: VisibleParts, scene: Ints, slots: Ints) -> Ints:
    """Return the box around both objects, [items, 4], in pixels of ``visibility``.

    It is left, top, right, bottom; right and bottom are exclusive.
    """
    boxes = visibility.boxes[scene[:, None], slots]  # [m, 2, 4]
    return np.concatenate([boxes[..., :2].min(axis=1), boxes[..., 2:].max(axis=1)], axis=1)


@dataclass(frozen=True, slots=True)
class _ItemChecks:
    """The data by which items are judged: scenes, their graph, and their objects' visibility."""

    scenes: Scenes
    graph: Graph
    visibility: VisibleParts
    whole: bool

    @classmethod
    def at(cls, scenes: Scenes, whole: bool) -> _ItemChecks:
        return cls(scenes, closure(scenes), measure_visible(scenes, CANONICAL), whole)

    def clear(self, row: Ints, slots: Ints) -> Flags:
        """Return whether both objects are visible enough and of different categories, [items]."""
        at = row[:, None], slots
        plain = (self.visibility.share[at] >= MIN_VISIBLE_SHARE) & (
            self.visibility.pixels[at] >= MIN_PIXELS
        )
        category = self.scenes.category[at]
        return np.asarray(plain.all(axis=1) & (category[:, 0] != category[:, 1]))

    def within(self, row: Ints, slots: Ints) -> Flags:
        """Return the objects that the item's crop or whole image may show, [items, slots]."""
        if self.whole:
            return np.asarray(self.visibility.pixels[row] > 0)
        return self.visibility.among(row, crops(self.visibility, row, slots))


def _twins(scenes: Scenes) -> Scenes:
    return sample(scenes.split, scenes.index ^ 1)


def _relation_candidates(look: _ItemChecks) -> tuple[Ints, Ints, Ints, Flags]:
    """Return rows, slots [items, 2], predicates, and whether the relation is the scenario's own."""
    scenes = look.scenes
    rows, (first, second) = np.arange(len(scenes)), principals(scenes.scenario)
    swappable = scenario_flags()[1][scenes.scenario]
    parts = []
    for subject, thing in ((first, second), (second, first)):
        predicate = scenes.predicate[rows, subject, thing]
        own = np.flatnonzero(swappable & (predicate >= 0))
        slots = np.stack([subject, thing], axis=1)[own]
        parts.append((own, slots, predicate[own], np.ones(len(own), dtype=np.bool_)))
    parts.append(_beside(look, first, second, swappable))
    row, pair, predicate, principal = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    order = np.lexsort((pair[:, 1], pair[:, 0], row))
    return row[order], pair[order], predicate[order], principal[order]


def _beside(
    look: _ItemChecks, first: Ints, second: Ints, swappable: Flags
) -> tuple[Ints, Ints, Ints, Flags]:
    """Return left-of or right-of candidates for every two objects whose positions leave no doubt.

    A random bit chooses between left and right.
    """
    width = look.scenes.category.shape[1]
    row, i, j = np.nonzero(look.graph.certain[:, _LEFT])
    coin = dice(
        f"{VERSION}/{look.scenes.split}/beside",
        look.scenes.index[row] * width**2 + np.minimum(i, j) * width + np.maximum(i, j),
    ).chance("right", 50)
    mine = (first[row] == i) & (second[row] == j) | (first[row] == j) & (second[row] == i)
    kept = ~(mine & swappable[row])
    slots = np.where(coin[:, None], np.stack([j, i], axis=1), np.stack([i, j], axis=1))
    predicate = np.where(coin, _RIGHT, _LEFT)
    return row[kept], slots[kept], predicate[kept], np.zeros(int(kept.sum()), dtype=np.bool_)


def _relation_is_fair(look: _ItemChecks, row: Ints, slots: Ints, predicate: Ints) -> Flags:
    """Return whether the true caption is certain and the false one not even possible, [items].

    All objects that the crop may show count.
    """
    among, category = look.within(row, slots), look.scenes.category[row]
    subject, thing = category[np.arange(len(row))[:, None], slots].T
    true = look.graph.certain[row, predicate, slots[:, 0], slots[:, 1]]
    false = triple_holds(look.graph.possible[row], category, thing, predicate, subject, among)
    return np.asarray(look.clear(row, slots) & true & ~false)


def _attribute_candidates(scenes: Scenes) -> tuple[Ints, Ints, Flags]:
    """Return rows, slots [items, 2], and whether they are the principals.

    People are left out, since a person is not red or striped.
    """
    named = scenes.present & (scenes.category != _PERSON)
    first, second = principals(scenes.scenario)
    slots = np.arange(named.shape[1])
    main = (slots == first[:, None]) | (slots == second[:, None])
    alike = main[:, :, None] == main[:, None, :]
    pairs = (
        named[:, :, None]
        & named[:, None, :]
        & alike
        & np.triu(np.ones(alike.shape[1:], dtype=np.bool_), 1)
    )
    row, i, j = np.nonzero(pairs)
    turned = dice(f"{VERSION}/{scenes.split}/order", scenes.index[row] >> 1).chance("turned", 50)
    pair = np.where(turned[:, None], np.stack([j, i], axis=1), np.stack([i, j], axis=1))
    return row, pair, main[row, i]


def _attributes_are_fair(look: _ItemChecks, row: Ints, slots: Ints) -> Flags:
    """Return whether each attribute belongs to its own object alone, [items].

    Also, as many of its pairs must be held out in the one caption as in the other.
    """
    among, category = look.within(row, slots), look.scenes.category[row]
    (x, y), (a, b) = (
        category[np.arange(len(row))[:, None], slots].T,
        mentions(look.scenes)[row[:, None], slots].T,
    )
    may = look.graph.may_have[row]
    false = attribute_holds(may, category, b, x, among) | attribute_holds(
        may, category, a, y, among
    )
    held = held_attributes().astype(np.int64)
    even = held[x, a] + held[y, b] == held[x, b] + held[y, a]
    return np.asarray(look.clear(row, slots) & ~false & even & (a != b))


def mentions(scenes: Scenes) -> Ints:
    """Return the attribute to name each object by, [scenes, slots].

    It is the object's colour, or sometimes its pattern. A random bit chooses. The bit belongs to
    the attributes and not to the object, so that twins mention the same two attributes.
    """
    twin = dice(f"{VERSION}/{scenes.split}/mention", scenes.index >> 1)
    own = dice(f"{VERSION}/{scenes.split}/mention/own", scenes.index)
    width = scenes.category.shape[1]
    coin = np.stack([own.chance(f"slot {slot}", 50) for slot in range(width)], axis=1)
    rows, (first, second) = np.arange(len(scenes)), principals(scenes.scenario)
    turned = ((scenes.index & 1) == 1) & ~scenario_flags()[1][scenes.scenario]
    one, other = twin.chance("one", 50), twin.chance("other", 50)
    coin[rows, first] = np.where(turned, other, one)
    coin[rows, second] = np.where(turned, one, other)
    patterned = coin & (scenes.pattern > 0)
    return np.where(patterned, len(COLOURS) + scenes.pattern - 1, scenes.colour)
