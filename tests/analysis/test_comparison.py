from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchbench.analysis.comparison import compare
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.paired import paired_scores
from benchbench.analysis.scorecard import scorecard
from benchbench.analysis.seeds import compare_methods
from benchbench.errors import UsageError
from benchbench.render.comparison import verdict
from benchbench.render.flips import write_flips
from benchbench.stats import bootstrap_draws, interval, mean_over_groups
from tests.analysis.example_runs import RELATIONS, accuracy, changed, made, verified

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run


def test_a_comparison_is_of_the_headline_and_its_groups() -> None:
    a, b = made("a", 0.5), made("b", 0.7)
    found = compare(a, b, by="relation")
    one, two = accuracy(a), accuracy(b)
    assert found.metric.name == "aro-paper"
    assert found.whole.difference == pytest.approx(
        np.mean([two[name] - one[name] for name in RELATIONS])
    )
    assert found.whole.low < found.whole.difference < found.whole.high
    assert found.significant
    assert {g.name: g.difference for g in found.groups} == pytest.approx(
        {name: two[name] - one[name] for name in RELATIONS}
    )
    assert all(g.p_adjusted >= g.p_value for g in found.groups)
    assert "b is better than a: by" in str(found)


@pytest.mark.parametrize(
    ("low", "p_value", "said"),
    [
        (-0.01, 0.03, "But the interval holds 0, so that it and the p-value disagree. Treat this"),
        (
            0.01,
            0.07,
            "But the interval leaves out 0, so that it and the p-value disagree. Treat this",
        ),
        (0.01, 0.03, ""),
        (-0.01, 0.07, ""),
        (np.nan, 0.03, ""),
    ],
)
def test_an_interval_that_contradicts_the_p_value_is_told(
    low: float, p_value: float, said: str
) -> None:
    found = compare(made("a", 0.5), made("b", 0.55))
    high = low + 0.2
    whole = dataclasses.replace(found.whole, low=low, high=high, p_value=p_value)
    told = verdict(dataclasses.replace(found, whole=whole))
    assert said in told
    assert ("But the interval" in told) == bool(said)


def rarely(run: Run) -> Run:
    """The run with one item of a relation of its own, which carries half of a macro mean."""
    tags = [{"relation": "riding"}, *[{"relation": "on"}] * (len(run.outcomes) - 1)]
    outcomes = tuple(
        dataclasses.replace(o, tags=tag) for o, tag in zip(run.outcomes, tags, strict=True)
    )
    return changed(run, outcomes=outcomes)


def test_a_comparison_marks_what_a_scorecard_marks() -> None:
    a, b = (rarely(made(name, accuracy)) for name, accuracy in (("a", 0.5), ("b", 0.6)))
    said = "? unreliable: groups in under 10 clusters (riding) carry up to 50 % of the weight of"
    for text in (str(scorecard(a)), str(compare(a, b)), str(leaderboard([a, b]))):
        assert "] ?" in text
        assert said in " ".join(text.split())
    by = compare(a, b, "micro", by="relation")
    assert "] ?" not in str(by)
    assert np.isnan(next(g for g in by.groups if g.name == "riding").low)
    seeds = compare_methods([a, rarely(made("a1", 0.5))], [b, rarely(made("b1", 0.6))])
    assert "] ?" in str(seeds)
    assert said in " ".join(str(seeds).split())


@pytest.mark.parametrize(("n", "rough"), [(297, True), (300, False)])
def test_below_a_hundred_source_images_every_report_is_rough(n: int, rough: bool) -> None:
    a, b = made("a", 0.5, n=n), made("b", 0.6, n=n)
    methods = compare_methods([a, made("a1", 0.5, n=n)], [b, made("b1", 0.6, n=n)])
    for text in (str(scorecard(a)), str(compare(a, b)), str(leaderboard([a, b])), str(methods)):
        said = f"{n // 3} source images are few. Take intervals below 100 as rough."
        assert (said in " ".join(text.split())) is rough


def test_flips_are_what_one_has_right_and_the_other_has_not() -> None:
    a, b = made("a", 0.5), made("b", 0.6)
    found = compare(a, b)
    flips = found.flips
    right = [{o.id: o.scores[0, 0] > 0 for o in run.outcomes} for run in (a, b)]
    assert {f.id for f in flips} == {i for i in right[0] if right[0][i] != right[1][i]}
    assert found.whole.gained == sum(f.b > f.a for f in flips)
    assert found.whole.lost == sum(f.b < f.a for f in flips)


