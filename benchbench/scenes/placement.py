"""Place the objects of a scene: roles by their anchors, groups on the canvas, and bystanders.

The first axis of all arrays is the scenes. Coordinates are integers in scene units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.atlas import CANVAS, EXTENTS
from benchbench.scenes.casting import Parts, parts, sprite_table, thing_levels
from benchbench.scenes.dice import Dice
from benchbench.scenes.templates import ROLES
from benchbench.scenes.vocabulary import CATEGORIES, CATEGORY
from benchbench.scenes.world import ANCHOR, anchor_table, reach_table

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Ints

MARGIN = 10
_TOP_LEVEL = len(EXTENTS) - 1
_GROUND, _AIR, _WALL, _WATER = range(4)
_AIRBORNE = np.isin(
    np.arange(len(CATEGORIES)), [CATEGORY[n] for n in ("bird", "kite", "airplane", "clock")]
)


@dataclass(frozen=True, slots=True)
class Group:
    """The roles of one scenario per scene, [scenes, roles], placed about an origin of their own."""

    thing: Ints
    """The category, or a prop (numbered after the categories); −1 is absent."""
    sprite: Ints
    owner: Ints
    level: Ints
    size: Ints
    flip: Flags
    x: Ints
    y: Ints
    depth: Ints

    def boxes(self) -> Ints:
        """Return the boxes before mirroring, [scenes, roles, 4].

        An absent role has the first role's box.
        """
        box = reach_table()[self.sprite, self.level]
        box = box + np.stack([self.x, self.y, self.x, self.y], axis=-1)
        return np.where(self.sprite[..., None] >= 0, box, box[:, :1])

    def boxes_or_none(self) -> Ints:
        """Return the boxes, [scenes, roles, 4]; an absent role has an empty box."""
        return np.where(self.sprite[..., None] >= 0, self.boxes(), 0)


def cast(scenario: Ints, first: Ints, second: Ints, roll: Dice) -> Ints:
    """Draw the thing that plays each role, [scenes, roles]; −1 where the role is absent."""
    table = parts()
    out = np.full((len(scenario), ROLES), -1, dtype=np.int64)
    for role in range(ROLES):
        chosen = roll.below(f"option {role}", table.option_count[scenario, role])
        option = table.options[scenario, role, chosen]
        who = np.choose(table.cast[scenario, role], [first, second, option])
        there = table.there[scenario, role] & roll.chance(
            f"there {role}", table.chance[scenario, role]
        )
        out[:, role] = np.where(there, who, -1)
    return _without_orphans(out, scenario, table)


def _without_orphans(thing: Ints, scenario: Ints, table: Parts) -> Ints:
    """Remove the roles whose parent is absent."""
    rows = np.arange(len(thing))
    for role in range(1, ROLES):
        parent = table.parent[scenario, role]
        lost = (parent >= 0) & (thing[rows, parent] < 0)
        thing[lost, role] = -1
    return thing


LEVELS_OF_SIZE = np.array([0, -2, 2])
"""The difference in levels of a medium, a small and a large object from the ordinary level."""


def arrange(scenario: Ints, thing: Ints, size: Ints, room: int, roll: Dice, shrunk: int) -> Group:
    """Place all roles, smaller and smaller until the group fits into ``room`` units of width.

    Args:
        scenario: [scenes]
        thing: [scenes, roles]
        size: [scenes, roles], index into ``vocabulary.SIZES``.
        room: the largest width, in scene units.
        roll: the dice for the jitter.
        shrunk: levels to shrink by from the start.
    """
    shrink = np.full(len(scenario), shrunk, dtype=np.int64)
    group = _laid(scenario, thing, size, shrink, roll)
    for _ in range(5):
        box = group.boxes()
        width = box[..., 2].max(axis=1) - box[..., 0].min(axis=1)
        height = box[..., 3].max(axis=1) - box[..., 1].min(axis=1)
        rows = np.flatnonzero((width > room) | (height > min(room + 120, CANVAS - 60)))
        if not len(rows):
            break
        shrink[rows] += 1
        again = _laid(scenario[rows], thing[rows], size[rows], shrink[rows], Dice(roll.keys[rows]))
        group = _patched(group, rows, again)
    return group


def _patched(group: Group, rows: Ints, part: Group) -> Group:
    for name in ("level", "x", "y"):
        getattr(group, name)[rows] = getattr(part, name)
    return group


def _laid(scenario: Ints, thing: Ints, size: Ints, shrink: Ints, roll: Dice) -> Group:
    """Place each role by its parent, in order."""
    table, rows, shape = parts(), np.arange(len(scenario)), thing.shape
    level, x, y, depth = (np.zeros(shape, dtype=np.int64) for _ in range(4))
    owner = np.tile(np.arange(ROLES), (shape[0], 1))
    sprite = np.where(thing >= 0, sprite_table()[thing, table.pose[scenario]], -1)
    for role in range(ROLES):
        parent = table.parent[scenario, role]
        kin, rooted = np.maximum(parent, 0), parent < 0
        level[:, role] = _level(scenario, thing, size, shrink, level[rows, kin], role)
        theirs = anchor_table()[sprite[rows, kin], level[rows, kin], table.at[scenario, role]]
        own = anchor_table()[sprite[:, role], level[:, role], table.by[scenario, role]]
        shift = roll.between(f"shift {role}", *table.shift[scenario, role].T)
        rise = roll.between(f"rise {role}", *table.rise[scenario, role].T)
        owned = table.owned[scenario, role]
        level[:, role] = np.where(owned, level[rows, kin], level[:, role])
        owner[:, role] = np.where(owned, kin, role)
        for to, axis, moved in ((x, 0, shift), (y, 1, rise)):
            joined = to[rows, kin] + theirs[:, axis] + moved - own[:, axis]
            to[:, role] = np.where(rooted, 0, np.where(owned, to[rows, kin], joined))
        depth[:, role] = np.where(rooted, 0, depth[rows, kin] + table.layer[scenario, role])
    flip = np.zeros(shape, dtype=np.bool_)
    return Group(thing, sprite, owner, level, size, flip, x, y, depth)


def _level(
    scenario: Ints, thing: Ints, size: Ints, shrink: Ints, parent_level: Ints, role: int
) -> Ints:
    """Return the level of a role, [scenes].

    It is the ordinary level, changed by the size, within the role's own limits and the bound that
    the parent's level sets.
    """
    table = parts()
    prop = thing[:, role] >= len(CATEGORIES)
    level = thing_levels()[thing[:, role]] + LEVELS_OF_SIZE[size[:, role]]
    level = np.maximum(level, table.at_least[scenario, role]) - np.where(prop, 0, shrink)
    smaller = table.smaller[scenario, role]
    bound = np.where(smaller > -99, parent_level - smaller, _TOP_LEVEL)
    return np.asarray(np.clip(np.minimum(level, bound), 0, _TOP_LEVEL))


def settle(group: Group, zone: Ints, low: int, high: int, roll: Dice, name: str) -> Group:
    """Move each group onto the canvas, between ``low`` and ``high``, at its zone's height."""
    box = group.boxes()
    left, top = box[..., 0].min(axis=1), box[..., 1].min(axis=1)
    right, bottom = box[..., 2].max(axis=1), box[..., 3].max(axis=1)
    first = low + MARGIN - left
    x = roll.between(f"{name} x", first, np.maximum(high - MARGIN - right, first))
    foot = anchor_table()[group.sprite[:, 0], group.level[:, 0], ANCHOR["foot"], 1]
    y = roll.between(f"{name} y", *_heights(zone, top, bottom, foot))
    return replace(
        group,
        x=group.x + x[:, None],
        y=group.y + y[:, None],
        depth=group.depth + 4 * (y + foot)[:, None],
    )


