"""Published pages: written from the runs beside them, and checked against these.

``leaderboards/EDITION/runs/TASK/MODEL.parquet`` are the runs; everything else in an edition's
folder follows from them: a page that differs from its runs is stale or was edited.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.overall import over_tasks, shared_runs
from benchbench.atomic import atomic_write
from benchbench.errors import RunError, UsageError
from benchbench.render.flip_pages import add_flips, edition_folder, flip_pages
from benchbench.render.pages import GENERATED, RUNS, digest_of, digests_on, pages, slug
from benchbench.runs import SUFFIX, read_run, require_complete, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.types import Run


def publish(runs: Sequence[Run], to: Path) -> list[Path]:
    """Add runs to the published ones, and write all pages of their editions again.

    Args:
        runs: whole ones of trained models; a model's earlier run of the task is replaced.
        to: the folder of leaderboards.

    Returns:
        The pages that changed, and the runs beside them that are not the ones the pages were
        written from.

    Raises:
        PartialRun: one has part of the items.
        UsageError: one is of untrained weights, or a pair does not compare.
    """
    for run in runs:
        require_complete(run)
        if not run.model.trained:
            raise UsageError(
                f"{run.model.name} has random weights, and is not published. Leave its run out."
            )
    _check_places(runs)
    editions = {name: read_published(to / name) for name in dict.fromkeys(r.edition for r in runs)}
    changed = [path for name, there in editions.items() for path in changed_runs(to / name, there)]
    for run in runs:
        of_task, name = editions[run.edition].setdefault(run.task, {}), run.model.name
        _require_own_place(name, editions[run.edition])
        of_task[slug(name)] = replace(run, seal=None)  # it is sealed anew when it is written
        changed = [path for path in changed if path != _place(run, to)]
    # Before anything is stored: the runs of an edition may not compare.
    texts = {name: _page_texts(to / name, there) for name, there in editions.items()}
    for run in runs:
        write_run(run, _place(run, to))
    for name, written in texts.items():
        changed += _write(to / name, written) + _remove(pages_without_runs(to / name, written))
    return changed


def _require_own_place(name: str, runs: Mapping[str, Mapping[str, Run]]) -> None:
    """Refuse a model whose files have the names of another one's, but for upper and lower case.

    Where these are not told apart (macOS, Windows), one would replace the other.

    Raises:
        UsageError: there is such a one among an edition's runs.
    """
    for place, other in ((place, run) for of in runs.values() for place, run in of.items()):
        if place.casefold() == slug(name).casefold() and other.model.name != name:
            raise UsageError(
                f"{name} would replace {other.model.name}: their names are the same as names of "
                "files. Give it another name."
            )


def _place(run: Run, to: Path) -> Path:
    return to / run.edition / RUNS / run.task / f"{slug(run.model.name)}{SUFFIX}"


def _check_places(runs: Sequence[Run]) -> None:
    """Refuse two runs of one place, and one outside the folder."""
    there: dict[tuple[str, str, str], Run] = {}
    for run in runs:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", run.edition):
            raise UsageError(
                f"'{run.edition}' is not the name of an edition, and is not published. Leave its "
                "run out."
            )
        place = (run.edition, run.task, slug(run.model.name))
        if place in there:
            raise UsageError(
                f"{run.model.name} is there twice on {run.task}@{run.edition}: name one run per "
                "model."
            )
        there[place] = run


def refresh(to: Path, *, check: bool = False) -> list[Path]:
    """Write all pages of all editions again from the runs beside them.

    Args:
        to: the folder of leaderboards.
        check: write nothing.

    Returns:
        The runs that are not the ones their page was written from, and the pages that changed; with
        ``check`` the pages that would.
    """
    if check:
        return compare_pages(to)[0]
    changed: list[Path] = []
    for folder in editions_in(to):
        there = read_published(folder)
        changed += changed_runs(folder, there)
        written = _page_texts(folder, there)
        changed += _write(folder, written) + _remove(pages_without_runs(folder, written))
    return changed


def compare_pages(to: Path) -> tuple[list[Path], set[Path]]:
    """Compare all pages with the runs beside them; write nothing.

    Args:
        to: the folder of leaderboards.

    Returns:
        What ``refresh`` would change, and all pages that follow from the runs.
    """
    stale: list[Path] = []
    known: set[Path] = set()
    for folder in editions_in(to):
        there = read_published(folder)
        written = _page_texts(folder, there)
        stale += [*changed_runs(folder, there), *stale_pages(folder, written)]
        stale += pages_without_runs(folder, written)
        known |= {folder / name for name in written}
    return stale, known


def publish_flips(
    task: str, models: tuple[str, str], to: Path, data_root: str | Path | None = None
) -> Path:
    """Store the captions of some items that flip between two published models, for a page of them.

    The page itself is written by ``refresh``.

    Args:
        task: the task.
        models: the model to compare with, and the other.
        to: the folder of leaderboards.
        data_root: a folder with the task's annotations; by default the drawn world.

    Returns:
        The file of captions.

    Raises:
        UsageError: a model has no published run on that edition.
    """
    folder, root = edition_folder(to, task, data_root)
    there = read_published(folder, task).get(task, {}) if folder.is_dir() else {}
    return add_flips(there, task, models, folder, root)


def editions_in(to: Path) -> list[Path]:
    """Return the folders of editions.

    Raises:
        UsageError: there is none.
    """
    found = sorted(each.parent for each in to.glob(f"*/{RUNS}")) if to.is_dir() else []
    if not found:
        raise UsageError(f"{to} holds no published runs: benchbench publish RUNS --to {to}")
    return found


def read_published(folder: Path, task: str | None = None) -> dict[str, dict[str, Run]]:
    """Return task → model's slug → run, as stored.

    Args:
        folder: the folder of an edition.
        task: the task of the runs; by default all.

    Raises:
        RunError: a file lies in the wrong folder.
    """
    found: dict[str, dict[str, Run]] = {}
    for path in sorted((folder / RUNS).glob(f"*/*{SUFFIX}")):
        if task is not None and path.parent.name != task:
            continue
        run = read_run(path)
        where = (run.edition, run.task, slug(run.model.name))
        if where != (folder.name, path.parent.name, path.stem):
            raise RunError(
                f"{path} holds a run of {run.model.name} on {run.task}@{run.edition}, and lies "
                "in the wrong folder. Move it away, and publish it: benchbench publish RUN"
            )
        found.setdefault(run.task, {})[path.stem] = run
    return found


def _page_texts(folder: Path, runs: Mapping[str, Mapping[str, Run]]) -> dict[str, str]:
    """Return name → text of every page of an edition's runs."""
    boards = {task: leaderboard(list(of.values())) for task, of in sorted(runs.items())}
    shared = shared_runs(runs)
    whole = over_tasks(shared) if len(shared) > 1 else None
    return pages(runs, boards, whole, flip_pages(folder, runs))


