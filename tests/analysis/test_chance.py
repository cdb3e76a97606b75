"""Chance levels of a task's files, against what a constant model earns there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.analysis.chance import chance_levels
from benchbench.analysis.scorecard import scorecard
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.types import TaskInfo
from tests.conftest import Undrawn
from tests.suites import naturalbench


@pytest.mark.parametrize("name", ["vg-relation", "coco-order", "scenario-classification"])
def test_guessing_earns_what_the_scorecard_says(name: str, drawn_edition: Path) -> None:
    card = scorecard(evaluate("blind:constant", name, data_root=drawn_edition), ties="share")
    guessing = chance_levels(load_task(name), drawn_edition)
    assert guessing.edition == card.run.edition
    assert guessing.items == card.run.counts.items
    chance = {metric.name: level for metric, level in guessing.chance.items()}
    for row in card.metrics:
        if name != "coco-order" or row.name != "distinct":  # a model's tokens decide on no-ops
            assert chance[row.name] == pytest.approx(row.chance, abs=0.00051, nan_ok=True)


def test_relations_have_a_chance_level_too(drawn_graphs: Path) -> None:
    guessing = chance_levels(load_task("vg-relation-detection"), drawn_graphs)
    chance = {metric.name: level for metric, level in guessing.chance.items()}
    assert 0 < chance["R@20"] < chance["R@50"] < 0.1


def test_questions_have_a_chance_level_too(tmp_path: Path) -> None:
    naturalbench.write(tmp_path)
    task = load_task("naturalbench")
    guessing = chance_levels(task, tmp_path)
    chance = {metric.name: level for metric, level in guessing.chance.items()}
    assert guessing.items == len(task.items(tmp_path))
    assert chance["group"] == pytest.approx(1 / 16), "four questions of two answers each"


def test_nothing_is_drawn_to_tell_a_chance_level(tmp_path: Path) -> None:
    guessing = chance_levels(load_task("vg-relation"))
    assert not guessing.chance
    assert guessing.missing == "not drawn"
    assert not (tmp_path / "cache").exists()


def test_why_there_is_no_chance_level(undrawn: TaskInfo) -> None:
    assert chance_levels(Undrawn()).missing == "no files"
    assert chance_levels(load_task("vg-relation-detection.sgdet")).missing == "proposals"
