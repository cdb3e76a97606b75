"""Counts around true candidates, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.protocols.searching import distinct, rank_embeddings

SEEDS = st.integers(0, 2**32 - 1)


def small(seed: int, rows: int, dim: int = 3) -> np.ndarray:
    """Vectors of small whole numbers, so that products are exact and often tie."""
    return np.random.default_rng(seed).integers(-1, 2, size=(rows, dim)).astype(np.float32)


@given(SEEDS, st.integers(1, 6), st.integers(1, 8), st.integers(1, 40))
def test_counts_equal_a_plain_loop_in_blocks_of_any_size(
    seed: int, n_queries: int, n_candidates: int, cells: int
) -> None:
    rng = np.random.default_rng(seed)
    queries, candidates = small(seed, n_queries), small(seed + 1, n_candidates)
    true = [
        rng.permutation(n_candidates)[: rng.integers(1, n_candidates + 1)].tolist()
        for _ in range(n_queries)
    ]
    found = rank_embeddings(queries, candidates, true, cells)
    for query, rows, at in zip(queries, true, found, strict=True):
        scores = [float(sum(query * candidate)) for candidate in candidates]
        for row, better, equal in zip(rows, at.better, at.equal, strict=True):
            others = [score for i, score in enumerate(scores) if i != row]
            assert better == sum(score > scores[row] for score in others)
            assert equal == sum(score == scores[row] for score in others)


@pytest.mark.parametrize("dim", [3, 64, 512, 768])
def test_equal_embeddings_tie_exactly_wherever_they_stand(dim: int) -> None:
    rng = np.random.default_rng(dim)
    one, rest = rng.normal(size=(1, dim)), rng.normal(size=(500, dim))
    candidates = np.concatenate([one, rest, one, rest[:7], one]).astype(np.float32)
    queries = np.repeat(rng.normal(size=(3, dim)).astype(np.float32), 33, axis=0)
    found = rank_embeddings(queries, candidates, [[0, 501, 509]] * 99, cells=5000)
    assert all((at.equal == 2).all() and len(set(at.better.tolist())) == 1 for at in found)
    assert len({int(at.better[0]) for at in found}) <= 3, "equal queries rank alike"


def test_zeros_of_either_sign_are_one_vector() -> None:
    first, number = distinct(np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]], dtype=np.float32))
    assert first.tolist() == [0, 2]
    assert number.tolist() == [0, 0, 1]
