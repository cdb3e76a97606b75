"""One record of a file, whose weights are drawn only where some of them stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch

from benchbench.checkpoints import checkpoint as checkpoints
from benchbench.checkpoints.checkpoint import read_checkpoint
from benchbench.checkpoints.digests import weights_sha256
from benchbench.checkpoints.factory import can_allocate, create_on_meta
from benchbench.checkpoints.identity import CheckpointFile
from benchbench.types import LoadOptions
from tests.checkpoints.same import QUICK


@pytest.fixture
def file(model: Any, tmp_path: Path) -> CheckpointFile:
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    return CheckpointFile(tmp_path / "weights.pt", "weights.pt", "file:weights.pt")


def test_a_file_with_all_weights_draws_none(
    model: Any, file: CheckpointFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "create_random", lambda *_, **__: pytest.fail("drawn"))
    found = read_checkpoint(file, QUICK)
    assert weights_sha256(found.model.state_dict()) == weights_sha256(model.state_dict())
    computed, own = dict(found.model.named_buffers()), dict(model.named_buffers())
    assert list(computed) == list(own)
    assert all(torch.equal(computed[name], own[name]) for name in own)
    assert (found.weights, found.architecture, found.config) == ("weights.pt", "tiny", "tiny")
    assert found.settings["container"] == "torch.save"


def test_gaps_are_drawn_by_the_seed(model: Any, file: CheckpointFile) -> None:
    state = model.state_dict()
    del state["text_projection"]
    torch.save(state, file.path)
    options = LoadOptions(architecture="tiny", activation="quickgelu", allow_partial=True, seed=3)
    first, second = (read_checkpoint(file, options) for _ in range(2))
    assert first.settings["random"] == ["text_projection"]
    assert torch.equal(
        first.model.state_dict()["text_projection"], second.model.state_dict()["text_projection"]
    )


@pytest.mark.usefixtures("tiny")
def test_buffers_that_no_file_has_are_never_left_empty() -> None:
    """Rotary embeddings are computed while a model is built with values."""
    built = create_on_meta("tiny", LoadOptions())
    assert built is not None
    assert can_allocate(built[0])
    built[0].register_buffer("positions", torch.empty(3, device="meta"), persistent=False)
    assert not can_allocate(built[0])


@pytest.mark.usefixtures("tiny")
def test_tied_weights_are_built_with_values() -> None:
    built = create_on_meta("tiny", LoadOptions())
    assert built is not None
    built[0].tied = built[0].text_projection
    assert not can_allocate(built[0])


@pytest.mark.parametrize("name", ["ViT-B-32", "RN50", "ViT-B-32-quickgelu", "coca_ViT-B-32"])
def test_published_architectures_are_built_without_values(name: str) -> None:
    built = create_on_meta(name, LoadOptions())
    assert built is not None
    assert can_allocate(built[0]) == (not name.startswith("coca"))
    assert name in open_clip.list_models()
