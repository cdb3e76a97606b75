"""What a plan counts, against a plain loop over the items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from PIL.Image import new
from torch.utils.flop_counter import FlopCounterMode

from benchbench.engines.planning import make_plan
from benchbench.engines.plans import PlanSettings
from benchbench.errors import UnknownName, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_model, load_task
from benchbench.types import DualEncoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TASKS = ["vg-relation", "vg-attribution", "coco-order", "coco-retrieval"]


def test_counts_are_those_of_a_plain_loop(drawn_edition: Path) -> None:
    plan = make_plan(["clip"], TASKS, PlanSettings(data_root=str(drawn_edition)))
    every_image, every_caption = set(), set()
    for cell in plan.cells[:3]:
        items = load_task(cell.task).items(drawn_edition)
        images = {ref for item in items for ref in item.images}
        captions = {caption for item in items for caption in item.captions}
        files = {ref.path for ref in images}
        found = (cell.items, cell.images, cell.crops, cell.captions, cell.pairs)
        assert found == (len(items), len(files), len(images), len(captions), 0)
    for task in TASKS:
        for item in load_task(task).items(drawn_edition):
            every_image |= set(item.images)
            every_caption |= set(getattr(item, "captions", ()))
    assert plan.shared["crops"] == len(every_image) < sum(cell.crops for cell in plan.cells)
    assert plan.shared["captions"] <= sum(cell.captions for cell in plan.cells)


def test_counts_and_fingerprint_are_those_of_the_run(drawn_edition: Path) -> None:
    for model in ("structclip", "blind:frequency"):
        plan = make_plan([model], TASKS[:1], PlanSettings(data_root=str(drawn_edition)))
        run = evaluate(model, TASKS[0], data_root=drawn_edition)
        (cell,) = plan.cells
        assert cell.fingerprint == run.model.fingerprint
        assert (cell.edition, cell.task_version) == (run.edition, run.task_version)
        assert (cell.images, cell.crops) == (run.counts.images, run.counts.pictures)
        assert cell.captions == run.counts.captions


def test_flops_are_those_of_one_input_times_the_distinct_inputs(drawn_edition: Path) -> None:
    (cell,) = make_plan(["clip"], TASKS[:1], PlanSettings(data_root=str(drawn_edition))).cells
    model = load_model("clip")
    assert isinstance(model, DualEncoder)
    counts = []
    runs: list[Callable[[], object]] = [
        lambda: model.encode_images(model.transform(new("RGB", (64, 64)))[None], "scene"),
        lambda: model.encode_texts(model.tokenize(["a word"]), "scene"),
    ]
    for run in runs:
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            run()
        counts.append(counter.get_total_flops())
    assert min(counts) > cell.parameters // 10
    assert cell.flops == counts[0] * cell.crops + counts[1] * cell.captions


def test_missing_data_and_weights_are_noted(tmp_path: Path, shapes: Path) -> None:
    plan = make_plan(
        ["blind:constant", f"file:{tmp_path}/none.pt"],
        ["vg-relation", "winoground"],
        PlanSettings(data_root=str(shapes)),
    )
    problems = {(cell.model, cell.task): cell.problem for cell in plan.cells}
    assert problems["blind:constant", "vg-relation"] == ""
    assert "winoground" in problems["blind:constant", "winoground"].lower()
    assert "none.pt" in problems[f"file:{tmp_path}/none.pt", "vg-relation"]


def test_wrong_names_are_refused_before_anything_is_loaded() -> None:
    for models, tasks in (
        ([], ["vg-relation"]),
        (["clip"], []),
        (["clip", "clip"], ["vg-relation"]),
    ):
        with pytest.raises(UsageError):
            make_plan(models, tasks, PlanSettings())
    with pytest.raises(UnknownName):
        make_plan(["clip"], ["vg-relations"], PlanSettings())
    with pytest.raises(UnknownName):
        make_plan(["cilp:x"], ["vg-relation"], PlanSettings())
    with pytest.raises(UsageError, match="limit"):
        make_plan(["clip"], ["vg-relation"], PlanSettings(limit=0))
