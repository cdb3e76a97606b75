"""Who else is about: things added where there is room, and nothing against them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchbench.scenes.backgrounds import BACKGROUNDS
from benchbench.scenes.casting import bystanders, sprite_table, thing_levels
from benchbench.scenes.holdout import held_triples
from benchbench.scenes.placing import LEVELS_OF_SIZE, Group, Spot, spot
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATE
from benchbench.scenes.world import ANCHOR, anchor_table

if TYPE_CHECKING:
    from benchbench.scenes.dice import Dice

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_INDOORS = np.isin(np.array(BACKGROUNDS), ("room", "kitchen"))
_SKY = np.isin(np.array(BACKGROUNDS), ("sky",))


@dataclass(frozen=True, slots=True)
class Crowd:
    """How full scenes are."""

    extras: int
    """How many bystanders may come."""
    least: int
    """Objects there must be: the last bystanders then stand wherever they happen to."""
    most: int
    tries: int
    """Positions tried for each."""
    percent: int
    """In how many of a hundred scenes each of them comes."""
    shrink: tuple[int, int]
    """Levels by which the first few and the later ones are smaller than usual."""


SPARSE = Crowd(extras=4, least=2, most=6, tries=6, percent=72, shrink=(1, 1))
DENSE = Crowd(extras=16, least=7, most=12, tries=12, percent=95, shrink=(3, 5))
_FEW, _LAST = 4, 10
_AGAIN_PERCENT = 12
"""How often a bystander is of a kind that is there already: captions then have plurals."""


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


def joined_by(
    scene: Group, number: int, background: Ints, roll: Dice, training: bool, crowd: Crowd
) -> Group:
    """The scene with one more slot, which holds somebody where that can be.

    Args:
        scene: what is there already, not yet mirrored.
        number: of the bystander; decides its draws.
        background: [n]
        roll: decides.
        training: whether pairs that are held out must not meet.
        crowd: how full the scene is to be.
    """
    name = f"extra {number}"
    count = _objects(scene)
    short = (count < crowd.least) & (number >= crowd.extras // 2)
    new = _newcomer(number, background, roll, crowd)
    late = number >= crowd.extras - _LAST and number % 2 == 0
    again = roll.chance(f"{name} again", _AGAIN_PERCENT) | (short & late)
    new = _relative(new, scene, again, number)
    place = Spot(_INDOORS[background], _SKY[background], crowd.tries)
    x, y, found = spot(scene.boxes_or_none(), new.thing[:, 0], new.level[:, 0], place, roll, name)
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
    return beside([scene, Group(**columns)])


def _newcomer(number: int, background: Ints, roll: Dice, crowd: Crowd) -> Group:
    """Somebody of those who frequent the place, the first of them most often; not placed yet."""
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
    """Instead of somebody new, one more of a kind already there."""
    there = _named(scene)
    rank = (number // 2) % np.maximum(there.sum(axis=1), 1)
    slot = np.argmax(np.cumsum(there, axis=1) > rank[:, None], axis=1)[:, None]
    thing = np.where(again[:, None], np.take_along_axis(scene.thing, slot, axis=1), new.thing)
    return replace(new, thing=thing, sprite=sprite_table()[thing, 0])


def _named(scene: Group) -> Flags:
    """[n, slots]: what is an object rather than a prop, a front or nothing."""
    own = scene.owner == np.arange(scene.thing.shape[1])
    return np.asarray(own & (scene.thing >= 0) & (scene.thing < len(CATEGORIES)))


def _objects(scene: Group) -> Ints:
    """[n]: how many objects there are."""
    return np.asarray(_named(scene).sum(axis=1))


def clashes(one: Ints, other: Ints) -> Flags:
    """Whether both are categories that training must not show beside each other."""
    count = len(CATEGORIES)
    real = (one >= 0) & (other >= 0) & (one < count) & (other < count)
    return np.asarray(real & unmeetable()[np.minimum(one, count - 1), np.minimum(other, count - 1)])
