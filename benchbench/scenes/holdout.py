"""The attribute–object pairs and triples that training never has, closed under swaps.

Training scenes never draw them, and training captions never mention them.

Attributes: categories fall into four classes, and training lacks two colours and a pattern for each
class. Two categories of one class lack the same attributes. If the attributes of two such objects
are swapped, the caption stays exactly as unseen as it was.

Triples: an unordered pair of categories is held out for a whole family of predicates (``riding``
and ``carrying``; ``above``, ``under`` and ``over``; …). If subject and object of an unseen triple
are swapped, the result is an unseen triple.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.dice import name_hash
from benchbench.scenes.scenario import FIRST, SECOND, Scenario
from benchbench.scenes.swappable_scenarios import HOUSEHOLD, IN_THE_OPEN, SWAPPABLE
from benchbench.scenes.templates import FIXED
from benchbench.scenes.vocabulary import (
    CATEGORIES,
    CATEGORY,
    COLOURS,
    MENTION,
    MENTIONED,
    PREDICATE,
    PREDICATES,
)

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags

CLASSES: tuple[tuple[str, ...], ...] = (
    ("red", "white", "striped"),
    ("green", "purple", "spotted"),
    ("yellow", "black", "checkered"),
    ("blue", "pink"),
)
"""The attributes that each class of categories never has in training."""

FAMILIES: tuple[tuple[str, ...], ...] = (
    ("to the left of", "to the right of"),
    ("above", "under", "over"),
    ("in front of", "behind"),
    ("on", "standing on", "sitting on", "lying on"),
    ("in",),
    ("riding", "carrying"),
    ("chasing",),
    ("looking at",),
    ("pulling",),
    ("leaning on",),
)

_LATERAL_PERCENT, _PERCENT = 6, 12


def category_class(name: str) -> int:
    """Return the number in ``CLASSES`` of a category's class.

    The class is a hash of the name, so that similar categories fall into different classes.
    """
    return name_hash(f"class of {name}") % len(CLASSES)


@lru_cache(maxsize=1)
def held_attributes() -> Flags:
    """Return the pairs that training never draws as a table of flags.

    Returns:
        [categories, mentioned attributes], true where the pair is held out.
    """
    held = np.zeros((len(CATEGORIES), len(MENTIONED)), dtype=np.bool_)
    for row, category in enumerate(CATEGORIES):
        held[row, [MENTION[name] for name in CLASSES[category_class(category.name)]]] = True
    return held


@lru_cache(maxsize=1)
def held_triples() -> Flags:
    """Return the triples that training never draws as a table of flags.

    Returns:
        [predicates, categories, categories], true where the triple is held out.
    """
    held = np.zeros((len(PREDICATES), len(CATEGORIES), len(CATEGORIES)), dtype=np.bool_)
    drawn_together = _fixed_company()
    for family in FAMILIES:
        pairs = _pairs_of(family)
        percent = _LATERAL_PERCENT if family is FAMILIES[0] else _PERCENT
        order = sorted(
            pairs - drawn_together, key=lambda p: name_hash(f"{family[0]}|{p[0]}|{p[1]}")
        )
        for first, second in order[: -(-len(pairs) * percent // 100)]:
            a, b = CATEGORY[first], CATEGORY[second]
            rows = [PREDICATE[name] for name in family]
            held[rows, a, b] = held[rows, b, a] = True
    return held


def allowed_pairs(scenario: Scenario, training: bool) -> list[tuple[str, str]]:
    """Return the principals that a split may draw.

    A swappable scenario has one order of each pair.
    """
    pairs = [p for p in scenario.pairs if not scenario.swappable or p[0] < p[1]]
    return [pair for pair in pairs if not (training and draws_held(scenario, pair))]


def draws_held(scenario: Scenario, pair: tuple[str, str]) -> bool:
    """Return whether the scenario with these principals has or implies a held-out triple."""
    first, second = (CATEGORY[name] for name in pair)
    return bool(held_triples()[[PREDICATE[p] for p in _shown(scenario)], first, second].any())


def _shown(scenario: Scenario) -> set[str]:
    """Return the predicates that hold between the principals, in either direction."""
    cast = {FIRST, SECOND}
    shown = {
        p
        for i, p, j in scenario.relations
        if {scenario.roles[i].cast, scenario.roles[j].cast} == cast
    }
    for name in tuple(shown):
        predicate = PREDICATES[PREDICATE[name]]
        shown |= {*predicate.implies, *([predicate.inverse] if predicate.inverse else [])}
    beside = [role for role in scenario.roles if role.at in ("left", "right") and role.parent == 0]
    return shown | {FAMILIES[0][0]} if any(role.cast in cast for role in beside) else shown


def _pairs_of(family: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return the unordered pairs that items of the family consist of, names in order."""
    pairs = {
        (min(pair), max(pair))
        for scenario in SWAPPABLE
        for _, predicate, _ in scenario.relations
        if predicate in family
        for pair in scenario.pairs
    }
    if family is FAMILIES[0]:
        return {*pairs, *combinations(sorted(HOUSEHOLD), 2), *combinations(sorted(IN_THE_OPEN), 2)}
    return pairs


def _fixed_company() -> set[tuple[str, str]]:
    """Return the pairs that some scenario always draws together, in one order only.

    These pairs are never held out.
    """
    company: set[tuple[str, str]] = set()
    for scenario in FIXED:
        company |= set(scenario.pairs)
        casts = [r.cast for r in scenario.roles if isinstance(r.cast, tuple)]
        casts += [tuple(dict.fromkeys(side)) for side in zip(*scenario.pairs, strict=True)]
        for one, other in combinations(casts, 2):
            company |= set(product(one, other))
    return {(min(pair), max(pair)) for pair in company}


@lru_cache(maxsize=1)
def seen_colours() -> Flags:
    """Return the colours that training may draw, [categories, colours]."""
    return np.asarray(~held_attributes()[:, : len(COLOURS)])


@lru_cache(maxsize=1)
def seen_patterns() -> Flags:
    """Return the patterns that training may draw, [categories, patterns]; plain is always true."""
    plain = np.ones((len(CATEGORIES), 1), dtype=np.bool_)
    return np.concatenate([plain, ~held_attributes()[:, len(COLOURS) :]], axis=1)
