"""Add bystanders: objects in the free places of a scene, under the scenario's constraints."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.backgrounds import BACKGROUNDS
from benchbench.scenes.casting import bystanders, sprite_table, thing_levels
from benchbench.scenes.holdout import held_triples
from benchbench.scenes.placement import LEVELS_OF_SIZE, Group, Spot, find_spot
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATE
from benchbench.scenes.world import ANCHOR, anchor_table

if TYPE_CHECKING:
    from benchbench.scenes.dice import Dice
    from benchbench.types.arrays import Flags, Ints


_INDOORS = np.isin(np.array(BACKGROUNDS), ("room", "kitchen"))
_SKY = np.isin(np.array(BACKGROUNDS), ("sky",))


@dataclass(frozen=True, slots=True)
class Crowd:
    """The density of scenes: how many bystanders they get, and of which size."""

    extras: int
    """The largest number of bystanders."""
    least: int
    """The smallest number of objects. While a scene has fewer, its later bystanders are placed even
    where no try found room."""
    most: int
    tries: int
    """Positions tried for each bystander."""
    percent: int
    """The percentage of scenes in which each bystander appears."""
    shrink: tuple[int, int]
    """By how many levels the first few bystanders, and the later ones, are smaller than usual."""


SPARSE = Crowd(extras=4, least=2, most=6, tries=6, percent=72, shrink=(1, 1))
DENSE = Crowd(extras=16, least=7, most=12, tries=12, percent=95, shrink=(3, 5))
_FEW, _LAST = 4, 10
_AGAIN_PERCENT = 12
"""The percentage of bystanders of a category that is there already: captions then have plurals."""


@lru_cache(maxsize=1)
def forbidden_pairs() -> Flags:
    """Return the pairs that training never draws side by side, [categories, categories]."""
    chance_met = ("to the left of", "above", "in front of")
    return np.asarray(held_triples()[[PREDICATE[name] for name in chance_met]].any(axis=0))


def merge_groups(groups: list[Group]) -> Group:
    """Merge several groups of the same scenes into one; owners are renumbered."""
    widths = [group.thing.shape[1] for group in groups]
    starts = np.cumsum([0, *widths])[:-1]
    columns = {
        f.name: np.concatenate([getattr(group, f.name) for group in groups], axis=1)
        for f in fields(Group)
    }
    columns["owner"] = columns["owner"] + np.repeat(starts, widths)
    return Group(**columns)


def add_bystander(
    scene: Group, number: int, background: Ints, roll: Dice, training: bool, crowd: Crowd
) -> Group:
    """Add one slot to each scene, which holds a bystander where that is possible.

    Args:
        scene: the objects that are there already, not yet mirrored.
        number: the bystander's number; it decides the draws.
        background: [scenes]
        roll: the dice.
        training: whether held-out pairs are kept out of one scene.
        crowd: the density of the scene.
    """
    name = f"extra {number}"
    count = _objects(scene)
    short = (count < crowd.least) & (number >= crowd.extras // 2)
    new = _newcomer(number, background, roll, crowd)
    late = number >= crowd.extras - _LAST and number % 2 == 0
    again = roll.chance(f"{name} again", _AGAIN_PERCENT) | (short & late)
    new = _relative(new, scene, again, number)
    place = Spot(_INDOORS[background], _SKY[background], crowd.tries)
    x, y, found = find_spot(
        scene.boxes_or_none(), new.thing[:, 0], new.level[:, 0], place, roll, name
    )
    there = (found & roll.chance(f"{name} there", crowd.percent)) | short
    there &= count < crowd.most
    if training:
        there &= ~clashes(scene.thing, new.thing).any(axis=1)
    foot = anchor_table()[new.sprite[:, 0], new.level[:, 0], ANCHOR["foot"], 1]
    settled = {"x": x, "y": y, "depth": 4 * (y + foot)}
    columns = {f.name: getattr(new, f.name) for f in fields(Group)}
    columns |= {key: value[:, None] for key, value in settled.items()}
    for key in ("thing", "sprite"):
        columns[key] = np.where(there[:, None], columns[key], -1)
    return merge_groups([scene, Group(**columns)])


def _newcomer(number: int, background: Ints, roll: Dice, crowd: Crowd) -> Group:
    """Draw a bystander of a category that the background has, without a position.

    The first categories of the background's list are drawn most often.
    """
    table, count = bystanders()
    name, nothing = f"extra {number}", np.zeros_like(background)
    rank = roll.below(f"{name} rank", roll.below(f"{name} tail", count[background]) + 1)
    thing = table[background, rank]
    size = np.array([1, 2, 0, 0, 0, 0, 0, 0])[roll.below(f"{name} size", 8)]
    level = thing_levels()[thing] + LEVELS_OF_SIZE[size] - crowd.shrink[number >= _FEW]
    columns = {
        "thing": thing,
        "sprite": sprite_table()[thing, 0],
        "owner": nothing,
        "level": np.maximum(level, 2),
        "size": size,
        "flip": roll.chance(f"{name} flip", 50),
        "x": nothing,
        "y": nothing,
        "depth": nothing,
    }
    return Group(**{key: value[:, None] for key, value in columns.items()})


def _relative(new: Group, scene: Group, again: Flags, number: int) -> Group:
    """Replace the bystander by another of a category already there, where ``again`` is true."""
    there = _named(scene)
    rank = (number // 2) % np.maximum(there.sum(axis=1), 1)
    slot = np.argmax(np.cumsum(there, axis=1) > rank[:, None], axis=1)[:, None]
    thing = np.where(again[:, None], np.take_along_axis(scene.thing, slot, axis=1), new.thing)
    return replace(new, thing=thing, sprite=sprite_table()[thing, 0])


def _named(scene: Group) -> Flags:
    """Return the slots that hold an object and no prop, front or nothing, [scenes, slots]."""
    own = scene.owner == np.arange(scene.thing.shape[1])
    return np.asarray(own & (scene.thing >= 0) & (scene.thing < len(CATEGORIES)))


def _objects(scene: Group) -> Ints:
    """Return the number of objects, [scenes]."""
    return np.asarray(_named(scene).sum(axis=1))


def clashes(one: Ints, other: Ints) -> Flags:
    """Return whether two things are categories that training never draws side by side."""
    count = len(CATEGORIES)
    real = (one >= 0) & (other >= 0) & (one < count) & (other < count)
    return np.asarray(
        real & forbidden_pairs()[np.minimum(one, count - 1), np.minimum(other, count - 1)]
    )
