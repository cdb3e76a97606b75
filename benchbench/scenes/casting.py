"""Turn the scenarios into tables, so that a batch of scenes is cast and placed without a loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.backgrounds import BACKGROUNDS
from benchbench.scenes.holdout import allowed_pairs
from benchbench.scenes.scenario import FIRST, SECOND, Role
from benchbench.scenes.templates import EXTRAS, ROLES, SCENARIOS
from benchbench.scenes.vocabulary import CATEGORIES, CATEGORY, PREDICATE, SPRITE
from benchbench.scenes.world import ANCHOR

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Ints

PROPS = ("rope", "string")
POSES = tuple(dict.fromkeys(pose for _, pose in SPRITE))
ZONES = ("ground", "air", "wall", "water")
CAST_FIRST, CAST_SECOND, CAST_OPTIONS = 0, 1, 2
RELATIONS = max(len(scenario.relations) for scenario in SCENARIOS)
_PROP_LEVEL = {"rope": 4, "string": 7}


@dataclass(frozen=True, slots=True)
class Parts:
    """All roles of all scenarios; the first two axes of every array are [scenarios, roles]."""

    there: Flags
    cast: Ints
    options: Ints
    """[scenarios, roles, most options]: the things to choose from."""
    option_count: Ints
    pose: Ints
    parent: Ints
    at: Ints
    by: Ints
    shift: Ints
    """[scenarios, roles, 2]: least and greatest."""
    rise: Ints
    layer: Ints
    smaller: Ints
    """The least number of levels below the parent's; −99 sets no bound."""
    at_least: Ints
    chance: Ints
    owned: Flags


@dataclass(frozen=True, slots=True)
class CastingChoices:
    """The scenarios and principals that a split may draw."""

    weight: Ints
    """[scenarios], cumulative."""
    first: Ints
    """[pairs]: the first principal of each pair, one scenario's pairs after the other's."""
    second: Ints
    """[pairs]: the second principal of each pair."""
    start: Ints
    """[scenarios]: the number of a scenario's first pair."""
    count: Ints
    """[scenarios]: the number of a scenario's pairs."""
    held: Ints
    """[scenarios]: how many of a scenario's pairs training never draws; these come first."""


@lru_cache(maxsize=1)
def parts() -> Parts:
    """Return the roles of all scenarios as tables."""
    rows = [[*s.roles, *[None] * (ROLES - len(s.roles))] for s in SCENARIOS]
    blank = Role(FIRST)
    grid = [[role or blank for role in row] for row in rows]

    def table(of: object) -> Ints:
        return np.array([[of(role) for role in row] for row in grid], dtype=np.int64)  # type: ignore[operator]

    options = [[_options(role) for role in row] for row in grid]
    widest = max(len(names) for row in options for names in row)
    return Parts(
        there=np.array([[role is not None for role in row] for row in rows]),
        cast=table(lambda r: {FIRST: CAST_FIRST, SECOND: CAST_SECOND}.get(r.cast, CAST_OPTIONS)),
        options=np.array([[(n + [0] * widest)[:widest] for n in row] for row in options]),
        option_count=np.array([[len(n) for n in row] for row in options]),
        pose=table(lambda r: POSES.index(r.pose)),
        parent=table(lambda r: -1 if r.parent is None else r.parent),
        at=table(lambda r: ANCHOR[r.at]),
        by=table(lambda r: ANCHOR[r.by]),
        shift=table(lambda r: r.shift),
        rise=table(lambda r: r.rise),
        layer=table(lambda r: r.layer),
        smaller=table(lambda r: -99 if r.smaller is None else r.smaller),
        at_least=table(lambda r: r.at_least),
        chance=table(lambda r: r.chance),
        owned=table(lambda r: r.owned).astype(np.bool_),
    )


def _options(role: Role) -> list[int]:
    """Return the numbers of the things that a role may be: first the categories, then the props."""
    if not isinstance(role.cast, tuple):
        return [0]
    return [CATEGORY[n] if n in CATEGORY else len(CATEGORIES) + PROPS.index(n) for n in role.cast]


