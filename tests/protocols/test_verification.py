"""Thresholds and areas, against plain loops and scipy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from benchbench.analysis.scorecard import scorecard
from benchbench.protocols.reading import read_units
from benchbench.protocols.verification import PROTOCOL, area_parts, decided, fit_threshold
from benchbench.registry import load_task
from benchbench.stats import mean_over_groups
from benchbench.types import Claimed, Metric
from tests.analysis.example_runs import changed, made

ROWS = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12)
AREA = Metric("area", "labels", by="label", judgement="area", ties="share")
FITTED = Metric("fitted", "items", judgement="fitted threshold", ties="wrong")


def claims(rows: Sequence[tuple[float, bool]], validation: bool = False) -> list[Claimed]:
    """Outcomes with just what judging needs."""
    kind = "v" if validation else "t"
    return [
        Claimed(f"{kind}{i}", f"{kind}{i}", {}, label, validation, score, None)
        for i, (score, label) in enumerate(rows)
    ]


@given(ROWS)
def test_no_threshold_gets_more_items_right(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([float(s) for s, _ in rows]), np.array([t for _, t in rows])
    found = fit_threshold(scores, labels)
    assert found not in scores
    tried = [-np.inf, *(x + 0.5 for x in range(-1, 6)), np.inf]
    right = [sum((s > t) == label for s, label in rows) for t in tried]
    assert sum((s > found) == label for s, label in rows) == max(right)


@given(ROWS.filter(lambda rows: len({label for _, label in rows}) == 2))
def test_the_area_is_mann_whitneys_u(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([float(s) for s, _ in rows]), np.array([t for _, t in rows])
    u = mannwhitneyu(scores[labels], scores[~labels]).statistic / (labels.sum() * (~labels).sum())
    parts = area_parts(scores, labels, "share")
    assert parts[labels].mean() == pytest.approx(u)
    assert parts[~labels].mean() == pytest.approx(u)
    units = read_units(PROTOCOL, claims(rows), AREA, "wrong")
    groups = np.unique(units.groups, return_inverse=True)[1]
    assert mean_over_groups(units.values, groups, units.outcome).value == pytest.approx(u)


def test_an_areas_standard_error_is_delongs() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(400) < 0.4
    scores = rng.normal(size=400) + labels
    units = read_units(PROTOCOL, claims(list(zip(scores, labels, strict=True))), AREA, "wrong")
    groups = np.unique(units.groups, return_inverse=True)[1]
    mean = mean_over_groups(units.values, groups, units.outcome)
    wins = np.array([[a > b for b in scores[~labels]] for a in scores[labels]], dtype=float)
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    delong = v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01)
    assert mean.standard_error == pytest.approx(np.sqrt(delong), rel=0.01)


def sliced(groups: Sequence[str], seed: int = 0) -> tuple[list[Claimed], np.ndarray, np.ndarray]:
    """Claims of groups whose scores lie apart, so that no group's area is that of all items."""
    rng = np.random.default_rng(seed)
    labels = rng.random(len(groups)) < 0.3
    scores = rng.normal(size=len(groups)) + labels + np.array([2.0 * ord(g) for g in groups])
    rows = claims(list(zip(scores.tolist(), labels.tolist(), strict=True)))
    named = zip(rows, groups, strict=True)
    return [replace(each, tags={"piece": group}) for each, group in named], scores, labels


@pytest.mark.parametrize("by", [None, "label"])
def test_the_area_of_a_group_is_among_its_own_pairs(by: str | None) -> None:
    items, scores, labels = sliced(list("aabbb") * 60)
    for group in "ab":
        of = np.array([o.tags["piece"] == group for o in items])
        alone = mannwhitneyu(scores[of & labels], scores[of & ~labels]).statistic
        alone /= (of & labels).sum() * (of & ~labels).sum()
        metric = replace(AREA, by=by, only=(("piece", group),))
        units = read_units(PROTOCOL, items, metric, "wrong")
        numbers = np.unique(units.groups, return_inverse=True)[1]
        mean = mean_over_groups(units.values, numbers, units.outcome)
        assert mean.value == pytest.approx(alone)
        wins = (scores[of & labels][:, None] > scores[of & ~labels]).astype(float)
        v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
        delong = v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01)
        assert mean.standard_error == pytest.approx(np.sqrt(delong), rel=0.02)


def test_groups_by_a_tag_have_areas_of_their_own() -> None:
    items, scores, labels = sliced(list("aabbb") * 60)
    units = read_units(PROTOCOL, items, replace(AREA, by="piece"), "wrong")
    for group in "ab":
        of = np.array([o.tags["piece"] == group for o in items])
        alone = mannwhitneyu(scores[of & labels], scores[of & ~labels]).statistic
        alone /= (of & labels).sum() * (of & ~labels).sum()
        assert units.values[np.array(units.groups) == group].mean() == pytest.approx(alone)


def test_a_group_of_one_label_has_no_area() -> None:
    items = [replace(each, tags={"piece": g}) for each, g in zip(
        claims([(1, True), (0, False), (2, True)]), "aab", strict=True)]  # fmt: skip
    units = read_units(PROTOCOL, items, replace(AREA, by="piece"), "wrong")
    assert list(units.groups) == ["a", "a"]


def test_the_threshold_comes_from_validation_items_alone() -> None:
    fitting = claims([(0.1, False), (0.2, False), (0.8, True)], validation=True)
    test = claims([(0.6, True), (0.4, True), (0.3, False), (0.9, False)])
    units = read_units(PROTOCOL, [*fitting, *test], FITTED, "wrong")
    assert units.values.tolist() == [1, 0, 1, 0]
    assert units.outcome.tolist() == [3, 4, 5, 6]
    assert not len(read_units(PROTOCOL, test, FITTED, "wrong").values)
    said = list(PROTOCOL.remarks([*fitting, *test], [FITTED]))
    assert said == [
        "Calling every caption true would score 50.0.",
        "The fitted threshold is 0.5: min(p_c, p_f) is 50.0.",
    ]


def test_a_score_at_the_threshold_is_a_tie() -> None:
    scores, labels = np.array([1.0, 1.0, 2.0]), np.array([True, False, True])
    for ties, credit in (("wrong", 0.0), ("share", 0.5), ("right", 1.0)):
        assert decided(scores, labels, 1.0, ties).tolist() == [credit, credit, 1.0]  # type: ignore[arg-type]


def test_one_label_alone_has_no_area() -> None:
    assert not len(read_units(PROTOCOL, claims([(1, True), (2, True)]), AREA, "wrong").values)


def test_a_scorecards_groups_are_areas_by_the_metrics_own_tie_rule() -> None:
    outcomes = tuple(
        Claimed(str(i), f"{i // 2}.jpg", {"piece": "all"}, i % 2 == 0, False, 0.5, None)
        for i in range(40)
    )
    info = replace(load_task("svo-probes.decisions").info, name="made", metrics=(AREA,))
    task: Any = SimpleNamespace(info=replace(info, headline="area", headlines={}))
    run = changed(
        made("a", 0.5), task="made", task_version=info.version, protocol="verification",
        outcomes=outcomes,
    )  # fmt: skip
    card = scorecard(run, task=task, by="piece")
    assert card.headline.estimate.value == 0.5
    (group,) = card.groups
    assert (group.estimate.value, group.ties) == (0.5, "share"), "all scores tie"
