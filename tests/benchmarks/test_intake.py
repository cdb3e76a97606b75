"""Runs at hand put into a record whose other runs are lost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.analysis.comparison import compare
from benchmarks import intake
from benchmarks.curves import Curve, RunCurves
from benchmarks.family_runs import Work, score_of
from benchmarks.intake import AtHand, bridges_of, update_claim, with_budgets, with_curves
from benchmarks.outcomes import Learning, Outcomes, RunOutcome, claim_result
from benchmarks.verdicts import ClaimResult, judge, measure_claim
from tests.analysis.example_runs import made
from tests.benchmarks.fakes import CLAIMS, LEVEL, ON, TASK, claim, results_of, runs_of

if TYPE_CHECKING:
    from benchbench.types import Run

CPU = "CPU (x86_64), fp32"
RECORD = results_of(3).record
"""Three members by three seeds, whose runs are lost."""
OLD = {each.claim: each for each in RECORD.claims}
STANDING_IN = made("bundled negclip", 0.57)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "evaluate_bundled", lambda *_: STANDING_IN)


def hand_of(runs: dict[tuple[int, str], Run], on: str = CPU, bundled: str = "") -> AtHand:
    """Runs at hand by seed and member."""
    there: Any = {(seed, name, TASK): run for (seed, name), run in runs.items()}
    scores = {key: score_of(run) for key, run in there.items()}
    path = {bundled: Path("none")} if bundled else {}
    work = Work(Path("none"), "cpu", "fp32", 3, ())
    return AtHand(work, there, scores, dict.fromkeys(runs, on), path, dict.fromkeys(path, ON))


def grown(hand: AtHand, record: Outcomes = RECORD) -> Outcomes:
    """A record with the scores of runs at hand."""
    new = [
        RunOutcome(name, seed, on, "facts", 6000, 512,
                   scores={TASK: 100 * hand.scores[seed, name, TASK].value})
        for (seed, name), on in hand.on.items()
    ]  # fmt: skip
    return replace(record, runs=(*record.runs, *new))


def measured(which: Any, hand: AtHand) -> ClaimResult:
    """A claim after the runs at hand were taken in, judged with nothing else."""
    record = grown(hand)
    there = update_claim(which, OLD.get(which.name), record, hand, LEVEL)
    (found,) = judge([claim_result(which, there, record)], LEVEL)
    return found


def test_twins_on_the_other_device_are_compared_with_each_other() -> None:
    runs = {(0, "structclip"): made("s", 0.8), (0, "structclip:bag"): made("b", 0.6)}
    found = measured(claim("structclip", "structclip:bag"), hand_of(runs, bundled="negclip"))
    change = compare(runs[0, "structclip:bag"], runs[0, "structclip"]).whole
    pair = found.pairs[0]
    assert (pair.better_on, pair.worse_on, found.across) == (CPU, CPU, False)
    assert (pair.difference, pair.low, pair.high) == pytest.approx(
        (change.difference, change.low, change.high), abs=1e-6
    )
    assert found.verdict == "shown"


def test_what_is_on_record_of_one_device_stays_when_a_twin_comes() -> None:
    hand = hand_of({(0, "structclip"): made("s", 0.8)})
    for each in CLAIMS.claims:
        if each.name in OLD:
            assert update_claim(each, OLD[each.name], grown(hand), hand, LEVEL) is OLD[each.name]


def test_a_lost_run_is_stood_in_for_and_the_claim_is_across_devices() -> None:
    run = made("m", 0.9)
    found = measured(CLAIMS.claims[4], hand_of({(0, "msgclip"): run}, bundled="negclip"))
    change = compare(STANDING_IN, run).whole
    assert (found.pairs[0].better_on, found.pairs[0].worse_on) == (CPU, ON)
    assert found.pairs[0].difference == pytest.approx(change.difference, abs=1e-6)
    assert found.items.above < LEVEL
    assert (found.above, found.verdict) == (1.0, "across devices")


def test_without_a_stand_in_the_headlines_are_compared_without_an_interval() -> None:
    hand = hand_of({(1, "msgclip"): made("m", 0.9)}, bundled="negclip")
    found = measured(CLAIMS.claims[4], hand)
    lost = score_of(runs_of(3)[1, "negclip", TASK]).value
    assert found.pairs[1].difference == pytest.approx(
        hand.scores[1, "msgclip", TASK].value - lost, abs=1e-6
    )
    assert math.isnan(found.pairs[1].low)
    assert (found.above, found.verdict) == (1.0, "across devices")


def test_a_stand_in_takes_no_place_on_record_and_a_run_at_hand_does() -> None:
    kept = CLAIMS.claims[2]  # negclip over clip
    hand = hand_of({(0, "clip"): made("c", 0.2)}, on=ON, bundled="negclip")
    assert measured(kept, hand).pairs[0].difference < 0.2
    both = {(0, "clip"): made("c", 0.2), (0, "negclip"): made("n", 0.6)}
    assert measured(kept, hand_of(both, on=ON)).pairs[0].difference > 0.3


def test_a_new_seed_is_tested_with_those_on_record() -> None:
    new = {(2, "structclip"): made("s", 0.9), (2, "clip"): made("c", 0.5)}
    which = CLAIMS.claims[0]
    found = measured(which, hand_of(new, on=ON))
    runs = runs_of(3) | {(*key, TASK): run for key, run in new.items()}
    exact = measure_claim(which, runs, LEVEL)
    assert found.seeds.mean == pytest.approx(exact.seeds.mean, abs=1e-6)
    assert found.seeds.above == pytest.approx(exact.seeds.above, rel=1e-2)
    assert found.items.mean == pytest.approx(exact.items.mean, abs=1e-6)
    # Without the items of two seeds the interval over items is no narrower than it would be.
    assert found.items.high - found.items.low >= exact.items.high - exact.items.low


def test_all_seeds_at_hand_are_measured_by_their_items() -> None:
    all_runs = {(seed, name): run for (seed, name, _), run in runs_of(3).items()}
    for each in CLAIMS.claims[:4]:
        there = update_claim(each, OLD[each.name], RECORD, hand_of(all_runs, on=ON), LEVEL)
        assert there == OLD[each.name]


def test_pairs_on_one_device_leave_out_those_across() -> None:
    which = claim("msgclip", "negclip")
    first = hand_of({(0, "msgclip"): made("m", 0.9)}, bundled="negclip")
    record = grown(first)
    across = update_claim(which, None, record, first, LEVEL)
    second = hand_of({(1, "msgclip"): made("m", 0.9), (1, "negclip"): made("n", 0.6)}, on=ON)
    there = update_claim(which, across, record, second, LEVEL)
    assert there is not None
    assert [(each["seed"], each["better_on"], each["worse_on"]) for each in there.pairs] == [
        (1, ON, ON)
    ]


@pytest.mark.parametrize(("seeds", "expected"), [(1, [ON]), (2, [CPU] * 2), (3, [CPU] * 3)])
def test_seeds_are_of_the_device_on_which_most_have_both(seeds: int, expected: list[str]) -> None:
    which = claim("structclip", "structclip:bag")
    one = {(0, "structclip"): made("s", 0.9), (0, "structclip:bag"): made("b", 0.6)}
    first = hand_of(one, ON)
    there = update_claim(which, None, grown(first), first, LEVEL)
    both = {"structclip": 0.8, "structclip:bag": 0.7}
    runs = {(n, name): made(f"{n}", both[name]) for n in range(seeds) for name in both}
    record = grown(hand_of(runs), grown(first))
    later = hand_of({key: run for key, run in runs.items() if key != (0, "structclip")})
    there = update_claim(which, there, record, later, LEVEL)
    assert there is not None
    assert [(each["better_on"], each["worse_on"]) for each in there.pairs] == [
        (on, on) for on in expected
    ]
    of = one if expected == [ON] else runs
    assert [each["difference"] for each in there.pairs] == pytest.approx([
        100 * (score_of(of[n, "structclip"]).value - score_of(of[n, "structclip:bag"]).value)
        for n in range(seeds)
    ], abs=1e-3)  # fmt: skip


def test_a_member_on_two_devices_is_bridged() -> None:
    run = made("n", 0.7)
    (bridge,) = bridges_of(hand_of({(0, "negclip"): run}, bundled="negclip"), LEVEL)
    change = compare(STANDING_IN, run).whole
    assert (bridge.on, bridge.other) == (CPU, ON)
    assert (bridge.difference, bridge.low, bridge.high) == pytest.approx(
        tuple(100 * x for x in (change.difference, change.low, change.high)), abs=1e-4
    )
    same = hand_of({(0, "negclip"): run}, on=ON, bundled="negclip")
    assert not list(bridges_of(same, LEVEL))
    shorter = hand_of({(0, "negclip"): run}, bundled="negclip")
    shorter = replace(shorter, examples={(0, "negclip"): 8}, bundled_examples={"negclip": 16})
    assert not list(bridges_of(shorter, LEVEL))


def curves_of(seeds: tuple[int, ...], percent: float) -> list[RunCurves]:
    curve = {"relation": Curve((100_000, 300_000), (percent, percent))}
    return [
        RunCurves("clip", seed, curve, 2e8, 1190, 256, "facts", ON) for seed in seeds
    ]  # fmt: skip


def test_a_mean_curve_stays_until_all_of_its_seeds_are_at_hand() -> None:
    mean = Learning("clip", ON, (0, 1), "relation", ((100_000, 60.0),), (2e5, 1))
    assert with_curves([mean], curves_of((0,), 70.0)) == (mean,)
    new = with_curves([mean], curves_of((0, 1), 70.0))
    assert [each.seeds for each in new] == [(0,), (1,)]
    assert [each.seeds for each in with_curves([mean], curves_of((2,), 70.0))] == [(0, 1), (2,)]


def test_equal_budgets_of_fewer_seeds_take_no_place_on_record() -> None:
    all_curves = [
        replace(each, member=name)
        for name in ("structclip", "clip")
        for each in curves_of((0, 1), 70.0 if name == "clip" else 80.0)
    ]
    (two,) = with_budgets((), all_curves, CLAIMS)
    assert (two.seeds, two.examples) == ((0, 1), 10.0)
    fewer = [each for each in all_curves if each.seed == 0]
    assert with_budgets((two,), fewer, CLAIMS) == (two,)
