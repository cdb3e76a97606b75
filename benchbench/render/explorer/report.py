"""Write a report: the results of some runs as a folder that a browser opens."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from benchbench.analysis.group_map import group_map
from benchbench.analysis.item_table import item_table
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.paired import pair_runs
from benchbench.analysis.questions import QuestionSource, questions_of
from benchbench.atomic import atomic_folder
from benchbench.editions import choose_edition
from benchbench.errors import UsageError
from benchbench.files import expand_path, name_problem
from benchbench.printable import one_line
from benchbench.protocols import load_protocol
from benchbench.render.explorer.columns import column, columns, lines, numbered, script
from benchbench.render.explorer.images import ImageFiles, find_images
from benchbench.render.explorer.page import page
from benchbench.render.text import PARTS
from benchbench.runs import seal_of
from benchbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.analysis.group_map import GroupMap
    from benchbench.analysis.item_table import ItemTable
    from benchbench.analysis.leaderboard import Leaderboard
    from benchbench.render.explorer.images import Mode
    from benchbench.types import Progress, Question, Run, Ties

MARKER = "benchbench-report.json"
"""The file by which a folder is recognised as a report, which a later one may replace."""
ASSETS = ("icon.svg", "explorer.css", "explorer.js", "items.js", "start.js", "views.js")
CHUNK = 500
"""Items whose texts are in one script."""
IMAGE_LIMIT = 500.0
"""MB of copied images."""

IDS_ONLY = QuestionSource(missing="This report is of ids alone (--ids-only).")


@dataclass(frozen=True, slots=True)
class TaskReport:
    """The results of a task's runs."""

    board: Leaderboard
    groups: GroupMap | None
    items: ItemTable
    source: QuestionSource = IDS_ONLY

    @property
    def name(self) -> str:
        """The task with its edition."""
        return f"{self.board.info.name}@{self.board.edition}"

    @property
    def runs(self) -> list[Run]:
        """The runs in the order of the board."""
        return [place.run for place in self.board.places]


@dataclass(frozen=True, slots=True)
class Written:
    """The content of a report that was written."""

    folder: Path
    tasks: tuple[TaskReport, ...]
    images: ImageFiles
    n_bytes: int
    """The size of the whole folder."""


