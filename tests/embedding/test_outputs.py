"""A model's outputs on their way to vectors and scores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchbench.embedding.outputs import OutputChecker
from benchbench.errors import ModelError


def model(similarity: str) -> Any:
    """As much of a model as is asked."""
    return SimpleNamespace(
        similarity=similarity, manifest=SimpleNamespace(name="stub", dtype="fp16")
    )


def test_cosine_makes_unit_vectors_and_dot_leaves_them() -> None:
    output = torch.tensor([[3.0, 4.0], [0.0, 0.5]], dtype=torch.float16)
    assert OutputChecker(model("cosine")).vectors(output, 2).tolist() == [
        pytest.approx([0.6, 0.8]),
        [0.0, 1.0],
    ]
    as_given = OutputChecker(model("dot")).vectors(output, 2)
    assert as_given.tolist() == [[3.0, 4.0], [0.0, 0.5]]
    assert as_given.dtype == np.float32


def test_a_zero_vector_stays_finite() -> None:
    assert OutputChecker(model("cosine")).vectors(torch.zeros(1, 3), 1).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("shape", [(2,), (3, 4), (2, 4, 1)])
def test_wrong_shapes_are_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"stub returned shape .* expected \[2, dim\]"):
        OutputChecker(model("dot")).vectors(torch.zeros(shape), 2)


def test_values_that_are_not_finite_are_named() -> None:
    with pytest.raises(ModelError, match="Try --precision fp32"):
        OutputChecker(model("dot")).vectors(torch.tensor([[float("inf"), 0.0]]), 1)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            np.zeros((2, 4)),
            r"class ndarray for 2 inputs; expected a tensor \[2, dim\]",
        ),
        (None, "None for 2 inputs"),
        ([torch.zeros(4), torch.zeros(4)], "an object of class list"),
        (torch.zeros(2, 4, dtype=torch.int64), "a tensor of torch.int64"),
        (torch.zeros(2, 4, dtype=torch.complex64), "a tensor of torch.complex64"),
        (torch.zeros(2, 4).to_sparse(), "a tensor of torch.sparse_coo"),
        (torch.zeros(2, 4, device="meta"), "without values"),
        (torch.zeros(2, 0), r"shape \(2, 0\)"),
    ],
)
def test_anything_but_a_dense_float_tensor_is_refused(output: Any, message: str) -> None:
    with pytest.raises(ModelError, match=f"stub returned .*?{message}"):
        OutputChecker(model("cosine")).vectors(output, 2)


def test_images_and_captions_have_one_dimension() -> None:
    outputs = OutputChecker(model("cosine"))
    outputs.vectors(torch.ones(3, 32), 3)
    with pytest.raises(ModelError, match="dimension 64 after some of dimension 32"):
        outputs.vectors(torch.ones(2, 64), 2)


def test_scores_and_relation_scores_have_the_shape_of_what_was_given() -> None:
    outputs = OutputChecker(model("cosine"))
    with pytest.raises(ModelError, match=r"shape \(2, 1\) for 2 pairs; expected \[2\]"):
        outputs.scores(torch.ones(2, 1), 2)
    with pytest.raises(ModelError, match=r"relation scores of shape \(2,\)"):
        outputs.log_probabilities(np.zeros(2), (2, 3))
    with pytest.raises(ModelError, match="not finite"):
        outputs.log_probabilities(np.full((2, 3), -np.inf), (2, 3))
    with pytest.raises(ModelError, match="returned an object of class dict"):
        outputs.log_probabilities({}, (2, 3))


def test_token_ids_and_features_are_one_for_each_input() -> None:
    outputs = OutputChecker(model("cosine"))
    assert outputs.token_ids([[1, 2], (3,)], 2) == [(1, 2), (3,)]
    with pytest.raises(ModelError, match="token ids of 1 captions for 2"):
        outputs.token_ids([(1, 2)], 2)
    with pytest.raises(ModelError, match="from token_ids"):
        outputs.token_ids(None, 2)
    with pytest.raises(ModelError, match="features of 1 images for 2"):
        outputs.features([1], 2)
    with pytest.raises(ModelError, match="from encode_images"):
        outputs.features(None, 2)


def test_images_of_several_shapes_are_refused() -> None:
    outputs = OutputChecker(model("cosine"))
    with pytest.raises(ModelError, match=r"\(3, 2, 2\) from transform"):
        outputs.images([torch.zeros(3, 4, 4), torch.zeros(3, 2, 2)])
    with pytest.raises(ModelError, match="class ndarray from transform"):
        outputs.images([np.zeros((3, 4, 4))])


def test_outputs_are_close_relative_to_their_size() -> None:
    outputs = OutputChecker(model("dot"))  # fp16: 2 %
    one = np.array([[100.0, 0.0], [0.0, 1e-3]], np.float32)
    assert outputs.are_close(one, one)
    assert outputs.are_close(one + np.array([[1, 0], [0, 0]], np.float32), one)
    assert not outputs.are_close(one + np.array([[0, 0], [0, 1e-3]], np.float32), one)
    assert not outputs.are_close(one[:1], one)
    assert outputs.are_close(np.array([0.5, 200], np.float32), np.array([0.51, 203], np.float32))
    assert not outputs.are_close(np.array([0.5], np.float32), np.array([0.6], np.float32))
