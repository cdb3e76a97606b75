"""The page of findings is what the published runs say."""

from __future__ import annotations

from benchbench.render.publication import read_published
from benchmarks.findings import BOARD, PAGE, page


def test_the_page_is_as_its_runs_say() -> None:
    runs = {run.model.name: run for run in read_published(BOARD)["sugarcrepe"].values()}
    assert page(runs) == PAGE.read_text("utf-8")
