"""What ends a run early: each with one sentence, and the last good checkpoint kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchbench.errors import BenchbenchError, ModelError, UsageError
from benchbench.training import Plan, train
from benchbench.training.bundling import devices_of
from benchbench.training.loop import BEST
from benchbench.training.running import (
    MIN_VALIDATION_SCENES,
    _architecture_to_rebuild,
    build_for,
)
from benchbench.training.state import STATE
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import weights
from benchbench.variants.catalogue import variant
from benchbench.variants.structclip import StructCLIP
from benchbench.variants.variant import Loss

PLAN = Plan("clip", steps=4, batch=4, warmup=1, validate_every=2)


class Passed:
    """A validation set that takes no time."""

    def metrics(self, model: Any, reader: Any, device: str) -> dict[str, float]:
        return {"mean": 1.0}


@pytest.fixture(autouse=True)
def _no_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VALIDATION_SETS, "structure", lambda transform: Passed())


def start(plan: Plan, folder: Path, **settings: Any) -> Path:
    return train(plan, folder, device="cpu", workers=0, **settings)


def test_a_run_goes_on_with_its_own_settings_only(tmp_path: Path) -> None:
    start(PLAN, tmp_path, minutes=0)
    other = Plan("clip", steps=4, batch=8, warmup=1, validate_every=2, rate=1e-4)
    with pytest.raises(UsageError, match=r"other settings \(batch 4, here 8; rate 0.001, here"):
        start(other, tmp_path)
    start(PLAN, tmp_path)
    assert weights.read(tmp_path / STATE)[1]["numbers"]["step"] == 4


def test_a_checkpoint_without_its_run_is_not_overwritten_nor_missed(tmp_path: Path) -> None:
    best = start(PLAN, tmp_path)
    kept = best.read_bytes()
    (tmp_path / STATE).rename(tmp_path / "aside")
    with pytest.raises(UsageError, match=r"of a run that cannot be resumed: .* --out"):
        start(PLAN, tmp_path)
    assert best.read_bytes() == kept
    (tmp_path / "aside").rename(tmp_path / STATE)
    best.unlink()
    with pytest.raises(UsageError, match=r"is finished, and its best\.safetensors is gone"):
        start(PLAN, tmp_path)


def test_a_run_that_changes_its_device_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(PLAN, tmp_path, minutes=0)
    here = weights.read(tmp_path / STATE)[1]["numbers"]["devices"]
    monkeypatch.setattr("benchbench.training.loop.processor_of", lambda environment: "an H200")
    start(PLAN, tmp_path)
    assert weights.read(tmp_path / STATE)[1]["numbers"]["devices"] == [*here, "an H200"]
    assert devices_of({"devices": [*here, "an H200"]}) == f"{here[0]}, then an H200"


def test_a_pool_is_no_smaller_than_a_batch() -> None:
    with pytest.raises(UsageError, match=r"pool of 62 examples is smaller than a batch of 64"):
        Plan("clip", batch=64, pool=62)
    assert Plan("clip", batch=64, pool=64).order.pool == 64


def test_a_short_run_reaches_its_learning_rate_and_falls() -> None:
    rates = [Plan("clip", steps=50).learning_rate_at(step) for step in range(50)]
    assert max(rates) == rates[11] == 1e-3
    assert rates[-1] < 1e-5
    assert Plan("clip", steps=893).learning_rate_at(199) == 1e-3


@pytest.mark.parametrize("lost", ["plan", "numbers"])
def test_a_state_that_lacks_what_it_should_tell_is_refused(lost: str, tmp_path: Path) -> None:
    start(PLAN, tmp_path, minutes=0)
    tensors, record = weights.read(tmp_path / STATE)
    weights.write(tmp_path / STATE, tensors, record | {lost: None})
    with pytest.raises(ModelError, match=f"is damaged, or no run's state: it has no {lost}"):
        start(PLAN, tmp_path)


def test_a_loss_that_is_no_number_stops_and_keeps_what_was_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = StructCLIP.forward

    def broken(self: StructCLIP, batch: Any, step: int) -> Loss:
        loss = right(self, batch, step)
        return Loss(loss.total * (torch.nan if step == 2 else 1), loss.parts)

    monkeypatch.setattr(StructCLIP, "forward", broken)
    with pytest.raises(ModelError) as caught:
        start(PLAN, tmp_path)
    assert "The loss of clip is NaN or infinite at step 2." in str(caught.value)
    assert str(tmp_path / BEST) in str(caught.value)
    for name in (BEST, STATE):
        tensors, record = weights.read(tmp_path / name)
        assert all(bool(torch.isfinite(each).all()) for each in tensors.values())
        assert record.get("step", 2) == 2


def test_a_loss_that_never_was_a_number_says_that_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        StructCLIP, "forward", lambda self, *_: Loss(self.clip.logit_scale * torch.nan, {})
    )
    with pytest.raises(ModelError, match=r"at step 0\. Nothing was kept"):
        start(PLAN, tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"backbone": "large"},
            "Unknown backbone 'large'. There are: small, captioner:locked, openclip:ARCH/TAG",
        ),
        ({"backbone": "openclip:ViT-B-31/untrained"}, "Did you mean 'ViT-B-32'"),
        ({"backbone": "openclip:ViT-B-32/none"}, "Unknown tag of ViT-B-32 'none'"),
        ({"backbone": "openclip:RN50/untrained"}, "RN50 cannot be a backbone"),
        ({"data": "coco"}, "Unknown data 'coco'"),
        ({"variant": "negclop"}, "Did you mean 'negclip'"),
    ],
)
def test_names_that_nothing_goes_by(settings: dict[str, str], message: str, tmp_path: Path) -> None:
    plan = Plan(**{"variant": "clip", "steps": 1, "batch": 4, **settings})  # type: ignore[arg-type]
    with pytest.raises(BenchbenchError, match=message):
        start(plan, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_backbone_that_could_not_be_built_again_is_refused() -> None:
    own: Any = SimpleNamespace(name="openclip:local-dir:x", architecture="open_clip_config.json")
    with pytest.raises(ModelError, match=r"local-dir:x cannot be a backbone: .* loaded again"):
        _architecture_to_rebuild(own)


@pytest.mark.parametrize(
    ("error", "whose"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "device"),
        (MemoryError(), "device"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to …"), "machine"),
    ],
)
def test_running_out_of_memory_names_the_batch(
    error: Exception, whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: StructCLIP, batch: Any, step: int) -> Loss:
        raise error

    monkeypatch.setattr(StructCLIP, "forward", full)
    with pytest.raises(
        ModelError, match=f"The {whose} is out of memory. Take a smaller batch than 4"
    ):
        start(PLAN, tmp_path)


def test_an_unknown_view_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = replace(variant("clip"), views=("action", "objects"))
    monkeypatch.setattr("benchbench.training.running.variant_named", lambda name: described)
    message = r"clip lists the view 'objects', which does not exist\. Views: action, facts, masks, "
    with pytest.raises(UsageError, match=message):
        start(PLAN, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_smaller_validation_set_is_built_recorded_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int | None] = []

    def build(transform: Any, scenes: int | None = None) -> Passed:
        sizes.append(scenes)
        return Passed()

    monkeypatch.setitem(VALIDATION_SETS, "structure", build)
    best = start(PLAN, tmp_path / "small", minutes=0, validation_scenes=8)
    assert weights.read(best)[1]["validation_scenes"] == 8
    start(PLAN, tmp_path / "small", validation_scenes=8)
    for scenes in (None, 9):
        with pytest.raises(UsageError, match=r"validation_scenes 8, here (none|9)"):
            start(PLAN, tmp_path / "small", validation_scenes=scenes)
    whole = start(PLAN, tmp_path / "whole")
    assert "validation_scenes" not in weights.read(whole)[1]
    assert sizes == [8, 8, None, 9, None]


@pytest.mark.parametrize("name", ["alignment", "facts", "structure", "scenario", "relations"])
def test_every_validation_set_can_be_as_small_as_allowed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    build = build_for(variant("clip"), PLAN)
    small = VALIDATION_SETS[name](build.transform, scenes=MIN_VALIDATION_SCENES)
    assert callable(small.metrics)


def test_too_few_validation_scenes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"A validation set of 7 scenes is too small\. Take 8"):
        start(PLAN, tmp_path, validation_scenes=7)
