"""Places of the first true answer, against every order that a tied block can take."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.errors import UsageError
from benchbench.protocols.places import (
    FirstTrue,
    chance_credit,
    expected_credit,
    first_true,
    search_credit,
)
from benchbench.protocols.ties import RULES
from benchbench.types import Metric, Places, Ties

BLOCKS = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4))
"""Candidates above a tied block, false ones in it, true ones in it."""

HIT = Metric("hit", "", judgement="found", k=3)
RANK = Metric("rank", "", judgement="found", reading="rank")
MEDIAN = Metric("median", "", judgement="found", reading="rank", statistic="median")
RECIPROCAL = Metric("rr", "", judgement="found", reading="reciprocal rank")


def places(better: int, tied: int, true: int) -> Iterator[int]:
    """The place of the first true one in every order of the block."""
    for slots in combinations(range(tied + true), true):
        yield better + 1 + slots[0]


def mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


@given(BLOCKS, st.integers(1, 20))
def test_shared_ties_are_exact_expectations_over_all_orders(
    block: tuple[int, int, int], k: int
) -> None:
    found = list(places(*block))
    assert expected_credit(*block, "hit", k) == float(mean([Fraction(p <= k) for p in found]))
    assert expected_credit(*block, "rank") == float(mean([Fraction(p) for p in found]))
    assert expected_credit(*block, "reciprocal rank") == float(
        mean([Fraction(1, p) for p in found])
    )
    assert expected_credit(*block, "middle") == median(found)


@given(st.lists(BLOCKS, min_size=1, max_size=5), st.integers(1, 20))
def test_what_is_earned_follows_the_rule(blocks: list[tuple[int, int, int]], k: int) -> None:
    first = FirstTrue(*(np.array(column, dtype=np.int64) for column in zip(*blocks, strict=True)))
    worst = [better + tied + 1 for better, tied, _ in blocks]
    best = [better + 1 for better, _, _ in blocks]
    cases: list[tuple[Ties, list[int]]] = [("wrong", worst), ("right", best)]
    for rule, at in cases:
        hit = search_credit(first, Metric("", "", judgement="found", k=k), rule)
        assert hit.tolist() == [float(p <= k) for p in at]
        assert search_credit(first, RANK, rule).tolist() == at
        assert search_credit(first, MEDIAN, rule).tolist() == at
        assert search_credit(first, RECIPROCAL, rule).tolist() == [1 / p for p in at]
    shared = [expected_credit(*block, "hit", k) for block in blocks]
    assert search_credit(first, Metric("", "", judgement="found", k=k), "share").tolist() == shared
    assert search_credit(first, MEDIAN, "share").tolist() == [median(places(*b)) for b in blocks]


@given(BLOCKS)
def test_rules_are_ordered(block: tuple[int, int, int]) -> None:
    first = FirstTrue(*(np.array([count]) for count in block))
    for metric in (HIT, RECIPROCAL):
        wrong, share, right = (search_credit(first, metric, rule)[0] for rule in RULES)
        assert wrong <= share <= right


@given(st.integers(1, 6), st.integers(0, 6))
def test_chance_is_the_mean_over_all_orders_of_all_candidates(true: int, false: int) -> None:
    found = list(places(0, false, true))
    sizes = np.array([true + false]), np.array([true])
    assert chance_credit(*sizes, HIT)[0] == float(mean([Fraction(p <= 3) for p in found]))
    assert chance_credit(*sizes, RANK)[0] == (true + false + 1) / (true + 1)
    assert chance_credit(*sizes, RECIPROCAL)[0] == float(mean([Fraction(1, p) for p in found]))


def test_a_large_gallery_is_no_trouble() -> None:
    harmonic = sum(Fraction(1, n) for n in range(1, 2001))
    assert expected_credit(0, 1999, 1, "reciprocal rank") == float(harmonic / 2000)
    assert expected_credit(0, 84_017, 1, "hit", 10) == 10 / 84_018
    assert expected_credit(0, 25_005, 5, "rank") == 25_011 / 6
    assert expected_credit(0, 4978, 5, "middle") == pytest.approx(4983 * (1 - 0.5**0.2), rel=1e-3)


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=8), min_size=1, max_size=4))
def test_the_first_true_answer_is_found_among_counts(rows: list[list[int]]) -> None:
    """The first half of each row's scores (rounded up) are of true candidates."""
    counts, halves = [], []
    for row in rows:
        better = [sum(other > score for other in row) for score in row]
        equal = [row.count(score) - 1 for score in row]
        half = (len(row) + 1) // 2
        counts.append(Places(np.array(better[:half]), np.array(equal[:half])))
        halves.append(half)
    for counted in (None, [1] * len(rows)):
        first = first_true(counts, counted)
        for i, row in enumerate(rows):
            n_true = halves[i] if counted is None else 1
            best, false = max(row[:n_true]), row[n_true:]
            assert first.better[i] == sum(score > best for score in false)
            assert first.tied[i] == false.count(best)
            assert first.true[i] == row[:n_true].count(best)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="wrong, share, right"):
        search_credit(FirstTrue(*(np.array([1]),) * 3), HIT, "maybe")  # type: ignore[arg-type]
