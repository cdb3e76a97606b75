from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchbench.errors import ModelError, UsageError
from benchbench.training import Plan, train
from benchbench.training.running import build_for
from benchbench.training.validation import facts
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import weights
from benchbench.variants.catalogue import variant

if TYPE_CHECKING:
    from pathlib import Path


class Quick:
    """A validation set that takes no time."""

    def metrics(self, model: Any, reader: Any, device: str) -> dict[str, float]:
        return {"mean": 1.0}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a base trained for two steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VALIDATION_SETS, "facts", lambda transform: Quick())
        plan = Plan("base", steps=2, batch=8, warmup=1, validate_every=2)
        return train(plan, tmp_path_factory.mktemp("base"), device="cpu", workers=0)


def towers_of(path: Path) -> dict[str, torch.Tensor]:
    tensors, _ = weights.read(path)
    return {name: each for name, each in tensors.items() if name.startswith("clip.")}


def test_a_base_trains_its_image_tower_alone(base: Path) -> None:
    trained, fresh = towers_of(base), build_for(variant("base"), Plan("base")).model.state_dict()
    moved = {name for name, each in trained.items() if not torch.equal(each, fresh[name])}
    assert moved
    assert all(name.startswith("clip.visual.") or "logit_scale" in name for name in moved)


@pytest.mark.parametrize("name", ["clip", "structclip", "msgclip", "relclip", "scenarioclip"])
def test_every_variant_starts_from_it(base: Path, name: str) -> None:
    build = build_for(variant(name), Plan(name, backbone=str(base)))
    wanted = towers_of(base)
    for key, each in build.model.clip.state_dict().items():
        assert torch.equal(each, wanted[f"clip.{key}"]), key
    assert all(p.requires_grad for p in build.model.clip.parameters())


def test_a_backbone_that_is_none(tmp_path: Path) -> None:
    other = weights.write(tmp_path / "x.safetensors", {"w": torch.zeros(1)}, {"some": "thing"})
    with pytest.raises(ModelError, match="holds no towers to start from"):
        build_for(variant("clip"), Plan("clip", backbone=str(other)))
    with pytest.raises(UsageError, match="There are: small, captioner:locked, openclip:ARCH/TAG"):
        build_for(variant("clip"), Plan("clip", backbone="large"))


def test_its_validation_is_at_chance_for_a_tower_of_random_weights() -> None:
    build = build_for(variant("base"), Plan("base"))
    marks = facts.build(build.transform).metrics(build.model, build.reader, "cpu")
    assert set(marks) == {"roles", "looks", "retrieval", "mean"}
    assert 35 < marks["roles"] < 65
    assert 35 < marks["looks"] < 65
    assert marks["retrieval"] < 2
