"""Export runs to the formats and trackers of other projects: one function, a module a format.

A format is a module in ``benchbench/render/formats`` with a ``FORMAT``: what it is, and a function
that writes runs and returns what it wrote. ``every-eval-ever`` is ``every_eval_ever.py``.
"""

from __future__ import annotations

import pkgutil
import re
from dataclasses import dataclass, fields
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.scorecard import scorecard
from benchbench.atomic import atomic_write
from benchbench.errors import UnknownName, UsageError
from benchbench.files import expand_path
from benchbench.printable import one_line
from benchbench.render.caveats import banners, interval_note
from benchbench.render.text import json_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import ModuleType

    from benchbench.analysis.leaderboard import Leaderboard
    from benchbench.analysis.scorecard import Row, Scorecard
    from benchbench.types import Run, Ties

FORMATS = "benchbench.render.formats"
"""The package of the formats."""
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The place that runs are exported to, and what the formats say of them."""

    out: str
    """A file, a folder, or the address of a server; it depends on the format."""
    ties: Ties = "wrong"
    """The tie rule, for metrics whose publication fixes none."""
    step: int = 0
    """The training step of the checkpoint, where a tracker has a place for it."""
    data_root: str | None = None
    """The task's files, for formats with a line an item."""
    edition: str | None = None
    developer: str = UNKNOWN
    """Who made the model."""
    organization: str = UNKNOWN
    """Who evaluated it."""
    hub_dataset: str = ""
    """The benchmark's data set on the Hugging Face hub, ``ORG/NAME``."""
    source_url: str = ""
    """Where the evaluation is published."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that runs are exported to."""

    title: str
    """What it is, for ``benchbench list formats``."""
    out: str
    """What ``--out`` is: ``file``, ``folder``, ``file or server``."""
    write: Callable[[Sequence[Run], ExportOptions], Iterable[Path | str]]
    """Writes runs, and returns the paths, and lines on what is not a file."""
    uses: tuple[str, ...] = ()
    """The options that it uses besides ``out`` and ``ties``."""


def format_names() -> list[str]:
    """Return the names that ``load_format`` takes."""
    folder = import_module(FORMATS).__path__
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(folder))


def load_format(name: str) -> Format:
    """Return the format of that name.

    Raises:
        UnknownName: there is none.
    """
    known = format_names()
    if name not in known:
        hint = f"There are: {', '.join(known)}."
        raise UnknownName("format", name, known, hint)
    found: Format = import_module(f"{FORMATS}.{name.replace('-', '_')}").FORMAT
    return found


def export_runs(runs: Sequence[Run], to: str, options: ExportOptions) -> list[Path | str]:
    """Write runs in a format; return the paths, and lines on what is not a file.

    Args:
        runs: at least one, and one per model, task and edition.
        to: a name of ``format_names``.
        options: where to, and what else the format needs.

    Raises:
        UnknownName: there is no such format.
        UsageError: two runs are of one model, task and edition, or what the format refuses.
        RunError: the place cannot be written.
    """
    chosen = load_format(to)
    for each in fields(options):
        given = getattr(options, each.name) != each.default
        if given and each.name not in ("out", "ties", *chosen.uses):
            raise UsageError(
                f"--{each.name.replace('_', '-')} means nothing to {to}: leave it out."
            )
    places = [(run.model.name, run.task, run.edition) for run in runs]
    for name, task, edition in places:
        if places.count((name, task, edition)) > 1:
            raise UsageError(
                f"{name} is there {places.count((name, task, edition))} times on {task}@{edition}: "
                "name one run per model, task and edition."
            )
    return list(chosen.write(runs, options))


def cards_by_model(runs: Sequence[Run], options: ExportOptions) -> dict[str, list[Scorecard]]:
    """Return model → the scorecards of its runs, both in the order of the runs."""
    found: dict[str, list[Scorecard]] = {}
    for run in runs:
        found.setdefault(run.model.name, []).append(scorecard(run, ties=options.ties))
    return found


