"""Workers of a plan give the runs of a single process, to the bit, however they share it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from benchbench.cache import CACHE_VARIABLE
from benchbench.embedding import Store
from benchbench.engines.completion import check_completion, find_runs
from benchbench.engines.local import run_local
from benchbench.engines.merging import merge_runs
from benchbench.engines.planning import make_plan
from benchbench.engines.plans import Plan, PlanSettings, write_plan
from benchbench.engines.records import record_folder
from benchbench.engines.shards import Shard
from benchbench.engines.working import work
from benchbench.evaluation import evaluate
from benchbench.runs import outcome_table, read_run, write_run

if TYPE_CHECKING:
    from benchbench.types import Run

MODELS = ["clip", "structclip"]
TASKS = ["vg-relation", "vg-attribution"]


@pytest.fixture(scope="module")
def plan(drawn_edition: Path) -> Plan:
    """Two models on two tasks of one drawn world."""
    return make_plan(MODELS, TASKS, PlanSettings(data_root=str(drawn_edition)))


@pytest.fixture(scope="module")
def plain(drawn_edition: Path) -> dict[tuple[str, str], Run]:
    """The same by ``evaluate``, with nothing stored."""
    return {
        (model, task): evaluate(model, task, data_root=drawn_edition, resume=False)
        for model in MODELS
        for task in TASKS
    }


def run_all(plan: Plan, count: int, out: Path) -> list[str]:
    """Run all workers in this process, one after the other; return their errors."""
    results = [each for i in range(count) for each in work(plan, Shard(i, count), out)]
    return [str(each.error) for each in results if each.error]


def differing(plan: Plan, out: Path, plain: dict[tuple[str, str], Run]) -> list[tuple[str, str]]:
    """Return the cells whose run is not there, or not equal to the bit."""
    done, unsound = find_runs(plan, out)
    assert not unsound
    return [
        cell
        for cell, run in plain.items()
        if cell not in done or content(read_run(done[cell])) != content(run)
    ]


def content(run: Run) -> tuple[object, ...]:
    """Everything of a run that is to be equal: all columns of its file, byte for byte."""
    columns = outcome_table(run).to_pydict()
    raw = [outcome.scores.tobytes() for outcome in run.outcomes]
    return columns, raw, run.model.fingerprint, run.data_sha256, run.counts, run.settings


@pytest.mark.parametrize("count", [1, 2, 5])
def test_workers_write_the_runs_of_a_single_process(
    plan: Plan, plain: dict[tuple[str, str], Run], tmp_path: Path, count: int
) -> None:
    assert run_all(plan, count, tmp_path) == []
    results = list(merge_runs(plan, tmp_path))
    assert len(results) == (4 if count == 5 else 0)
    assert [each.error for each in results if each.error] == []
    assert differing(plan, tmp_path, plain) == []
    for each in results:
        assert each.run and each.run.resumed_inputs == each.run.inputs > 0
    assert check_completion(plan, tmp_path).left == []
    assert list(work(plan, Shard(0, count), tmp_path)) == []


def test_no_input_is_encoded_by_two_workers(plan: Plan, tmp_path: Path) -> None:
    run_all(plan, 6, tmp_path)
    store = Store.default()
    assert store
    for space in store.spaces():
        keys = [bytes(record["key"]) for file in space._opened() for record in file.mapped()]
        assert len(keys) == len(set(keys)) > 0


def test_two_processes_of_the_local_engine_give_the_same(
    plan: Plan, plain: dict[tuple[str, str], Run], tmp_path: Path
) -> None:
    file, said = write_plan(plan, tmp_path / "plan.parquet"), list[str]()
    ended = run_local(file, tmp_path / "runs", ["cpu", "cpu"], say=said.append)
    assert [each.code for each in ended] == [0, 0], said
    assert differing(plan, tmp_path / "runs", plain) == []
    assert any(line.startswith("[1/2] ") for line in said)


def test_the_local_engine_takes_names_that_begin_with_a_dash(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plan(plan, tmp_path / "-plan.parquet")
    monkeypatch.chdir(tmp_path)
    said = list[str]()
    (ended,) = run_local(
        Path("-plan.parquet"), Path("-runs"), ["cpu", "cpu"], say=said.append, numbers=[0]
    )
    assert ended.code == 0, said
    assert list((tmp_path / "-runs").rglob("*.parquet"))


def test_a_shard_that_has_not_finished_is_named(plan: Plan, tmp_path: Path) -> None:
    for number in (0, 1, 2):
        list(work(plan, Shard(number, 4), tmp_path))
    state = check_completion(plan, tmp_path)
    assert (state.array, state.count) == ("3", 4)
    errors = [str(each.error) for each in merge_runs(plan, tmp_path) if each.error]
    assert len(errors) == 2
    assert all("have not finished, of 4: 3." in error for error in errors)


def test_an_input_that_vanished_from_the_store_is_named_with_its_shard(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: dict[tuple[str, str], Run]
) -> None:
    run_all(plan, 4, tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "another"))
    errors = [str(each.error) for each in merge_runs(plan, tmp_path) if each.error]
    assert len(errors) == 4
    assert all("no stored encoding of" in error for error in errors)
    assert all(re.search(r"--shard [0-3]/4\b", error) for error in errors), errors
    again = list(merge_runs(plan, tmp_path, encode_missing=True))
    assert [each.error for each in again if each.error] == []
    assert differing(plan, tmp_path, plain) == []


def test_parts_of_machines_of_two_kinds_are_not_mixed(plan: Plan, tmp_path: Path) -> None:
    run_all(plan, 4, tmp_path)
    path = sorted(record_folder(plan, tmp_path).glob("*.json"))[0]
    record = json.loads(path.read_text())
    for tasks in record["encoded"].values():
        for origin in tasks.values():
            origin["described"]["instructions"] = "another"
    path.write_text(json.dumps(record))
    errors = [str(each.error) for each in merge_runs(plan, tmp_path) if each.error]
    assert len(errors) == 2
    assert all("several kinds" in error and "instructions another" in error for error in errors)


def test_parts_by_two_versions_name_what_differs(plan: Plan, tmp_path: Path) -> None:
    run_all(plan, 4, tmp_path)
    path = sorted(record_folder(plan, tmp_path).glob("*.json"))[0]
    record = json.loads(path.read_text())
    for tasks in record["encoded"].values():
        for origin in tasks.values():
            origin["described"]["code"] = "0123abcd"
    path.write_text(json.dumps(record))
    errors = [str(each.error) for each in merge_runs(plan, tmp_path) if each.error]
    assert len(errors) == 2
    assert all("code of benchbench 0123abcd; code of benchbench" in each for each in errors)
    assert not any("instructions" in each for each in errors)


def test_workers_of_another_version_are_to_run_again(
    plan: Plan, plain: dict[tuple[str, str], Run], tmp_path: Path
) -> None:
    run_all(plan, 4, tmp_path)
    places = sorted(record_folder(plan, tmp_path).glob("*.json"))
    mine = {path: path.read_text() for path in places}
    for path, text in mine.items():
        path.write_text(re.sub(r'"code": "\w+"', '"code": "0123abcd"', text))
    errors = [str(each.error) for each in merge_runs(plan, tmp_path) if each.error]
    assert len(errors) == 4
    assert all("by another version of benchbench. Run the workers again" in e for e in errors)
    state = check_completion(plan, tmp_path)
    assert (state.array, list(state.to_merge)) == ("0-3", [])
    for number in state.shards:
        assert [each.error for each in work(plan, Shard(number, 4), tmp_path) if each.error] == []
    assert {path: path.read_text() for path in places} == mine
    assert check_completion(plan, tmp_path).shards == []
    assert [each.error for each in merge_runs(plan, tmp_path) if each.error] == []
    assert differing(plan, tmp_path, plain) == []


def test_a_damaged_run_is_reported_and_written_again(
    plan: Plan, plain: dict[tuple[str, str], Run], tmp_path: Path
) -> None:
    run_all(plan, 1, tmp_path)
    done, _ = find_runs(plan, tmp_path)
    path = done["clip", "vg-relation"]
    table = pq.read_table(path)
    pq.write_table(table.slice(1).replace_schema_metadata(table.schema.metadata), path)
    state = check_completion(plan, tmp_path)
    assert [cell.task for cell in state.left] == ["vg-relation"]
    assert "changed or damaged" in state.unsound[path]
    assert run_all(plan, 1, tmp_path) == []
    assert differing(plan, tmp_path, plain) == []


def test_a_run_in_the_folder_of_another_task_or_edition_does_not_count(
    plan: Plan, plain: dict[tuple[str, str], Run], tmp_path: Path
) -> None:
    places = {cell.task: tmp_path / f"{cell.task}@{cell.edition}" for cell in plan.cells}
    run = plain["clip", "vg-relation"]
    write_run(run, places["vg-attribution"] / "misplaced.parquet")
    write_run(replace(run, edition="scenes-v0"), places["vg-relation"] / "other.parquet")
    assert find_runs(plan, tmp_path) == ({}, {})
    write_run(run, places["vg-relation"] / "own.parquet")
    assert list(find_runs(plan, tmp_path)[0]) == [("clip", "vg-relation")]


def test_a_run_of_other_settings_does_not_count(
    plan: Plan, drawn_edition: Path, tmp_path: Path
) -> None:
    evaluate("clip", "vg-relation", data_root=drawn_edition, limit=5, out=tmp_path)
    evaluate("clip", "vg-relation", data_root=drawn_edition, batch_size=64, out=tmp_path, seed=3)
    assert find_runs(plan, tmp_path)[0] == {}


def test_other_annotations_than_planned_are_refused(drawn_edition: Path, tmp_path: Path) -> None:
    import shutil

    root = Path(shutil.copytree(drawn_edition, tmp_path / "drawn"))
    plan = make_plan(["blind:constant"], ["vg-relation"], PlanSettings(data_root=str(root)))
    file = root / "visual_genome_relation.json"
    file.write_text(json.dumps(json.loads(file.read_text())[:-1]))
    errors = run_all(plan, 1, tmp_path / "runs")
    assert len(errors) == 1
    assert "in the plan" in errors[0]
    assert not list(tmp_path.rglob("runs/**/*.parquet"))
