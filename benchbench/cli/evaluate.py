"""``benchbench eval``: evaluate models on tasks, and write a run for each pair."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchbench.cli import options
from benchbench.cli.output import say
from benchbench.printable import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.cli.progress import ProgressBar
    from benchbench.grid import Cell


@click.command("eval")
@click.option(
    "--model",
    "models",
    required=True,
    multiple=True,
    help="E.g. openclip:ViT-B-32/openai (list models); repeatable.",
)
@click.option(
    "--task",
    "tasks",
    required=True,
    multiple=True,
    help="E.g. vg-relation (list tasks), suite:aro (list suites) or all; repeatable.",
)
@options.data_root_option
@options.edition_option
@options.device_option
@options.precision_option
@options.batch_size_option
@options.seed_option
@options.loading_options
@options.verbose_option
@click.option(
    "--limit",
    type=options.COUNT,
    help="At most so many items, by whole source images (at least one).",
)
@click.option(
    "--out",
    default="runs",
    show_default=True,
    help="The run's .parquet file, or a folder for TASK@EDITION/MODEL-DIGEST.parquet.",
)
@click.option(
    "--on-missing",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="What to do about an image that cannot be read.",
)
@click.option(
    "--proposals",
    metavar="FILE",
    help="A detector's boxes, for a task that takes them (docs/proposals.md).",
)
@click.option(
    "--chosen-on",
    multiple=True,
    metavar="TASK",
    help="The checkpoint was chosen among others by items of TASK; reports say so.",
)
@click.option(
    "--without-images",
    is_flag=True,
    help="Text-only models: read no images; they need not be there.",
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Encode everything: neither read nor write stored encodings (benchbench cache).",
)
@options.by_option
@options.ties_option
@click.option(
    "--get", is_flag=True, help="First download the tasks' official files, and read these."
)
@options.log_option
@click.option("--quiet", is_flag=True, help="No progress; print only the run's file.")
def eval_command(
    models: Sequence[str],
    tasks: Sequence[str],
    out: str,
    by: str | None,
    ties: Any,
    log_json: str | None,
    quiet: bool,
    fresh: bool,
    get: bool,
    **settings: Any,
) -> int:
    """Evaluate a checkpoint on a task; write a run; print its scorecard.

    Several models or tasks: every model on every task, a line each.
    """
    from benchbench.cli.workers import progress_of
    from benchbench.errors import BenchbenchError
    from benchbench.suites import is_suite

    settings["resume"] = not fresh
    with progress_of(quiet, log_json) as bar:
        shown = _Output(out, by, ties, quiet, bar)
        bar.event("start", models=models, tasks=tasks, out=out)
        try:
            if get:
                settings |= {"data_root": _fetched(tasks, bar, settings, quiet)}
            if len(models) == len(tasks) == 1 and not is_suite(tasks[0]):
                _evaluate_one(models[0], tasks[0], shown, settings)
                code = 0
            else:
                code = _evaluate_grid(models, tasks, shown, settings)
        except BenchbenchError as error:
            bar.event("error", error=str(error))
            raise
        except KeyboardInterrupt:
            bar.close()
            bar.event("error", error="interrupted")
            if bar.encoded:
                click.echo(
                    "No run was written. The same command goes on where it stopped.", err=True
                )
            raise
        bar.event("end", exit_code=code)
        return code


def _fetched(tasks: Sequence[str], bar: ProgressBar, settings: dict[str, Any], quiet: bool) -> str:
    """Download the tasks' data sets where they are missing; return the data root.

    Raises:
        UsageError: the drawn world is chosen, or a task has no data set.
    """
    from benchbench.cli.datasets import fetched
    from benchbench.datasets.names import lies_at_top, serving
    from benchbench.datasets.place import data_root
    from benchbench.datasets.sources import mirror_of
    from benchbench.editions import SCENES
    from benchbench.errors import UsageError
    from benchbench.registry import load_task
    from benchbench.suites import named

    if (settings["edition"] or "").startswith(SCENES):
        raise UsageError("--get downloads official files: leave out --edition scenes.")
    root, names = data_root(settings["data_root"]), named(tasks)
    for name in names:
        if not serving(load_task(name).info.name):
            raise UsageError(f"No data set is known for {name}: leave out --get.")
    wanted = [name for name in names if not lies_at_top(load_task(name).info, root)]
    images = not settings["without_images"]
    fetched(wanted, root, bar, mirror=mirror_of(), images=images, silent=quiet)
    return str(root)


class _Output(NamedTuple):
    """Where runs are written, and how they are printed."""

    out: str
    by: str | None
    ties: Any
    quiet: bool
    bar: ProgressBar


def _evaluate_one(model: str, task: str, shown: _Output, settings: dict[str, Any]) -> None:
    from benchbench.analysis.scorecard import scorecard
    from benchbench.cli.events import cell_event
    from benchbench.errors import UsageError
    from benchbench.evaluation import evaluate
    from benchbench.registry import load_task
    from benchbench.render.caveats import banners
    from benchbench.runs import run_path

    out, by, ties, quiet, bar = shown
    info = load_task(task).info
    tags = (*info.tags, *info.optional_tags)
    if by is not None and by not in tags:
        raise UsageError(f"{task} has no slices '{by}'. Slices: {', '.join(tags) or 'none'}.")
    run = evaluate(model, task, out=out, progress=bar, **settings)
    bar.close()
    bar.event("cell", **cell_event(model, task, run, out))
    path = run_path(run, out)
    if quiet:
        for banner in banners(run):
            say(banner, err=True)
        say(path)
        return
    try:
        card = scorecard(run, ties=ties, by=by)
    except UsageError as error:  # an optional tag that these files lack
        raise UsageError(f"{error} The run is written: {path}") from error
    click.echo(f"\n{card}\n")
    say(f"run   {path}")
    there = {tag for outcome in run.outcomes for tag in outcome.tags}
    further = [f"--by {tag}" for tag in tags if tag != by and tag in there]
    option = further[0] if further else "--manifest"
    say(f"next  benchbench show run {shlex.quote(str(path))} {option}")


def _evaluate_grid(
    models: Sequence[str], tasks: Sequence[str], shown: _Output, settings: dict[str, Any]
) -> int:
    """Print a line per finished run; return exit code 2 if a run failed, otherwise 0."""
    from benchbench.analysis.scorecard import scorecard
    from benchbench.cli.events import cell_event
    from benchbench.errors import UsageError
    from benchbench.grid import evaluate_grid
    from benchbench.render.caveats import banners, edition_banner
    from benchbench.render.scorecard import headline_line
    from benchbench.render.text import CELL, wrap
    from benchbench.runs import run_path
    from benchbench.suites import choose_tasks

    out, by, ties, quiet, bar = shown
    if by is not None:
        raise UsageError("--by is of one run: benchbench show run FILE --by TAG.")
    chosen = choose_tasks(tasks, settings.get("data_root"), settings.get("edition"))
    reasons: dict[str, list[str]] = {}
    for name, why in chosen.left_out.items():
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        say(f"left out  {', '.join(names)}: {why}", err=True)
    printed: set[tuple[str, str]] = set()
    widths = (
        max(map(len, chosen.names), default=0) + len("@scenes-v2"),
        min(CELL, max(map(len, models))),
    )
    done = failed = 0
    cells = len(models) * len(chosen.names)
    bar.several(0, cells)
    for number, cell in enumerate(
        evaluate_grid(models, tasks, out=out, progress=bar, **settings), 1
    ):
        bar.close()
        bar.event("cell", **cell_event(cell.model, cell.task, cell.run or cell.error, out))
        bar.several(number, cells)
        if cell.left_out:
            say(f"left out  {cell.task}: {cell.error}", err=True)
            continue
        if cell.run is None:
            failed += 1
            _report_error(cell)
            continue
        for banner in banners(cell.run):
            key = ("" if banner == edition_banner(cell.run) else cell.model, banner)
            if key not in printed:
                click.echo(f"{wrap(banner)}\n", err=quiet)
                printed.add(key)
        done += 1
        path = run_path(cell.run, out)
        say(path if quiet else headline_line(scorecard(cell.run, ties=ties), widths))
    if done and not quiet:
        click.echo()
        say(f"runs  {out}")
        say(f"next  benchbench leaderboard {shlex.quote(out)}/TASK@EDITION")
    if failed:
        click.echo(f"Failed: {failed}.", err=True)
    return 2 if failed else 0


def _report_error(cell: Cell) -> None:
    """Print the reason that a model has no run on a task."""
    from benchbench.failures import trace_of

    if options.is_verbose():
        click.echo(trace_of(cell.error), err=True)
    say(f"{cell.task}  {sentence(cell.model)}  Error: {cell.error}", err=True)
