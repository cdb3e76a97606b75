"""The Ray engine on simulated nodes: a node that is lost costs its shards, which run again."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.engines.completion import check_completion, find_runs
from benchbench.engines.merging import merge_runs
from benchbench.engines.planning import make_plan
from benchbench.engines.plans import Plan, PlanSettings, write_plan
from benchbench.engines.ray import TRIES, Report, _drain, _Queue, run_ray, share_of_gpu
from benchbench.engines.shards import Shard
from benchbench.engines.working import work
from benchbench.errors import UsageError
from benchbench.runs import outcome_table, read_run
from tests.engines.test_plans import CELL

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lost(Exception):  # noqa: N818
    """Ray's error of an actor that is lost."""


@dataclass
class FakeRay:
    """What ``_drain`` needs of Ray; the calls in ``doomed`` lose their actor."""

    doomed: set[int]
    calls: list[tuple[int, int]] = field(default_factory=list)
    """The actor and the shard of each call."""
    started: int = 0
    killed: list[int] = field(default_factory=list)

    class exceptions:  # noqa: N801
        RayError = Lost

    def start(self) -> Any:
        self.started += 1
        return FakeActor(self, self.started)

    def wait(self, running: list[int], num_returns: int) -> tuple[list[int], list[int]]:
        return running[:num_returns], running[num_returns:]

    def get(self, call: int) -> tuple[list[str], int]:
        if call in self.doomed:
            raise Lost
        return [f"shard {self.calls[call][1]}"], 0

    def kill(self, actor: FakeActor) -> None:
        self.killed.append(actor.number)


@dataclass
class FakeActor:
    """An actor whose method returns the number of its call."""

    ray: FakeRay
    number: int

    @property
    def run(self) -> FakeActor:
        return self

    def remote(self, shard: int, count: int) -> int:
        assert shard < count
        self.ray.calls.append((self.number, shard))
        return len(self.ray.calls) - 1


def drained(doomed: set[int], shards: int, actors: int) -> tuple[FakeRay, list[Report]]:
    """Drain a queue; return what Ray was told, and the reports."""
    ray, said = FakeRay(doomed), list[Report]()
    reports = _drain(ray, _Queue(list(range(shards)), shards), ray.start, actors, said.append)
    assert said == reports
    return ray, reports


def test_every_shard_runs_once_on_the_actors_that_are_kept() -> None:
    ray, reports = drained(set(), 7, 3)
    assert sorted(each.shard.number for each in reports) == list(range(7))
    assert (ray.started, len(ray.calls)) == (3, 7)


def test_a_lost_actor_costs_its_shard_alone() -> None:
    ray, reports = drained({1}, 5, 2)
    assert sorted(each.shard.number for each in reports) == list(range(5))
    assert not any(each.lost for each in reports)
    assert [shard for _, shard in ray.calls].count(1) == 2
    assert (len(ray.calls), ray.started, ray.killed) == (6, 3, [2])


def test_a_shard_that_always_loses_its_actor_is_reported() -> None:
    ray, reports = drained(set(range(100)), 2, 1)
    assert [each.lost for each in reports] == ["Lost", "Lost"]
    assert len(ray.calls) == 2 * TRIES


def test_without_ray_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'benchbench-vl\[ray\]'"):
        run_ray(tmp_path, tmp_path, [0], 1, address=None, report=print)


