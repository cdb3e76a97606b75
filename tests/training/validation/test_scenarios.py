"""ScenarioCLIP trained for a few steps, killed, gone on with, examined and loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchbench.registry import load_model
from benchbench.training import Plan, train
from benchbench.training.state import STATE
from benchbench.training.validation import scenarios
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import weights
from benchbench.variants.texts import Texts

PLAN = Plan("scenarioclip", steps=3, batch=4, warmup=1, validate_every=2)


@pytest.fixture(autouse=True)
def _short_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(transform: Any) -> scenarios.ScenarioSet:
        return scenarios.build(transform, scenes=6, items=6)

    monkeypatch.setitem(VALIDATION_SETS, "scenario", short)


def test_a_killed_run_goes_on_exactly_with_its_teacher(tmp_path: Path) -> None:
    best = train(PLAN, tmp_path / "whole", device="cpu", workers=0)
    for step in (2, 3):
        train(PLAN, tmp_path / "parts", device="cpu", workers=0, minutes=0)
        parts, record = weights.read(tmp_path / "parts" / STATE)
        assert record["numbers"]["step"] == step
    whole, _ = weights.read(tmp_path / "whole" / STATE)
    assert whole.keys() == parts.keys()
    assert any(name.startswith("model.teacher.") for name in whole)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    tensors, record = weights.read(best)
    assert not any(name.startswith("teacher.") for name in tensors)
    assert set(record["validation"]) == {"action", "object", "relation", "retrieval", "mean"}
    assert record["settings"]["action_percent"] > 0
    model = load_model(f"scenarioclip:{best}")
    assert model.manifest.parameters == record["parameters"]


class Knowing:
    """Finds its way by what is written into images' first value, and texts' numbers."""

    def __init__(self, exam: scenarios.ScenarioSet) -> None:
        self.exam, self.roles = exam, list[str]()

    def eval(self) -> None: ...

    def train(self) -> None: ...

    def encode_images(self, images: torch.Tensor, role: str) -> torch.Tensor:
        self.roles.append(role)
        return torch.nn.functional.one_hot(images[:, 0, 0, 0].long(), 500).float()

    def encode_texts(self, texts: Texts, role: str) -> torch.Tensor:
        return torch.nn.functional.one_hot(texts.ids[:, 0], 500).float()


class Numbers:
    """Reads a list of texts as their places in it."""

    def read(self, texts: list[str]) -> Texts:
        return Texts(torch.arange(len(texts))[:, None])


def test_the_exam_asks_each_level_in_its_role() -> None:
    exam = scenarios.build(lambda _: torch.zeros(3, 8, 8), scenes=20, items=30)
    for naming in exam.namings.values():
        assert naming.right.shape == (len(naming.images), len(naming.names))
        assert naming.right.any(dim=1).all()
        assert len(set(naming.names)) == len(naming.names) < 500
    assert (exam.namings["relation"].right.sum(dim=1) <= 2).all()
    right = {
        name: replace(naming, images=_written(naming.right.int().argmax(dim=1)))
        for name, naming in exam.namings.items()
    }
    model = Knowing(exam)
    marks = replace(exam, namings=right).metrics(model, Numbers(), "cpu")  # type: ignore[arg-type]
    assert marks["action"] == marks["object"] == marks["relation"] == 100
    assert model.roles == ["scene", "object", "relation", "scene"]
    assert marks["mean"] == pytest.approx((300 + marks["retrieval"]) / 4)


def _written(numbers: torch.Tensor) -> torch.Tensor:
    return numbers[:, None, None, None].float().expand(-1, 3, 8, 8)
