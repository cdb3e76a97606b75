"""The Ray engine on simulated nodes: a node that is lost costs its shards, which run again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.engines.completion import check_completion, find_runs
from benchbench.engines.merging import merge_runs
from benchbench.engines.planning import make_plan
from benchbench.engines.plans import Plan, PlanSettings, write_plan
from benchbench.engines.ray import TRIES, Report, _drain, _Queue, run_ray
from benchbench.engines.shards import Shard
from benchbench.engines.working import work
from benchbench.errors import UsageError
from benchbench.runs import outcome_table, read_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'benchbench-vl\[ray\]'"):
        run_ray(tmp_path, tmp_path, [0], 1, address=None, report=print)


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of a head without CPUs and two nodes of one CPU each."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
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
