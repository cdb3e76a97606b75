from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import benchbench as bb
from benchbench.adapters.blind import BlindEncoder
from benchbench.analysis.early_gate import _shuffle_items, gate_early
from benchbench.analysis.gate_rules import Rule
from benchbench.errors import NotComparable, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run


@pytest.fixture(scope="module")
def baseline(shapes: Path) -> Run:
    return bb.evaluate("blind:chance", "vg-relation", data_root=shapes)


def early(model: Any, baseline: Run, shapes: Path, **rule: Any) -> Any:
    return gate_early(model, baseline, Rule("vg-relation", "micro", **rule), data_root=shapes)


def test_an_unchanged_model_passes_before_the_end(baseline: Run, shapes: Path) -> None:
    found = early(BlindEncoder("chance", seed=0), baseline, shapes, margin=0.3)
    assert found.verdict == "pass"
    assert found.difference == 0.0
    assert 0 < found.share < 1


def test_what_must_be_read_first_is_said(baseline: Run, shapes: Path) -> None:
    model = BlindEncoder("chance", seed=0)
    model.manifest = replace(model.manifest, trained=False)
    marked = replace(
        baseline, settings={**baseline.settings, "chosen_on": [{"task": "vg-relation"}]}
    )
    said = str(early(model, marked, shapes, margin=0.3))
    assert said.index("UNTRAINED: ") < said.index("CHOSEN: ") < said.index("PASS")


def test_a_margin_that_no_candidate_could_miss_is_passed_at_the_first_look(
    baseline: Run, shapes: Path
) -> None:
    found = early(BlindEncoder("constant"), baseline, shapes, margin=0.9)
    assert found.verdict == "pass"
    assert found.share < 1


def test_a_model_that_knows_nothing_fails_where_the_margin_is_small(
    baseline: Run, shapes: Path
) -> None:
    found = early(BlindEncoder("constant"), baseline, shapes, margin=0.05)
    assert found.verdict == "fail"
    assert found.difference < -0.05


def test_what_is_said_early_is_what_the_whole_set_shows(baseline: Run, shapes: Path) -> None:
    other = bb.evaluate("blind:chance", "vg-relation", data_root=shapes, seed=5)
    old, new = (
        sum(o.scores[0, 0] > o.scores[0, 1] for o in run.outcomes) / len(run.outcomes)
        for run in (baseline, other)
    )
    wanted = "pass" if new - old > -0.3 else "fail"
    found = early(BlindEncoder("chance", seed=5), baseline, shapes, margin=0.3)
    assert found.verdict == wanted


@pytest.mark.parametrize(("images", "verdict"), [(9, "inconclusive"), (12, "fail")])
def test_nothing_is_said_of_fewer_than_ten_source_images(
    baseline: Run, shapes: Path, images: int, verdict: str
) -> None:
    """All items of a baseline that has them all right, in so many source images."""
    outcomes = tuple(
        replace(o, scores=np.array([[1, 0]], np.float32), cluster=f"{i % images}.png")
        for i, o in enumerate(baseline.outcomes)
    )
    found = early(
        BlindEncoder("constant"), replace(baseline, outcomes=outcomes), shapes, margin=0.01
    )
    assert found.verdict == verdict
    assert min(images, 10) <= found.n_clusters <= images
    few = "9 source images are too few: below 10 nothing is decided"
    assert (few in " ".join(str(found).split())) is (verdict == "inconclusive")


@pytest.mark.parametrize("beyond", [0.0, 1e-3])
def test_where_all_items_are_seen_nothing_is_left_open(
    baseline: Run, shapes: Path, beyond: float
) -> None:
    whole = bb.evaluate("blind:chance", "vg-relation", data_root=shapes, seed=6)
    old, new = (
        sum(o.scores[0, 0] > o.scores[0, 1] for o in run.outcomes) / len(run.outcomes)
        for run in (baseline, whole)
    )
    if new >= old:
        baseline, model, drop = whole, BlindEncoder("chance", seed=0), new - old
    else:
        model, drop = BlindEncoder("chance", seed=6), old - new
    found = early(model, baseline, shapes, margin=max(0.0, drop - beyond))
    assert found.share == 1
    assert found.verdict == ("fail" if beyond else "pass")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (Rule("vg-relation", "macro"), "not a plain mean over items"),
        (Rule("vg-relation", "micro", floor=0.5), "a margin on the whole"),
        (Rule("vg-relation", "micro", by="relation"), "a margin on the whole"),
    ],
)
def test_what_may_not_stop_early_is_refused(
    baseline: Run, shapes: Path, rule: Rule, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        gate_early(BlindEncoder("constant"), baseline, rule, data_root=shapes)


def test_another_edition_is_not_comparable(baseline: Run, tmp_path: Path) -> None:
    from tests.fixture import draw

    other = draw(tmp_path)
    file = other / "visual_genome_relation.json"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(NotComparable, match="edition"):
        gate_early(
            BlindEncoder("constant"), baseline, Rule("vg-relation", "micro"), data_root=other
        )  # fmt: skip


def test_images_with_many_items_are_taken_in_parts(baseline: Run) -> None:
    many = ["many.jpg"] * 40 + [f"{i // 2}.jpg" for i in range(32)]
    outcomes = [replace(o, cluster=c) for o, c in zip(baseline.outcomes, many, strict=True)]
    run = replace(baseline, outcomes=tuple(outcomes))
    parts = _shuffle_items(run, {o.id: 1.0 for o in outcomes}, seed=0)
    assert max(map(len, parts)) == 4
    assert sorted(i for part in parts for i in part) == sorted(o.id for o in outcomes)
    assert parts != _shuffle_items(run, {o.id: 1.0 for o in outcomes}, seed=1)
