"""Chance levels of a task's files, against what a constant model earns there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.reports.cards import task_card
from benchbench.reports.guessing import guess
from benchbench.reports.scorecard import scorecard
from benchbench.types import TaskInfo
from tests.conftest import Undrawn


@pytest.mark.parametrize("name", ["vg-relation", "coco-order", "scenario-classification"])
def test_guessing_earns_what_the_scorecard_says(name: str, drawn_edition: Path) -> None:
    card = scorecard(evaluate("blind:constant", name, data_root=drawn_edition), ties="share")
    guessing = guess(load_task(name), drawn_edition)
    assert guessing.edition == card.run.edition
    assert guessing.items == card.run.counts.items
    for row in card.metrics:
        if name != "coco-order" or row.name != "distinct":  # a model's tokens decide on no-ops
            said = guessing.earns[row.name].removeprefix("rank ")
            assert said == "none" or float(said) == pytest.approx(100 * row.chance, abs=0.051)


def test_relations_have_a_chance_level_too(drawn_graphs: Path) -> None:
    guessing = guess(load_task("vg-relation-detection"), drawn_graphs)
    assert 0 < float(guessing.earns["R@20"]) < float(guessing.earns["R@50"]) < 10


def test_nothing_is_drawn_to_tell_a_chance_level(tmp_path: Path) -> None:
    said = guess(load_task("vg-relation"))
    assert not said.earns
    assert "not drawn yet" in said.why_not
    assert not (tmp_path / "cache").exists()


def test_why_there_is_no_chance_level(undrawn: TaskInfo) -> None:
    assert "pass --data-root" in guess(Undrawn()).why_not
    detector = guess(load_task("vg-relation-detection.sgdet"))
    assert "Chance: it depends on how much the detector proposes" in task_card(
        load_task("vg-relation-detection.sgdet").info, detector
    )


def test_a_card_tells_chance_levels_together(drawn_edition: Path) -> None:
    task = load_task("vg-attribution")
    card = task_card(task.info, guess(task, drawn_edition))
    assert "items: none (aro-paper); 50.0 (structclip-paper, mteb-micro, micro)." in " ".join(
        card.split()
    )
    assert "aro-paper * (photographs)" in card
    assert "micro * (drawings)" in card
