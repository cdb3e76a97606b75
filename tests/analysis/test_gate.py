from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from benchbench.analysis import paired
from benchbench.analysis.gate import gate
from benchbench.analysis.gate_rules import Rule
from benchbench.errors import NotComparable, UsageError
from benchbench.protocols.reading import Judge
from benchbench.render.gate import describe_check, short_verdict, terminal
from benchbench.render.gate_reports import as_json, junit, markdown
from benchbench.types import Metric
from tests.analysis.example_runs import RELATIONS, changed, made

BASE = made("base", 0.6, n=1200)


def verdict(candidate: float, rule: Rule, n: int = 1200) -> str:
    return gate([made("new", candidate, n=n)], [made("base", 0.6, n=n)], [rule]).verdict


def test_a_gate_pairs_its_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs are compared and the task is loaded once, and each metric is read once."""
    calls: Counter[str] = Counter()

    def count(of: Any, name: str, label: str) -> None:
        function = getattr(of, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls[label] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(of, name, counted)

    for name in ("differences", "load_task", "load_protocol"):
        count(paired, name, name)
    count(paired.PairedScores.__dict__["_numbered"], "func", "numbered")
    count(Judge, "units", "units")
    rules = [Rule("vg-relation", "macro", margin=0.001), Rule("vg-relation", "macro", floor=0.99)]
    found = gate([made("new", 0.55, n=1200)], [BASE], rules)
    assert [bool(check.groups) for check in found.checks] == [True, True]
    assert (calls["differences"], calls["load_task"]) == (1, 1)
    assert calls["units"] == 2, "one metric of two runs"
    assert calls["numbered"] == 1 + len(RELATIONS), "the metric, and each of its groups by itself"


def test_three_verdicts() -> None:
    assert verdict(0.6, Rule("vg-relation", margin=0.05)) == "pass"
    assert verdict(0.4, Rule("vg-relation", margin=0.05)) == "fail"
    assert verdict(0.6, Rule("vg-relation", margin=0.001), n=60) == "inconclusive"


@pytest.mark.parametrize(
    ("unlike", "kind"),
    [({"statistic": "median"}, "a median"), ({"reading": "rank"}, "a mean rank")],
)
def test_what_is_no_rate_is_refused(
    monkeypatch: pytest.MonkeyPatch, unlike: dict[str, str], kind: str
) -> None:
    """A margin is in points: "1pp" of a mean rank would be a hundredth of a rank."""
    unread = dataclasses.replace(Metric("found at", "images"), **unlike)  # type: ignore[arg-type]
    monkeypatch.setattr(paired.Pairing, "metric", lambda self, name: unread)
    with pytest.raises(UsageError, match=f"found at is {kind}"):
        gate([BASE], [BASE], [Rule("vg-relation", "found at")])


def test_not_significant_is_not_no_regression() -> None:
    runs = [made("new", 0.6, n=90)], [made("base", 0.6, n=90)]
    found = gate(*runs, [Rule("vg-relation", margin=0.03)])
    assert found.verdict == "inconclusive"
    assert found.checks[0].items_needed > 90


def test_an_unchanged_checkpoint_passes_at_any_margin() -> None:
    same = gate([changed(BASE)], [BASE], [Rule("vg-relation", margin=0.001)])
    assert same.verdict == "pass"
    assert same.checks[0].difference == 0.0


def test_other_weights_that_answer_alike_pass_only_where_items_are_enough() -> None:
    other = changed(BASE, model=dataclasses.replace(BASE.model, weights_sha256="1" * 64))
    assert gate([other], [BASE], [Rule("vg-relation", margin=0.01)]).verdict == "pass"
    few = gate([other], [BASE], [Rule("vg-relation", margin=0.001)])
    assert few.verdict == "inconclusive"
    assert few.checks[0].items_needed > 1200


def test_the_detectable_difference_allows_for_the_number_of_checks() -> None:
    rule = Rule("vg-relation", margin=0.01)
    one, many = (gate([made("new", 0.6)], [made("base", 0.6)], [rule] * n) for n in (1, 8))
    assert 0 < one.checks[0].detectable < many.checks[0].detectable
    said = as_json(one)
    assert json.loads(said)["checks"][0]["detectable"] == one.checks[0].detectable
    printed = (
        f"minimum detectable difference beyond the margin {100 * one.checks[0].detectable:.1f}"
    )
    assert printed in describe_check(one.checks[0])


def test_a_floor_is_absolute() -> None:
    assert verdict(0.6, Rule("vg-relation", floor=0.4)) == "pass"
    assert verdict(0.6, Rule("vg-relation", floor=0.9)) == "fail"


def test_all_right_on_few_images_does_not_clear_a_high_floor() -> None:
    assert verdict(2.0, Rule("vg-relation", floor=0.99), n=360) == "inconclusive"
    assert verdict(2.0, Rule("vg-relation", floor=0.9), n=360) == "pass"


FEW = made("base", 2.0, n=18, per_image=9)
"""Two source images, all right."""


@pytest.mark.parametrize(
    "rule",
    [
        Rule("vg-relation", margin=0.01),
        Rule("vg-relation", "micro", margin=0.01),
        Rule("vg-relation", floor=0.5),
        Rule("vg-relation", margin=0.01, by="relation", least_items=1),
    ],
    ids=["macro", "micro", "floor", "by"],
)
@pytest.mark.parametrize("right", [-1.0, 2.0], ids=["all wrong", "all right"])
def test_below_ten_source_images_a_gate_decides_nothing(rule: Rule, right: float) -> None:
    found = gate([made("new", right, n=18, per_image=9)], [FEW], [rule])
    assert found.verdict == "inconclusive"
    assert all(check.gated and check.verdict == "inconclusive" for check in found.checks)
    assert not found.items_needed
    said = "2 source images are too few: below 10 nothing is decided"
    for text in (terminal(found), junit(found), markdown(found), as_json(found)):
        assert said in " ".join(text.split())
    assert "Too few source images to decide." in terminal(found)
    assert short_verdict(found) == f"gate INCONCLUSIVE ({said})"


def test_the_same_model_passes_no_gate_of_few_source_images_either() -> None:
    assert gate([FEW], [FEW], [Rule("vg-relation", margin=0.5)]).verdict == "inconclusive"


@pytest.mark.parametrize(("images", "verdict"), [(9, "inconclusive"), (10, "fail")])
def test_ten_source_images_may_decide(images: int, verdict: str) -> None:
    right, wrong = (made(name, a, n=3 * images) for name, a in (("base", 2.0), ("new", -1.0)))
    assert gate([wrong], [right], [Rule("vg-relation")]).verdict == verdict


def test_groups_are_gated_by_themselves_and_small_ones_reported() -> None:
    rule = Rule("vg-relation", margin=0.05, by="relation", least_items=400)
    found = gate([made("new", 0.3, n=1200)], [BASE], [rule])
    assert len(found.checks) == 3
    assert all(check.gated and check.verdict == "fail" for check in found.checks)
    small = gate([made("new", 0.3, n=900)], [made("base", 0.6, n=900)], [rule])
    assert not any(check.gated for check in small.checks)
    assert small.verdict == "inconclusive"


def test_failure_is_adjusted_for_the_number_of_checks_and_passing_is_not() -> None:
    new = made("new", 0.58, n=900)
    base = made("base", 0.6, n=900)
    alone = gate([new], [base], [Rule("vg-relation", margin=0.0)]).checks[0]
    many = gate([new], [base], [Rule("vg-relation", margin=0.0)] * 8).checks[0]
    assert many.p_fail == pytest.approx(min(1.0, 8 * alone.p_fail))
    assert many.p_pass == alone.p_pass


def test_the_items_that_would_decide_are_more_than_there_are() -> None:
    """Also where a failure by itself is none among several."""
    new, base = made("new", 0.585, n=900), made("base", 0.6, n=900)
    rule = Rule("vg-relation", "micro", margin=0.0)
    alone = gate([new], [base], [rule])
    assert alone.checks[0].verdict == "fail"
    many = gate([new], [base], [rule] * 60)
    assert many.verdict == "inconclusive"
    assert {check.items_needed for check in many.checks} == {many.items_needed}
    assert many.items_needed > 900


def test_all_must_pass_and_one_failure_is_enough() -> None:
    passing, failing = Rule("vg-relation", margin=0.1), Rule("vg-relation", floor=0.99)
    unsure = Rule("vg-relation", margin=0.0001)
    new = made("new", 0.6, n=1200)
    assert gate([new], [BASE], [passing, failing]).verdict == "fail"
    assert gate([new], [BASE], [passing, unsure]).verdict == "inconclusive"


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"margin": NAN}, "a margin is from 0 to 100 points, not nan"),
        ({"margin": INF}, "a margin is from"),
        ({"margin": -0.01}, "a margin is from"),
        ({"margin": 1.5}, "not 150"),
        ({"floor": NAN}, "a floor is from"),
        ({"floor": 1.3}, "a floor is from 0 to 100 points, not 130"),
        ({"alpha": 0.5}, "α is between 0 and 0.5"),
        ({"alpha": NAN}, "α is between"),
        ({"by": "verb"}, "has the tag 'verb'. Tags: relation"),
    ],
)
def test_bounds_that_cannot_be_meant_are_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        gate([BASE], [BASE], [Rule("vg-relation", **asked)])


def test_the_same_weights_with_another_activation_are_not_the_same_model() -> None:
    other = changed(BASE, model=dataclasses.replace(BASE.model, activation="quickgelu-or-not"))
    assert gate([other], [BASE], [Rule("vg-relation", margin=0.001)]).verdict == "inconclusive"
    moved = changed(BASE, model=dataclasses.replace(BASE.model, name="x", weights="elsewhere.pt"))
    assert gate([moved], [BASE], [Rule("vg-relation", margin=0.001)]).verdict == "pass"


def test_what_does_not_compare_is_refused() -> None:
    rules = [Rule("vg-relation")]
    half = changed(BASE, model=dataclasses.replace(BASE.model, dtype="fp16"))
    with pytest.raises(NotComparable, match="precision: fp16 of the candidate"):
        gate([half], [BASE], rules)
    with pytest.raises(NotComparable, match="edition"):
        gate([changed(BASE, edition="scenes-v1")], [BASE], rules)
    with pytest.raises(UsageError, match="needs one run of vg-attribution"):
        gate([BASE], [BASE], [Rule("vg-attribution")])
    with pytest.raises(UsageError, match="needs a rule"):
        gate([BASE], [BASE], [])
    with pytest.raises(UsageError, match="a margin is from"):
        gate([BASE], [BASE], [Rule("vg-relation", margin=-0.1)])


def test_false_alarms_at_the_margin_are_rare() -> None:
    """A true loss of exactly the margin: neither verdict more often than α."""
    rng, failed, passed = np.random.default_rng(0), 0, 0
    margin, n = 0.1, 400
    for _ in range(300):
        shared = rng.uniform(size=n)
        old = (shared < 0.7).astype(float)
        new = np.where(rng.uniform(size=n) < 0.8, (shared < 0.6), rng.uniform(size=n) < 0.6)
        runs = [
            changed(
                BASE,
                outcomes=tuple(
                    dataclasses.replace(
                        o, scores=np.array([[1.0 if right else -1.0, 0.0]], np.float32),
                        cluster=f"{i}",
                    )
                    for i, (o, right) in enumerate(zip(BASE.outcomes[:n], values, strict=True))
                ),
            )
            for values in (new, old)
        ]  # fmt: skip
        said = gate([runs[0]], [runs[1]], [Rule("vg-relation", "micro", margin=margin)]).verdict
        failed, passed = failed + (said == "fail"), passed + (said == "pass")
    assert failed / 300 < 0.09
    assert passed / 300 < 0.09
