"""Two processes train one model as one process would."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing

from benchbench.errors import UsageError
from benchbench.training.batches import BatchBuilder
from benchbench.training.distributed import TrainingProcess, current_process, join
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.log import read_log
from benchbench.training.loop import BEST, Training, _parallel
from benchbench.training.plan import Plan
from benchbench.training.running import build_for, train
from benchbench.training.views import VIEWS
from benchbench.variants.catalogue import variant

VARIANTS = {
    "clip": {},
    "captioner": {},
    "structclip": {},
    "msgclip": {"threshold": -1.0, "msga_start": 0},
    "scenarioclip": {},
    "relclip": {},
}
BATCH = 12


def made(name: str) -> Any:
    found = build_for(variant(name), Plan(name))
    for setting, value in VARIANTS[name].items():
        setattr(found.model, setting, value)
    return found


def gradients(name: str, rank: int, world: int) -> dict[str, Any]:
    """Of the first batch's loss, and what it reports."""
    ours, described = made(name), variant(name)
    source = DrawnWorld(splits=described.splits, negatives=described.negatives)
    views = [VIEWS[each] for each in described.views]
    feed = BatchBuilder(
        source, ours.reader, views, BATCH, 64, "cpu", ours.preprocessing, rank, world
    )
    parallel = _parallel(ours.model)
    loss = parallel(feed.on_device(feed[0]), 0)
    loss.total.backward()
    found = {key: each.grad for key, each in ours.model.named_parameters()}
    return {"gradients": found, "parts": loss.parts}


def run(folder: Path, rank: int, world: int) -> int:
    """Train until the first validation, which only the first process's time is up at."""
    plan = Plan("msgclip", batch=BATCH, steps=4, validate_every=2, warmup=1)
    ours = made("msgclip")
    source = DrawnWorld(negatives="random")
    training = Training(
        plan=plan,
        build=ours,
        feed=BatchBuilder(
            source, ours.reader, [], BATCH, 64, "cpu", ours.preprocessing, rank, world
        ),
        validate=lambda model: {"mean": 1.0},
        folder=folder,
        device="cpu",
        record={"environment": {"gpu": "", "processor": "a CPU"}},
        stop_at=0.0 if rank == 0 else 1e9,
        leads=rank == 0,
    )
    training.run()
    return training.step


def work(rank: int, port: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "True"  # the parent listens on that port
    with join(current_process(), "cpu"):
        found = {name: gradients(name, rank, 2) for name in VARIANTS}
        step = run(Path(folder, "run"), rank, 2)
    torch.save((found, step), Path(folder, f"{rank}.pt"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have left behind."""
    where = tmp_path_factory.mktemp("two")
    distributed: Any = torch.distributed
    store = distributed.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    context: Any = torch.multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=(k, store.port, str(where))) for k in (0, 1)]
    for each in processes:
        each.start()
    for each in processes:
        each.join(300)
        assert each.exitcode == 0
    return where


@pytest.mark.parametrize("name", VARIANTS)
def test_gradients_are_those_of_the_whole_batch(folder: Path, name: str) -> None:
    whole = gradients(name, 0, 1)
    for rank in (0, 1):
        ours = torch.load(folder / f"{rank}.pt", weights_only=True)[0][name]
        assert ours["gradients"].keys() == whole["gradients"].keys()
        for key, expected in whole["gradients"].items():
            torch.testing.assert_close(ours["gradients"][key], expected, atol=1e-5, rtol=0)
        for key, value in whole["parts"].items():
            torch.testing.assert_close(ours["parts"][key], value, atol=1e-5, rtol=0)
    there = [each for each in whole["gradients"].values() if each is not None]
    assert max(float(each.abs().max()) for each in there) > 0.01


def test_all_stop_at_the_first_ones_word_and_it_alone_writes(folder: Path, tmp_path: Path) -> None:
    steps = [torch.load(folder / f"{rank}.pt", weights_only=True)[1] for rank in (0, 1)]
    assert steps == [2, 2]
    assert (folder / "run" / BEST).is_file()
    assert [record["step"] for record in read_log(folder / "run")] == [2, 2]
    assert run(tmp_path, 0, 1) == 2
    from benchbench.variants import weights

    (ours, _), (alone, _) = (weights.read(each / BEST) for each in (folder / "run", tmp_path))
    for name, tensor in alone.items():
        # Adam divides by a gradient's own size: what is nearly zero may step either way.
        assert float((ours[name] - tensor).abs().mean()) < 1e-5, name


def test_a_batch_must_be_shared_out_evenly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="no LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT"):
        current_process()
    for name in ("LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "2")
    assert current_process() == TrainingProcess(rank=1, world=2, local=1, per_machine=2)
    with pytest.raises(UsageError, match=r"batch of 7 .* 2 processes. Take 6"):
        train(Plan("clip", batch=7), tmp_path)


@pytest.mark.parametrize(("name", "value"), [("WORLD_SIZE", ""), ("RANK", "a"), ("RANK", "-1")])
def test_a_variable_that_is_no_number_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    for each in names:
        monkeypatch.setenv(each, "2")
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"The variable {name} should be a number"):
        current_process()


def test_a_process_by_itself_has_nothing_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert current_process() == TrainingProcess()
    with join(current_process(), "cpu"):
        assert not torch.distributed.is_initialized()


def test_each_process_has_an_accelerator_of_its_own() -> None:
    here = TrainingProcess(rank=3, world=4, local=1, per_machine=2)
    assert [here.device(each) for each in ("cuda", "cuda:5", "cpu")] == ["cuda:1", "cuda:5", "cpu"]
    assert TrainingProcess().device("cuda") == "cuda"
    assert not here.leads
