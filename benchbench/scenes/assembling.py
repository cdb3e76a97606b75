"""From groups to whole scenes: bystanders, mirroring, annotation."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from benchbench.scenes.atlas import CANVAS
from benchbench.scenes.backgrounds import BACKGROUNDS
from benchbench.scenes.casting import bystanders, relations, sprite_table, thing_levels
from benchbench.scenes.dice import Dice
from benchbench.scenes.holdout import held_triples
from benchbench.scenes.placing import LEVELS_OF_SIZE, Group, spot
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATE, PREDICATES
from benchbench.scenes.world import ANCHOR, Scenes, anchor_table, width_table

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_INDOORS = np.isin(np.array(BACKGROUNDS), ("room", "kitchen"))
_SKY = np.isin(np.array(BACKGROUNDS), ("sky",))
_LEFT, _RIGHT, _NEAR = (PREDICATE[n] for n in ("to the left of", "to the right of", "near"))


@lru_cache(maxsize=1)
def unmeetable() -> Flags:
    """[categories, categories]: pairs that training must not even show side by side."""
    chance_met = ("to the left of", "above", "in front of")
    return np.asarray(held_triples()[[PREDICATE[name] for name in chance_met]].any(axis=0))


def beside(groups: list[Group]) -> Group:
    """Several groups of the same scenes as one; owners are renumbered."""
    widths = [group.thing.shape[1] for group in groups]
    starts = np.cumsum([0, *widths])[:-1]
    columns = {
        f.name: np.concatenate([getattr(group, f.name) for group in groups], axis=1)
        for f in fields(Group)
    }
    columns["owner"] = columns["owner"] + np.repeat(starts, widths)
    return Group(**columns)


def kept_apart(group: Group, other: Group) -> Group:
    """The other group, absent where it holds somebody whom training must not show beside ours."""
    clash = _clashes(group.thing[:, :, None], other.thing[:, None, :]).any(axis=(1, 2))[:, None]
    gone = np.where(clash, -1, other.thing)
    return replace(other, thing=gone, sprite=np.where(clash, -1, other.sprite))


def joined_by(
    scene: Group, number: int, background: Ints, roll: Dice, training: bool, dense: bool
) -> Group:
    """The scene with one more thing in it, where there is room and nothing against it."""
    table, count = bystanders()
    name = f"extra {number}"
    rank = roll.below(f"{name} rank", roll.below(f"{name} tail", count[background]) + 1)
    thing = table[background, rank]
    size = np.choose(roll.below(f"{name} size", 8), [1, 2, 0, 0, 0, 0, 0, 0])
    level = np.maximum(
        thing_levels()[thing] + LEVELS_OF_SIZE[size] - ((3 if number < 4 else 5) if dense else 1), 2
    )
    x, y, found = spot(
        scene.boxes_or_none(), thing, level, _INDOORS[background], _SKY[background], roll,
        12 if dense else 6, name,
    )  # fmt: skip
    wanted = roll.chance(f"{name} there", 95 if dense else 72)
    full = (scene.thing >= 0).sum(axis=1) - _props(scene) >= (12 if dense else 6)
    there = found & wanted & ~full
    if training:
        there &= ~_clashes(scene.thing, thing[:, None]).any(axis=1)
    sprite = sprite_table()[thing, 0]
    foot = anchor_table()[sprite, level, ANCHOR["foot"], 1]
    new = Group(
        thing=np.where(there, thing, -1),
        sprite=np.where(there, sprite, -1),
        owner=np.zeros_like(thing),
        level=level,
        size=size,
        flip=roll.chance(f"{name} flip", 50),
        x=x,
        y=y,
        depth=4 * (y + foot),
    )
    return beside([scene, Group(**{f.name: getattr(new, f.name)[:, None] for f in fields(Group)})])


def _props(scene: Group) -> Ints:
    own = np.arange(scene.thing.shape[1])
    return np.asarray(
        ((scene.thing >= len(CATEGORIES)) | ((scene.owner != own) & (scene.thing >= 0))).sum(axis=1)
    )


def _clashes(one: Ints, other: Ints) -> Flags:
    count = len(CATEGORIES)
    real = (one >= 0) & (other >= 0) & (one < count) & (other < count)
    return np.asarray(real & unmeetable()[np.minimum(one, count - 1), np.minimum(other, count - 1)])


def mirrored(scene: Group, flipped: Flags) -> Group:
    """The scene seen in a mirror, where ``flipped`` [n]."""
    width = width_table()[scene.sprite, scene.level]
    turned = flipped[:, None]
    return replace(
        scene, x=np.where(turned, CANVAS - scene.x - width, scene.x), flip=scene.flip ^ turned
    )


def annotate(predicate: Ints, category: Ints, scenario: Ints, start: int, flipped: Flags) -> None:
    """Write a scenario's own relations into ``predicate`` [n, w, w], mirrored where flipped."""
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
    """Say where bystanders are: beside or near their nearest neighbour, sometimes both ways."""
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
    """[n]: the object nearest to a slot, by centres; the slot itself where there is none."""
    middle = boxes[..., :2] + boxes[..., 2:]
    distance = np.abs(middle - middle[:, slot : slot + 1]).sum(axis=-1)
    distance = np.where(present, distance, 10**6)
    distance[:, slot] = 10**5
    return np.argmin(distance, axis=1)
