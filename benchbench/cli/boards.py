"""``benchbench leaderboard`` and ``benchbench publish``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.border import say

if TYPE_CHECKING:
    from collections.abc import Sequence


FORMATS = ("terminal", "markdown", "html", "latex", "csv", "json")


@click.command("leaderboard")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--task",
    multiple=True,
    help="Boards of these tasks and suites alone; repeatable.",
)
@click.option("--metric", metavar="NAME", help="Of the task.  [default: its headline]")
@options.ties_option
@click.option("--level", type=options.LEVEL, default=0.95, show_default=True)
@options.interval_option
@click.option(
    "--correction",
    type=click.Choice(["step-down", "holm", "bh"]),
    default="step-down",
    show_default=True,
    help="Of p-values for the number of pairs.",
)
@options.seed_option
@options.common_items_option
@click.option("--format", "kind", type=click.Choice(FORMATS), default="terminal", show_default=True)
def leaderboard_command(runs: Sequence[Path], task: Sequence[str], kind: str, **how: Any) -> None:
    """Compare every two of several models on one task, or on each of several.

    RUNS are files of benchbench eval, or folders of them: one run a model, of one task and edition.
    With --task they may be of many: each task and edition that they are of has its board.
    """
    from benchbench.analysis.leaderboard import leaderboard, of_tasks
    from benchbench.render.leaderboard import FORMATS as WRITERS
    from benchbench.run_files import read_all_runs
    from benchbench.suites import named

    read = read_all_runs(runs)
    boards = of_tasks(read, named(task)) if task else [read]
    click.echo("\n\n".join(WRITERS[kind](leaderboard(each, **how)).rstrip() for each in boards))


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
@click.option("--check", is_flag=True, help="Write nothing; fail where a page is not as its runs.")
def publish_command(runs: Sequence[Path], to: Path, into: Sequence[Path], check: bool) -> int:
    """Put RUNS among the published ones and write every page anew.

    Without RUNS, the pages are written anew from the runs that are there.
    """
    from benchbench.errors import UsageError
    from benchbench.render.blocks import check_markers, refresh_blocks
    from benchbench.render.publication import publish, refresh
    from benchbench.run_files import read_all_runs

    if check and runs:
        raise UsageError("--check looks at what is published: leave the runs out.")
    for file in into:
        check_markers(file)
    changed = publish(read_all_runs(runs), to) if runs else refresh(to, check=check)
    changed += [file for file in into if refresh_blocks(file, to, check=check)]
    _tell(changed, "stale" if check else "wrote")
    if check and changed:
        return 1
    if not changed:
        click.echo("All pages are as their runs say.")
    return 0


def _tell(changed: Sequence[Path], word: str) -> None:
    """Print the changed pages, and the runs that differ from those the pages were made from."""
    from benchbench.runs import SUFFIX

    runs = [path for path in changed if path.suffix == SUFFIX]
    for path in changed:
        of_run = "changed" if path.exists() else "missing"
        say(f"{of_run if path in runs else word}  {path}")
    if runs:
        click.echo(
            f"Runs that are not those which the pages were made of: {len(runs)}. Restore them, or "
            "publish them if the change is meant: benchbench publish RUN",
            err=True,
        )
    if word == "stale" and len(changed) > len(runs):
        said = f"Pages that differ from their runs: {len(changed) - len(runs)}. benchbench publish"
        click.echo(said, err=True)
