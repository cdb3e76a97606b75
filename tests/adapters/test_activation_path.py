"""The line through both activations, against the functions and parabolas that it is made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbench.adapters.activation_path import PLACES, least, placed


def test_both_ends_are_the_activations_themselves() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.GELU())
    before, x = model[1], torch.randn(5, 3)
    hidden = model[0](x)
    gelu, quick = torch.nn.GELU()(hidden), hidden * torch.sigmoid(1.702 * hidden)
    for place, expected in ((0, gelu), (1, quick), (-1, 2 * gelu - quick), (2, 2 * quick - gelu)):
        with placed(model, ["1"], place):
            torch.testing.assert_close(model(x), expected)
    assert model[1] is before


def test_a_module_comes_back_after_an_error() -> None:
    model = torch.nn.Sequential(torch.nn.GELU())
    before = model[0]
    with pytest.raises(RuntimeError, match="another shape"), placed(model, ["0"], 2):
        raise RuntimeError("another shape")
    assert model[0] is before


def test_the_least_place_is_that_of_a_known_parabola() -> None:
    rng = np.random.default_rng(0)
    at = np.asarray(PLACES)[:, None]
    own = 0.8 + 0.1 * rng.standard_normal(400)
    losses = 2 + 0.05 * (at - own) ** 2 + rng.standard_normal(400)
    found = least(losses, 0.99)
    assert found.value == pytest.approx(own.mean())
    assert found.low < 0.8 < found.high
    assert found.high - found.low == pytest.approx(2 * 2.58 * 0.1 / 20, rel=0.2)


def test_a_slope_or_a_hill_has_no_least_place() -> None:
    at, noise = np.asarray(PLACES)[:, None], np.random.default_rng(1).standard_normal(200)
    hill = least(3 - 0.1 * at**2 + 0.01 * noise * at, 0.99)
    assert np.isnan(hill.value)
    assert (hill.low, hill.high) == (-np.inf, np.inf)
    slope = least(-0.1 * at + 0.01 * noise * at**2, 0.99)
    assert slope.high - slope.low > 10
