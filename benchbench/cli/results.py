"""``benchbench import`` and ``export``: results of other projects, and results for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("import")
@click.argument("results")
@click.option("--reader", required=True, help="The format: benchbench list readers.")
@click.option(
    "--task", default="", help="The task whose items were answered.  [default: the reader's own]"
)
@options.data_root_option
@options.edition_option
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=COLUMN",
    help="A column, or a dotted path, of a general format; repeatable.",
)
@click.option("--model", default="", metavar="NAME", help="The model's name, if the file has none.")
@click.option("--source", "name", default="", metavar="TEXT", help="The work that published them.")
@click.option("--repository", default="", metavar="URL", help="Where they were published.")
@click.option("--commit", default="", help="The repository's commit.")
@click.option("--license", "licence", default="", help="The licence of the file.")
@click.option(
    "--allow-unmatched",
    is_flag=True,
    help="Count answers without an item, second answers, and items without one; do not refuse.",
)
@click.option("--out", default="runs", show_default=True, help="Folder for TASK@EDITION/MODEL.")
def import_command(
    results: str,
    reader: str,
    task: str,
    data_root: str | None,
    edition: str | None,
    fields: Sequence[str],
    model: str,
    name: str,
    repository: str,
    commit: str,
    licence: str,
    allow_unmatched: bool,
    out: str,
) -> None:
    """Import results that somebody else measured, as runs.

    RESULTS is a file or a folder. Each answer is matched with an item of the task's own annotations
    by its content; photographs need not be there.
    """
    import shlex

    from benchbench.analysis.scorecard import scorecard
    from benchbench.importing.answers import Source
    from benchbench.importing.fields import parse_fields
    from benchbench.importing.importer import import_results
    from benchbench.render.caveats import banners
    from benchbench.render.scorecard import headline_line
    from benchbench.render.text import CELL, wrap
    from benchbench.runs import run_path, write_run

    source = Source(name, repository, commit, licence)
    runs = import_results(
        results,
        reader,
        task,
        data_root=data_root,
        edition=edition,
        fields=parse_fields(fields),
        model=model,
        source=source if source.record() else None,
        allow_unmatched=allow_unmatched,
    )
    for banner in dict.fromkeys(line for run in runs for line in banners(run)):
        click.echo(f"{wrap(banner)}\n")
    widths = (
        max(len(f"{run.task}@{run.edition}") for run in runs),
        min(CELL, max(len(run.model.name) for run in runs)),
    )
    for run in runs:
        write_run(run, run_path(run, out))
        say(headline_line(scorecard(run), widths))
    click.echo()
    say(f"runs  {out}")
    first = f"{runs[0].task}@{runs[0].edition}"
    say(f"next  benchbench leaderboard {shlex.quote(out)}/{shlex.quote(first)}")


@click.command("export")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to",
    "--format",
    "to",
    cls=options.RenamedOption,
    default="every-eval-ever",
    show_default=True,
    metavar="FORMAT",
    help="The format or the tracker: benchbench list formats. latex is one table over several "
    "tasks; a single board with places and p-values: benchbench leaderboard --format latex.",
)
@click.option(
    "--out",
    required=True,
    metavar="PATH",
    help="The file or the folder to write; for mlflow also a server's address.",
)
@options.ties_option
@options.data_root_option
@options.edition_option
@click.option("--developer", default="unknown", metavar="NAME", help="Who made the model.")
@click.option("--organization", default="unknown", metavar="NAME", help="Who evaluated it.")
@click.option(
    "--hub-dataset",
    default="",
    metavar="ORG/NAME",
    help="The hub's data set whose leaderboard shows the scores (hugging-face).",
)
@click.option("--source-url", default="", metavar="URL", help="Where the evaluation is published.")
@click.option(
    "--step",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    metavar="N",
    help="The checkpoint's training step, for trackers.",
)
def export_command(runs: Sequence[Path], to: str, **how: Any) -> None:
    """Write RUNS in a format of other projects, or log them in a tracker.

    RUNS are files of benchbench eval, or folders of them. every-eval-ever writes a line an item
    where --data-root or --edition name the run's own files.
    """
    from benchbench.errors import UsageError
    from benchbench.render.exporting import ExportOptions, export_runs
    from benchbench.run_files import read_all_runs

    if not (how["developer"] and how["organization"]):
        raise UsageError("--developer and --organization should not be empty.")
    for each in export_runs(read_all_runs(runs), to, ExportOptions(**how)):
        say(f"wrote  {each}" if isinstance(each, Path) else each)
