"""Derive the facts of a scene: statements that are certain, arguable, or false.

Two arrays cover every statement. ``certain`` holds all that is beyond doubt: annotations, all that
they imply (inverses, hypernyms), and plain geometry. ``possible`` holds in addition all that is
arguable: a dog that happens to face a cat may be looking at it. A true caption must be certain. A
false caption must not even be possible, for any objects of those names in the crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.geometry import Layout, measure_layout
from benchbench.scenes.vocabulary import (
    CATEGORIES,
    CATEGORY,
    COLOUR,
    COLOURS,
    PATTERNS,
    PREDICATE,
    PREDICATES,
)

if TYPE_CHECKING:
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Flags, Ints


SLACK = 12
"""A distance too small to see, in scene units: under two pixels at 96."""
NEAR = 60


def _among(*names: str) -> Flags:
    return np.isin(np.arange(len(CATEGORIES)), [CATEGORY[name] for name in names])


_ANIMALS = ("dog", "cat", "horse", "cow", "sheep", "elephant", "giraffe", "bird", "person")
_ALIVE = _among(*_ANIMALS)
_HAS_FRONT = _among(*_ANIMALS, "car", "bus", "truck", "train", "bike", "motorcycle", "airplane")
_HOLLOW = _among("box", "bowl", "cup", "bag", "cart", "boat", "car", "bus", "truck", "bed", "house")
_SECOND = np.array([COLOUR[colour.second] for colour in COLOURS])


@dataclass(frozen=True, slots=True)
class Graph:
    """The closure of some scenes' graphs."""

    certain: Flags
    """[scenes, predicates, slots, slots]: subject in rows, object in columns."""
    possible: Flags
    """[scenes, predicates, slots, slots]; includes all that is certain."""
    has: Flags
    """[scenes, slots, mentioned attributes]: the attributes that an object certainly has."""
    may_have: Flags
    """[scenes, slots, mentioned attributes]: the attributes that an object may be said to have."""


def closure(scenes: Scenes) -> Graph:
    """Return the certain and the possible statements of each scene."""
    lay, pairs, kind = measure_layout(scenes), _pairs(scenes), np.maximum(scenes.category, 0)
    certain = _implied(_annotated(scenes) | _plain(lay, pairs)) & pairs
    possible = np.stack(_arguable(lay, certain, kind), axis=1) & pairs
    has, second = _attributes(scenes)
    return Graph(certain, certain | possible, has, has | second)


def _pairs(scenes: Scenes) -> Flags:
    """Return the pairs of two different objects, [scenes, 1, slots, slots]."""
    there = scenes.present
    different = ~np.eye(there.shape[1], dtype=np.bool_)
    return np.asarray((there[:, :, None] & there[:, None, :] & different)[:, None])


def _annotated(scenes: Scenes) -> Flags:
    """Return the annotation, one predicate to a plane, [scenes, predicates, slots, slots]."""
    numbers = np.arange(len(PREDICATES))[:, None, None]
    return np.asarray(scenes.predicate[:, None] == numbers)


def _plain(lay: Layout, pairs: Flags) -> Flags:
    """Return beside and near where geometry leaves no doubt, [scenes, predicates, slots, slots]."""
    facts = np.zeros((len(pairs), len(PREDICATES), *pairs.shape[2:]), dtype=np.bool_)
    level = 3 * lay.overlap_y > lay.shorter
    facts[:, PREDICATE["to the left of"]] = (lay.gap_right >= -SLACK) & level & pairs[:, 0]
    touching = (lay.overlap_x > -NEAR) & (lay.overlap_y > -SLACK)
    facts[:, PREDICATE["near"]] = touching & pairs[:, 0]
    return facts


def _implied(facts: Flags) -> Flags:
    """Add inverses and hypernyms until nothing is new; chains are three long at most."""
    for _ in range(3):
        for row, predicate in enumerate(PREDICATES):
            for name in predicate.implies:
                facts[:, PREDICATE[name]] |= facts[:, row]
            if predicate.inverse:
                facts[:, PREDICATE[predicate.inverse]] |= facts[:, row].swapaxes(1, 2)
    return facts


