"""Models that do not look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchbench.errors import UnknownName
from benchbench.evaluation import evaluate
from benchbench.registry import load_model
from benchbench.reports.scorecard import scorecard
from benchbench.testing import check_model

TASKS = {
    "coco-order": "drawn_edition",
    "sugarcrepe": "sugarcrepe",
    "vg-attribution": "shapes",
    "vg-relation": "shapes",
    "winoground": "winoground",
}


@pytest.mark.parametrize("kind", ["constant", "chance"])
def test_contract(kind: str) -> None:
    model: Any = load_model(f"blind:{kind}")
    if kind == "constant":
        assert model.token_ids(["a b"]) != model.token_ids(["b a"])
    check_model(model)


@pytest.mark.parametrize("task", TASKS)
def test_a_constant_earns_nothing_or_exactly_chance(
    task: str, request: pytest.FixtureRequest
) -> None:
    root: Path = request.getfixturevalue(TASKS[task])
    run = evaluate("blind:constant", task, data_root=root)
    for row in scorecard(run).metrics:
        if row.estimate.n_items and row.ties != "right":
            assert row.estimate.value == 0
    open_rules = [row for row in scorecard(run, ties="share").metrics if row.ties == "share"]
    assert open_rules or task in ("sugarcrepe", "winoground")
    for row in open_rules:
        assert row.estimate.value == pytest.approx(row.chance)
    assert scorecard(run).ties == run.counts.items


def test_chance_is_a_coin_that_follows_its_seed(shapes: Path) -> None:
    values = [
        scorecard(evaluate("blind:chance", "vg-relation", data_root=shapes, seed=seed))
        for seed in (0, 0, 1)
    ]
    micro = [card.metrics[-1].estimate for card in values]
    assert micro[0] == micro[1] != micro[2]
    assert all(estimate.low < 0.5 < estimate.high for estimate in micro)


def test_other_baselines_are_unknown() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'chance'\? There are blind:constant"):
        load_model("blind:chnace")
