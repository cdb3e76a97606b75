from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from benchbench.stats import benjamini_hochberg, flip, holm, step_down
from tests.stats.tables import answers, plain

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(max_examples=25)  # statsmodels imports more when it is first used
@given(P_VALUES)
def test_holm_and_benjamini_hochberg_are_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_step_down_is_the_textbooks_loop() -> None:
    values, clusters = answers([0.7, 0.6, 0.55, 0.5], 300)
    table = plain(values, clusters)
    flips = flip(table, table.pairs(), draws=500)
    t, drawn = np.abs(flips.observed), np.abs(flips.flipped)
    order, least, wanted = sorted(range(6), key=lambda k: -t[k]), 0.0, np.zeros(6)
    for place, pair in enumerate(order):
        rest = order[place:]
        hits = sum(max(row[k] for k in rest) >= t[pair] - 1e-9 for row in drawn)
        least = max(least, (1 + hits) / 501)
        wanted[pair] = least
    assert step_down(flips) == pytest.approx(wanted)


def test_step_down_lies_between_raw_and_holm() -> None:
    values, clusters = answers([0.7, 0.62, 0.6, 0.58, 0.5], 600)
    table = plain(values, clusters)
    flips = flip(table, table.pairs(), draws=4000)
    adjusted = step_down(flips)
    assert (adjusted >= flips.p_values()).all()
    assert (adjusted <= np.array(holm(flips.p_values())) + 0.01).all()


def test_the_family_keeps_its_error() -> None:
    rng, claims = np.random.default_rng(0), 0
    for seed in range(300):
        shared = rng.normal(size=(50, 1))
        table = plain(shared + rng.normal(size=(50, 5)))
        claims += step_down(flip(table, table.pairs(), draws=300, seed=seed)).min() < 0.05
    assert claims / 300 < 0.09