@lru_cache(maxsize=2)
def choices(training: bool) -> CastingChoices:
    """Return scenarios and principals; for training, without the held-out pairs."""
    pairs = [allowed_pairs(scenario, training) for scenario in SCENARIOS]
    kept = [set(allowed_pairs(scenario, training=True)) for scenario in SCENARIOS]
    for group, seen in zip(pairs, kept, strict=True):
        group.sort(key=seen.__contains__)
    held = [len(set(group) - seen) for group, seen in zip(pairs, kept, strict=True)]
    counts = np.array([len(group) for group in pairs], dtype=np.int64)
    flat = np.array([(CATEGORY[a], CATEGORY[b]) for group in pairs for a, b in group])
    weights = np.array(
        [s.weight if group else 0 for s, group in zip(SCENARIOS, pairs, strict=True)]
    )
    return CastingChoices(
        weight=np.cumsum(weights),
        first=flat[:, 0],
        second=flat[:, 1],
        start=np.cumsum(counts) - counts,
        count=counts,
        held=np.array(held, dtype=np.int64),
    )


@lru_cache(maxsize=1)
def relations() -> Ints:
    """Return the relations as role, predicate, role, [scenarios, relations, 3].

    −1 fills the rows of scenarios with fewer relations.
    """
    table = np.full((len(SCENARIOS), RELATIONS, 3), -1, dtype=np.int64)
    for row, scenario in enumerate(SCENARIOS):
        for column, (subject, predicate, thing) in enumerate(scenario.relations):
            table[row, column] = subject, PREDICATE[predicate], thing
    return table


@lru_cache(maxsize=1)
def sprite_table() -> Ints:
    """Return the sprite of each thing in each pose, [things, poses].

    A missing pose has the ordinary sprite, but a missing front has −1.
    """
    table = np.empty((len(CATEGORIES) + len(PROPS), len(POSES)), dtype=np.int64)
    for row, category in enumerate(CATEGORIES):
        ordinary = category.poses[0]
        for column, pose in enumerate(POSES):
            usual = -1 if pose == "front" else SPRITE[category.name, ordinary]
            table[row, column] = SPRITE.get((category.name, pose), usual)
    for row, prop in enumerate(PROPS, start=len(CATEGORIES)):
        table[row] = SPRITE[prop, "stand"]
    return table


@lru_cache(maxsize=1)
def thing_levels() -> Ints:
    """Return the ordinary level of each thing, [things]."""
    return np.array([c.level for c in CATEGORIES] + [_PROP_LEVEL[name] for name in PROPS])


@lru_cache(maxsize=1)
def backdrops() -> tuple[Ints, Ints]:
    """Return the backgrounds of each scenario.

    Returns:
        The backgrounds, [scenarios, most], and their counts, [scenarios].
    """
    return _padded([[BACKGROUNDS.index(name) for name in s.backgrounds] for s in SCENARIOS])


@lru_cache(maxsize=2)
def companions(training: bool) -> tuple[Ints, Ints]:
    """Return the scenarios that may share each background.

    Returns:
        The scenarios, [backgrounds, most], and their counts, [backgrounds].
    """
    kept = [i for i, s in enumerate(SCENARIOS) if allowed_pairs(s, training)]
    return _padded([[i for i in kept if name in SCENARIOS[i].backgrounds] for name in BACKGROUNDS])


@lru_cache(maxsize=1)
def bystanders() -> tuple[Ints, Ints]:
    """Return the categories of each background's bystanders, the commonest first.

    Returns:
        The categories, [backgrounds, most], and their counts, [backgrounds].
    """
    return _padded([[CATEGORY[name] for name in EXTRAS[b]] for b in BACKGROUNDS])


@lru_cache(maxsize=1)
def scenario_flags() -> tuple[Ints, Flags, Flags]:
    """Return three flags per scenario, [scenarios] each.

    They are its zone, whether it is swappable, and whether its principals vary in size.
    """
    return (
        np.array([ZONES.index(s.zone) for s in SCENARIOS]),
        np.array([s.swappable for s in SCENARIOS]),
        np.array([s.sizes for s in SCENARIOS]),
    )


def _padded(rows: list[list[int]]) -> tuple[Ints, Ints]:
    widest = max(len(row) for row in rows)
    table = np.array([(row + [0] * widest)[:widest] for row in rows], dtype=np.int64)
    return table, np.array([len(row) for row in rows], dtype=np.int64)
