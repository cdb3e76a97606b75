"""The Slurm engine: the script it writes, what a fake sbatch gets, and a real cluster."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchbench.engines.completion import find_runs
from benchbench.engines.planning import make_plan
from benchbench.engines.plans import Plan, PlanSettings, write_plan
from benchbench.engines.records import record_folder
from benchbench.engines.shards import Shard
from benchbench.engines.slurm import check_ready, submit, write_scripts
from benchbench.engines.working import work
from benchbench.errors import MissingData, UsageError
from benchbench.runs import outcome_table, read_run
from tests.engines.slurm_cluster import cluster, lacking, wait_for_jobs

if TYPE_CHECKING:
    from collections.abc import Callable

FAKE = """#!/bin/sh
echo "$@" >> "$0.arguments"
cat >> "$0.script"
{end}
"""


@pytest.fixture(scope="module")
def plan(shapes: Path) -> Plan:
    """Two models on one task."""
    settings = PlanSettings(data_root=str(shapes))
    return make_plan(["blind:constant", "blind:length"], ["vg-relation"], settings)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put an sbatch first on the path that records what it gets, and ends in some way."""

    def put(end: str) -> Path:
        path = tmp_path / "bin" / "sbatch"
        path.parent.mkdir(exist_ok=True)
        path.write_text(FAKE.format(end=end))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
        return path

    return put


def test_the_script_runs_each_shard_of_what_is_left(plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "my 100% runs"
    file = write_plan(plan, tmp_path / "a plan.parquet")
    scripts = write_scripts(plan, file, out, count=2, most=1, options=["gres=gpu:1", "--time=5"])
    lines = scripts.work.splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "#SBATCH --array=0-1%1" in lines
    assert {"#SBATCH --gres=gpu:1", "#SBATCH --time=5"} <= set(lines)
    assert f'#SBATCH --output="{tmp_path}/my 100%% runs/' in scripts.work
    assert f"'{file}' --out '{out}' --shard \"$SLURM_ARRAY_TASK_ID/2\"" in lines[-1]
    assert scripts.merge == ""
    list(work(plan, Shard(0, 2), out))
    assert "--array=1\n" in write_scripts(plan, file, out, count=2).work
    list(work(plan, Shard(1, 2), out))
    with pytest.raises(UsageError, match="nothing to submit"):
        write_scripts(plan, file, out, count=2)


def test_the_script_is_one_for_a_shell(plan: Plan, tmp_path: Path) -> None:
    """Run it as a node would, with another number of the job each time."""
    file = write_plan(plan, tmp_path / "it's a plan.parquet")
    scripts = write_scripts(plan, file, tmp_path / "runs $HOME", count=2)
    for number in ("0", "1"):
        done = subprocess.run(
            ["sh"], input=scripts.work, env={**os.environ, "SLURM_ARRAY_TASK_ID": number},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert len(find_runs(plan, tmp_path / "runs $HOME")[0]) == 2


@pytest.mark.parametrize("option", ["array=1", "output=x", "a b", "", "x\n#SBATCH", "-p", "x=\n"])
def test_other_options_of_sbatch_are_refused(plan: Plan, tmp_path: Path, option: str) -> None:
    with pytest.raises(UsageError, match="--sbatch"):
        write_scripts(plan, tmp_path / "p.parquet", tmp_path, count=2, options=[option])


def test_sbatch_gets_the_array_and_then_the_merge(
    plan: Plan, tmp_path: Path, fake: Callable[[str], Path]
) -> None:
    path = fake("echo '41;cluster'")
    scripts = write_scripts(plan, tmp_path / "p.parquet", tmp_path / "runs", count=4)
    assert submit(scripts, record_folder(plan, tmp_path / "runs")) == ["41", "41"]
    said = Path(f"{path}.arguments").read_text().splitlines()
    assert said == ["--parsable", "--parsable --dependency=afterany:41"]
    assert Path(f"{path}.script").read_text() == scripts.work + scripts.merge
    assert "--shards 4" in scripts.merge
    assert record_folder(plan, tmp_path / "runs").is_dir()


@pytest.mark.parametrize("end", ["echo 'no such partition' >&2; exit 1", "echo what", "exit 0"])
def test_a_refusal_is_an_error(
    plan: Plan, tmp_path: Path, fake: Callable[[str], Path], end: str
) -> None:
    fake(end)
    scripts = write_scripts(plan, tmp_path / "p.parquet", tmp_path / "runs", count=2)
    with pytest.raises(UsageError, match=r"sbatch refuses the job: ."):
        submit(scripts, tmp_path / "logs")


def test_without_sbatch_the_error_says_so(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = write_scripts(plan, tmp_path / "p.parquet", tmp_path / "runs", count=2)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="There is no sbatch here"):
        submit(scripts, tmp_path / "logs")


def test_data_and_weights_must_be_there_before_anything_is_submitted(
    plan: Plan, copied: Path, tmp_path: Path
) -> None:
    check_ready(plan)
    unready = replace(plan, cells=[replace(plan.cells[0], problem="No weights.")])
    with pytest.raises(UsageError, match="not ready, the first blind:constant"):
        check_ready(unready)
    moved = make_plan(["blind:constant"], ["vg-relation"], PlanSettings(data_root=str(copied)))
    file = copied / "visual_genome_relation.json"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(MissingData, match="not those of the plan"):
        check_ready(moved)
    file.unlink()
    with pytest.raises(MissingData):
        check_ready(moved)


@pytest.mark.skipif(bool(lacking()), reason=f"Slurm: {lacking()}")
def test_a_real_cluster_gives_the_runs_of_one_process(
    drawn_edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = PlanSettings(data_root=str(drawn_edition))
    plan = make_plan(["clip", "structclip"], ["vg-relation", "vg-attribution"], settings)
    list(work(plan, Shard(0, 1), tmp_path / "alone"))
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "another cache"))
    out, file = tmp_path / "runs", write_plan(plan, tmp_path / "plan.parquet")
    with cluster() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        scripts = write_scripts(plan, file, out, count=4, most=2)
        assert len(submit(scripts, record_folder(plan, out))) == 2
        wait_for_jobs(variables)
    logs = "\n".join(path.read_text() for path in record_folder(plan, out).glob("*.log"))
    assert "part 2 of 2 encoded" in logs
    alone, shared = find_runs(plan, tmp_path / "alone")[0], find_runs(plan, out)[0]
    assert set(alone) == set(shared), logs
    for cell, path in alone.items():
        one, other = read_run(path), read_run(shared[cell])
        assert outcome_table(one).equals(outcome_table(other))
        assert (path.name, one.counts) == (shared[cell].name, other.counts)
