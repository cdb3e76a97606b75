"""Mirror scenes and annotate their relations: the last steps from groups of objects to scenes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.atlas import CANVAS
from benchbench.scenes.bystanders import clashes
from benchbench.scenes.casting import relations
from benchbench.scenes.vocabulary import PREDICATE, PREDICATES
from benchbench.scenes.world import Scenes, width_table

if TYPE_CHECKING:
    from benchbench.scenes.dice import Dice
    from benchbench.scenes.placement import Group
    from benchbench.types.arrays import Flags, Ints


_LEFT, _RIGHT, _NEAR = (PREDICATE[n] for n in ("to the left of", "to the right of", "near"))


def drop_clashing(group: Group, other: Group) -> Group:
    """Return the other group, absent in the scenes in which it clashes with this group.

    Two groups clash if training never draws a category of the one beside a category of the other.
    """
    every = clashes(group.thing[:, :, None], other.thing[:, None, :])
    clash = np.asarray(every.any(axis=(1, 2)))[:, None]
    gone = np.where(clash, -1, other.thing)
    return replace(other, thing=gone, sprite=np.where(clash, -1, other.sprite))


def mirror(scene: Group, flipped: Flags) -> Group:
    """Mirror the scenes where ``flipped`` [scenes] is true."""
    width = width_table()[scene.sprite, scene.level]
    turned = flipped[:, None]
    return replace(
        scene, x=np.where(turned, CANVAS - scene.x - width, scene.x), flip=scene.flip ^ turned
    )


def annotate(predicate: Ints, category: Ints, scenario: Ints, start: int, flipped: Flags) -> None:
    """Write a scenario's own relations into ``predicate`` [scenes, slots, slots].

    Left and right are exchanged where the scene is flipped.
    """
    turn = np.arange(len(PREDICATES))
    turn[[_LEFT, _RIGHT]] = _RIGHT, _LEFT
    rows = np.arange(len(scenario))
    for column in range(relations().shape[1]):
        subject, name, thing = (relations()[scenario, column] + np.array([start, 0, start])).T
        drawn = name >= 0
        subject, thing = np.where(drawn, subject, 0), np.where(drawn, thing, 0)
        drawn &= (category[rows, subject] >= 0) & (category[rows, thing] >= 0)
        named = np.where(flipped, turn[name], name)
        at = rows[drawn], subject[drawn], thing[drawn]
        predicate[at] = named[drawn]


def annotate_neighbours(scenes: Scenes, roll: Dice, start: int) -> None:
    """Annotate each bystander as beside or near its nearest neighbour, sometimes both ways."""
    boxes, rows = scenes.boxes(), np.arange(len(scenes))
    for slot in range(start, scenes.category.shape[1]):
        other = _nearest(boxes, scenes.present, slot)
        mine, theirs = boxes[:, slot], boxes[rows, other]
        gap = np.maximum(theirs[:, 0] - mine[:, 2], mine[:, 0] - theirs[:, 2])
        level = np.minimum(mine[:, 3], theirs[:, 3]) - np.maximum(mine[:, 1], theirs[:, 1])
        near = (gap < 90) & roll.chance(f"near {slot}", 40)
        left = mine[:, 0] + mine[:, 2] < theirs[:, 0] + theirs[:, 2]
        name = np.where(near, _NEAR, np.where(left, _LEFT, _RIGHT))
        back = np.where(near, _NEAR, np.where(left, _RIGHT, _LEFT))
        there = scenes.present[:, slot] & scenes.present[rows, other] & (other != slot)
        told = there & (gap >= 0) & (level > 0)
        scenes.predicate[rows[told], slot, other[told]] = name[told]
        both = told & roll.chance(f"both {slot}", 50)
        scenes.predicate[rows[both], other[both], slot] = back[both]


def _nearest(boxes: Ints, present: Flags, slot: int) -> Ints:
    """Return the object nearest to a slot, by centres, [scenes].

    It is the slot itself where there is no other object.
    """
    middle = boxes[..., :2] + boxes[..., 2:]
    distance = np.abs(middle - middle[:, slot : slot + 1]).sum(axis=-1)
    distance = np.where(present, distance, 10**6)
    distance[:, slot] = 10**5
    return np.asarray(np.argmin(distance, axis=1))
