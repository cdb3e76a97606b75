"""Runs of trained members: evaluate the missing ones, and read the others when needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import benchbench as bb
from benchbench.analysis.paired import paired_scores
from benchbench.editions import resolve_edition
from benchbench.errors import UsageError
from benchbench.registry import load_model, load_task
from benchbench.training.log import read_log
from benchbench.training.loop import BEST
from benchbench.types import Learner, LoadOptions
from benchbench.variants import weights
from benchmarks.controls import change_model
from benchmarks.curves import start_of
from benchmarks.members import BY_NAME, PARTS, Member, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.types import Run
    from benchmarks.claims import Claims

STRUCTURE = ("vg-attribution", "vg-relation")
PART_TASKS = (*STRUCTURE, "coco-retrieval")
"""The tasks of Structure-CLIP's ablation."""
TASKS = (
    *PART_TASKS, "scenario-classification", "scenario-retrieval", "vg-relation-detection",
)  # fmt: skip
"""The tasks of the table of scores."""
RUNS_IN_MEMORY = 24
"""Runs in memory at a time: several claims in a row are of the same ones."""
Key = tuple[int, str, str]
"""Seed, model, task."""


class Score(NamedTuple):
    """A run's headline."""

    value: float
    metric: str
    edition: str
    items: int
    """What the metric averages: items, or a task's queries or relations."""
    images: int


class Stored(Mapping[Key, "Run"]):
    """Runs in files; hundreds of them would not fit into memory."""

    def __init__(self, paths: Mapping[Key, Path]) -> None:
        """Read none yet."""
        self._paths = dict(paths)
        self._read = lru_cache(maxsize=RUNS_IN_MEMORY)(bb.read_run)

    def __getitem__(self, key: Key) -> Run:
        """Read a run, or take it from memory."""
        return self._read(self._paths[key])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


@dataclass(frozen=True, slots=True)
class Work:
    """The settings of one making of the family: seeds, members, folder, device."""

    out: Path
    device: str
    precision: str
    seeds: int
    members: tuple[Member, ...]

    def folder(self, seed: int) -> Path:
        """Return the folder of a seed's runs."""
        return self.out / f"{seed}"

    def best(self, seed: int, name: str) -> Path:
        """Return the path of a member's best checkpoint, which may not exist."""
        return place(self.folder(seed), name) / BEST

    def trained_seeds(self, name: str) -> list[int]:
        """Return the seeds of which a member has a checkpoint."""
        return [seed for seed in range(self.seeds) if self.best(seed, name).is_file()]


def evaluate_runs(work: Work, claims: Claims) -> tuple[Stored, dict[Key, Score]]:
    """Evaluate or read every run that a claim or a table needs, and return their headlines."""
    paths, scores = {}, {}
    for key, path, score in _runs(work, claims):
        paths[key], scores[key] = path, score
    return Stored(paths), scores


def score_of(run: Run) -> Score:
    """Return a run's headline, without an interval."""
    both = paired_scores([run])
    mean = both.means[0]
    return Score(mean.value, both.metric.name, run.edition, mean.n_items, mean.n_clusters)


def _runs(work: Work, claims: Claims) -> Iterator[tuple[Key, Path, Score]]:
    names: dict[str, str] = {}
    evaluated = [each for each in work.members if work.trained_seeds(each.weights)]
    for member in evaluated:
        for seed in work.trained_seeds(member.weights):
            model = None
            _check_run(work, member, seed)
            for task in _tasks(member, seed, claims):
                if task not in names:
                    names[task] = resolve_edition(load_task(task).info).name
                model = model or _load_member(work, member, seed)
                path = _path(work.folder(seed), member.name, task)
                score = score_of(_evaluate(model, task, names[task], path))
                yield (seed, member.name, task), path, score
    for name, task in _untrained_models(claims, {each.name for each in evaluated}):
        model = load_model(name, LoadOptions(device=work.device))
        path = _path(work.out, name, task)
        run = _evaluate(model, task, resolve_edition(load_task(task).info).name, path)
        for seed in range(work.seeds):
            yield (seed, name, task), path, score_of(run)


