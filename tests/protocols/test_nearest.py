"""The best candidates, against a sort of all scores."""

from __future__ import annotations

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.protocols.nearest import nearest
from tests.protocols.test_searching import one_by_one, small, unit


@pytest.mark.parametrize("device", ["cpu", "cpu:0"], ids=["numpy", "torch"])
@pytest.mark.parametrize(("height", "width"), [(256, 4096), (3, 40), (5, 7)])
def test_the_best_are_those_of_a_full_sort(device: str, height: int, width: int) -> None:
    queries, candidates = unit(0, 12, 24), unit(1, 300, 24)
    candidates[40:60] = candidates[:20]
    rows, scores = nearest(queries, candidates, 10, shape=(height, width), device=device)
    for query, row, found in zip(queries, rows, scores, strict=True):
        wanted = one_by_one(query, candidates)
        order = np.lexsort((np.arange(300), -wanted))[:10]
        assert row.tolist() == order.tolist()
        assert found.tolist() == wanted[order].tolist()


@pytest.mark.parametrize("k", [1, 30, 500])
def test_equal_scores_stand_in_the_order_of_the_candidates(k: int) -> None:
    queries, candidates = small(0, 20), small(1, 500)  # a few scores, each many times
    rows, _ = nearest(queries, candidates, k, shape=(6, 90))
    wanted = np.argsort(-(queries @ candidates.T), axis=1, kind="stable")[:, :k]
    assert (rows == wanted).all()


def test_a_number_that_there_is_not_is_refused() -> None:
    for k in (0, 7):
        with pytest.raises(UsageError, match="from 1 to 6"):
            nearest(unit(0, 2, 4), unit(1, 6, 4), k)
