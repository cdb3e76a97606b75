"""Keys and values once an image: the rows that each pair would have had."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from benchbench.adapters.cross_attention_cache import CrossAttentionCache, distinct_objects


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.crossattention = nn.ModuleDict({"key": nn.Linear(4, 3), "value": nn.Linear(4, 3)})
        self.attention = nn.ModuleDict({"key": nn.Linear(4, 3)})

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        told = self.crossattention
        return told["key"](states) + told["value"](states)  # type: ignore[no-any-return]


class Careless(Layer):
    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return super().forward(states) + states.mean()


@pytest.fixture
def pairs() -> list[Any]:
    torch.manual_seed(0)
    one, other = torch.randn(5, 4), torch.randn(5, 4)
    return [one, other, one, one]


def test_features_are_told_apart_by_identity(pairs: list[Any]) -> None:
    distinct, which = distinct_objects([*pairs, pairs[0].clone()])
    assert which == [0, 1, 0, 0, 2]
    assert [id(each) for each in distinct[:2]] == [id(pairs[0]), id(pairs[1])]


def test_projections_are_applied_once_an_image(pairs: list[Any]) -> None:
    layer, rows = Layer(), []
    layer.crossattention["key"].register_forward_pre_hook(lambda m, i: rows.append(len(i[0])))
    expected = layer(torch.stack(pairs))
    shared = CrossAttentionCache(layer)
    layer.crossattention["key"].register_forward_pre_hook(lambda m, i: rows.append(len(i[0])))
    with torch.inference_mode(), shared.of(pairs) as states:
        assert states.shape == (4, 5, 4)
        assert torch.allclose(layer(states), expected)
    assert rows[-1] == 2
    assert torch.equal(layer(torch.stack(pairs)), expected)


def test_what_reads_the_states_elsewhere_does_not_go_unnoticed(pairs: list[Any]) -> None:
    layer = Careless()
    with torch.inference_mode(), CrossAttentionCache(layer).of(pairs) as states:
        assert bool(layer(states).isnan().all())
