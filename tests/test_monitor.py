from __future__ import annotations

import copy
import json
import random
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import pytest
import torch

import benchbench as bb
from benchbench.errors import NotComparable, Regression, UnknownName, UsageError
from benchbench.runs import read_run
from tests.adapters.tiny_hf import save

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.adapters.openclip import OpenClip


LENGTH = 24
"""Of captions, for the small architecture."""


@pytest.fixture
def model(tiny: str) -> Any:
    torch.manual_seed(3)
    return open_clip.create_model("tiny").train()


def trained(model: Any, steps: int = 4, monitor: Any = None) -> dict[str, torch.Tensor]:
    """The weights after some steps that draw from every generator."""
    torch.manual_seed(11)
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(steps):
        if monitor is not None:
            monitor(model, step)
        scale = random.random() + float(np.random.rand())  # noqa: NPY002
        images, texts = torch.rand(4, 3, 32, 32) * scale, torch.randint(1, 400, (4, LENGTH))
        out = model.encode_image(images) @ model.encode_text(texts).T
        torch.nn.functional.dropout(out, 0.2).square().mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    return {name: each.clone() for name, each in model.state_dict().items()}


def monitored(shapes: Path, out: Path, **more: Any) -> bb.Monitor:
    how: dict[str, Any] = {
        "architecture": "tiny",
        "data_root": shapes,
        "out": out,
        "every": 2,
    } | more
    return bb.Monitor("vg-relation", **how)


def test_training_comes_out_the_same_to_the_bit(model: Any, shapes: Path, tmp_path: Path) -> None:
    other = copy.deepcopy(model)
    frozen = next(iter(other.parameters())).requires_grad_(False)
    next(iter(model.parameters())).requires_grad_(False)
    model.visual.eval()
    other.visual.eval()
    watched = trained(model, monitor=monitored(shapes, tmp_path))
    alone = trained(other)
    assert all(torch.equal(watched[name], alone[name]) for name in alone)
    assert model.training
    assert not model.visual.training
    assert [p.requires_grad for p in model.parameters()] == [
        p.requires_grad for p in other.parameters()
    ]
    assert not frozen.requires_grad


def test_a_look_is_what_evaluating_the_model_gives(
    tiny_model: OpenClip, shapes: Path, tmp_path: Path
) -> None:
    whole = bb.evaluate(tiny_model, "vg-relation", data_root=shapes)
    monitor = monitored(shapes, tmp_path, architecture=None, name="mine")
    validation = monitor(tiny_model, 4)
    assert validation is not None
    (run,) = validation.runs
    assert run.model.name == "mine:step-4"
    assert run.model.weights_sha256 == whole.model.weights_sha256
    assert run.model.preprocessing == whole.model.preprocessing
    assert [o.scores.tolist() for o in run.outcomes] == [o.scores.tolist() for o in whole.outcomes]
    (file,) = tmp_path.rglob("*.parquet")
    assert file.name.startswith("mine-step-4-")
    assert read_run(file).data_sha256 == whole.data_sha256
    card = bb.scorecard(whole)
    name = f"vg-relation/{card.headline.name}"
    score = card.headline.estimate
    assert validation.values == {
        name: score.value,
        f"{name}_low": score.low,
        f"{name}_high": score.high,
    }


def test_it_looks_every_so_many_steps_and_logs(model: Any, shapes: Path, tmp_path: Path) -> None:
    logged: list[tuple[dict[str, float], int]] = []
    monitor = monitored(shapes, tmp_path, log=lambda values, step: logged.append((values, step)))
    trained(model, steps=5, monitor=monitor)
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [step for _, step in logged] == [0, 2, 4]
    assert records[0]["best"] is True
    assert records[1] | logged[1][0] == records[1]
    again = monitored(shapes, tmp_path)
    again(model, 2)
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == [0, 2]


@pytest.mark.parametrize("step", [np.int64(4), torch.tensor(4)])
def test_a_step_may_be_counted_by_numpy_or_torch(
    model: Any, shapes: Path, tmp_path: Path, step: Any
) -> None:
    validation = monitored(shapes, tmp_path)(model, step)
    assert validation is not None
    assert type(validation.step) is int
    assert json.loads((tmp_path / "log.jsonl").read_text())["step"] == 4


@pytest.mark.parametrize("step", [4.0, -2, "4", torch.tensor([1, 2]), None])
def test_a_step_that_is_no_number_is_refused(
    model: Any, shapes: Path, tmp_path: Path, step: Any
) -> None:
    for every in (2, "epoch"):
        with pytest.raises(UsageError, match="number of steps so far, from 0, not"):
            monitored(shapes, tmp_path, every=every)(model, step)
    assert not list(tmp_path.iterdir())


