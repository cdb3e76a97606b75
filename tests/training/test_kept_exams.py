"""Kept exams equal live ones, and are made anew where anything differs."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from benchbench.training import (
    Plan,
    alignment_exam,
    facts,
    relation_exam,
    scenarios,
    validation,
)
from benchbench.training import kept_exams as kept
from benchbench.training.exams import EXAMS
from benchbench.training.running import made_for
from benchbench.variants import weights
from benchbench.variants.catalogue import variant

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.variants.making import Made

SMALL = {"facts": 8, "scenario": 6, "structure": 12, "relations": 4}


@pytest.fixture(scope="module")
def made() -> Made:
    return made_for(variant("clip"), Plan("clip"))


def alike(one: Any, other: Any) -> bool:
    """Whether two exams hold the same, of the same kinds."""
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


@pytest.mark.parametrize("name", sorted(EXAMS))
def test_a_kept_exam_is_the_live_one(
    name: str, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = {
        "alignment": partial(alignment_exam.exam, scenes=24),
        "structure": partial(validation.exam, scenes=6),
        "facts": partial(facts.exam, scenes=8),
        "scenario": partial(scenarios.exam, scenes=6, items=8),
        "relations": partial(relation_exam.exam, scenes=4),
    }
    monkeypatch.setitem(EXAMS, name, smaller[name])
    live = EXAMS[name](made.transform)
    first, again = (kept.kept_exam(tmp_path, name, made) for _ in range(2))
    assert first is not again
    assert alike(first, live)
    assert alike(again, live)
    assert len(list(tmp_path.iterdir())) == 1


def test_another_code_or_preprocessing_makes_it_anew(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def exam(transform: object) -> Any:
        calls.append("made")
        return validation.Choices(torch.ones(1), ["a"], ["b"], np.zeros(1, dtype=np.intp))

    monkeypatch.setitem(EXAMS, "structure", exam)
    kept.kept_exam(tmp_path, "structure", made)
    kept.kept_exam(tmp_path, "structure", made)
    assert len(calls) == 1
    other = replace(made, preprocessing={**made.preprocessing, "mean": (0.4,) * 3})
    kept.kept_exam(tmp_path, "structure", other)
    assert len(calls) == 2
    monkeypatch.setattr(kept, "_code", lambda: "other")
    kept.kept_exam(tmp_path, "structure", other)
    assert len(calls) == 3


def test_only_our_dataclasses_come_back(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no dataclass of ours"):
        kept.restored({"class": "os:system", "fields": {}}, {})
    with pytest.raises(TypeError, match="no dataclass of ours"):
        kept.restored({"class": "benchbench.registry:load_task", "fields": {}}, {})
    with pytest.raises(TypeError, match="no kind that is kept"):
        kept.told(object(), {})
    assert weights.SUFFIX == ".safetensors"
