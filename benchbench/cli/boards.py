"""``benchbench leaderboard``, ``publish`` and ``submit``: tables of several models, and pages."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence


FORMATS = ("terminal", "markdown", "html", "latex", "csv", "json")


@click.command("leaderboard")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--task", multiple=True, help="Boards of these tasks and suites alone; repeatable.")
@click.option("--metric", metavar="NAME", help="A metric of the task.  [default: its headline]")
@options.ties_option
@click.option("--level", type=options.LEVEL, default=0.95, show_default=True)
@options.interval_option
@click.option(
    "--correction",
    type=click.Choice(["step-down", "holm", "bh"]),
    default="step-down",
    show_default=True,
    help="How p-values are adjusted for the number of pairs.",
)
@options.resampling_option
@options.common_items_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="terminal",
    show_default=True,
    help="latex is this board with all its columns; for one table over several tasks: benchbench "
    "export --to latex.",
)
@click.option(
    "--quoted", is_flag=True, help="Below the table, published figures: never ranked with it."
)
@options.quoted_file_option
def leaderboard_command(
    runs: Sequence[Path],
    task: Sequence[str],
    kind: str,
    quoted: bool,
    quoted_files: Sequence[Path],
    **how: Any,
) -> None:
    """Compare every two of several models on one task, or on each of several.

    RUNS are files of benchbench eval, or folders of them: one run a model, of one task and edition.
    With --task they may be of many: each task and edition that they are of has its board.
    """
    from benchbench.analysis.leaderboard import leaderboard, of_tasks
    from benchbench.analysis.quoting import quote
    from benchbench.data.published.sources import all_figures, read_source
    from benchbench.errors import UsageError
    from benchbench.render.leaderboard import FORMATS as WRITERS
    from benchbench.render.quoting import FORMATS as BLOCKS
    from benchbench.run_files import read_all_runs
    from benchbench.suites import named

    quoting = quoted or bool(quoted_files)
    if quoting and kind not in BLOCKS:
        raise UsageError(
            f"--quoted is shown as {' or '.join(BLOCKS)}, not as {kind}: leave it out."
        )
    figures = (
        all_figures(quoted_files)
        if quoted
        else tuple(figure for path in quoted_files for figure in read_source(path))
    )
    read = read_all_runs(runs)
    texts = []
    for each in of_tasks(read, named(task)) if task else [read]:
        board = leaderboard(each, **how)
        texts.append(WRITERS[kind](board).rstrip())
        if quoting:
            texts.append(BLOCKS[kind](board, quote(board, figures)).rstrip())
    click.echo("\n\n".join(texts))


@click.command("publish")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    default=Path("leaderboards"),
    show_default=True,
    help="The folder of leaderboards.",
)
@click.option(
    "--into",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also refresh the boards between the markers of a markdown file.",
)
@click.option(
    "--flips",
    nargs=3,
    multiple=True,
    metavar="TASK A B",
    help="Also a page of items that flip between two published models, with their captions from "
    "--data-root.",
)
@options.data_root_option
@click.option("--check", is_flag=True, help="Write nothing; fail if a page differs from its runs.")
def publish_command(
    runs: Sequence[Path],
    to: Path,
    into: Sequence[Path],
    flips: Sequence[tuple[str, str, str]],
    data_root: str | None,
    check: bool,
) -> int:
    """Put RUNS among the published ones and write every page anew.

    Without RUNS, the pages are written anew from the runs that are there.
    """
    from benchbench.errors import UsageError
    from benchbench.render.blocks import check_markers, refresh_blocks
    from benchbench.render.publication import publish, publish_flips, refresh
    from benchbench.run_files import read_all_runs

    if check and (runs or flips):
        raise UsageError("--check looks at what is published: leave the runs out, and --flips.")
    for file in into:
        check_markers(file)
    changed = publish(read_all_runs(runs), to) if runs else []
    changed += [publish_flips(task, (a, b), to, data_root) for task, a, b in flips]
    changed += refresh(to, check=check) if flips or not runs else []
    changed += [file for file in into if refresh_blocks(file, to, check=check)]
    _report_changes(changed, "stale" if check else "wrote", to)
    if check and changed:
        return 1
    if not changed:
        click.echo("All pages are as their runs say.")
    return 0


@click.command("submit")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--board",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of leaderboards, in a checkout of its repository.",
)
@click.option(
    "--base",
    metavar="REF",
    help="Where the branch begins, or with --check is to be merged.  [default: HEAD, or with "
    "--check origin/main]",
)
@click.option(
    "--allow-imported",
    is_flag=True,
    help="Accept results that somebody else measured; pages mark them.",
)
@click.option(
    "--check", is_flag=True, help="Check the branch that is checked out, as CI does; write nothing."
)
def submit_command(
    runs: Sequence[Path], board: Path, base: str | None, allow_imported: bool, check: bool
) -> int:
    """Make a branch with RUNS for a public leaderboard, or check one.

    The branch is made in the checkout's repository, with the pages that follow from the runs; the
    working files stay as they are, and nothing is pushed. Exit code 1 with --check: refused.
    """
    from benchbench.errors import UsageError
    from benchbench.run_files import read_all_runs
    from benchbench.submission import submit

    if check:
        if runs:
            raise UsageError("--check looks at the branch that is checked out: leave RUNS out.")
        return _check_submission(board, base or "origin/main", allow_imported)
    read = read_all_runs(runs)
    made = submit(read, board, base=base or "HEAD", allow_imported=allow_imported)
    for name in made.files:
        say(f"changed  {name}")
    say(f"branch  {made.branch} (runs: {len(read)}, files: {len(made.files)})")
    say(f"next  git -C {shlex.quote(str(made.root))} push origin {made.branch}, and open a pull "
        "request")  # fmt: skip
    return 0


def _check_submission(board: Path, base: str, allow_imported: bool) -> int:
    """Print the new runs with their scores, computed anew, and what is wrong with the branch."""
    from benchbench.analysis.scorecard import scorecard
    from benchbench.errors import BenchbenchError
    from benchbench.render.scorecard import headline_line
    from benchbench.submission import check_submission

    found = check_submission(board, base=base, allow_imported=allow_imported)
    for run in found.runs:
        try:
            say(f"new  {headline_line(scorecard(run), (0, 0))}")
        except BenchbenchError as error:
            say(f"new  {run.task}@{run.edition}  {run.model.name}: {error}")
    for problem in found.problems:
        say(f"refused  {problem}")
    verdict = "REFUSED" if found.problems else "ACCEPTED"
    say(f"submission  {verdict} (new runs: {len(found.runs)})")
    return 1 if found.problems else 0


def _report_changes(changed: Sequence[Path], word: str, to: Path) -> None:
    """Print the changed pages, and the runs that differ from those the pages were made from."""
    from benchbench.runs import SUFFIX

    runs = [path for path in changed if path.suffix == SUFFIX]
    for path in changed:
        of_run = "changed" if path.exists() else "missing"
        say(f"{of_run if path in runs else word}  {path}")
    if runs:
        click.echo(
            f"Runs that differ from those of the pages: {len(runs)}. Restore them, or "
            "publish them if the change is meant: benchbench publish RUN",
            err=True,
        )
    if word == "stale" and len(changed) > len(runs):
        message = (
            f"Pages that differ from their runs: {len(changed) - len(runs)}. Write them anew: "
            f"benchbench publish --to {to}"
        )
        click.echo(message, err=True)