def boards_of(runs: Sequence[Run], options: ExportOptions) -> list[Leaderboard]:
    """Return the leaderboard of each task and edition, in the order of the runs.

    Raises:
        UsageError: runs of a task do not compare.
    """
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.task, run.edition), []).append(run)
    return [leaderboard(of, ties=options.ties) for of in found.values()]


def row_facts(card: Scorecard, row: Row) -> dict[str, Any]:
    """Return what belongs to a number besides its value, as plain values.

    The interval has the unit of ``Row.estimate``: a share in [0, 1], or a rank.
    """
    estimate = row.estimate
    return {
        "low": json_number(estimate.low),
        "high": json_number(estimate.high),
        "level": estimate.level,
        "interval": interval_note(card.interval, [row.kind], card.resamples),
        "ties": row.ties,
        "chance": json_number(row.chance),
        "items": estimate.n_items,
        "source_images": estimate.n_clusters,
    }


def run_facts(run: Run) -> dict[str, Any]:
    """Return the facts of a run that decide what its numbers mean, as plain values."""
    return {
        "task": run.task,
        "edition": run.edition,
        "task_version": run.task_version,
        "data_sha256": run.data_sha256,
        "fingerprint": run.model.fingerprint,
        "created": run.created,
        "benchbench": str(run.environment.get("benchbench", UNKNOWN)),
        "caveats": [one_line(line) for line in banners(run)],
    }


def model_facts(run: Run) -> dict[str, Any]:
    """Return the facts of a run's model, as plain values."""
    manifest = run.model
    return {
        "model": one_line(manifest.name),
        "fingerprint": manifest.fingerprint,
        "architecture": one_line(manifest.architecture),
        "weights_sha256": manifest.weights_sha256,
        "activation": one_line(manifest.activation),
        "precision": one_line(manifest.dtype),
        "trained": manifest.trained,
    }


def file_slug(text: str) -> str:
    """Return text as part of a path of other projects.

    >>> file_slug("a/b c")
    'a-b-c'
    """
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:100] or UNKNOWN


def write_texts(texts: Sequence[tuple[Path, str]]) -> list[Path]:
    """Write files, each whole or not at all; return their paths.

    Raises:
        UsageError: two texts have one path: the names of two models are alike as names of files.
    """
    paths = [path for path, _ in texts]
    require_apart(paths)
    for path, text in texts:
        with atomic_write(path) as temporary:
            temporary.write_bytes(text.encode())
    return paths


def require_apart(paths: Sequence[Path]) -> None:
    """Raise an error for two models of one path, before anything is written.

    Raises:
        UsageError: the names of two models are alike as names of files.
    """
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise UsageError(f"Two models have the name {twice} as a file. Export them apart.")


def place_of(options: ExportOptions) -> Path:
    """Return the path of ``--out``.

    Raises:
        UsageError: it is empty, the address of a server, or standard output.
    """
    if options.out == "-":
        raise UsageError("--out should be a path: nothing is written to standard output.")
    if not options.out.strip() or "://" in options.out:
        raise UsageError(f"--out should be a path; it is '{options.out}'.")
    return expand_path(options.out)


def import_tracker(module: str, distribution: str, extra: str) -> ModuleType:
    """Import a tracker's package.

    Raises:
        UsageError: it is not installed, or cannot be imported; the message says what to type.
    """
    try:
        return import_module(module)
    except Exception as error:  # a broken package may raise anything
        try:
            state = f"{distribution} {version(distribution)} cannot be imported ({error})"
        except PackageNotFoundError:
            state = f"{distribution} is not installed"
        raise UsageError(f"{state}. Type: pip install 'benchbench-vl[{extra}]'") from error


def scalars(card: Scorecard) -> dict[str, float]:
    """Return name → number of all metrics of a run and the ends of their intervals.

    The names are ``TASK@EDITION/METRIC``, with ``.low`` and ``.high`` behind it. Shares are in
    [0, 1]; NaN is left out.
    """
    found: dict[str, float] = {}
    for row in card.metrics:
        name = f"{card.run.task}@{card.run.edition}/{row.name}"
        ends = {"": row.estimate.value, ".low": row.estimate.low, ".high": row.estimate.high}
        found |= {f"{name}{end}": value for end, value in ends.items() if value == value}
    return found
