"""Stored validation sets equal new ones, and are built again where anything differs."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from benchbench.training import Plan
from benchbench.training.running import build_for
from benchbench.training.validation import (
    alignment,
    facts,
    relations,
    scenarios,
    storage,
    structure,
)
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import weights
from benchbench.variants.catalogue import variant

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.variants.building import Build


SMALL = {"facts": 8, "scenario": 6, "structure": 12, "relations": 4}


@pytest.fixture(scope="module")
def build() -> Build:
    return build_for(variant("clip"), Plan("clip"))


def alike(one: Any, other: Any) -> bool:
    """Whether two validation sets hold the same, of the same kinds."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if is_dataclass(one):
        return all(alike(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@pytest.mark.parametrize("name", sorted(VALIDATION_SETS))
def test_a_stored_set_is_the_live_one(
    name: str, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = {
        "alignment": partial(alignment.build, scenes=24),
        "structure": partial(structure.build, scenes=6),
        "facts": partial(facts.build, scenes=8),
        "scenario": partial(scenarios.build, scenes=6, items=8),
        "relations": partial(relations.build, scenes=4),
    }
    monkeypatch.setitem(VALIDATION_SETS, name, smaller[name])
    live = VALIDATION_SETS[name](build.transform)
    first, again = (storage.load_or_draw(tmp_path, name, build) for _ in range(2))
    assert first is not again
    assert alike(first, live)
    assert alike(again, live)
    assert len(list(tmp_path.iterdir())) == 1


def test_another_code_or_preprocessing_makes_it_anew(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def exam(transform: object) -> Any:
        calls.append("made")
        return structure.CaptionChoices(torch.ones(1), ["a"], ["b"], np.zeros(1, dtype=np.intp))

    monkeypatch.setitem(VALIDATION_SETS, "structure", exam)
    storage.load_or_draw(tmp_path, "structure", build)
    storage.load_or_draw(tmp_path, "structure", build)
    assert len(calls) == 1
    other = replace(build, preprocessing={**build.preprocessing, "mean": (0.4,) * 3})
    storage.load_or_draw(tmp_path, "structure", other)
    assert len(calls) == 2
    monkeypatch.setattr(storage, "_code", lambda: "other")
    storage.load_or_draw(tmp_path, "structure", other)
    assert len(calls) == 3


def test_only_our_dataclasses_come_back(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not a dataclass of ours"):
        storage.from_json({"class": "os:system", "fields": {}}, {})
    with pytest.raises(TypeError, match="not a dataclass of ours"):
        storage.from_json({"class": "benchbench.registry:load_task", "fields": {}}, {})
    with pytest.raises(TypeError, match="no kind that is kept"):
        storage.to_json(object(), {})
    assert weights.SUFFIX == ".safetensors"