def _heights(zone: Ints, top: Ints, bottom: Ints, foot: Ints) -> tuple[Ints, Ints]:
    """Return the least and the greatest distance by which the group may move down."""
    lowest = np.choose(zone, [500 - foot, 24 - top, 24 - top, 480 - foot])
    highest = np.choose(zone, [630 - foot, 540 - bottom, 400 - bottom, 610 - foot])
    least = np.maximum(lowest, MARGIN - top)
    most = np.minimum(highest, CANVAS - MARGIN - bottom)
    return least, np.maximum(most, least)


@dataclass(frozen=True, slots=True)
class Spot:
    """The conditions on the position of one more thing."""

    indoors: Flags
    """[scenes]: true where the floor begins lower."""
    sky: Flags
    """[scenes]: true high above the ground, where flying things may be anywhere."""
    tries: int


def find_spot(
    taken: Ints, thing: Ints, level: Ints, place: Spot, roll: Dice, name: str
) -> tuple[Ints, Ints, Flags]:
    """Find room for one more thing in each scene.

    Args:
        taken: [scenes, boxes, 4], the boxes already there.
        thing: [scenes], categories.
        level: [scenes]
        place: the conditions on the position.
        roll: the dice.
        name: the name of the draws.

    Returns:
        x and y of the drawing's corner (of the last try, where none fits), and whether any try
        found room; each [scenes].
    """
    sprite = sprite_table()[thing, 0]
    reach, foot = reach_table()[sprite, level], anchor_table()[sprite, level, ANCHOR["foot"], 1]
    high = _AIRBORNE[thing]
    lowest = np.maximum(np.where(place.sky, 520, 250) - reach[:, 3], 16 - reach[:, 1])
    x, y = np.zeros_like(thing), np.zeros_like(thing)
    found = np.zeros(len(thing), dtype=np.bool_)
    for attempt in range(place.tries):
        at = roll.between(f"{name} x{attempt}", MARGIN - reach[:, 0], CANVAS - MARGIN - reach[:, 2])
        draw = f"{name} y{attempt}"
        ground = roll.between(draw, np.where(place.indoors, 470, 440) - foot, 640 - foot)
        air = roll.between(draw, 16 - reach[:, 1], lowest)
        down = np.where(high, air, np.maximum(ground, MARGIN - reach[:, 1]))
        box = reach + np.stack([at, down, at, down], axis=-1)
        x, y = np.where(found, x, at), np.where(found, y, down)
        found |= ~_touching(box, taken).any(axis=1)
    return x, y, found


def _touching(box: Ints, taken: Ints) -> Flags:
    """Return whether boxes come nearer than the margin, [scenes, boxes]."""
    near = box[:, None] + np.array([-MARGIN, -MARGIN, MARGIN, MARGIN])
    apart = (taken[..., 0] >= near[..., 2]) | (taken[..., 2] <= near[..., 0])
    apart |= (taken[..., 1] >= near[..., 3]) | (taken[..., 3] <= near[..., 1])
    return np.asarray(~apart & (taken[..., 2] > taken[..., 0]))
