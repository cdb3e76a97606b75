"""Settings against the baseline and models under settings, against plain loops and ``compare``."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchbench.analysis.comparison import compare
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.sensitivity import (
    BASELINE,
    Conclusion,
    PairDifference,
    plain,
    sensitivity,
)
from benchbench.errors import NotComparable, UsageError
from benchbench.types import Run
from tests.analysis.example_runs import EDITION, changed, made


def varied(name: str, accuracy: float, setting: str, seed: int, share: float = 0.1) -> Run:
    """The run of a model with some of its items' answers turned."""
    run = made(name, accuracy)
    turned = np.random.default_rng(seed).uniform(size=len(run.outcomes)) < share
    outcomes = tuple(
        replace(o, scores=o.scores * (-1 if turn else 1))
        for o, turn in zip(run.outcomes, turned, strict=True)
    )
    return changed(
        run, outcomes=outcomes, edition=f"{EDITION}+{setting}", settings={"variation": setting}
    )


def runs_of(name: str, accuracy: float) -> dict[str, Run]:
    return {
        BASELINE: made(name, accuracy),
        "stop=added": varied(name, accuracy, "stop-added", 1),
        "case=lower": varied(name, accuracy, "case-lower", 2, 0.3),
    }


def right(run: Run) -> np.ndarray:
    return np.array([o.scores[0, 0] > 0 for o in run.outcomes])


def test_each_setting_is_compared_with_the_baseline() -> None:
    runs = runs_of("a", 0.6)
    found = sensitivity([runs], metric="micro").models[0]
    assert [score.setting for score in found.scores] == list(runs)
    base = right(runs[BASELINE])
    flipped = np.zeros(len(base), bool)
    for score, run in zip(found.scores[1:], list(runs.values())[1:], strict=True):
        now = right(run)
        assert score.estimate.value == pytest.approx(now.mean())
        assert score.difference == pytest.approx(now.mean() - base.mean())
        assert (score.gained, score.lost) == ((now & ~base).sum(), (base & ~now).sum())
        flipped |= now != base
        paired = compare(runs[BASELINE], plain(run), "micro").whole
        assert (score.low, score.high) == pytest.approx((paired.low, paired.high))
        assert score.p_adjusted >= paired.p_value - 0.01, "adjusted for two settings"
    assert (found.flipping, found.n_items) == (flipped.sum(), len(base))
    values = [right(run).mean() for run in runs.values()]
    assert found.spread == pytest.approx(max(values) - min(values))
    first = found.scores[0]
    assert math.isnan(first.difference) and math.isnan(first.p_adjusted)


def test_one_setting_has_the_p_value_of_a_comparison() -> None:
    runs = runs_of("a", 0.6)
    del runs["case=lower"]
    score = sensitivity([runs], metric="micro").models[0].scores[1]
    paired = compare(runs[BASELINE], plain(runs["stop=added"]), "micro").whole
    assert score.p_adjusted == pytest.approx(paired.p_value, abs=0.01)


def test_conclusions_hold_or_not_under_every_setting() -> None:
    models = [runs_of("a", 0.6), runs_of("b", 0.75), runs_of("c", 0.62)]
    found = sensitivity(models, metric="micro")
    assert found.settings == (BASELINE, "stop=added", "case=lower")
    assert len(found.conclusions) == 3
    for setting, where in (("stop=added", 1), ("case=lower", 2)):
        board = leaderboard([plain(each[setting]) for each in models], "micro")
        names = [place.run.model.name for place in board.places]
        for each in found.conclusions:
            difference = each.differences[where]
            one, two = names.index(each.better), names.index(each.worse)
            values = [place.estimate.value for place in board.places]
            assert difference.setting == setting
            assert difference.difference == pytest.approx(values[one] - values[two])
            assert difference.p_adjusted == pytest.approx(board.p_values[one, two], abs=0.02)
    of_pair = {frozenset((c.better, c.worse)): c for c in found.conclusions}
    assert of_pair[frozenset("ab")].better == "b"
    assert of_pair[frozenset("ac")].verdict == "not significant as it is"


@pytest.mark.parametrize(
    ("differences", "verdict", "same_sign", "against"),
    [
        ([(0.1, 0.001), (0.05, 0.04)], "survives", True, []),
        ([(0.1, 0.001), (0.05, 0.06)], "not always significant", True, ["1"]),
        ([(0.1, 0.001), (-0.05, 0.001), (0.1, 0.3)], "changes sign", False, ["1", "2"]),
        ([(0.1, 0.001), (0.0, 1.0)], "changes sign", False, ["1"]),
        ([(0.1, 0.06), (0.2, 0.001)], "not significant as it is", True, ["0"]),
    ],
)
def test_a_verdict_follows_from_signs_and_p_values(
    differences: list[tuple[float, float]], verdict: str, same_sign: bool, against: list[str]
) -> None:
    rows = tuple(PairDifference(str(i), *each) for i, each in enumerate(differences))
    found = Conclusion("a", "b", rows, 0.95)
    assert (found.verdict, found.same_sign) == (verdict, same_sign)
    assert [each.setting for each in found.against] == against


def test_only_settings_of_all_models_count_for_conclusions() -> None:
    one, two = runs_of("a", 0.6), runs_of("b", 0.75)
    del two["stop=added"]
    found = sensitivity([one, two], [{}, {"stop=added": "it changes no item"}])
    assert found.settings == (BASELINE, "case=lower")
    assert found.models[1].left_out == {"stop=added": "it changes no item"}
    assert "left out: stop=added (b): it changes no item." in str(found)


def test_without_a_common_setting_there_is_no_conclusion() -> None:
    one, two = runs_of("a", 0.6), {BASELINE: made("b", 0.75)}
    found = sensitivity([one, two])
    assert (found.conclusions, found.settings) == ((), (BASELINE,))
    assert "No setting applies to all models" in str(found)


def test_a_setting_of_other_items_is_left_out_with_the_reason() -> None:
    runs = runs_of("a", 0.6)
    short = runs["case=lower"]
    runs["case=lower"] = changed(
        short, outcomes=short.outcomes[1:], counts=replace(short.counts, items=359)
    )
    found = sensitivity([runs]).models[0]
    assert [score.setting for score in found.scores] == [BASELINE, "stop=added"]
    assert "items of a alone: 1" in found.left_out["case=lower"]


def test_a_setting_in_which_nothing_flips_has_no_interval() -> None:
    runs = runs_of("a", 0.6)
    runs["stop=added"] = changed(runs[BASELINE], edition=f"{EDITION}+stop-added")
    score = sensitivity([runs]).models[0].scores[1]
    assert (score.difference, score.gained, score.lost, score.p_adjusted) == (0, 0, 0, 1)
    assert math.isnan(score.low)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match="No model"):
        sensitivity([])
    with pytest.raises(UsageError, match="a is there 2 times"):
        sensitivity([runs_of("a", 0.6), runs_of("a", 0.6)])
    with pytest.raises(UsageError, match="baseline"):
        sensitivity([{"stop=added": made("a", 0.6)}])
    other = {BASELINE: changed(made("b", 0.6), data_sha256="1" * 64)}
    with pytest.raises(NotComparable):
        sensitivity([runs_of("a", 0.6), other])