def _read(path: Path) -> str | None:
    return path.read_text("utf-8", errors="replace") if path.is_file() else None


def _write(folder: Path, written: Mapping[str, str]) -> list[Path]:
    """Write the pages that differ from those in the folder; return these."""
    changed = stale_pages(folder, written)
    for path in changed:
        with atomic_write(path) as temporary:
            temporary.write_text(written[path.relative_to(folder).as_posix()], "utf-8")
    return changed


def stale_pages(folder: Path, written: Mapping[str, str]) -> list[Path]:
    """Return the pages that are missing or have another text."""
    return [folder / name for name, text in written.items() if _read(folder / name) != text]


def pages_without_runs(folder: Path, written: Mapping[str, str]) -> list[Path]:
    """Return the pages and figures of runs that no longer exist."""
    figures = [*folder.glob("plots/*.svg")]
    texts = [
        p
        for p in (*folder.glob("*.md"), *folder.glob("models/*.md"), *folder.glob("flips/*.md"))
        if GENERATED in (_read(p) or "")
    ]
    return sorted(p for p in (*figures, *texts) if p.relative_to(folder).as_posix() not in written)


def _remove(paths: list[Path]) -> list[Path]:
    for path in paths:
        path.unlink()
    return paths


def changed_runs(folder: Path, runs: Mapping[str, Mapping[str, Run]]) -> Iterator[Path]:
    """Yield the files of an edition's runs that are not the ones its pages were written from.

    Args:
        folder: the edition's, with its pages as they are.
        runs: its runs as they are: task → stem → run.
    """
    there = {f"{task}/{stem}": run for task, of in runs.items() for stem, run in of.items()}
    for page in sorted(folder.glob("*.md")):
        for place, digest in digests_on(page.read_text("utf-8", errors="replace")).items():
            if place not in there or digest_of(there[place]) != digest:
                yield folder / RUNS / f"{place}{SUFFIX}"
