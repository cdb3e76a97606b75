"""Chance levels of a task's files, against what a constant model earns there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchbench.analysis.guessing import guess
from benchbench.analysis.scorecard import scorecard
from benchbench.cli import main
from benchbench.evaluation import evaluate
from benchbench.registry import load_task, task_names
from benchbench.render.cards import task_card
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


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BENCHBENCH_DATA", "here", r"visual_genome_relation\.json: missing"),
        ("BENCHBENCH_DATA", "nowhere", "does not exist"),
        ("BENCHBENCH_EDITION", "official", "nowhere named"),
        ("BENCHBENCH_EDITION", "secnes", "Did you mean 'scenes'"),
    ],
)
def test_a_card_is_printed_whatever_the_surroundings(
    variable: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    place = str(tmp_path / value) if variable == "BENCHBENCH_DATA" else value
    monkeypatch.setenv(variable, place)
    done = CliRunner().invoke(main, ["show", "task", "vg-relation"])
    assert done.exit_code == 0, done.output
    assert re.search(
        rf"Chance: it is computed from the items, which cannot be read\. .*{said}",
        " ".join(done.output.split()),
    )
    assert "Beware" in done.output


@pytest.mark.parametrize("typed", [["--data-root", "here"], ["--edition", "official"]])
def test_files_that_were_typed_are_the_users_own_error(
    typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    done = CliRunner().invoke(main, ["show", "task", "vg-relation", *typed])
    assert done.exit_code == 2
    assert "Beware" not in done.output


def test_a_card_tells_chance_levels_together(drawn_edition: Path) -> None:
    task = load_task("vg-attribution")
    card = task_card(task.info, guess(task, drawn_edition))
    assert "items: none (aro-paper); 50.0 (structclip-paper, mteb-micro, micro)." in " ".join(
        card.split()
    )
    assert "aro-paper * (photographs)" in card
    assert "micro * (drawings)" in card


@pytest.mark.parametrize("name", [*task_names(), "vg-relation-detection.sgdet"])
def test_every_card_tells_how_images_are_decoded(name: str) -> None:
    card = " ".join(task_card(load_task(name).info).split())
    assert "- Images are decoded by Pillow's convert('RGB')" in card
    assert card.count("EXIF orientation of JPEG, PNG and WebP is not applied") == 1


def test_a_card_tells_where_a_metric_is_read() -> None:
    card = " ".join(task_card(load_task("vg-relation-detection").info).split())
    assert "R@10 (drawings), R@20, R@50, R@100 (photographs): mean over images" in card
    assert "mR@10 (drawings), mR@20 * (drawings), mR@50 * (photographs)" in card
    assert "mR@K counts a predicate without a relation among these images as 0" in card
    card = " ".join(task_card(load_task("vg-relation-detection.predicate").info).split())
    assert "macro@1 *, macro@5: " in card
    assert "macro@K is over the predicates that some relation of these images has" in card
