"""Published pages say what their runs say, and the bundled models still earn what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchbench as bb
from benchbench.editions import drawn_part
from benchbench.registry import load_task
from benchbench.render.blocks import refresh_blocks
from benchbench.render.publication import editions_in, read_published, refresh
from benchbench.scenes.edition.plan import EDITION
from tests.cli.test_cli import typed

TOP = Path(__file__).parent.parent
BOARDS = TOP / "leaderboards"
MAX_BYTES = 500_000
"""Of a published run."""


def test_pages_and_readme_are_as_their_runs_say() -> None:
    assert refresh(BOARDS, check=True) == []
    assert not refresh_blocks(TOP / "docs" / "family.md", BOARDS, check=True)


def test_bundled_models_and_blind_ones_are_on_every_task() -> None:
    runs = read_published(BOARDS / "scenes-v2")
    served = {name for name in bb.task_names() if drawn_part(load_task(name).info)}
    assert served <= set(runs)
    for task, of in runs.items():
        names = {run.model.name for run in of.values()}
        assert {"clip", "structclip", "blind:chance"} <= names, task


def test_published_runs_are_small_files() -> None:
    for folder in editions_in(BOARDS):
        assert all(path.stat().st_size <= MAX_BYTES for path in folder.rglob("*.parquet"))


def test_a_bundled_model_passes_the_gate_of_its_published_run(
    standard_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "drawn"  # for embeddings, beside the edition that others read
    cache.mkdir()
    (cache / EDITION).symlink_to(standard_cache / EDITION, target_is_directory=True)
    monkeypatch.setenv("BENCHBENCH_CACHE", str(cache))
    baseline = BOARDS / "scenes-v2" / "runs" / "vg-relation" / "structclip.parquet"
    asked = ("vg-relation.macro < baseline - 0.5pp @ 0.05", "vg-relation.micro < baseline - 0.5pp")
    done = typed(
        "gate", "--candidate", "structclip", "--baseline", baseline, "--edition", "scenes",
        "--inconclusive", "fail", *(word for each in asked for word in ("--fail-if", each)),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.count("PASS") == 3
    assert "drawing" not in done.stderr