def write_report(
    runs: Sequence[Run],
    out: str | Path,
    *,
    metric: str | None = None,
    by: str | None = None,
    ties: Ties = "wrong",
    level: float = 0.95,
    seed: int = 0,
    images: Mode = "link",
    image_limit: float = IMAGE_LIMIT,
    ids_only: bool = False,
    data_root: str | Path | None = None,
    edition: str | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write runs as a folder of pages, whole or not at all.

    Args:
        runs: one run per model and task.
        out: the folder; new, empty, or an earlier report, which is replaced.
        metric: the metric of every task; by default each task's headline.
        by: the tag of the groups; by default the metric's own, or the task's first.
        ties: the tie rule, where the metric fixes none.
        level: the confidence level of intervals and places.
        seed: the seed of all draws.
        images: ``link`` the image files, ``copy`` them, or show ``none``.
        image_limit: the largest size of copied images, in MB.
        ids_only: whether to read no files of the tasks, and to show ids in place of captions.
        data_root: a folder with the tasks' files, as for ``evaluate``.
        edition: as for ``evaluate``.
        progress: called while a drawn edition is drawn.

    Raises:
        UsageError: runs that do not compare; no such metric or tag; the folder holds other files;
            images over the limit; or ``data_root`` has the files of none of the runs.
        RunError: the folder cannot be written.
    """
    if not runs:
        raise UsageError("No run was given. Name a run file, or a folder of run files.")
    out = expand_path(out)
    if problem := name_problem(out):
        raise UsageError(f"No folder can be written as {out}: {problem}. Name another.")
    if not ids_only:
        choose_edition(data_root, edition)
    with atomic_folder(out, MARKER) as folder:
        tasks = [_report(of, metric, by, ties, level, seed) for of in _by_task(runs)]
        if not ids_only:
            tasks = [
                _with_items(task, data_root, edition, progress, images != "none") for task in tasks
            ]
            if data_root is not None and all(task.source.missing for task in tasks):
                why = tasks[0].source.missing
                raise UsageError(f"No run is of the files in {data_root}. {why}")
        questions = [q for task in tasks for q in _questions(task)]
        found = find_images(questions, images, out, image_limit)
        _write(folder, tasks, found, images)
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Written(out, tuple(tasks), found, n_bytes)


def _by_task(runs: Sequence[Run]) -> list[list[Run]]:
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.task, run.edition), []).append(run)
    return [found[key] for key in sorted(found)]


def _report(
    runs: Sequence[Run],
    metric: str | None,
    by: str | None,
    ties: Ties,
    level: float,
    seed: int,
) -> TaskReport:
    board = leaderboard(runs, metric, ties=ties, level=level, seed=seed)
    pairing = pair_runs([place.run for place in board.places])
    groups = group_map(pairing, board.metric, by, ties=ties, seed=seed)
    return TaskReport(board, groups, item_table(pairing, board.metric, ties=ties))


def _with_items(
    task: TaskReport,
    data_root: str | Path | None,
    edition: str | None,
    progress: Progress | None,
    with_images: bool,
) -> TaskReport:
    """Return the report with the items read from the task's files, where they are at hand."""
    source = questions_of(task.runs[0], data_root, edition, progress, with_images=with_images)
    return replace(task, source=source)


def _questions(task: TaskReport) -> list[Question]:
    """Return the items of the runs, in their order; none where the files are not at hand."""
    items = task.source.items
    return [items[o.id] for o in task.runs[0].outcomes] if items else []


def _write(folder: Path, tasks: Sequence[TaskReport], images: ImageFiles, mode: Mode) -> None:
    assets = files("benchbench.render.explorer") / "assets"
    for name in ASSETS:
        (folder / name).write_bytes((assets / name).read_bytes())
    (folder / "index.html").write_text(page(tasks, images, mode), "utf-8")
    for number, task in enumerate(tasks):
        place = folder / "data" / str(number)
        place.mkdir(parents=True)
        for name, content in _data(number, task, images):
            text = script(f"{number}/{name}", content)
            (place / f"{name}.js").write_text(text, "ascii")
    if mode == "copy":
        images.copy(folder)
    seals = {task.name: {r.model.name: r.seal or seal_of(r) for r in task.runs} for task in tasks}
    record = {"made_by": f"benchbench {VERSION}", "runs": seals}
    (folder / MARKER).write_text(json.dumps(record, indent=1) + "\n", "ascii")


def _data(
    number: int, task: TaskReport, images: ImageFiles
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the content of each of a task's scripts."""
    yield "items", _items(task)
    if task.groups is not None:
        yield "groups", {"unit": _unit(task), **_groups(task.groups)}
    for place, raw in enumerate(task.items.of_models):
        margins = task.items.margins[:, place]
        unknown = task.runs[place].decisions_only
        yield (
            f"model-{place}",
            columns(
                {
                    "value": task.items.values[:, place],
                    "tied": task.items.tied[:, place],
                    "margin": margins * math.nan if unknown else margins,
                    **raw,
                }
            ),
        )
    questions = _questions(task)
    for start in range(0, len(questions), CHUNK):
        part = questions[start : start + CHUNK]
        yield f"text-{start // CHUNK}", {"items": [_text(each, images) for each in part]}


def _items(task: TaskReport) -> dict[str, Any]:
    """Return what all models share: the page's facts of a task, ids, tags, columns."""
    first, board = task.runs[0], task.board
    outcomes = first.outcomes
    clusters, cluster = numbered([o.cluster for o in outcomes])
    tags = {}
    for name in sorted({tag for o in outcomes for tag in o.tags}):
        values, numbers = numbered([o.tags.get(name) for o in outcomes])
        tags[one_line(name)] = {"values": lines(values), "numbers": numbers}
    content = {
        "protocol": first.protocol,
        "ranks": board.is_rank,
        "pooled": board.metric.judgement in load_protocol(first.protocol).pooled,
        "chunk": CHUNK,
        "missing": one_line(task.source.missing),
        "ids": lines([o.id for o in outcomes]),
        "clusters": lines(clusters),
        "cluster": cluster,
        "tags": tags,
        "columns": columns(task.items.shared),
    }
    if hasattr(outcomes[0], "predicates"):
        names, numbers = numbered([name for o in outcomes for name in o.predicates])
        content["predicates"] = {"values": lines(names), "numbers": numbers}
    return content


def _unit(task: TaskReport) -> str:
    """Return the name of what the map counts in each group: what the metric scores."""
    first, metric = task.runs[0], task.board.metric
    if metric.all_of is not None:
        return one_line(f"values of {metric.all_of}")
    if first.protocol not in PARTS:
        return "items"
    events = load_protocol(first.protocol).events(first.outcomes, metric, "wrong")
    return "items" if events.per_outcome else PARTS[first.protocol]


def _groups(groups: GroupMap) -> dict[str, Any]:
    return {
        "by": one_line(groups.by),
        "names": lines(groups.names),
        "n_items": list(groups.n_items),
        "n_clusters": list(groups.n_clusters),
        "left_out": groups.left_out,
        "scores": column(groups.scores),
        "p": column(groups.p_adjusted),
    }


def _text(item: Any, images: ImageFiles) -> dict[str, Any]:
    """Return an item's texts and images: captions, addresses with crops, boxes with labels."""
    found: dict[str, Any] = {
        "images": [
            [
                images.hrefs.get(ref.path, ""),
                list(ref.box) if ref.box else None,
                one_line(ref.path.name),
            ]
            for ref in item.images
        ],
        "captions": lines(getattr(item, "captions", getattr(item, "options", ()))),
    }
    if hasattr(item, "options"):
        found["question"] = one_line(item.text)
    if getattr(item, "also", ()):
        found["also"] = lines(item.also)
    if hasattr(item, "boxes"):
        names = item.vocabulary.objects
        found["boxes"] = [
            [one_line(names[label]), *box]
            for label, box in zip(item.labels, item.boxes, strict=True)
        ]
    return found
