"""Models that do not look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchbench.analysis.scorecard import scorecard
from benchbench.editions import drawn_part
from benchbench.errors import UnknownName, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_model, load_task, task_names
from benchbench.scenes.edition import export
from benchbench.testing import check_model
from benchbench.types import LoadOptions, ProposalTask, VariantTask

FIXED_RULES = {"sugarcrepe", "winoground"}
"""Tasks whose publication leaves nothing to --ties."""


def variants(name: str) -> Iterator[str]:
    """A task and those of its variants that need nothing more than files."""
    task = load_task(name)
    yield name
    for suffix, variant in (task.variants if isinstance(task, VariantTask) else {}).items():
        if not isinstance(variant, ProposalTask):
            yield f"{name}.{suffix}"


DRAWN = [name for name in task_names() if drawn_part(load_task(name).info)]
TASKS = [each for name in DRAWN for each in variants(name)]
PHOTOGRAPHED = [
    each
    for name in task_names()
    if name not in DRAWN
    for each in variants(name)
    if load_task(each).info.protocol != "answering"
]
"""Tasks whose files the drawn world does not have, but those for generative models."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every part of the drawn world, small."""
    root = tmp_path_factory.mktemp("world") / "drawn"
    return export(root, images=20, dense=6, training=30, size=96)


READERS = ["length", "length-longest", "ngram", "ngram-mean", "ngram-ratio"]


@pytest.mark.parametrize("kind", ["constant", "chance", "frequency", *READERS])
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
            least = 0.0 if "MRR" not in row.name else 1 / 19  # the last of 20 images
            assert row.estimate.value <= least, row.name
    open_rules = [row for row in scorecard(run, ties="share").metrics if row.ties == "share"]
    assert open_rules or task in FIXED_RULES
    for row in open_rules:
        assert row.estimate.value == pytest.approx(row.chance, rel=1e-12, nan_ok=True), row.name
    card = scorecard(run)
    assert card.ties == card.judged


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_run_by_every_baseline(task: str, world: Path) -> None:
    for kind in ("chance", "frequency", *READERS):
        run = evaluate(f"blind:{kind}", task, data_root=world)
        card = scorecard(run)
        values = [row.estimate.value for row in card.metrics if row.estimate.n_items]
        assert values
        assert all(value >= 0 for value in values)
        told = {"frequency": run.protocol == "relations"} | dict.fromkeys(
            ("ngram", "ngram-mean"), task.startswith(("coco", "flickr30k", "sugarcrepe"))
        )
        told["ngram-ratio"] = False  # no training split has false captions
        learnt_nothing = not told.get(kind, True)
        assert ("It has learnt nothing" in str(card)) is learnt_nothing


@pytest.mark.parametrize("task", PHOTOGRAPHED)
def test_every_task_of_photographs_can_be_run_by_every_baseline(task: str, suites: Path) -> None:
    for kind in ("constant", "chance", *READERS):
        card = scorecard(evaluate(f"blind:{kind}", task, data_root=suites))
        values = [row.estimate.value for row in card.metrics if row.estimate.n_items]
        assert values
        assert all(value >= 0 for value in values)


def test_chance_is_a_coin_that_follows_its_seed(shapes: Path) -> None:
    values = [
        scorecard(evaluate("blind:chance", "vg-relation", data_root=shapes, seed=seed))
        for seed in (0, 0, 1)
    ]
    micro = [card.metrics[-1].estimate for card in values]
    assert micro[0] == micro[1] != micro[2]
    assert all(estimate.low < 0.5 < estimate.high for estimate in micro)


def test_length_prefers_one_way_or_the_other() -> None:
    for kind, best in (("length", "a"), ("length-longest", "a dog")):
        model: Any = load_model(f"blind:{kind}")
        texts = ["a", "a dog"]
        scores = model.encode_texts(model.tokenize(texts), "scene")[:, 0]
        assert texts[int(scores.argmax())] == best


def test_n_grams_answer_shuffled_captions(world: Path) -> None:
    card = scorecard(evaluate("blind:ngram", "coco-order", data_root=world))
    assert card.headline.estimate.value > 0.6
    assert "30 training" not in str(card) and card.ties < 5
    learnt = card.run.model.settings["learned"]
    assert learnt == "150 training captions"


def test_options_that_they_do_not_heed_are_refused() -> None:
    for options in (LoadOptions(trust_remote_code=True), LoadOptions(trust_pickle=True)):
        with pytest.raises(UsageError, match="takes no --trust"):
            load_model("blind:chance", options)


def test_other_baselines_are_unknown() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'chance'\? There are blind:constant"):
        load_model("blind:chnace")