@pytest.mark.parametrize("gpus", [2, 1.5, 0, -1, float("nan")])
def test_a_share_of_which_no_actor_would_be_started_is_refused(
    gpus: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", stand_in({"CPU": 8, "GPU": 8}))
    plan = write_plan(Plan(PlanSettings(), [CELL]), tmp_path / "p.parquet")
    with pytest.raises(UsageError, match=f"above 0 and at most 1, not {gpus}"):
        run_ray(plan, tmp_path, [0, 1], 2, address=None, report=print, gpus=gpus)
    with pytest.raises(UsageError, match="actors should be at least 1, not 0"):
        run_ray(plan, tmp_path, [0, 1], 2, address=None, report=print, actors=0)


def test_a_share_of_a_cluster_without_gpus_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", stand_in({"CPU": 8}))
    plan = write_plan(Plan(PlanSettings(), [CELL]), tmp_path / "p.parquet")
    with pytest.raises(UsageError, match=r"no GPU, so that no actor gets a share of 0\.5"):
        run_ray(plan, tmp_path, [0, 1], 2, address=None, report=print, gpus=0.5)


@pytest.mark.parametrize(("gpus", "started"), [(1, 2), (0.5, 4), (0.3, 6)])
def test_actors_share_the_gpus_of_a_cluster(
    gpus: float, started: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = stand_in({"CPU": 8, "GPU": 2})
    monkeypatch.setitem(sys.modules, "ray", ray)
    plan = write_plan(Plan(PlanSettings(), [CELL]), tmp_path / "p.parquet")
    reports = run_ray(plan, tmp_path, range(9), 9, address=None, report=print, gpus=gpus)
    assert sorted(each.shard.number for each in reports) == list(range(9))
    assert ray.fake.started == started


def stand_in(resources: dict[str, int]) -> Any:
    """A module that stands in for Ray: functions and actors give what ``FakeRay`` gives."""
    fake, module = FakeRay(set()), ModuleType("ray")

    def remote(**_: Any) -> Any:
        return lambda kind: SimpleNamespace(
            remote=lambda *place: fake.start() if place else len(fake.calls)
        )

    def get(call: Any) -> Any:
        return fake.get(call) if call < len(fake.calls) else 0

    module.__dict__.update(
        fake=fake, init=lambda **_: None, shutdown=lambda: None, remote=remote, get=get,
        cluster_resources=lambda: resources, wait=fake.wait, kill=fake.kill,
        exceptions=fake.exceptions,
    )  # fmt: skip
    return module


@pytest.mark.parametrize(
    ("memory", "there", "share"),
    [([3, 2], 10, 0.3), ([31], 100, 0.35), ([1], 1000, 0.05), ([11], 10, 1.0), ([3, 0], 10, 1.0),
     ([3], 0, 1.0)],
)  # fmt: skip
def test_an_actors_share_of_a_gpu_holds_the_largest_model(
    memory: list[int], there: int, share: float
) -> None:
    cells = [replace(CELL, model=f"m{i}", memory=n) for i, n in enumerate(memory)]
    unready = replace(CELL, model="unready", problem="No weights.", memory=0)
    assert share_of_gpu(Plan(PlanSettings(), [*cells, unready]), there) == share


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of a head without CPUs and two nodes of one CPU each."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.lost = cluster.add_node(num_cpus=1)
    cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_node_that_is_removed_in_the_middle_changes_no_run(
    nodes: Any, drawn_edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = PlanSettings(data_root=str(drawn_edition))
    plan: Plan = make_plan(["clip", "structclip"], ["vg-relation", "vg-attribution"], settings)
    list(work(plan, Shard(0, 1), tmp_path / "alone"))
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "another cache"))
    out, file, said = tmp_path / "runs", write_plan(plan, tmp_path / "p.parquet"), list[Report]()

    def report(each: Report) -> None:
        if not said:
            nodes.remove_node(nodes.lost, allow_graceful=False)
        said.append(each)

    run_ray(file, out, range(6), 6, address=nodes.address, actors=2, report=report)
    assert sorted(each.shard.number for each in said) == list(range(6)), said
    assert not any(each.lost or each.failed for each in said), said
    assert check_completion(plan, out, 6).shards == []
    assert [each.error for each in merge_runs(plan, out) if each.error] == []
    alone, shared = find_runs(plan, tmp_path / "alone")[0], find_runs(plan, out)[0]
    assert set(alone) == set(shared)
    for cell, path in alone.items():
        assert outcome_table(read_run(path)).equals(outcome_table(read_run(shared[cell])))


MODELS = """
import os, signal
from pathlib import Path
import torch
from benchbench import ModelManifest, model_digest


class Model:
    similarity, logit_scale, device = "cosine", 100.0, "cpu"

    @property
    def manifest(self):
        return ModelManifest(
            name=type(self).__name__, architecture=type(self).__name__, weights="none",
            trained=True, parameters=0, weights_sha256=model_digest(Path(__file__)),
            activation="none", tokenizer="UTF-8", context_length=64,
            preprocessing={"size": [8, 8]}, dtype="fp32", similarity="cosine")

    def transform(self, image):
        return torch.tensor(list(image.resize((8, 8)).tobytes())) / 255

    def encode_images(self, batch, role):
        return batch

    def token_ids(self, texts):
        return [tuple(text.encode()) for text in texts]

    def tokenize(self, texts):
        rows = [ids[:64] for ids in self.token_ids(texts)]
        return torch.tensor([ids + (0,) * (64 - len(ids)) for ids in rows])

    def encode_texts(self, batch, role):
        return (batch / 255).repeat(1, 3)


class Killed(Model):
    def encode_images(self, batch, role):
        flag = Path(__file__).with_name("killed")
        if not flag.exists() and len(batch) > 1:  # a plan counts a single image
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return batch


class Hungry(Model):
    def encode_images(self, batch, role):
        return torch.empty(10**17) if len(batch) > 1 else batch
"""


def test_a_killed_actor_a_full_memory_and_a_damaged_image_cost_their_cells_alone(
    nodes: Any, drawn_edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)
    root = Path(shutil.copytree(drawn_edition, tmp_path / "data"))
    models = [f"python:odd:{name}" for name in ("Model", "Killed", "Hungry")]
    tasks = ["vg-relation", "coco-retrieval"]
    plan = make_plan(models, tasks, PlanSettings(data_root=str(root)))
    assert [cell.problem for cell in plan.cells if cell.problem] == []
    poison(root)
    out, file, said = tmp_path / "runs", write_plan(plan, tmp_path / "p.parquet"), list[Report]()
    run_ray(file, out, range(3), 3, address=nodes.address, actors=2, report=said.append)
    assert (tmp_path / "killed").exists()
    assert not any(each.lost for each in said)
    lines = "\n".join(line for each in said for line in each.lines)
    assert {cell for cell, _ in find_runs(plan, out)[0].items()} == {
        ("python:odd:Model", "vg-relation"), ("python:odd:Killed", "vg-relation")
    }  # fmt: skip
    assert lines.count("out of memory") == 1, lines
    assert lines.count("000004.png: image file is truncated") == len(models), lines


def poison(root: Path) -> None:
    """Truncate an image that retrieval reads and VG-Relation does not, after its header."""
    (relations,) = root.glob("visual_genome_relation.json")
    used = {each["image_path"] for each in json.loads(relations.read_text())}
    path = next(path for path in sorted((root / "images").iterdir()) if path.name not in used)
    path.write_bytes(path.read_bytes()[:-100])


def test_actors_share_a_gpu_by_the_estimate(
    nodes: Any, drawn_edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that says it has a GPU: four actors wait for one another on a quarter of it each."""
    nodes.add_node(num_cpus=4, num_gpus=1)
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "another cache"))
    plan = make_plan(["blind:length"], ["vg-relation"], PlanSettings(data_root=str(drawn_edition)))
    plan = replace(plan, cells=[replace(cell, memory=25) for cell in plan.cells])
    file, said = write_plan(plan, tmp_path / "p.parquet"), list[Report]()
    run_ray(
        file, tmp_path / "runs", range(4), 4, address=nodes.address, report=said.append,
        gpu_bytes=hundred,
    )  # fmt: skip
    assert len(said) == 4
    assert not any(each.lost or each.failed for each in said), said
    assert [each.error for each in merge_runs(plan, tmp_path / "runs") if each.error] == []
    assert find_runs(plan, tmp_path / "runs")[0]


def hundred() -> int:
    """Return 100 for a GPU's bytes."""
    return 100
