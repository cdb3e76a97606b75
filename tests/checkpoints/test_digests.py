"""Digests that a plugin gives of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchbench.checkpoints.digests import model_digest, module_sha256, weights_sha256
from benchbench.errors import DataError, UsageError


def test_modules_count_by_their_parameters_and_buffers() -> None:
    layer = torch.nn.BatchNorm1d(3)
    before = model_digest(layer)
    assert before == model_digest(torch.nn.BatchNorm1d(3))
    layer.running_mean.add_(1)  # type: ignore[union-attr]
    moved = model_digest(layer)
    layer.weight.data[0] += 1e-6
    assert len({before, moved, model_digest(layer)}) == 3


def test_every_kind_of_part_counts_and_so_does_their_order(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("x = 1")
    parts = [torch.zeros(2), np.zeros(2), {"a": torch.ones(1)}, {"a": 1}, "a", 0, file]
    digests = {model_digest(part) for part in parts}
    assert len(digests) == len(parts)
    assert all(len(digest) == 64 for digest in digests)
    assert model_digest("a", "b") != model_digest("b", "a") != model_digest("ab")
    before = model_digest(file)
    file.write_text("x = 2")
    assert model_digest(file) != before


def test_a_state_dict_counts_by_what_it_holds() -> None:
    layer = torch.nn.Linear(2, 2)
    state = layer.state_dict()
    assert model_digest(state) == model_digest({**state})
    assert weights_sha256(state) == weights_sha256(dict(reversed(state.items())))


def test_what_cannot_be_digested_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to digest"):
        model_digest()
    with pytest.raises(UsageError, match="an object of class object"):
        model_digest(object())
    with pytest.raises(DataError, match="File not found"):
        model_digest(tmp_path / "none")


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64, torch.complex128])
def test_a_module_is_digested_again_however_it_was_written_to(kind: torch.dtype) -> None:
    layer = torch.nn.Linear(2, 2, dtype=kind)
    found = [module_sha256(layer)]
    layer.load_state_dict(torch.nn.Linear(2, 2, dtype=kind).state_dict())
    found.append(module_sha256(layer))
    layer.weight.data.t()[0] *= 1.5
    found.append(module_sha256(layer))
    assert len(set(found)) == 3
    assert found[-1] == weights_sha256(layer.state_dict()) == module_sha256(layer)
    assert module_sha256(torch.nn.Identity()) == weights_sha256({})
