"""What suites can show: measured errors, and estimates from another suite's pair."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from benchbench.analysis.comparison import compare
from benchbench.render.publication import read_published
from benchbench.stats import detectable
from benchmarks.detectable import GAPS, Pair, estimated, median_pair, pair_of
from benchmarks.findings import BOARD, BOTH_WAYS, CLIP, COCO, IMG, TEXT
from benchmarks.suite_sizes import SIZES, size_of
from tests.conftest import SHARED
from tests.importing.test_two_sided import lay_out

CLIPS = (CLIP, COCO, IMG, TEXT)


@pytest.fixture(scope="module")
def runs() -> dict[str, object]:
    return {run.model.name: run for run in read_published(BOARD)["sugarcrepe"].values()}


def test_a_pair_is_what_a_plain_loop_finds(runs: dict) -> None:  # type: ignore[type-arg]
    a, b = runs[CLIP], runs[COCO]
    right = [
        np.array([o.scores[0, 0] > o.scores[0, 1] for o in run.outcomes], float) for run in (a, b)
    ]
    apart = right[1] - right[0]
    images: dict[str, list[float]] = {}
    for outcome, value in zip(a.outcomes, apart, strict=True):
        images.setdefault(outcome.cluster, []).append(value - apart.mean())
    sums = np.array([sum(each) for each in images.values()])
    error = np.sqrt((sums**2).sum() * len(images) / (len(images) - 1)) / len(apart)
    found = pair_of(a, b)
    assert found.differing == pytest.approx((apart != 0).mean())
    assert found.error == pytest.approx(error, rel=1e-3)
    assert found.design == pytest.approx(error**2 / (apart.var(ddof=1) / len(apart)), rel=2e-3)
    sizes = np.array([len(each) for each in images.values()])
    assert found.spread == pytest.approx((sizes**2).sum() / sizes.sum() - 1)
    assert detectable(found.error) == pytest.approx(compare(a, b).least)


def test_the_estimate_for_its_own_suite_is_what_was_measured(runs: dict) -> None:  # type: ignore[type-arg]
    clips = [runs[name] for name in CLIPS]
    like = median_pair(clips)
    size = json.loads(SIZES.read_text())["sugarcrepe"]
    assert estimated(size, like) == pytest.approx(detectable(like.error), rel=0.05)
    errors = sorted(pair_of(a, b).error for a, b in combinations(clips, 2))
    assert errors[0] <= like.error <= errors[-1]
    assert errors.index(like.error) == 3


def test_an_estimate_from_independent_items() -> None:
    like = Pair(differing=0.25, design=1.0, error=0.0, spread=3.0)
    size = {"items": 100, "images": 50, "squares": 200}
    assert estimated(size, like) == pytest.approx(detectable(0.05))
    clustered = Pair(differing=0.25, design=4.0, error=0.0, spread=3.0)
    assert estimated(size, clustered) == pytest.approx(detectable(0.05 * 2**0.5))


def test_sizes_are_of_the_items_that_count(tmp_path: Path) -> None:
    name, size = size_of("bivlc", str(lay_out(tmp_path)))
    assert (name, size) == ("bivlc", {"items": 16, "images": 8, "squares": 32})
    known = json.loads(SIZES.read_text())
    assert set(GAPS) <= set(known)
    others = read_published(BOTH_WAYS)
    for task in ("bivlc", "colorswap"):
        counts = next(iter(others[task].values())).counts
        assert (counts.items, counts.clusters) == (known[task]["items"], known[task]["images"])


@pytest.mark.skipif(not (SHARED / "suites").is_dir(), reason="annotations are not there")
@pytest.mark.parametrize("name", ["cola", "valse", "vsr", "vsr.zeroshot", "sugarcrepe-pp"])
def test_sizes_are_of_the_published_annotations(name: str) -> None:
    assert size_of(name, str(SHARED / "suites"))[1] == json.loads(SIZES.read_text())[name]
