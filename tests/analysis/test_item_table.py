"""Items with images that have no caption of their own, as SVO-Probes and SPEC have them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchbench.analysis.item_table import ItemTable, item_table
from benchbench.analysis.paired import pair_runs
from benchbench.types import MatchingOutcome, Metric
from tests.analysis.example_runs import changed, made

TEXT, IMAGE = Metric("text", ""), Metric("image", "", judgement="image")


def table(metric: Metric, target: tuple[int, ...], *scores: list[list[float]]) -> ItemTable:
    """The table of a run of items with these scores, [images, captions] each."""
    outcomes = tuple(
        MatchingOutcome(
            id=str(i),
            cluster=f"{i}.jpg",
            tags={"relation": "on"},
            target=target,
            scores=np.array(each, np.float32),
            no_op=(False,) * len(each[0]),
        )
        for i, each in enumerate(scores)
    )
    run = made("a", 0.5)
    counts = replace(run.counts, items=len(outcomes), items_in_edition=len(outcomes))
    return item_table(pair_runs([changed(run, outcomes=outcomes, counts=counts)]), metric)


def test_an_image_without_a_caption_has_no_margin() -> None:
    found = table(
        TEXT,
        (0, 1, -1),
        [[0.9, 0.1], [0.25, 0.5], [0.5, 0.4]],
        [[0.9, 0.1], [0.5, 0.25], [0.5, 0.4]],
    )
    assert found.margins[:, 0] == pytest.approx([0.25, -0.25])
    assert found.values[:, 0].tolist() == [1, 0]
    assert found.shared["target"].tolist() == [0, 1, -1] * 2


def test_a_single_caption_chooses_an_image() -> None:
    found = table(IMAGE, (-1, 0, -1), [[0.25], [0.75], [0.5]], [[0.5], [0.25], [0.375]])
    assert found.margins[:, 0] == pytest.approx([0.25, -0.25])
    assert np.array_equal(found.margins > 0, found.values == 1), "what is shown is what decides"