def evaluate_bundled(work: Work, name: str, task: str, path: Path) -> Run:
    """Evaluate a member's bundled checkpoint, or read its run, which is of seed 0."""
    model: Any = load_model(f"{name}:{path}", LoadOptions(device=work.device))
    model.manifest = replace(model.manifest, name=f"{name}, bundled")
    edition = resolve_edition(load_task(task).info).name
    return _evaluate(model, task, edition, _path(work.folder(0), f"bundled:{name}", task))


def _path(folder: Path, name: str, task: str) -> Path:
    """Return the path of a run's file."""
    return folder / "evaluated" / f"{place(Path(), name)}-{task}.parquet"


def _check_run(work: Work, member: Member, seed: int) -> None:
    """Refuse a checkpoint in the place of another, and one that is still in training.

    Raises:
        UsageError: its variant, its start or its seed is not the member's; or its log ends before
            its plan does.
    """
    path, own = work.best(seed, member.weights), BY_NAME[member.weights]
    record = weights.read(path)[1]
    plan = record["plan"]
    wanted = {"variant": own.variant, "start": own.start, "seed": seed}
    there = {"variant": record["variant"], "start": start_of(plan), "seed": plan["seed"]}
    if wrong := [f"{key} {there[key]}, not {wanted[key]}" for key in wanted
                 if there[key] != wanted[key]]:  # fmt: skip
        raise UsageError(
            f"{path} is not of {own.name}: {'; '.join(wrong)}. Put it where it belongs "
            "(benchmarks/members.py)."
        )
    log = read_log(path.parent)
    if log and log[-1]["step"] < plan["steps"]:
        raise UsageError(
            f"{path} is still in training: its log ends at step {log[-1]['step']:,} of "
            f"{plan['steps']:,}. Put it there when it is finished."
        )


def _tasks(member: Member, seed: int, claims: Claims) -> list[str]:
    """Return the tasks of a member: all for seed 0; for other seeds those of claims and tables.

    One whose weights are another's is put to what is claimed of it alone.
    """
    wanted = {claim.task for claim in claims.involving(member.name)}
    if member.weights == member.name:
        wanted |= set(TASKS) if seed == 0 else set()
        wanted |= set(PART_TASKS) if member.variant in PARTS else set()
    return [task for task in dict.fromkeys((*TASKS, *sorted(wanted))) if task in wanted]


def _untrained_models(claims: Claims, members: set[str]) -> list[tuple[str, str]]:
    """Return the models that need no training in claims of some members: name and task."""
    found = [
        (name, claim.task)
        for claim in claims.claims
        for name in (claim.better, claim.worse)
        if name not in BY_NAME and members & {claim.better, claim.worse}
    ]
    return list(dict.fromkeys(found))


def _load_member(work: Work, member: Member, seed: int) -> Any:
    """Load a member as it is evaluated."""
    family = BY_NAME[member.weights].variant.partition(":")[0]
    path = work.best(seed, member.weights)
    model: Any = load_model(f"{family}:{path}", LoadOptions(device=work.device))
    name = f"{member.name}, seed {seed}"
    model.manifest = replace(model.manifest, name=name)
    return model if member.weights == member.name else change_model(model, member.change)


def _evaluate(model: Any, task: str, edition: str, path: Path) -> Run:
    """Return a run, read from disk if it is of this model on these items."""
    if path.is_file():
        run = bb.read_run(path)
        # What learns from the task's files is known by its name: its digest is of what it learned.
        key = "name" if isinstance(model, Learner) else "fingerprint"
        alike = getattr(run.model, key) == getattr(model.manifest, key)
        items = (run.edition, run.task_version)
        if alike and items == (edition, load_task(task).info.version):
            return run
    click.echo(f"{model.manifest.name} on {task}", err=True)
    bb.write_run(bb.evaluate(model, task), path)
    return bb.read_run(path)
