from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from benchbench.analysis.comparison import compare
from benchbench.errors import UsageError
from benchmarks.claims import Claims
from benchmarks.verdicts import ClaimResult, judge_claims, over_seeds
from tests.analysis.example_runs import made
from tests.benchmarks.fakes import CLAIMS, LEVEL, claim, runs_of


def by_name(seeds: int) -> dict[str, ClaimResult]:
    return {each.claim.name: each for each in judge_claims(CLAIMS, runs_of(seeds))}


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("bound", [0.0, 0.2, -0.02])
def test_intervals_and_tests_are_scipys(n: int, bound: float) -> None:
    values = np.random.default_rng(n).normal(0.1, 0.05, n)
    found = over_seeds(values.tolist(), bound, LEVEL)
    one_sided = {
        side: ttest_1samp(values, bound, alternative=side).pvalue for side in ("greater", "less")
    }
    wanted = student.interval(0.95, n - 1, values.mean(), values.std(ddof=1) / np.sqrt(n))
    assert (found.low, found.high) == pytest.approx(wanted)
    assert (found.above, found.below) == pytest.approx(tuple(one_sided.values()))
    assert (found.above < LEVEL) == (found.low > bound)


@pytest.mark.parametrize("n", [3, 5])
def test_the_interval_covers_the_truth_as_often_as_it_says(n: int) -> None:
    rng, truth, tries = np.random.default_rng(7), 0.03, 8000
    drawn = rng.normal(truth, 0.02, (tries, n))
    found = [over_seeds(row, truth, LEVEL) for row in drawn.tolist()]
    held = np.mean([each.low <= truth <= each.high for each in found])
    false = np.mean([each.above < LEVEL for each in found])
    error = 3 * np.sqrt(0.95 * 0.05 / tries)
    assert abs(held - 0.95) < error
    assert abs(false - LEVEL) < error


def test_seeds_that_do_not_differ_prove_nothing() -> None:
    for values in ([0.5], [0.5, 0.5, 0.5], []):
        found = over_seeds(values, 0.0, LEVEL)
        assert np.isnan(found.low)
        assert (found.above, found.below) == (1.0, 1.0)


def test_three_seeds_are_tested_over_seeds() -> None:
    found = by_name(3)["structclip over clip"]
    runs = runs_of(3)
    key = "vg-relation"
    changes = [compare(runs[s, "clip", key], runs[s, "structclip", key]).whole for s in range(3)]
    assert [pair.difference for pair in found.pairs.values()] == pytest.approx(
        [each.difference for each in changes]
    )
    for pair, change in zip(found.pairs.values(), changes, strict=True):
        assert (pair.low, pair.high) == pytest.approx((change.low, change.high))
    differences = [each.difference for each in changes]
    p = ttest_1samp(differences, 0.0, alternative="greater").pvalue
    assert found.basis == "seeds"
    assert found.tested.above == pytest.approx(p)
    assert found.shown is found.seeds


def test_fewer_seeds_are_tested_over_items() -> None:
    two, one = by_name(2)["structclip over clip"], by_name(1)["structclip over clip"]
    assert (two.basis, one.basis) == ("items", "items")
    assert two.shown is two.seeds
    assert one.shown is one.items
    assert np.isnan(one.seeds.low)
    assert (one.items.low, one.items.high) == (one.pairs[0].low, one.pairs[0].high)
    assert two.items.mean == pytest.approx(np.mean([p.difference for p in two.pairs.values()]))
    assert two.above < 1e-6  # 120 images, each of three items


@pytest.mark.parametrize(("seeds", "negclip"), [(1, "shown"), (3, "not shown")])
def test_verdicts(seeds: int, negclip: str) -> None:
    found = by_name(seeds)
    assert {name: each.verdict for name, each in found.items()} == {
        "structclip over clip": "shown",
        "by 60 points": "the contrary",
        "negclip over clip": negclip,  # sure over items; over seeds p 0.01, and 0.03 for four
        "kept": "the contrary",
        "msgclip over negclip": "not trained",
        "how far": "estimated",
        "structclip over structclip:bag": "not trained",
    }
    assert found["msgclip over negclip"].missing == ("msgclip",)


def test_holm_counts_all_confirmatory_claims_and_no_other() -> None:
    found = by_name(3)
    raw = {n: each.tested.above for n, each in found.items() if each.claim.confirmatory}
    assert raw["msgclip over negclip"] == 1.0
    # Holm by hand: the k-th smallest of m times m − k + 1, none below the one before.
    least = 0.0
    for k, (name, p) in enumerate(sorted(raw.items(), key=lambda each: each[1])):
        least = max(least, min(1.0, (len(raw) - k) * p))
        assert found[name].above == pytest.approx(least)
    assert found["how far"].above == found["how far"].tested.above


def test_what_is_kept_must_lie_above_its_margin() -> None:
    kept = claim("b", "a", kind="kept", margin=2.0)
    wide = claim("b", "a", kind="kept", margin=20.0, name="wide")
    runs = {
        (seed, name, "vg-relation"): made(f"{name}{seed}", accuracy + 0.02 * seed)
        for seed in range(3)
        for name, accuracy in (("a", 0.55), ("b", 0.50))
    }
    narrow, broad = judge_claims(Claims(LEVEL, (kept, wide)), runs)
    assert narrow.verdict != "shown"
    assert narrow.seeds.low < -0.02
    assert broad.verdict == "shown"
    assert broad.seeds.low > -0.2


def test_a_model_equal_to_its_control_is_kept_and_not_better() -> None:
    runs = {(0, name, "vg-relation"): made("same", 0.5) for name in ("a", "b")}
    both = Claims(LEVEL, (claim("b", "a"), claim("b", "a", kind="kept", margin=2.0, name="kept")))
    assert [each.verdict for each in judge_claims(both, runs)] == ["not shown", "shown"]


def test_seeds_that_only_one_model_has_are_left_out() -> None:
    runs = runs_of(3)
    del runs[1, "clip", "vg-relation"]
    (found,) = judge_claims(Claims(LEVEL, (claim("structclip", "clip"),)), runs)
    assert list(found.pairs) == [0, 2]
    del runs[0, "clip", "vg-relation"], runs[2, "structclip", "vg-relation"]
    (found,) = judge_claims(Claims(LEVEL, (claim("structclip", "clip"),)), runs)
    assert (found.verdict, found.missing) == ("not trained", ())


def test_runs_of_other_items_are_refused() -> None:
    runs = runs_of(1)
    runs[0, "clip", "vg-relation"] = made("clip", 0.5, n=300)
    with pytest.raises(UsageError, match="do not compare"):
        judge_claims(CLAIMS, runs)
