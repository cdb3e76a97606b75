"""Tests for the activations that are found in a model."""

from __future__ import annotations

import pytest
from timm.layers import activations as timm_layers
from torch import nn

from benchbench.checkpoints.activations import activation_of


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (nn.GELU(), "gelu"),
        (nn.GELU(approximate="tanh"), "gelu-tanh"),
        (timm_layers.GELU(), "gelu"),  # of ConvNeXt and ViTamin: it has no ``approximate``
        (timm_layers.GELUTanh(), "gelu-tanh"),
        (nn.Linear(1, 1), "unknown"),
    ],
)
def test_gelus_of_every_library_are_told_apart(module: nn.Module, named: str) -> None:
    assert activation_of(nn.Sequential(module)) == named
