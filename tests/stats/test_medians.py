"""Medians, and their draws against numpy's median of the items drawn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchbench.stats import bootstrap_draws, expanded_percentiles, intervals, median_over_items


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_a_draw_is_the_median_of_the_items_drawn(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 6, n).astype(float)
    clusters = rng.integers(0, 4, n)
    weights = rng.integers(0, 3, (5, 4)).astype(float)
    found = median_over_items(values, clusters, total=4).redraw(weights)
    for draw, median in zip(weights, found, strict=True):
        drawn = np.repeat(values, draw[clusters].astype(int))
        assert np.isnan(median) if not len(drawn) else median == np.median(drawn)


def test_medians_and_means_come_from_the_same_draws() -> None:
    values = np.arange(40.0)
    median = median_over_items(values, np.arange(40))
    draws = bootstrap_draws([median], resamples=500)[:, 0]
    assert median.value == 19.5
    assert 17 < draws.mean() < 22
    assert 2 < draws.std() < 6


def test_no_item_has_no_median() -> None:
    empty = median_over_items(np.array([]), np.array([], dtype=int), total=3)
    assert np.isnan(empty.value)
    assert np.isnan(empty.redraw(np.ones((2, 3)))).all()


def test_draws_that_miss_every_item_leave_the_interval() -> None:
    clusters = np.arange(10) * 200
    median = median_over_items(np.arange(10.0), clusters, total=2_000)
    seeds = [s for s in range(8) if np.isnan(bootstrap_draws([median], seed=s)).any()]
    assert seeds, "of 80,000 draws one or the other is of none of the ten clusters"
    for seed in seeds:
        ((low, high),) = intervals([median], seed=seed)
        draws = bootstrap_draws([median], seed=seed)[:, 0]
        drawn = draws[np.isfinite(draws)]
        assert (low, high) == expanded_percentiles(drawn, 10)
        assert 0 <= low < 4.5 < high <= 9
