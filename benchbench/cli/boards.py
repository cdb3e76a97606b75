"""``benchbench leaderboard`` and ``publish``: tables of several models, and published pages."""

from __future__ import annotations

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
@options.seed_option
@click.option("--format", "kind", type=click.Choice(FORMATS), default="terminal", show_default=True)
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
    _report_changes(changed, "stale" if check else "wrote")
    if check and changed:
        return 1
    if not changed:
        click.echo("All pages are as their runs say.")
    return 0


def _report_changes(changed: Sequence[Path], word: str) -> None:
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
            f"Pages that differ from their runs: {len(changed) - len(runs)}. benchbench publish"
        )
        click.echo(message, err=True)