def _arguable(lay: Layout, certain: Flags, kind: Ints) -> list[Flags]:
    """Return the arguable statements of each predicate in turn, [scenes, slots, slots] each."""
    alive, front = _ALIVE[kind][:, :, None], _HAS_FRONT[kind]
    meets = (lay.overlap_x > -SLACK) & (lay.overlap_y > -SLACK)
    over = lay.downward > -SLACK
    resting = meets & (lay.lower < -SLACK)
    looking = alive & (lay.toward | (np.abs(lay.rightward) < SLACK))
    before = meets & lay.nearer | (lay.overlap_x > 0) & (lay.lower > SLACK)
    faced = (lay.toward & front[:, :, None]).swapaxes(1, 2)
    shunned = (~lay.toward & front[:, :, None]).swapaxes(1, 2)
    inner = np.maximum(lay.overlap_x, 0) * np.maximum(lay.overlap_y, 0)
    worn, handled = alive & meets, (kind == CATEGORY["person"])[:, :, None] & meets
    claims = {
        "to the left of": lay.rightward > -SLACK,
        "to the right of": lay.rightward < SLACK,
        "above": over,
        "over": over,
        "under": over.swapaxes(1, 2),
        "in front of": before | faced,
        "behind": before.swapaxes(1, 2) | shunned,
        "on": resting,
        "in": _HOLLOW[kind][:, None, :] & (2 * inner > lay.area),
        "riding": resting & alive,
        "carrying": resting.swapaxes(1, 2) | handled,
        "chasing": looking,
        "looking at": looking,
        "near": np.ones_like(over),
        "wearing": worn,
        **dict.fromkeys(("holding", "playing", "using"), handled),
        **dict.fromkeys(("sitting on", "standing on", "lying on"), resting & alive),
    }
    nothing = np.zeros_like(over)
    return [claims.get(predicate.name, nothing) for predicate in PREDICATES]


def _attributes(scenes: Scenes) -> tuple[Flags, Flags]:
    """Return the attributes of each object, [scenes, slots, mentioned], twice.

    The first array has its colour and its pattern, the second array its pattern's second colour.
    """
    there = scenes.present[..., None]
    colour = scenes.colour[..., None] == np.arange(len(COLOURS))
    patterned = scenes.pattern[..., None] == np.arange(1, len(PATTERNS))
    second = (_SECOND[scenes.colour][..., None] == np.arange(len(COLOURS))) & patterned.any(
        axis=-1, keepdims=True
    )
    has = np.concatenate([colour, patterned], axis=-1) & there
    return has, np.concatenate([second, np.zeros_like(patterned)], axis=-1) & there


def triple_holds(
    facts: Flags, category: Ints, subject: Ints, predicate: Ints, thing: Ints, among: Flags
) -> Flags:
    """Return whether some pair of objects of these names has the relation.

    Args:
        facts: ``certain`` or ``possible``, [statements, predicates, slots, slots].
        category: [statements, slots]
        subject: [statements], category of the subject.
        predicate: [statements]
        thing: [statements], category of the object.
        among: [statements, slots], the slots that count: the objects in the crop.

    Returns:
        [statements]
    """
    plane = facts[np.arange(len(category)), predicate]
    who = (category == subject[:, None]) & among
    whom = (category == thing[:, None]) & among
    return np.asarray((plane & who[:, :, None] & whom[:, None, :]).any(axis=(1, 2)))


def attribute_holds(
    facts: Flags, category: Ints, attribute: Ints, thing: Ints, among: Flags
) -> Flags:
    """Return whether some object of that name has the attribute.

    Args:
        facts: ``has`` or ``may_have``, [statements, slots, mentioned].
        category: [statements, slots]
        attribute: [statements], index into ``vocabulary.MENTIONED``.
        thing: [statements], category of the object.
        among: [statements, slots], the slots that count.

    Returns:
        [statements]
    """
    named = (category == thing[:, None]) & among
    rows = np.arange(len(category))
    return np.asarray((facts[rows, :, attribute] & named).any(axis=1))
