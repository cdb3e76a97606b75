"""Reading runs: each published definition by hand, and the printed page."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from benchbench.analysis.scorecard import Scorecard, scorecard
from benchbench.data.aro import dropped_relations
from benchbench.errors import UsageError
from benchbench.registry import load_task
from benchbench.types import (
    Counts,
    Item,
    MatchingOutcome,
    Metric,
    ModelManifest,
    Places,
    RetrievalOutcome,
    Run,
)

MANIFEST = ModelManifest(
    name="stub",
    architecture="stub",
    weights="published",
    weights_sha256="0" * 64,
    trained=True,
    activation="gelu",
    preprocessing={},
    tokenizer="none",
    context_length=77,
    dtype="fp32",
    parameters=1,
    similarity="cosine",
)


def run_of(answers: list[tuple[str, str, float]]) -> Run:
    """A VG-Relation run from (relation, cluster, margin of the true caption)."""
    outcomes = tuple(
        MatchingOutcome(
            id=str(i),
            cluster=cluster,
            target=(0,),
            scores=np.array([[margin, 0.0]], dtype=np.float32),
            no_op=(False, False),
            tags={"relation": relation},
        )
        for i, (relation, cluster, margin) in enumerate(answers)
    )
    n_clusters = len({o.cluster for o in outcomes})
    n = len(outcomes)
    return Run(
        model=MANIFEST,
        task="vg-relation",
        task_version=1,
        protocol="matching",
        edition="custom-stub-00000000",
        data_sha256="0" * 64,
        settings={"limit": None, "seed": 0},
        environment={},
        counts=Counts(n, n, 0, n, n, 2 * n, n_clusters, 0, 0),
        skipped=(),
        unreadable={},
        created="2000-01-01T00:00:00+00:00",
        seconds=1.0,
        outcomes=outcomes,
    )


SMALL = run_of(
    [
        ("on", "a", 1.0),
        ("on", "a", 1.0),
        ("on", "b", -1.0),
        ("on", "c", 0.0),
        ("riding", "c", 1.0),
        ("next to", "b", 1.0),
        ("next to", "d", -1.0),
    ]
)
"""on: 2 right, 1 wrong, 1 tied; riding: 1 of 1; next to (symmetric, left out): 1 of 2."""


def values(card: Scorecard) -> dict[str, float]:
    """Accuracy by metric."""
    return {row.name: row.estimate.value for row in card.metrics}


def test_each_definition_by_hand() -> None:
    assert "next to" in dropped_relations()
    assert not {"on", "riding"} & dropped_relations()
    assert values(scorecard(SMALL)) == pytest.approx(
        {
            "aro-paper": (2 / 4 + 1 / 1) / 2,
            "aro-code": (2 / 4 + 1 / 1 + 1 / 2) / 3,
            "structclip-paper": (2 / 4 + 1 / 1) / 2,
            "mteb-micro": 5 / 7,
            "macro": (2 / 4 + 1 / 1 + 1 / 2) / 3,
            "micro": 4 / 7,
        }
    )


def test_the_tie_rule_moves_only_what_leaves_it_open() -> None:
    shared, right = (values(scorecard(SMALL, ties=rule)) for rule in ("share", "right"))
    assert shared["micro"] == pytest.approx(4.5 / 7)
    assert right["micro"] == pytest.approx(5 / 7)
    assert right["macro"] == pytest.approx((3 / 4 + 1 + 1 / 2) / 3)
    for fixed in ("aro-paper", "aro-code", "mteb-micro"):
        assert shared[fixed] == right[fixed] == values(scorecard(SMALL))[fixed]


def test_items_and_clusters_are_those_of_the_metric() -> None:
    row = scorecard(SMALL).headline
    assert (row.name, row.meaning) == ("aro-paper", "2 relations, less ARO's 157")
    assert (row.estimate.n_items, row.estimate.n_clusters) == (5, 3)
    assert row.chance == 0.5


def test_slices_say_what_the_headline_leaves_out() -> None:
    rows = {row.name: row for row in scorecard(SMALL, by="relation").groups}
    assert list(rows) == ["on", "next to", "riding"]
    assert rows["on"].estimate.value == 0.5
    assert rows["next to"].meaning == "not in aro-paper, structclip-paper"
    assert math.isnan(rows["on"].estimate.low), "3 clusters are too few for an interval"


def test_no_interval_is_without_width() -> None:
    always = run_of([("on", str(i), 1.0) for i in range(30)])
    row = scorecard(always, by="relation").groups[0]
    assert row.estimate.high == 1.0
    assert row.estimate.low == pytest.approx(0.8865, abs=1e-4)  # Wilson, 30 of 30


def test_a_constant_model_earns_nothing_or_chance() -> None:
    constant = run_of([("on", str(i), 0.0) for i in range(20)])
    assert values(scorecard(constant))["micro"] == 0.0
    assert values(scorecard(constant, ties="share"))["micro"] == 0.5
    assert scorecard(constant).ties == 20


def test_runs_of_another_version_and_unknown_tags_are_refused() -> None:
    with pytest.raises(UsageError, match=r"version 7; installed is\s+version 1"):
        scorecard(dataclasses.replace(SMALL, task_version=7))
    with pytest.raises(UsageError, match="Tags: relation"):
        scorecard(SMALL, by="relatoin")


def test_banners_come_before_any_number() -> None:
    bad = dataclasses.replace(
        SMALL,
        model=dataclasses.replace(MANIFEST, trained=False, weights="random (seed 3)"),
        counts=dataclasses.replace(SMALL.counts, items_in_edition=99, skipped=2),
        unreadable={f"images/{i}.jpg": "not found" for i in range(4)},
        settings={"limit": 9, "seed": 3},
        edition="scenes-v1",
    )
    page = str(scorecard(bad))
    assert max(map(len, page.splitlines())) <= 100
    text = " ".join(page.split())
    numbers = text.index("aro-paper")
    for banner in (
        "UNTRAINED: random (seed 3)",
        "DRAWN: scenes-v1 shows drawings",
        "PARTIAL: 7 of 99 items",
        "SKIPPED: 2 items, in none of the numbers, for 4 images",
        "images/0.jpg (not found)",
        "and 1 more",
    ):
        assert 0 < text.index(banner) < numbers
    assert page.startswith("vg-relation@scenes-v1 ")
    assert "DRAWN" not in str(scorecard(SMALL))


def test_what_decoding_left_out_is_told_where_there_was_any() -> None:
    some = dataclasses.replace(SMALL.counts, oriented=2, transparent=1, animated=0, deep=1_000)
    page = str(scorecard(dataclasses.replace(SMALL, counts=some)))
    text = " ".join(page.split())
    assert 0 < text.index(f"TURNED: 2 of {some.images} images have an EXIF") < text.index("aro-pap")
    assert "2 images with an EXIF orientation" in text
    assert "1 image with alpha" in text
    assert "1,000 images of over 8 bits" in text
    assert "frames" not in text
    assert max(map(len, page.splitlines())) <= 100
    none = dataclasses.replace(SMALL.counts, oriented=0, transparent=0, animated=0, deep=0)
    assert str(scorecard(dataclasses.replace(SMALL, counts=none))) == str(scorecard(SMALL))


def test_a_metric_without_items_hides_no_other() -> None:
    symmetric = run_of([("next to", str(i), 1.0) for i in range(12)])
    card = scorecard(symmetric)
    assert math.isnan(card.headline.estimate.value)
    assert values(card)["micro"] == 1.0
    assert "aro-paper * – – 0 0 wrong" in " ".join(str(card).split())


def test_intervals_need_ten_clusters() -> None:
    for n, known in ((9, False), (10, True)):
        card = scorecard(run_of([("on", str(i), 1.0 - 2 * (i % 2)) for i in range(n)]))
        assert math.isnan(card.headline.estimate.low) is not known


def test_a_task_of_ones_own_reads_its_own_runs() -> None:
    class Mine:
        info = dataclasses.replace(
            load_task("vg-relation").info, headline="mine", metrics=(Metric("mine", "items"),)
        )

        def items(self, root: Path) -> list[Item]:
            return []

    assert scorecard(SMALL, task=Mine()).headline.name == "mine"
    with pytest.raises(UsageError, match="of other, not of vg-relation"):
        scorecard(dataclasses.replace(SMALL, task="other"), task=Mine())


def test_rare_groups_are_listed_and_frequent_ones_stand_beside() -> None:
    frequent = [("on", f"{i}", 1.0 if i % 4 else -1.0) for i in range(60)]
    rare = [("riding", f"r{i}", 1.0) for i in range(4)]
    card = scorecard(run_of(frequent + rare))
    assert card.rare == ("riding",)
    assert card.headline.unreliable
    assert values(card)["aro-paper"] == pytest.approx((45 / 60 + 1) / 2)
    assert values(card)["aro-paper≥25"] == pytest.approx(45 / 60)
    text = str(card)
    assert "] ?" in text
    assert "? unreliable: groups in under 10 clusters (riding) carry up to 50 %" in text
    assert "aro-paper≥25" not in values(scorecard(run_of(frequent)))


def test_text_from_files_cannot_break_the_page() -> None:
    odd = run_of([("on\x1b[31m\n", "a", 1.0), ("x" * 300, "b", 1.0)])
    text = str(scorecard(odd, by="relation"))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_page_is_as_committed() -> None:
    golden = Path(__file__).parent / "scorecard.txt"
    assert str(scorecard(SMALL, by="relation")) + "\n" == golden.read_text()


def test_on_photographs_the_groups_are_those_of_the_files(vrd: Path) -> None:
    items = load_task("vg-relation").items(vrd)
    answers = [(item.tags["relation"], item.cluster, 1.0) for item in items]
    card = scorecard(run_of(answers), by="relation", resamples=20)
    kept = [row.estimate.n_items for row in card.groups if not row.meaning]
    assert len(kept) == 39
    assert card.headline.meaning == "39 relations, less ARO's 157"
    assert sum(n < 25 for n in kept) == 20
    assert sum(n == 1 for n in kept) == 6


def retrieved(n: int, better: list[int], equal: list[int]) -> RetrievalOutcome:
    """An entry of one caption, whose search either way has these counts, of 30 captions."""
    either = [Places(np.array([b]), np.array([e])) for b, e in zip(better, equal, strict=True)]
    tags = {"gallery": "test"}
    return RetrievalOutcome(str(n), f"c{n}", tags, either[0], 1, 30, (either[1],), 15)


def test_a_page_of_ranks_is_as_committed() -> None:
    outcomes = tuple(retrieved(n, [n, n // 2], [0, 2 if n == 1 else 0]) for n in range(12))
    run = dataclasses.replace(
        SMALL,
        task="coco-retrieval",
        protocol="retrieval",
        outcomes=outcomes,
        counts=Counts(12, 12, 0, 12, 12, 12, 12, 0, 0),
    )
    card = scorecard(run, by="direction")
    assert values(card) == pytest.approx(
        {
            "R@1": (1 / 12 + 1 / 12) / 2,
            "i2t-R@1": 1 / 12,
            "i2t-R@5": 5 / 12,
            "i2t-R@10": 10 / 12,
            "i2t-MRR": sum(1 / n for n in range(1, 13)) / 12,
            "i2t-median-rank": 6.5,
            "t2i-R@1": 1 / 12,
            "t2i-R@5": 10 / 12,
            "t2i-R@10": math.nan,
            "t2i-MRR": (1 + 1 / 3 + 2 * sum(1 / n for n in range(2, 7))) / 12,
            "t2i-median-rank": 3.5,
        },
        nan_ok=True,
    )
    golden = Path(__file__).parent / "retrieval.txt"
    assert str(card) + "\n" == golden.read_text()


def test_ties_are_counted_for_every_metric() -> None:
    """Ties behind the first place decide no R@1; those beyond the fifth no R@5 either."""
    better = [[0, 0], [4, 0], [4, 9], [9, 1], *[[20, 0]] * 8]
    equal = [[0, 0], [2, 0], [0, 2], [3, 1], *[[0, 0]] * 8]
    outcomes = tuple(retrieved(n, *each) for n, each in enumerate(zip(better, equal, strict=True)))
    run = dataclasses.replace(
        SMALL, task="coco-retrieval", protocol="retrieval", outcomes=outcomes,
        counts=Counts(12, 12, 0, 12, 12, 12, 12, 0, 0),
    )  # fmt: skip
    card = scorecard(run)
    assert card.ties == 0
    assert {row.name: row.tied for row in card.metrics} == {
        "R@1": 0, "i2t-R@1": 0, "i2t-R@5": 1, "i2t-R@10": 1, "i2t-MRR": 2, "i2t-median-rank": 2,
        "t2i-R@1": 0, "t2i-R@5": 0, "t2i-R@10": 0, "t2i-MRR": 2, "t2i-median-rank": 2,
    }  # fmt: skip
    text = str(card)
    assert "0 ties in R@1, up to 2 in i2t-MRR" in text
    assert "wrong (1)" in next(line for line in text.splitlines() if line.startswith("i2t-R@5"))
    assert "wrong (0)" in next(line for line in text.splitlines() if line.startswith("R@1"))
    shares = scorecard(run, ties="right")
    assert [row.tied for row in shares.metrics] == [row.tied for row in card.metrics]


def test_ties_are_counted_though_no_group_is_large_enough() -> None:
    class Large:
        info = dataclasses.replace(
            load_task("vg-relation").info,
            metrics=(Metric("large", "relations", by="relation", at_least=25),),
            headline="large",
        )

        def items(self, root: Path) -> list[Item]:
            return []

    tied = run_of([("on", "a", 0.0), ("on", "b", 1.0)])
    card = scorecard(tied, task=Large())
    assert math.isnan(card.headline.estimate.value)
    assert (card.ties, card.judged) == (1, 2)


def test_truncated_captions_are_counted_with_their_limit() -> None:
    assert " 0 truncated captions ·" in str(scorecard(SMALL))
    cut = dataclasses.replace(SMALL.counts, truncated_captions=3)
    text = str(scorecard(dataclasses.replace(SMALL, counts=cut)))
    assert f" 3 truncated captions (cut to {MANIFEST.context_length} tokens) ·" in text


def test_a_metric_over_a_tag_that_no_item_has_is_left_out_and_named() -> None:
    own = load_task("vg-relation").info
    further = (
        Metric("by-kind", "kinds", by="kind"),
        Metric("seen", "seen items", only=(("composition", "seen"),)),
    )

    class Tagged:
        info = dataclasses.replace(own, metrics=(*own.metrics, *further))

        def items(self, root: Path) -> list[Item]:
            return []

    card = scorecard(SMALL, task=Tagged())
    assert [row.name for row in card.metrics] == [row.name for row in scorecard(SMALL).metrics]
    text = " ".join(str(card).split())
    assert (
        "Left out, as no item has the tag that they use: by-kind (kind), seen (composition)."
        in text
    )
    tags = {"relation": "on", "kind": "left", "composition": "seen"}
    outcomes = tuple(dataclasses.replace(each, tags=tags) for each in SMALL.outcomes)
    complete = scorecard(dataclasses.replace(SMALL, outcomes=outcomes), task=Tagged())
    assert {"by-kind", "seen"} <= {row.name for row in complete.metrics}
    assert "Left out" not in str(complete)
