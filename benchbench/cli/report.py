"""``benchbench report``: runs as a folder of pages for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write; an earlier report there is replaced.",
)
@click.option("--metric", metavar="NAME", help="A metric of the task.  [default: its headline]")
@click.option("--by", metavar="TAG", help="The tag of the groups.  [default: the metric's own]")
@options.ties_option
@click.option("--level", type=options.LEVEL, default=0.95, show_default=True)
@options.resampling_option
@click.option(
    "--images",
    type=click.Choice(["link", "copy", "none"]),
    default="link",
    show_default=True,
    help="Link the image files where they are, copy them into the folder, or show none.",
)
@click.option(
    "--image-limit",
    type=options.Number(0),
    default=500,
    show_default=True,
    metavar="MB",
    help="The largest size of all copied images.",
)
@click.option("--ids-only", is_flag=True, help="Read no files of the task: ids, no captions.")
@options.data_root_option
@options.edition_option
def report_command(runs: Sequence[Path], out: Path, **how: Any) -> None:
    """Write RUNS as a folder to look at in a browser: board, groups, items, models.

    RUNS are files of benchbench eval, or folders of them, of one or several tasks: one run per
    model and task. Open index.html in the folder, or put the folder on any web server.

    Captions and images come from the tasks' files. Where these are not at hand, the items are shown
    by their ids.
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.render.explorer.report import write_report
    from benchbench.run_files import read_all_runs

    bar = ProgressBar()
    try:
        written = write_report(read_all_runs(runs), out, progress=bar, **how)
    finally:
        bar.close()
    for task in written.tasks:
        models, items = len(task.runs), len(task.runs[0].outcomes)
        counts = f"{models} model{'s' * (models > 1)}, {items:,} item{'s' * (items > 1)}"
        note = f"  (ids only: {task.source.missing})" if task.source.missing else ""
        say(f"task  {task.name}: {counts}{note}")
    if written.images.missing:
        say(f"images  {written.images.missing:,} files are not at hand, or no browser shows them")
    say(f"report  {written.folder / 'index.html'} ({written.n_bytes / 1e6:,.1f} MB)")
