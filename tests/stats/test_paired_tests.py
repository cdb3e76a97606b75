from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, permutation_test
from statsmodels.stats.contingency_tables import mcnemar as reference

from benchbench.stats import flip, label_swap_p, mcnemar
from tests.stats.tables import answers, plain


def test_mcnemar_is_statsmodels_and_the_sign_flips_of_single_items() -> None:
    values, _ = answers([0.6, 0.45], 40, seed=3)
    a, b = values.T
    table = [[np.sum(a * b), np.sum(a * (1 - b))], [np.sum((1 - a) * b), np.sum((1 - a) * (1 - b))]]
    assert mcnemar(a, b) == pytest.approx(reference(table, exact=True).pvalue)
    few = plain(values[:20])
    flips = flip(few, few.pairs())
    assert flips.exact
    gained, lost = int((a[:20] > b[:20]).sum()), int((a[:20] < b[:20]).sum())
    assert flips.p_values()[0] == pytest.approx(binomtest(gained, gained + lost).pvalue)
    assert mcnemar(a, a) == 1.0


def test_medians_are_compared_by_swapping_whole_clusters() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 20, 60).astype(float), rng.integers(3, 26, 60).astype(float)
    clusters = np.arange(60)

    def medians(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.median(values, axis=-1))

    found = label_swap_p(medians, a, b, clusters, draws=8000)
    wanted = permutation_test(
        (a, b), lambda x, y, axis: np.median(x, axis=axis) - np.median(y, axis=axis),
        permutation_type="samples", vectorized=True, n_resamples=8000, rng=rng,
    ).pvalue  # fmt: skip
    assert found == pytest.approx(wanted, abs=0.02)
    together = label_swap_p(medians, a, b, np.zeros(60, dtype=int), draws=100)
    assert together == 1.0  # one cluster: swapped or not, the same size of difference
