"""The task of relation detection: its modes, and what each is given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchbench.analysis.scorecard import scorecard
from benchbench.cli import main
from benchbench.editions import choose_edition, resolve_edition
from benchbench.errors import MissingData, UnknownName, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.render.cards import layout, task_card
from benchbench.runs import read_run
from benchbench.types import ProposalTask, TrainableTask, VariantTask
from tests.scene_graphs import write

NAME = "vg-relation-detection"
MODES = {"": "labels", ".predicate": "pairs", ".sgcls": "boxes", ".sgdet": "proposals"}


@pytest.mark.parametrize("mode", ["", ".predicate", ".sgcls"])
def test_a_mode_is_what_a_model_is_given(mode: str, tmp_path: Path) -> None:
    task = load_task(NAME + mode)
    assert task.info.name == NAME + mode
    assert isinstance(task, TrainableTask) and not isinstance(task, ProposalTask)
    assert {scene.given for scene in task.items(write(tmp_path))} == {MODES[mode]}
    assert [scene.id for scene in task.training(tmp_path)] == ["11"]


def test_only_the_plain_task_has_variants() -> None:
    assert isinstance(load_task(NAME), VariantTask)
    assert not isinstance(load_task(f"{NAME}.sgcls"), VariantTask)
    with pytest.raises(UnknownName, match=r"\.predcls'.* Variants .*\.sgdet"):
        load_task(f"{NAME}.predcls")


def test_sgdet_needs_a_detectors_file(tmp_path: Path) -> None:
    task = load_task(f"{NAME}.sgdet")
    with pytest.raises(UsageError, match=r"--proposals FILE.*docs/proposals\.md"):
        task.items(write(tmp_path))
    entry = {"boxes": [[0, 0, 9, 9]], "labels": ["hat"], "scores": [0.5]}
    images = {"10": entry, "14": entry}
    found = tmp_path / "found.json"
    found.write_text(json.dumps({"format": "benchbench-proposals", "version": 1, "images": images}))
    assert isinstance(task, ProposalTask)
    told = task.with_proposals(found)
    assert [scene.proposals.labels for scene in told.items(tmp_path)] == [(1,), (1,)]
    assert told.training(tmp_path)[0].given == "labels"  # type: ignore[attr-defined]
    assert told.info == task.info


def test_other_tasks_take_no_proposals(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="vg-relation takes no proposals"):
        evaluate("blind:constant", "vg-relation", data_root=shapes, proposals="x.json")
    with pytest.raises(MissingData, match=r"none\.json"):
        evaluate("blind:constant", f"{NAME}.sgdet", data_root=tmp_path, proposals="none.json")
    result = CliRunner().invoke(
        main, ["eval", "--model", "blind:constant", "--task", NAME, "--proposals", "x.json"]
    )
    assert result.exit_code == 2
    assert "takes no proposals" in result.output


class Wrapped:
    """VG-Relation, as a task that takes proposals."""

    info = load_task("vg-relation").info

    def items(self, root: Path) -> Sequence[Any]:
        return load_task("vg-relation").items(root)

    def with_proposals(self, path: Path) -> Wrapped:
        return self


def test_a_run_keeps_the_digest_of_the_proposals(shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "found.json").write_bytes(b"{}")
    told = {"data_root": shapes, "proposals": tmp_path / "found.json", "limit": 2}
    run = evaluate("blind:constant", Wrapped(), **told)  # type: ignore[arg-type]
    assert run.settings["proposals_sha256"] == hashlib.sha256(b"{}").hexdigest()
    plain = evaluate("blind:constant", Wrapped(), data_root=shapes, limit=2)
    assert "proposals_sha256" not in plain.settings


def test_either_name_of_a_file_serves(tmp_path: Path) -> None:
    info = load_task(NAME).info
    write(tmp_path, suffix="-with-attri")
    with pytest.raises(MissingData, match=r"VG_100K/?: missing"):
        resolve_edition(info, tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "10.jpg").write_bytes(b"")
    attributed = resolve_edition(info, tmp_path)
    assert "MISSING" not in layout(info, choose_edition(tmp_path))
    write(tmp_path)
    assert resolve_edition(info, tmp_path).annotations_sha256 != attributed.annotations_sha256


def test_runs_from_before_a_metric_was_declared_answer_it() -> None:
    """What a run stores is where the true relations stand, by which every metric is read."""
    folder = Path(__file__).parents[2] / "leaderboards" / "scenes-v2" / "runs" / f"{NAME}.sgcls"
    card = scorecard(read_run(folder / "relclip.parquet"))
    found = {row.name: round(100 * row.estimate.value, 1) for row in card.metrics}
    assert (found["mR@20"], found["ngR@20"], found["zR@20"]) == (51.5, 59.6, 28.0)
    assert (found["ng-mR@20"], found["ng-zR@20"], found["A@20"]) == (54.2, 36.2, 48.6)


def test_each_mode_has_a_card_that_says_what_it_is() -> None:
    for mode in MODES:
        card = task_card(load_task(NAME + mode).info)
        assert NAME + mode in card
    shown = {m.name: m.kinds for m in load_task(NAME).info.metrics}
    assert (shown["R@10"], shown["R@20"], shown["mR@100"]) == (("drawn",), (), ("photographs",))
