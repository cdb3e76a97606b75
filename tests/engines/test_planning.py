"""What a plan counts, against a plain loop over the items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from PIL.Image import new
from torch.utils.flop_counter import FlopCounterMode

from benchbench.engines.costs import CONTEXT, count_costs
from benchbench.engines.planning import make_plan
from benchbench.engines.plans import PlanSettings, read_plan, write_plan
from benchbench.errors import UnknownName, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_model, load_task
from benchbench.suites import choose_tasks
from benchbench.types import DualEncoder
from tests.suites import naturalbench

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


def test_flops_are_those_of_one_input_times_the_distinct_inputs(
    drawn_edition: Path, request: pytest.FixtureRequest
) -> None:
    (cell,) = make_plan(["clip"], TASKS[:1], PlanSettings(data_root=str(drawn_edition))).cells
    model = load_model("clip")
    assert isinstance(model, DualEncoder)
    torch.backends.mha.set_fastpath_enabled(False)
    request.addfinalizer(lambda: torch.backends.mha.set_fastpath_enabled(True))
    counts = []
    runs: list[Callable[[], object]] = [
        lambda: model.encode_images(model.transform(new("RGB", (64, 64)))[None], "scene"),
        lambda: model.encode_texts(model.tokenize(["a word"]), "scene"),
    ]
    for run in runs:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            run()
        counts.append(counter.get_total_flops())
    assert min(counts) > cell.parameters // 10
    assert cell.flops == counts[0] * cell.crops + counts[1] * cell.captions


def test_memory_is_the_weights_and_the_largest_tensors_of_a_batch() -> None:
    """By hand: a layer from 3·8·8 to 1,000 values and one to 10, in fp32."""

    class Model:
        similarity, logit_scale, device = "cosine", 1.0, "cpu"

        def __init__(self) -> None:
            self.tower = torch.nn.Sequential(torch.nn.Linear(192, 1000), torch.nn.Linear(1000, 10))

        def transform(self, _: object) -> torch.Tensor:
            return torch.zeros(3, 8, 8)

        def encode_images(self, batch: torch.Tensor, _: str) -> torch.Tensor:
            output: torch.Tensor = self.tower(batch.flatten(1))
            return output

        def tokenize(self, texts: list[str]) -> torch.Tensor:
            return torch.zeros(len(texts), 10)

        def encode_texts(self, batch: torch.Tensor, _: str) -> torch.Tensor:
            return batch + 1

    costs = count_costs(Model())
    assert costs.weights == 4 * (192 * 1000 + 1000 + 1000 * 10 + 10)
    assert costs.image.flops == 2 * (192 * 1000 + 1000 * 10)
    assert costs.image.peak == 4 * (192 + 1000 + 10)  # the image and both layers' outputs
    assert costs.caption.peak == 4 * (10 + 10)
    assert costs.memory(256) == CONTEXT + costs.weights + 256 * costs.image.peak


def test_attention_is_counted_though_torch_fuses_it() -> None:
    """By hand: a block of width d on n positions has 24 n d² operations, and 4 n² d of attention.

    The last of its two products may be one that torch does not count.
    """
    n, d = 16, 32

    class Model:
        similarity, logit_scale, device = "cosine", 1.0, "cpu"

        def __init__(self) -> None:
            self.block = torch.nn.TransformerEncoderLayer(d, 4, 4 * d, batch_first=True).eval()

        def transform(self, _: object) -> torch.Tensor:
            return torch.zeros(n, d)

        def encode_images(self, batch: torch.Tensor, _: str) -> torch.Tensor:
            output: torch.Tensor = self.block(batch)
            return output

        def tokenize(self, texts: list[str]) -> torch.Tensor:
            return torch.zeros(len(texts), 10)

        def encode_texts(self, batch: torch.Tensor, _: str) -> torch.Tensor:
            return batch

    counted = count_costs(Model()).image.flops
    assert 24 * n * d**2 <= counted <= 24 * n * d**2 + 4 * n**2 * d
    assert torch.backends.mha.get_fastpath_enabled()


def test_suites_are_planned_as_they_are_evaluated(shapes: Path, tmp_path: Path) -> None:
    settings = PlanSettings(data_root=str(shapes))
    plan = make_plan(["blind:length"], ["suite:aro", "winoground"], settings)
    names = choose_tasks(["suite:aro", "winoground"], shapes)
    assert [cell.task for cell in plan.cells] == list(names.names)
    assert plan.left_out == names.left_out
    assert plan.left_out
    assert read_plan(write_plan(plan, tmp_path / "plan.parquet")) == plan


def test_a_suites_task_is_left_out_for_models_that_it_is_not_for(tmp_path: Path) -> None:
    naturalbench.write(tmp_path)
    settings = PlanSettings(data_root=str(tmp_path))
    with pytest.raises(UsageError, match="Nothing of suite:questions is for these models"):
        make_plan(["clip"], ["suite:questions"], settings)
    (cell,) = make_plan(["clip"], ["naturalbench"], settings).cells
    assert "clip" in cell.problem


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
