"""The tie rule, against the sentences that define it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.errors import UsageError
from benchbench.protocols.ties import RULES, credit
from benchbench.types import Ties

ROWS = st.integers(2, 5).flatmap(
    lambda n: st.tuples(st.lists(st.integers(0, 2), min_size=n, max_size=n), st.integers(0, n - 1))
)


def by_definition(row: list[int], target: int, ties: Ties) -> Fraction:
    """What a row earns, in words: alone at the top, beaten, or sharing the top with others."""
    others = [score for i, score in enumerate(row) if i != target]
    if all(row[target] > score for score in others):
        return Fraction(1)
    if any(score > row[target] for score in others):
        return Fraction(0)
    rivals = sum(score == row[target] for score in others)
    return {"wrong": Fraction(0), "right": Fraction(1), "share": Fraction(1, rivals + 1)}[ties]


@given(ROWS, st.sampled_from(RULES))
def test_credit_follows_the_definition(row_and_target: tuple[list[int], int], ties: Ties) -> None:
    row, target = row_and_target
    found = credit(np.array([row], dtype=np.float32), np.array([target]), ties)
    assert found[0] == float(by_definition(row, target, ties))


@given(ROWS)
def test_rules_are_ordered_and_differ_only_in_ties(
    row_and_target: tuple[list[int], int],
) -> None:
    scores, target = np.array([row_and_target[0]]), np.array([row_and_target[1]])
    wrong, share, right = (credit(scores, target, rule)[0] for rule in RULES)
    assert wrong <= share <= right
    if len(set(row_and_target[0])) == len(row_and_target[0]):
        assert wrong == right


def test_a_constant_scorer_earns_chance_only_when_ties_are_shared() -> None:
    scores, target = np.zeros((7, 5)), np.arange(7) % 5
    assert credit(scores, target, "wrong").mean() == 0
    assert credit(scores, target, "share").mean() == pytest.approx(1 / 5)
    assert credit(scores, target, "right").mean() == 1


def test_not_a_number_earns_nothing() -> None:
    scores = np.array([[np.nan, 0.0], [0.0, np.nan]])
    for rule in RULES:
        assert credit(scores, np.array([0, 0]), rule).tolist() == [0, 0]


def test_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="wrong, share, right"):
        credit(np.zeros((1, 2)), np.array([0]), "maybe")  # type: ignore[arg-type]