def test_after_a_restart_earlier_looks_still_choose(
    model: Any, shapes: Path, tmp_path: Path
) -> None:
    first = monitored(shapes, tmp_path)(model, 0)
    assert first is not None
    assert first.best
    (record,) = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    (name,) = [key for key in first.values if not key.endswith(("_low", "_high"))]
    for score, is_best in ((2.0, False), (-1.0, True), (float("nan"), True)):
        (tmp_path / "log.jsonl").write_text(json.dumps(record | {name: score}) + "\n")
        again = monitored(shapes, tmp_path)
        validation = again(model, 2)
        assert validation is not None
        assert validation.best is is_best
    checkpoint = tmp_path / "best.pt"
    checkpoint.write_bytes(b"")
    assert json.loads(again.record_selection(checkpoint).read_text())["chosen_on"][0]["looks"] == 2


def test_a_transform_for_training_is_refused(model: Any, shapes: Path, tmp_path: Path) -> None:
    crop = open_clip.image_transform(32, is_train=True)
    with pytest.raises(UsageError, match="another image each time"):
        monitored(shapes, tmp_path, transform=crop)(model, 0)


def test_a_transform_of_ones_own_is_on_record(model: Any, shapes: Path, tmp_path: Path) -> None:
    cfg = open_clip.transform.PreprocessCfg(**model.visual.preprocess_cfg)
    same = open_clip.transform.image_transform_v2(cfg, is_train=False)
    validation = monitored(shapes, tmp_path, transform=same)(model, 0)
    assert validation is not None
    assert validation.runs[0].model.preprocessing["mean"] == list(cfg.mean)
    other = open_clip.image_transform(32, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))
    validation = monitored(shapes, tmp_path, transform=other)(model, 0)
    assert validation is not None
    assert "Normalize" in validation.runs[0].model.preprocessing["transform"]
    assert "transform" not in model.visual.preprocess_cfg


