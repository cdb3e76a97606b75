from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from benchbench.variants import towers
from benchbench.variants.catalogue import variant
from benchmarks.curves import (
    Curve,
    curves_of,
    flops_per_example,
    model_and_batch,
    read_run_curves,
    start_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from benchbench.variants.variant import Batch

CURVE = Curve((100, 1000, 10_000), (50.0, 70.0, 90.0))
ARCHITECTURE = "benchbench-small"


def record(name: str) -> dict[str, Any]:
    """What a checkpoint says of itself, as far as arithmetic goes."""
    clip = towers.build(ARCHITECTURE)
    return {
        "variant": name,
        "architecture": ARCHITECTURE,
        "settings": dict(variant(name).settings),
        "preprocessing": dict(clip.visual.preprocess_cfg),
        "step": 2000,
        "plan": {"steps": 2000, "batch": 64, "backbone": "small", "precision": "fp32"},
        "environment": {"gpu": "a GPU"},
    }


@pytest.mark.parametrize("examples", [100, 150, 1000, 4321, 10_000])
def test_marks_between_looks_are_interpolated_on_the_logarithm(examples: int) -> None:
    wanted = np.interp(np.log(examples), np.log(CURVE.examples), CURVE.percents)
    assert CURVE.at(examples) == pytest.approx(wanted)


def test_nothing_is_said_beyond_the_looks() -> None:
    assert np.isnan([CURVE.at(99), CURVE.at(10_001), Curve((), ()).at(5)]).all()


def test_examples_to_a_mark() -> None:
    assert CURVE.examples_to(80.0) == pytest.approx(10**3.5)
    assert CURVE.at(CURVE.examples_to(63.0)) == pytest.approx(63.0)
    assert CURVE.examples_to(40.0) == 100.0
    assert np.isnan(CURVE.examples_to(95.0))
    falling = Curve((10, 100, 1000), (50.0, 85.0, 60.0))
    assert 10 < falling.examples_to(80.0) < 100


def test_a_log_is_read_by_examples() -> None:
    log = [
        {"step": 50, "loss": 3.0},
        {"step": 100, "val_relation": 60.0, "val_mean": 50.0},
        {"step": 200, "val_relation": 70.0, "val_labels": 5.0, "val_mean": 60.0},
    ]
    assert curves_of(log, 64) == {
        "relation": Curve((6400, 12_800), (60.0, 70.0)), "labels": Curve((12_800,), (5.0,)),
    }  # fmt: skip


def test_starts_are_read_from_the_backbone() -> None:
    found = [start_of({"backbone": b}) for b in (
        "small", "/x/3/captioner-locked/b", "captioner:locked", "/x/3/captioner/b", "x/base/b",
        "openclip:A/b", "b",
    )]  # fmt: skip
    assert found == ["random", "facts", "facts", "captioner", "base", "openclip:A/b", "b"]


def by_hooks(model: nn.Module, batch: Batch) -> float:
    """FLOPs of linear layers, convolutions and attention, forward and backward, as a loop has them.

    A backward pass costs twice the forward one, but for the first layer of images: nobody asks for
    the gradient of pixels.
    """
    total = [0.0]

    def count(module: nn.Module, given: Any, out: Any) -> None:
        if isinstance(module, torch.nn.Linear):
            total[0] += 3 * 2 * out.numel() * module.in_features
        elif isinstance(module, torch.nn.Conv2d):
            total[0] += 2 * 2 * out.numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.MultiheadAttention):
            n, length, dim = given[0].shape
            # Into queries, keys and values, out of the heads; scores and what they weigh.
            total[0] += 3 * n * length * dim * (2 * 4 * dim + 4 * length)

    hooks = [each.register_forward_hook(count) for each in model.modules()]
    with torch.no_grad():
        model(batch, 0)
    for hook in hooks:
        hook.remove()
    return total[0]


def test_flops_are_those_of_a_loop_over_layers() -> None:
    model, batch = model_and_batch(record("clip"), 8)
    # Besides: both projections and the images by captions, a hundredth.
    wanted = by_hooks(model, batch) / 8
    assert flops_per_example(record("clip"), 8) == pytest.approx(wanted, rel=0.01)


def test_what_a_method_adds_costs_more_and_late_parts_count() -> None:
    cost = {n: flops_per_example(record(n), 8) for n in ("clip", "negclip", "structclip")}
    assert cost["clip"] < cost["negclip"] < cost["structclip"]
    early = flops_per_example(record("msgclip") | {"step": 1}, 8)
    assert early == pytest.approx(cost["negclip"])
    assert flops_per_example(record("msgclip"), 8) > early


def test_what_was_counted_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def count_verdicts(found: dict[str, Any]) -> float:
        calls.append(found["variant"])
        return 7.0

    monkeypatch.setattr("benchmarks.curves.flops_per_example", count_verdicts)
    monkeypatch.setattr("benchbench.variants.weights.read", lambda path: ({}, record(path.name)))
    known = tmp_path / "flops.json"
    for name in ("clip", "clip", "negclip"):
        found = read_run_curves(name, 0, tmp_path, name, known)
        assert (found.flops, found.batch, found.device) == (7.0, 64, "a GPU, fp32")
    assert calls == ["clip", "negclip"]
    assert len(json.loads(known.read_text("utf-8"))) == 2