def test_what_is_not_shown_is_not_denied() -> None:
    found = compare(made("a", 0.5, n=60), made("b", 0.52, n=60))
    assert not found.significant
    text = " ".join(str(found).split())
    assert "No difference is shown" in text
    assert "not to say that there is none" in text
    assert found.items_needed > 60


def test_single_items_are_tested_by_mcnemar() -> None:
    a, b = made("a", 0.5, per_image=1), made("b", 0.6, per_image=1)
    found = compare(a, b, "micro")
    assert "McNemar" in found.test
    assert "McNemar's exact test: every item is of its own image" in " ".join(str(found).split())
    clustered = compare(made("a", 0.5), made("b", 0.6), "micro")
    assert "sign flips" in clustered.test
    assert "sign flips of whole source images" in " ".join(str(clustered).split())


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
    with pytest.raises(UsageError, match="No run was given"):
        paired_scores([])


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
    assert "the median taken anew" in " ".join(str(found).split())
    assert 0 < found.whole.p_value < 0.5
    assert np.isnan(found.effect)


def few(run: Run, n_images: int) -> Run:
    keep = {f"{k}.jpg" for k in range(n_images)}
    return changed(run, outcomes=tuple(o for o in run.outcomes if o.cluster in keep))


def test_the_same_model_twice_is_said_to_be() -> None:
    found = compare(made("a", 0.5), made("a", 0.5))
    text = " ".join(str(found).split())
    assert "SAME: a and b are the same model" in text
    assert "score the same on every one" in text
    assert "may be anything" not in text
    assert np.isnan([found.whole.low, found.effect, found.detectable]).all()


def test_one_name_for_two_models_is_noted() -> None:
    a = made("a", 0.5)
    b = changed(
        made("a", 0.6), model=dataclasses.replace(a.model, weights_sha256="1" * 64),
        settings={**a.settings, "precision": "bf16"},
    )  # fmt: skip
    text = " ".join(str(compare(a, b)).split())
    assert "one name and are two models" in text
    assert "UNLIKE: precision differs" in text


def test_parts_of_an_area_are_not_said_to_be_right() -> None:
    text = " ".join(str(compare(verified("a"), verified("b"))).split())
    assert "by itself no item is right or wrong" in text
    assert "Flips:" not in text


def test_few_images_have_no_interval_and_say_so() -> None:
    for metric in ("micro", None):
        found = compare(few(made("a", 0.5), 6), few(made("b", 0.6), 6), metric)
        assert np.isnan(found.whole.low)
        text = " ".join(str(found).split())
        assert "nan" not in text
        assert "6 source images are too few" in text


def test_all_wrong_against_all_right() -> None:
    found = compare(made("a", -1.0), made("b", 2.0))
    assert (found.whole.difference, found.whole.gained) == (1.0, 360)
    assert np.isnan([found.whole.low, found.effect]).all()
    assert "b is better than a: by 100.0 points, p < 0.0001." in str(found)


def test_a_slice_of_nothing_names_the_tags() -> None:
    with pytest.raises(UsageError, match=r"has the tag 'relaton'\. Tags: relation"):
        compare(made("a", 0.5), made("b", 0.6), by="relaton")


def test_slices_have_the_intervals_that_they_have_alone() -> None:
    a, b = made("a", 0.5, n=1200), made("b", 0.6, n=1200)
    for group in compare(a, b, by="relation").groups:
        alone = paired_scores([a, b], "macro")
        kept = np.array(alone.groups) == group.name
        apart = mean_over_groups(
            (alone.values[:, 1] - alone.values[:, 0])[kept], np.zeros(int(kept.sum()), int),
            alone.clusters[alone.outcome][kept], total=len(alone.cluster_names),
        )  # fmt: skip
        wanted = interval(apart, bootstrap_draws([apart])[:, 0])
        assert (group.low, group.high) == pytest.approx(wanted)


def test_a_higher_rank_is_lost() -> None:
    a, b = made("a", 0.5), made("b", 0.7)
    both = paired_scores([a, b])
    ranks = dataclasses.replace(both, metric=dataclasses.replace(both.metric, reading="rank"))
    assert (both.sign, ranks.sign) == (1, -1)


def test_runs_of_another_version_than_installed_are_refused() -> None:
    old = [changed(made(name, 0.5), task_version=0) for name in "ab"]
    with pytest.raises(UsageError, match="version 0; installed is version 1"):
        compare(old[0], old[1])