def test_a_failed_gate_warns_or_raises(model: Any, shapes: Path, tmp_path: Path) -> None:
    run = bb.evaluate("blind:chance", "vg-relation", data_root=shapes)
    perfect = [np.array([[1.0, 0.0]], np.float32) for _ in run.outcomes]
    validation = monitored(shapes, tmp_path / "a")(model, 0)
    assert validation is not None
    outcomes = tuple(
        replace(o, scores=s) for o, s in zip(validation.runs[0].outcomes, perfect, strict=True)
    )
    baseline = replace(validation.runs[0], outcomes=outcomes)
    gated = {"against": baseline, "fail_if": ["vg-relation.micro < baseline - 1pp"]}
    with pytest.warns(UserWarning, match="At step 2 the model is worse than the baseline"):
        found = monitored(shapes, tmp_path / "b", **gated)(model, 2)
    assert found is not None
    assert found.gate is not None
    assert found.gate.verdict == "fail"
    assert str(found).endswith("gate FAIL")
    with pytest.raises(Regression, match="micro") as caught:
        monitored(shapes, tmp_path / "c", on_fail="raise", **gated)(model, 2)
    assert caught.value.exit_code == 1
    assert json.loads((tmp_path / "c" / "log.jsonl").read_text())["gate"] == "fail"
    half = replace(baseline, model=replace(baseline.model, dtype="bf16"))
    with pytest.raises(NotComparable, match="precision"):
        monitored(shapes, tmp_path / "d", against=half)(model, 0)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"every": 0}, "from 1, or 'epoch'"),
        ({"every": "steps"}, "from 1, or 'epoch'"),
        ({"on_fail": "stop"}, "'warn' or 'raise'"),
        ({"limits": 10}, "does not take limits"),
        ({"limit": 0}, "limit"),
        ({"fail_if": ["vg-relation.macro < baseline"]}, "needs a baseline"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_training(how: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        bb.Monitor("vg-relation", **({"every": 1} | how))


def test_a_gate_that_no_look_could_hold_is_refused_before_training(shapes: Path) -> None:
    run = bb.evaluate("blind:chance", "vg-relation", data_root=shapes)
    with pytest.raises(UsageError, match=r"needs one run of winoground, and has 0.*vg-relation"):
        bb.Monitor(["vg-relation", "winoground"], every=1, against=run)
    with pytest.raises(UsageError, match="needs one run of vg-relation, and has 2"):
        bb.Monitor("vg-relation", every=1, against=[run, run])
    with pytest.raises(
        UsageError, match=r"fail_if has a condition on winoground, .* Tasks: vg-relation"
    ):
        bb.Monitor(
            "vg-relation", every=1, against=run, fail_if=["winoground.group < baseline - 1pp"]
        )
    with pytest.raises(UsageError, match="twice: task vg-relation"):
        bb.Monitor(["vg-relation", "vg-relation"], every=1)


def test_what_is_no_model_or_task_is_refused(model: Any, shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="vg-relation"):
        bb.Monitor("vg-relations", every=1)
    with pytest.raises(UsageError, match="or names of tasks, not None"):
        bb.Monitor(None, every=1)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs a task"):
        bb.Monitor([], every=1)
    with pytest.raises(UsageError, match="Give wrap="):
        monitored(shapes, tmp_path)(torch.nn.Linear(2, 2), 0)
    with pytest.raises(UsageError, match="has no tokenizer of its own"):
        monitored(shapes, tmp_path, architecture=None)(model, 0)
    assert not list(tmp_path.rglob("*.parquet"))


def test_any_module_goes_through_a_function_to_a_model(shapes: Path, tmp_path: Path) -> None:
    from benchbench.adapters.blind import BlindEncoder

    seen: list[Any] = []

    def wrap(module: Any) -> Any:
        seen.append(module)
        return BlindEncoder("constant")

    head = torch.nn.Linear(2, 2)
    validation = monitored(shapes, tmp_path, wrap=wrap)(head, 0)
    assert validation is not None
    assert seen[0] is not head
    assert not seen[0].training
    assert head.training


def test_only_the_first_process_looks(
    model: Any, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    assert monitored(shapes, tmp_path)(model, 0) is None
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    assert monitored(shapes, tmp_path)(model, 0) is not None


class Wrapped(torch.nn.Module):
    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module


def test_parallel_training_is_seen_through_and_sharding_refused(
    model: Any, shapes: Path, tmp_path: Path
) -> None:
    parallel = type("DistributedDataParallel", (Wrapped,), {})(model)
    assert monitored(shapes, tmp_path)(parallel, 0) is not None
    sharded = type("FullyShardedDataParallel", (Wrapped,), {})(model)
    with pytest.raises(UsageError, match="sharded over processes"):
        monitored(shapes, tmp_path)(sharded, 0)


def test_a_trainer_of_transformers_is_looked_at(shapes: Path, tmp_path: Path) -> None:
    import transformers

    folder = tmp_path / "clip"
    save("clip", folder)
    whole = bb.evaluate(f"hf:{folder}", "vg-relation", data_root=shapes)
    model = transformers.CLIPModel.from_pretrained(folder)
    images: Any = transformers.AutoImageProcessor
    processor = SimpleNamespace(
        image_processor=images.from_pretrained(folder),
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder),
    )
    row = {
        "input_ids": torch.arange(1, 9), "attention_mask": torch.ones(8, dtype=torch.long),
        "pixel_values": torch.rand(3, 32, 32), "return_loss": True,
    }  # fmt: skip
    looks: list[int] = []
    monitor = bb.Monitor(
        "vg-relation", every=2, processor=processor, data_root=shapes, out=tmp_path / "looks",
        log=lambda values, step: looks.append(step),
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            str(tmp_path / "trainer"), max_steps=4, per_device_train_batch_size=2,
            report_to="none", save_strategy="no", use_cpu=True, disable_tqdm=True,
        ),
        train_dataset=[row] * 4,
        data_collator=lambda rows: {
            **{n: torch.stack([r[n] for r in rows]) for n in row if n != "return_loss"},
            "return_loss": True,
        },
        callbacks=[monitor.for_trainer()],
    )  # fmt: skip
    trainer.train()
    assert looks == [0, 2, 4]
    first = next((tmp_path / "looks").rglob("*step-0-*.parquet"))
    at_start = read_run(first)
    for ours, theirs in zip(at_start.outcomes, whole.outcomes, strict=True):
        assert np.allclose(ours.scores, theirs.scores, atol=1e-6)
    assert at_start.model.preprocessing == whole.model.preprocessing


def lightning_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the callback needs of Lightning: a base class of that name."""
    package, inner = ModuleType("lightning"), ModuleType("lightning.pytorch")
    inner.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    package.pytorch = inner  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", package)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", inner)


def test_lightning_calls_it_once_a_step(
    model: Any, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightning_stand_in(monkeypatch)
    looks: list[int] = []
    monitor = monitored(shapes, tmp_path, log=lambda values, step: looks.append(step))
    callback = monitor.for_lightning("clip")
    module = torch.nn.Module()
    module.clip = model
    trainer = SimpleNamespace(global_step=0, sanity_checking=False)
    callback.on_train_start(trainer, module)
    for batch in range(8):
        trainer.global_step = (batch + 1) // 2  # gradients of two batches a step
        callback.on_train_batch_end(trainer, module, None, None, batch)
    callback.on_train_epoch_end(trainer, module)
    assert looks == [0, 2, 4]
    with pytest.raises(UsageError, match=r"has no part 'towers'\. It has: clip"):
        monitor.for_lightning("towers").on_train_start(trainer, module)


def test_epochs_are_counted_by_their_ends(
    model: Any, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightning_stand_in(monkeypatch)
    looks: list[int] = []
    monitor = monitored(
        shapes, tmp_path, every="epoch", log=lambda values, step: looks.append(step)
    )
    callback = monitor.for_lightning()
    trainer = SimpleNamespace(global_step=3, sanity_checking=False)
    callback.on_train_start(trainer, model)
    callback.on_train_batch_end(trainer, model, None, None, 0)
    callback.on_train_epoch_end(trainer, model)
    assert looks == [3]


def test_without_lightning_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="pip install lightning"):
        bb.Monitor("vg-relation", every=1).for_lightning()
