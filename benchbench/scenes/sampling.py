"""Sample scenes by number: ``sample("train", np.arange(1000))`` is the same on every platform.

Scenes come in twins, 2j and 2j + 1. Twins have the same scenario and the same principals. Between
twins, swappable principals change places, and the principals exchange their attributes. Each order
of an item's objects or attributes is therefore drawn exactly as often as the other, and no caption
shows by itself whether it is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.scenes.annotation import annotate, annotate_neighbours, drop_clashing, mirror
from benchbench.scenes.appearance import draw_appearance, draw_sizes
from benchbench.scenes.atlas import CANVAS
from benchbench.scenes.backgrounds import VARIANTS
from benchbench.scenes.bystanders import DENSE, SPARSE, add_bystander, merge_groups
from benchbench.scenes.casting import backdrops, choices, companions, scenario_flags
from benchbench.scenes.dice import Dice, dice
from benchbench.scenes.placement import Group, arrange, cast, settle
from benchbench.scenes.templates import ROLES
from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.scenes.world import VERSION, Scenes

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Ints

SPLITS = ("train", "val", "test", "train-dense", "val-dense", "test-dense")

_RARE_PERCENT = 20
"""The percentage of scenes in which test splits draw the principals from among the held-out pairs,
where there are any. Other scenes may draw such a pair by chance."""


@dataclass(frozen=True, slots=True)
class _Cast:
    """One scenario per scene and its principals, [scenes] each."""

    scenario: Ints
    first: Ints
    second: Ints


def sample(split: str, index: Ints) -> Scenes:
    """Return the scenes of a split at these numbers.

    Args:
        split: one of ``SPLITS``. The training splits leave out the held-out pairs and triples; the
            other splits include them.
        index: [scenes], not negative, in any order.

    Raises:
        UsageError: the split is unknown, or the index is not a flat array of numbers from 0.
    """
    if split not in SPLITS:
        raise UsageError(f"Unknown split '{split}'. There are {', '.join(SPLITS)}.")
    index = np.asarray(index, dtype=np.int64)
    if index.ndim != 1 or (index < 0).any():
        raise UsageError("Scenes are numbered by a flat array of whole numbers from 0.")
    own = dice(f"{VERSION}/{split}", index)
    twin = dice(f"{VERSION}/{split}/twins", index >> 1)
    training, dense = split.startswith("train"), split.endswith("dense")
    chosen = _chosen(twin, index, training)
    places, counts = backdrops()
    background = places[chosen.scenario, own.below("background", counts[chosen.scenario])]
    casts, scene = [chosen], _group(chosen, own, twin, dense, 0)
    if dense:
        casts.append(_companion(own, background, training))
        other = _group(
            casts[1], Dice(own.words("second")), Dice(own.words("second twin")), dense, 1
        )
        scene = merge_groups([scene, drop_clashing(scene, other) if training else other])
    crowd = DENSE if dense else SPARSE
    for number in range(crowd.extras):
        scene = add_bystander(scene, number, background, own, training, crowd)
    return _finished(split, index, background, casts, scene, own, twin)


def _chosen(twin: Dice, index: Ints, training: bool) -> _Cast:
    """Draw scenario and principals; swappable principals change places in the odd twin."""
    scenario = twin.weighted("scenario", choices(training).weight)
    return _cast_of(scenario, twin, training, (index & 1) == 1)


def _cast_of(scenario: Ints, roll: Dice, training: bool, odd: Flags) -> _Cast:
    """Draw the principals of the given scenarios.

    Fixed scenarios prefer their first pairs (a long tail); swappable scenarios prefer none.
    """
    table, swappable = choices(training), scenario_flags()[1][scenario]
    count = table.count[scenario]
    rare = (table.held[scenario] > 0) & roll.chance("rare", _RARE_PERCENT)
    even = roll.below("pair", np.where(rare, table.held[scenario], count))
    pair = table.start[scenario] + np.where(swappable, even, roll.below("tail", even + 1))
    first, second = table.first[pair], table.second[pair]
    swapped = swappable & (odd ^ roll.chance("order", 50))
    return _Cast(scenario, np.where(swapped, second, first), np.where(swapped, first, second))


def _companion(own: Dice, background: Ints, training: bool) -> _Cast:
    """Draw a second scenario for the same background."""
    table, counts = companions(training)
    roll = Dice(own.words("companion"))
    scenario = table[background, roll.below("scenario", counts[background])]
    return _cast_of(scenario, roll, training, np.zeros(len(scenario), dtype=np.bool_))


def _group(chosen: _Cast, own: Dice, twin: Dice, dense: bool, number: int) -> Group:
    """Cast, arrange and place one scenario in each scene."""
    zone, _, varied = scenario_flags()
    thing = cast(chosen.scenario, chosen.first, chosen.second, twin)
    size = draw_sizes(own, thing.shape, varied[chosen.scenario] & (not dense))
    room = (CANVAS // 2 if dense else CANVAS) - 24
    group = arrange(chosen.scenario, thing, size, room, own, 2 if dense else 0)
    half = CANVAS // 2
    low, high = (number * half, (number + 1) * half) if dense else (0, CANVAS)
    return settle(group, zone[chosen.scenario], low, high, own, "group")


def _finished(
    split: str,
    index: Ints,
    background: Ints,
    casts: list[_Cast],
    scene: Group,
    own: Dice,
    twin: Dice,
) -> Scenes:
    """Mirror half of the scenes, then colour, light and annotate all of them."""
    slots = np.arange(scene.thing.shape[1])
    real = (scene.thing >= 0) & (scene.thing < len(CATEGORIES)) & (scene.owner == slots)
    category = np.where(real, scene.thing, -1)
    flipped = twin.chance("mirror", 50)
    scene = mirror(scene, flipped)
    training, scenario = split.startswith("train"), casts[0].scenario
    look = draw_appearance(category, scenario, own, twin, (index & 1) == 1, training)
    base = own.between("light", 224, 256)
    light = np.stack([base - own.between(f"tint {c}", 0, 14) for c in range(3)], axis=1)
    predicate = np.full((*category.shape, len(slots)), -1, dtype=np.int64)
    for number, part in enumerate(casts):
        annotate(predicate, category, part.scenario, number * ROLES, flipped)
    scenes = Scenes(
        split=split, index=index, scenario=scenario, background=background,
        variant=own.below("variant", VARIANTS), light=light, mirrored=own.chance("backdrop", 50),
        category=category, sprite=scene.sprite, owner=scene.owner, level=scene.level,
        flip=scene.flip, x=scene.x, y=scene.y, depth=scene.depth * 32 + slots,
        colour=np.take_along_axis(look.colour, scene.owner, axis=1),
        pattern=np.take_along_axis(look.pattern, scene.owner, axis=1),
        size=scene.size, predicate=predicate,
    )  # fmt: skip
    annotate_neighbours(scenes, own, len(casts) * ROLES)
    return scenes
