"""Models that do not look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchbench.errors import UnknownName
from benchbench.evaluation import evaluate
from benchbench.registry import load_model, load_task, task_names
from benchbench.reports.scorecard import scorecard
from benchbench.scenes.edition import export
from benchbench.testing import check_model
from benchbench.types import TakesProposals, Variable

FIXED_RULES = {"sugarcrepe", "winoground"}
"""Tasks whose publication leaves nothing to --ties."""


def variants(name: str) -> Iterator[str]:
    """A task and those of its variants that need nothing more than files."""
    task = load_task(name)
    yield name
    for suffix, variant in (task.variants if isinstance(task, Variable) else {}).items():
        if not isinstance(variant, TakesProposals):
            yield f"{name}.{suffix}"


TASKS = [each for name in task_names() for each in variants(name)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every part of the drawn world, small."""
    root = tmp_path_factory.mktemp("world") / "drawn"
    return export(root, images=20, dense=6, training=30, size=96)


@pytest.mark.parametrize("kind", ["constant", "chance"])
def test_contract(kind: str) -> None:
    model: Any = load_model(f"blind:{kind}")
    if kind == "constant":
        assert model.token_ids(["a b"]) != model.token_ids(["b a"])
    check_model(model)


@pytest.mark.parametrize("task", TASKS)
def test_a_constant_earns_nothing_or_exactly_chance(task: str, world: Path) -> None:
    run = evaluate("blind:constant", task, data_root=world)
    for row in scorecard(run).metrics:
        if row.estimate.n_items and row.ties == "wrong" and not row.is_rank:
            least = 0.0 if "MRR" not in row.name else 1 / 19  # the last of 20 pictures
            assert row.estimate.value <= least, row.name
    open_rules = [row for row in scorecard(run, ties="share").metrics if row.ties == "share"]
    assert open_rules or task in FIXED_RULES
    for row in open_rules:
        assert row.estimate.value == pytest.approx(row.chance, rel=1e-12, nan_ok=True), row.name
    card = scorecard(run)
    assert card.ties == card.judged


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_run_by_every_baseline(task: str, world: Path) -> None:
    for kind in ("chance", "frequency"):
        run = evaluate(f"blind:{kind}", task, data_root=world)
        card = scorecard(run)
        values = [row.estimate.value for row in card.metrics if row.estimate.n_items]
        assert values
        assert all(value >= 0 for value in values)
        learnt_nothing = kind == "frequency" and run.protocol != "relations"
        assert ("It has learnt nothing" in str(card)) is learnt_nothing


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
