"""Runs as data frames: columns, and metrics that pandas alone computes again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from benchbench.analysis.scorecard import scorecard
from benchbench.errors import UnknownName, UsageError
from benchbench.registry import load_task
from benchbench.runs import read_run, write_run
from tests.analysis.example_runs import accuracy, made

if TYPE_CHECKING:
    from benchbench.types import Run

PUBLISHED = Path(__file__).parents[2] / "leaderboards"


def published(task: str) -> Run:
    """The first published run of a task."""
    return read_run(min(PUBLISHED.glob(f"*/runs/{task}/*.parquet")))


def test_a_frame_is_the_runs_file_and_a_column_per_metric(tmp_path: Path) -> None:
    run = made("a", 0.5)
    found = run.frame()
    raw = pd.read_parquet(write_run(run, tmp_path / "run.parquet"))
    assert found["id"].tolist() == [outcome.id for outcome in run.outcomes]
    assert list(found.columns[: len(raw.columns)]) == list(raw.columns)
    names = [row.name for row in scorecard(run).metrics]
    assert sorted(found.columns[len(raw.columns) :]) == sorted(f"metric.{name}" for name in names)
    pd.testing.assert_frame_equal(run.frame(()), raw)
    assert list(run.frame(["macro"]).columns) == [*raw.columns, "metric.macro"]


def test_pandas_computes_the_means_of_a_plain_loop() -> None:
    run = made("a", 0.5)
    groups = run.frame(["macro"]).groupby("tag.relation")["metric.macro"].mean()
    assert dict(groups) == pytest.approx(dict(accuracy(run)))


@pytest.mark.parametrize(
    "task", ["vg-relation", "vg-attribution", "sugarcrepe", "coco-order", "winoground"]
)
def test_pandas_computes_the_scores_of_published_runs(task: str) -> None:
    run = published(task)
    found, checked = run.frame(), 0
    metrics = {metric.name: metric for metric in load_task(task).info.metrics}
    for row in scorecard(run).metrics:
        if row.name not in metrics:
            continue
        column, by = f"metric.{row.name}", metrics[row.name].by
        judged = found[found[column].notna()]
        means = judged.groupby(f"tag.{by}")[column].mean() if by else judged[column]
        assert means.mean() == pytest.approx(row.estimate.value, abs=1e-12)
        assert len(judged) == row.estimate.n_items
        checked += 1
    assert checked


def test_an_item_that_is_judged_several_times_has_the_mean_of_these() -> None:
    run = published("coco-retrieval")
    found = run.frame(["i2t-R@1", "t2i-R@1", "R@1"])
    for outcome, image, caption, both in zip(
        run.outcomes, found["metric.i2t-R@1"], found["metric.t2i-R@1"], found["metric.R@1"],
        strict=True,
    ):  # fmt: skip
        own = outcome.found.better[: outcome.own], outcome.found.equal[: outcome.own]
        assert image == float(any(b + e == 0 for b, e in zip(*own, strict=True)))
        hits = [any(p.better + p.equal == 0) for p in outcome.finding]
        assert caption == pytest.approx(np.mean(hits))
        assert both == pytest.approx(np.mean([image, *hits]))


def test_ties_count_by_the_rule() -> None:
    run = made("a", 0.5)
    tied = dataclasses.replace(
        run,
        outcomes=tuple(
            dataclasses.replace(each, scores=np.zeros((1, 2), np.float32)) for each in run.outcomes
        ),
    )
    assert set(tied.frame(["micro"])["metric.micro"]) == {0.0}
    assert set(tied.frame(["micro"], ties="share")["metric.micro"]) == {0.5}
    decided = dataclasses.replace(run, settings={"imported": {"decisions_only": True}})
    with pytest.raises(UsageError, match="without scores"):
        decided.frame(ties="share")


def test_an_unknown_metric_is_named_and_an_unknown_task_still_has_its_scores() -> None:
    run = made("a", 0.5)
    with pytest.raises(UnknownName, match=r"'makro'. Did you mean 'macro'\?"):
        run.frame(["makro"])
    other = dataclasses.replace(run, task_version=99)
    with pytest.raises(UsageError, match="version 99"):
        other.frame()
    assert len(other.frame(())) == len(run.outcomes)
