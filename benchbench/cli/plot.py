"""``benchbench plot``: figures of runs for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("plot")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(["forest", "heatmap", "cd"]),
    default="forest",
    show_default=True,
    help="Scores with intervals; scores by group, or of several tasks; mean ranks over tasks with "
    "the critical difference.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file to write: .pdf, .png or .svg.",
)
@click.option("--metric", metavar="NAME", help="A metric of the task.  [default: its headline]")
@options.ties_option
@click.option("--level", type=options.LEVEL, default=0.95, show_default=True)
@options.resampling_option
@click.option(
    "--width",
    type=options.Number(2, 40),
    default=6.5,
    show_default=True,
    metavar="INCHES",
    help="The width of the figure.",
)
def plot_command(runs: Sequence[Path], kind: str, out: Path, **how: Any) -> None:
    """Draw RUNS as a figure for a paper, by matplotlib (benchbench-vl[figures]).

    RUNS are files of benchbench eval, or folders of them, of one or several tasks: one run per
    model, task and edition.
    """
    from benchbench.render.caveats import banners_of
    from benchbench.render.plots import write_plot
    from benchbench.run_files import read_all_runs

    read = read_all_runs(runs)
    say(f"wrote  {write_plot(read, kind, out, **how)}")
    for line in banners_of(read):  # a figure has no place for them
        say(f"note  {line}", err=True)
