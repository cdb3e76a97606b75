"""A model's output on its way to vectors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchbench.embedding.embedded import to_vectors
from benchbench.errors import ModelError


def model(similarity: str) -> Any:
    """As much of a model as is asked."""
    return SimpleNamespace(
        similarity=similarity, manifest=SimpleNamespace(name="stub", dtype="fp16")
    )


def test_cosine_makes_unit_vectors_and_dot_leaves_them() -> None:
    output = torch.tensor([[3.0, 4.0], [0.0, 0.5]], dtype=torch.float16)
    assert to_vectors(model("cosine"), output, 2).tolist() == [
        pytest.approx([0.6, 0.8]),
        [0.0, 1.0],
    ]
    as_given = to_vectors(model("dot"), output, 2)
    assert as_given.tolist() == [[3.0, 4.0], [0.0, 0.5]]
    assert as_given.dtype == np.float32


def test_a_zero_vector_stays_finite() -> None:
    assert to_vectors(model("cosine"), torch.zeros(1, 3), 1).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("shape", [(2,), (3, 4), (2, 4, 1)])
def test_wrong_shapes_are_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"stub returned shape .* expected \[2, dim\]"):
        to_vectors(model("dot"), torch.zeros(shape), 2)


def test_values_that_are_not_finite_are_named() -> None:
    with pytest.raises(ModelError, match="Try --precision fp32"):
        to_vectors(model("dot"), torch.tensor([[float("inf"), 0.0]]), 1)
