"""``benchbench import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from benchbench.cli import options
from benchbench.cli.border import say

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("import")
@click.argument("results")
@click.option("--reader", required=True, help="The format: benchbench list readers.")
@click.option("--task", default="", help="Whose items were answered.  [default: the reader's own]")
@options.data_root_option
@options.edition_option
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=COLUMN",
    help="A column, or a dotted path, of a general format; repeatable.",
)
@click.option("--model", default="", metavar="NAME", help="The model, where the file has no name.")
@click.option("--source", "name", default="", metavar="TEXT", help="The work that published them.")
@click.option("--repository", default="", metavar="URL", help="Where they were published.")
@click.option("--commit", default="", help="Of the repository.")
@click.option("--license", "licence", default="", help="Of the file.")
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
    """Make runs of results that somebody else measured.

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
@click.argument("run")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["every-eval-ever"]),
    default="every-eval-ever",
    show_default=True,
    help="Every Eval Ever's schema, version 0.3.0.",
)
@options.data_root_option
@options.edition_option
@click.option("--developer", default="unknown", metavar="NAME", help="Who made the model.")
@click.option("--organization", default="unknown", metavar="NAME", help="Who evaluated it.")
@click.option("--out", required=True, metavar="DIR", help="Folder for data/TASK/DEVELOPER/MODEL.")
def export_command(run: str, kind: str, **how: str | None) -> None:
    """Write a RUN in the schema of another project.

    With --data-root or --edition, which name the run's own files, a file of one line an item stands
    beside the summary.
    """
    from benchbench.errors import UsageError
    from benchbench.render.every_eval_ever import write_every_eval_ever
    from benchbench.runs import read_run

    writers = {"every-eval-ever": write_every_eval_ever}
    out, developer, organization = (how.pop(name) for name in ("out", "developer", "organization"))
    if not (out and developer and organization):
        raise UsageError("--out, --developer and --organization should not be empty.")
    for path in writers[kind](
        read_run(run), out, developer=developer, organization=organization, **how
    ):
        say(f"wrote  {path}")
