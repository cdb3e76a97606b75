from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.reports.comparison import compare, flips_of
from benchbench.reports.flipped import write_flips
from benchbench.reports.sidebyside import side_by_side
from tests.reports.made import RELATIONS, accuracy, changed, made

if TYPE_CHECKING:
    from pathlib import Path


def test_a_comparison_is_of_the_headline_and_its_groups() -> None:
    a, b = made("a", 0.5), made("b", 0.7)
    found = compare(a, b, by="relation")
    one, two = accuracy(a), accuracy(b)
    assert found.metric.name == "aro-paper"
    assert found.whole.difference == pytest.approx(
        np.mean([two[name] - one[name] for name in RELATIONS])
    )
    assert found.whole.low < found.whole.difference < found.whole.high
    assert found.sure
    assert {g.name: g.difference for g in found.groups} == pytest.approx(
        {name: two[name] - one[name] for name in RELATIONS}
    )
    assert all(g.p_adjusted >= g.p_value for g in found.groups)
    assert "b is better than a: by" in str(found)


def test_flips_are_what_one_has_right_and_the_other_has_not() -> None:
    a, b = made("a", 0.5), made("b", 0.6)
    found = compare(a, b)
    flips = flips_of(found)
    right = [{o.id: o.scores[0, 0] > 0 for o in run.outcomes} for run in (a, b)]
    assert {f.id for f in flips} == {i for i in right[0] if right[0][i] != right[1][i]}
    assert found.whole.gained == sum(f.b > f.a for f in flips)
    assert found.whole.lost == sum(f.b < f.a for f in flips)


def test_what_is_not_shown_is_not_denied() -> None:
    found = compare(made("a", 0.5, n=60), made("b", 0.52, n=60))
    assert not found.sure
    text = " ".join(str(found).split())
    assert "No difference is shown" in text
    assert "not to say that there is none" in text
    assert found.items_needed > 60


def test_single_items_are_tested_by_mcnemar() -> None:
    a, b = made("a", 0.5, per_image=1), made("b", 0.6, per_image=1)
    found = compare(a, b, "micro")
    assert "McNemar" in found.test
    clustered = compare(made("a", 0.5), made("b", 0.6), "micro")
    assert "sign flips" in clustered.test


def test_a_run_compared_with_itself() -> None:
    found = compare(made("a", 0.5), made("a", 0.5))
    assert (found.whole.difference, found.whole.p_value, found.items_needed) == (0.0, 1.0, 0)


def test_runs_that_do_not_compare_are_refused_with_all_differences() -> None:
    a = made("a", 0.5)
    other = changed(made("b", 0.5), edition="scenes-v1", data_sha256="1" * 64)
    short = changed(made("b", 0.5), outcomes=made("b", 0.5).outcomes[:-2])
    with pytest.raises(UsageError, match=r"(?s)edition: .*digest of annotations"):
        compare(a, other)
    with pytest.raises(UsageError, match="items of a alone: 2"):
        compare(a, short)
    with pytest.raises(UsageError, match="has no metric 'mAP'"):
        compare(a, a, "mAP")
    with pytest.raises(UsageError, match="no run"):
        side_by_side([])


def test_flips_are_written_whole(tmp_path: Path) -> None:
    found = compare(made("a", 0.5), made("b", 0.6))
    count = write_flips(found, tmp_path / "flips.csv")
    lines = (tmp_path / "flips.csv").read_text().splitlines()
    assert lines[0] == "id,cluster,group,a,b,change"
    assert len(lines) == count + 1
    with pytest.raises(UsageError, match=r"\.csv or \.html"):
        write_flips(found, tmp_path / "flips.txt")
    with pytest.raises(UsageError, match="no folder"):
        write_flips(found, tmp_path / "not" / "flips.csv")


def test_medians_are_compared_too() -> None:
    metric = dataclasses.replace(compare(made("a", 0.5), made("b", 0.6)).metric, by=None)
    median = dataclasses.replace(metric, statistic="median", name="median")
    found = compare(made("a", 0.3, n=90), made("b", 0.9, n=90), median)
    assert (found.whole.a, found.whole.b) == (0.0, 1.0)
    assert "median taken anew" in found.test
    assert 0 < found.whole.p_value < 0.5
    assert np.isnan(found.effect)
