"""R-Precision and mAP@R, against rankings that are counted out."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.protocols.precisions import AT_R, AVERAGE, chance_precisions, precisions
from benchbench.protocols.searching import rank_scores
from benchbench.types import Ties


def counted_out(ranking: list[bool], r: int) -> dict[str, float]:
    """Both scores of one ranking (best first), by the sentences that define them."""
    hits, total = 0, 0.0
    for place in range(1, r + 1):
        if ranking[place - 1]:
            hits += 1
            total += hits / place
    return {AT_R: hits / r, AVERAGE: total / r}


def orders(scores: list[int], true: list[bool], ties: Ties) -> list[list[bool]]:
    """The rankings that a tie rule allows."""
    if ties == "share":
        numbers = range(len(scores))
        return [
            [true[i] for i in sorted(numbers, key=lambda i: (-scores[i], order[i]))]
            for order in permutations(numbers)
        ]
    sign = 1 if ties == "wrong" else -1
    pairs = sorted(zip(scores, true, strict=True), key=lambda p: (-p[0], sign * p[1]))
    return [[each for _, each in pairs]]


@pytest.mark.parametrize("judgement", [AT_R, AVERAGE])
@pytest.mark.parametrize("ties", ["wrong", "share", "right"])
@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6).filter(
        lambda rows: any(true for _, true in rows)
    )
)
def test_scores_equal_rankings_counted_out(
    ties: Ties, judgement: str, rows: list[tuple[int, bool]]
) -> None:
    scores, true = [s for s, _ in rows], [t for _, t in rows]
    which = [i for i, each in enumerate(true) if each]
    places = rank_scores(np.array([scores], dtype=np.float32), [which])
    found = precisions(places, np.array([len(which)]), judgement, ties)[0]
    wanted = [counted_out(each, len(which))[judgement] for each in orders(scores, true, ties)]
    assert found == pytest.approx(sum(wanted) / len(wanted))


@pytest.mark.parametrize("judgement", [AT_R, AVERAGE])
def test_chance_is_the_mean_over_all_orders(judgement: str) -> None:
    true = [True, True, False, False, False]
    wanted = [counted_out(list(order), 2)[judgement] for order in permutations(true)]
    found = chance_precisions(np.array([5]), np.array([2]), judgement)[0]
    assert found == pytest.approx(sum(wanted) / len(wanted))
