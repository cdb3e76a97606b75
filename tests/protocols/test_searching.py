"""Counts around true candidates, against a plain loop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.protocols.searching import STAGE, count_places, let_go, rank_embeddings

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = st.integers(0, 2**32 - 1)


def small(seed: int, rows: int, dim: int = 3) -> np.ndarray:
    """Vectors of small whole numbers, so that products are exact and often tie."""
    return np.random.default_rng(seed).integers(-1, 2, size=(rows, dim)).astype(np.float32)


@given(SEEDS, st.integers(1, 6), st.integers(1, 8), st.integers(1, 7), st.integers(1, 9))
def test_counts_equal_a_plain_loop_in_blocks_of_any_size(
    seed: int, n_queries: int, n_candidates: int, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    queries, candidates = small(seed, n_queries), small(seed + 1, n_candidates)
    true = [
        rng.permutation(n_candidates)[: rng.integers(1, n_candidates + 1)].tolist()
        for _ in range(n_queries)
    ]
    found = rank_embeddings(queries, candidates, true, shape=(height, width))
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
    found = rank_embeddings(queries, candidates, [[0, 501, 509]] * 99, shape=(7, 50))
    assert all((at.equal == 2).all() and len(set(at.better.tolist())) == 1 for at in found)
    assert len({int(at.better[0]) for at in found}) <= 3, "equal queries rank alike"


def test_zeros_of_either_sign_are_one_vector() -> None:
    candidates = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    (found,) = rank_embeddings(np.array([[-1.0, 0.0]], dtype=np.float32), candidates, [[0, 2]])
    assert (found.better.tolist(), found.equal.tolist()) == ([0, 2], [1, 0])


def unit(seed: int, rows: int, dim: int) -> np.ndarray:
    """Vectors of length 1 in random directions."""
    found = np.random.default_rng(seed).normal(size=(rows, dim))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def one_by_one(query: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Scores of candidates as the protocol defines them: exact sums, rounded to float32."""
    products = query.astype(np.float64) * candidates.astype(np.float64)
    return np.array([math.fsum(row) for row in products.tolist()], dtype=np.float32)


@pytest.mark.parametrize("device", ["cpu", "cpu:0"], ids=["numpy", "torch"])
@pytest.mark.parametrize("scale", [1.0, 1e19, 1e-22], ids=["unit", "long", "short"])
def test_near_ties_are_decided_exactly(device: str, scale: float) -> None:
    # Candidates that differ in the last bits alone: a product in float32 orders them at random.
    queries, base = unit(0, 5, 96), unit(1, 1, 96)
    bits = np.random.default_rng(2).integers(-2, 3, size=(300, 96))
    candidates = (base.view(np.int32) + bits).astype(np.int32).view(np.float32)
    candidates[200:] = unit(3, 100, 96)
    queries, candidates = queries * np.float32(scale), candidates * np.float32(scale)
    true = [[7 * i, 250, 199] for i in range(5)]
    better, equal = count_places(queries, candidates, true, shape=(2, 64), device=device)
    for row, query in enumerate(queries):
        scores = one_by_one(query, candidates)
        own = scores[true[row]][:, None]
        assert better[3 * row : 3 * row + 3].tolist() == (scores > own).sum(axis=1).tolist()
        assert equal[3 * row : 3 * row + 3].tolist() == ((scores == own).sum(axis=1) - 1).tolist()


def test_scores_beyond_float32_tie_at_infinity() -> None:
    candidates = np.array([[1e30], [2e30], [1.0], [-1e30]], dtype=np.float32)
    (found,) = rank_embeddings(np.array([[1e30]], np.float32), candidates, [[0, 2, 3]])
    assert (found.better.tolist(), found.equal.tolist()) == ([0, 2, 3], [1, 0, 0])


def test_queries_without_a_true_candidate_are_left_out_of_the_counts() -> None:
    found = rank_embeddings(unit(0, 4, 8), unit(1, 6, 8), [[], [1, 2], [], [3]])
    assert [len(each.better) for each in found] == [0, 2, 0, 1]


def test_a_memory_map_of_half_precision_is_ranked_as_its_copy(tmp_path: Path) -> None:
    queries, candidates = unit(0, 30, 16), unit(1, 400, 16).astype(np.float16).astype(np.float32)
    np.save(tmp_path / "candidates.npy", candidates.astype(np.float16))
    mapped = np.load(tmp_path / "candidates.npy", mmap_mode="r")
    true = [[i, 399 - i] for i in range(30)]
    found = count_places(queries, mapped, true, shape=(7, 50))
    np.testing.assert_array_equal(found, count_places(queries, candidates, true))
    assert (mapped == candidates).all()


def test_changes_to_a_copy_on_write_map_are_not_let_go(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", unit(0, 9, 4))
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="c")
    mapped[:] = 2
    let_go(mapped)
    assert (mapped == 2).all()


def test_progress_counts_queries_where_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchbench.protocols.searching.QUERIES", 4)
    seen: list[tuple[str, int, int]] = []
    for n in (4, 10):
        rank_embeddings(
            unit(0, n, 8), unit(1, 6, 8), [[0]] * n, progress=lambda *each: seen.append(each)
        )
    assert seen == [(STAGE, done, 10) for done in (0, 4, 8, 10)]
