"""Choose balanced items: an equal number of every relation and of every pair of attributes.

A thousand scenes have a thousand items of "to the left of", thirty of "chasing", and few of any one
pair of attributes. Scenes are numbered without end, so that a balanced set takes scenes from as
long a range as it needs. It takes whole twins in the order of their numbers, each if it has an item
of a kind that is still short. The items alone decide, and no model does. Items are about the
scenarios' principals only: in whole twins each of their captions is true exactly as often as it is
false (of attributes, up to the order of its halves; captions of bystanders are even on average
only), and each chosen scene is evaluated on a single crop.

Three hundred items of each of the 91 pairs of attributes would take 27,000 images. ``PAIRS`` has
each colour in two pairs, and each pattern in two: the eleven colours form a ring in which each
stands beside the fourth after it in ``vocabulary.COLOURS``, and the three patterns form another
ring. Eleven is prime, so that each of the steps 1 to 5 makes one ring of all colours. Step 1 pairs
colours that look alike. With steps 2, 3 and 5, two of gray, orange and brown are neighbours;
training draws these three on every category, so that their pair would never be unseen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from benchbench.errors import UsageError
from benchbench.scenes.appearance import principals
from benchbench.scenes.casting import scenario_flags
from benchbench.scenes.items import (
    AttributeItems,
    RelationItems,
    attribute_items,
    mentions,
    relation_items,
)
from benchbench.scenes.sampling import sample
from benchbench.scenes.swappable_scenarios import SWAPPABLE
from benchbench.scenes.vocabulary import COLOURS, MENTIONED, PATTERNS, PREDICATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Flags, Ints

Items = TypeVar("Items", RelationItems, AttributeItems)

STEP = 4
PAIRS: tuple[tuple[str, str], ...] = (
    *((MENTIONED[i], MENTIONED[(i + STEP) % len(COLOURS)]) for i in range(len(COLOURS))),
    *zip(PATTERNS[1:], (*PATTERNS[2:], PATTERNS[1]), strict=True),
)
"""The pairs of attributes that balanced items are about."""

RELATIONS: tuple[str, ...] = tuple(
    dict.fromkeys(predicate for scenario in SWAPPABLE for _, predicate, _ in scenario.relations)
)
"""The relations that balanced items are about: those that can be drawn in both directions."""

BLOCK = 2000
"""The number of scenes sampled at a time."""
MAX_SCENES = 2_000_000
"""The number of scenes after which the search for items ends."""


@lru_cache(maxsize=8)
def balance_relations(split: str, each: int) -> tuple[Scenes, RelationItems]:
    """Return an equal number of items of every relation, and their scenes.

    Args:
        split: one of ``SPLITS``.
        each: the number of items of each of ``RELATIONS``, an even number.

    Returns:
        Whole twins in the order of their numbers, and ``each`` items of each relation.

    Raises:
        UsageError: the number is odd or below 2, or the split has too few items.
    """
    return _balanced(split, each, len(RELATIONS), relation_items, _may_relate, relation_groups)


@lru_cache(maxsize=8)
def balance_attributes(split: str, each: int) -> tuple[Scenes, AttributeItems]:
    """Return an equal number of items of every pair of attributes, and their scenes.

    Args:
        split: one of ``SPLITS``.
        each: the number of items of each of ``PAIRS``, in either order, an even number.

    Returns:
        Whole twins in the order of their numbers, and ``each`` items of each pair.

    Raises:
        UsageError: the number is odd or below 2, or the split has too few items.
    """
    return _balanced(split, each, len(PAIRS), attribute_items, _may_attribute, attribute_groups)


def relation_groups(items: RelationItems) -> Ints:
    """Return the position in ``RELATIONS`` of each item, [items].

    It is −1 for items about other objects than the principals.
    """
    return np.where(items.principal, _relation_numbers()[items.predicate], -1)


def attribute_groups(items: AttributeItems) -> Ints:
    """Return the position in ``PAIRS`` of each item, [items].

    It is −1 for items about other objects than the principals, and for pairs that are not in
    ``PAIRS``.
    """
    return np.where(items.principal, _pair_numbers()[tuple(items.attributes.T)], -1)


def _balanced(
    split: str,
    each: int,
    groups: int,
    ask: Callable[[Scenes], Items],
    may_ask: Callable[[Scenes, Flags], Flags],
    group_of: Callable[[Items], Ints],
) -> tuple[Scenes, Items]:
    """Choose twins, then keep the first ``each`` items of each group.

    Args:
        split: one of ``SPLITS``.
        each: the number of items of each group.
        groups: the number of groups.
        ask: returns all items of some scenes.
        may_ask: returns the scenes, [scenes], whose principals might give an item of some groups,
            [groups]: a quick check that leaves out most; it is the same for both twins.
        group_of: returns the group of each item, −1 for none.
    """
    if each < 2 or each % 2:
        raise UsageError(f"Balanced items come in twins: an even number of each, not {each}.")
    lacking = np.full(groups, each, dtype=np.int64)
    twins: list[int] = []
    for start in range(0, MAX_SCENES, BLOCK):
        if (lacking <= 0).all():
            break
        scenes = sample(split, np.arange(start, start + BLOCK))
        scenes = scenes.take(np.flatnonzero(may_ask(scenes, lacking > 0)))
        items = ask(scenes)
        twins += _taken(scenes.index[items.scene] >> 1, group_of(items), lacking)
    if (lacking > 0).any():
        raise UsageError(
            f"The first {MAX_SCENES:,} scenes of {split} have not {each} of each kind."
        )
    numbers = np.array([2 * twin + odd for twin in twins for odd in (0, 1)], dtype=np.int64)
    scenes = sample(split, numbers)
    items = ask(scenes)
    return scenes, items.take(_first(group_of(items), groups, each))


def _taken(twin: Ints, group: Ints, lacking: Ints) -> list[int]:
    """Take, in order, each twin that has an item of a group still lacking items.

    Its items are subtracted from ``lacking``.

    Args:
        twin: [items], the twins' number of each item, ascending.
        group: [items], the group of each item; −1 for none.
        lacking: [groups], changed in place.
    """
    taken = []
    for number in dict.fromkeys(twin[group >= 0].tolist()):
        of_both = group[(twin == number) & (group >= 0)]
        if (lacking[of_both] > 0).any():
            taken.append(number)
            np.subtract.at(lacking, of_both, 1)
    return taken


def _first(group: Ints, groups: int, each: int) -> Ints:
    """Return the positions of the first items of each group, ascending."""
    return np.sort(np.concatenate([np.flatnonzero(group == g)[:each] for g in range(groups)]))


def _may_relate(scenes: Scenes, wanted: Flags) -> Flags:
    """Return the scenes whose principals have a wanted relation and can change places, [scenes]."""
    rows, (first, second) = np.arange(len(scenes)), principals(scenes.scenario)
    found = np.zeros(len(scenes), dtype=np.bool_)
    for subject, thing in ((first, second), (second, first)):
        predicate = scenes.predicate[rows, subject, thing]
        number = np.where(predicate >= 0, _relation_numbers()[predicate], -1)
        found |= (number >= 0) & wanted[number]
    return np.asarray(found & scenario_flags()[1][scenes.scenario])


def _may_attribute(scenes: Scenes, wanted: Flags) -> Flags:
    """Return the scenes whose principals are named by a wanted pair of attributes, [scenes]."""
    rows, named = np.arange(len(scenes)), mentions(scenes)
    first, second = principals(scenes.scenario)
    number = _pair_numbers()[named[rows, first], named[rows, second]]
    return np.asarray((number >= 0) & wanted[number])


@lru_cache(maxsize=1)
def _relation_numbers() -> Ints:
    """Return each predicate's position in ``RELATIONS``, [predicates]; −1 if it is not there."""
    table = np.full(len(PREDICATE), -1, dtype=np.int64)
    table[[PREDICATE[name] for name in RELATIONS]] = np.arange(len(RELATIONS))
    return table


@lru_cache(maxsize=1)
def _pair_numbers() -> Ints:
    """Return each pair's position in ``PAIRS``, in either order; −1 if it is not there.

    Returns:
        [mentioned, mentioned]
    """
    table = np.full((len(MENTIONED), len(MENTIONED)), -1, dtype=np.int64)
    for number, (one, other) in enumerate(PAIRS):
        a, b = MENTIONED.index(one), MENTIONED.index(other)
        table[a, b] = table[b, a] = number
    return table
