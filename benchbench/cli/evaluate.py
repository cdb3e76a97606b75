"""``benchbench eval``."""

from __future__ import annotations

import shlex
from typing import Any

import click

from benchbench.cli import options


@click.command("eval")
@click.option("--model", required=True, help="E.g. openclip:ViT-B-32/openai (list models).")
@click.option("--task", required=True, help="E.g. vg-relation (list tasks).")
@options.data_root_option
@options.edition_option
@options.device_option
@options.precision_option
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Pictures, or pairs, a forward pass.  [default: 32 on a CPU, 256 elsewhere]",
)
@options.seed_option
@options.loading_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
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
@options.by_option
@options.ties_option
@click.option("--quiet", is_flag=True, help="No progress; print only the run's file.")
def eval_command(
    model: str, task: str, out: str, by: str | None, ties: Any, quiet: bool, **settings: Any
) -> None:
    """Evaluate a checkpoint on a task; write a run; print its scorecard."""
    from benchbench.cli.progress import ProgressBar
    from benchbench.errors import UsageError
    from benchbench.evaluation import evaluate
    from benchbench.registry import load_task
    from benchbench.reports.scorecard import scorecard
    from benchbench.reports.text import banners
    from benchbench.runs import run_path

    info = load_task(task).info
    tags = (*info.tags, *info.optional_tags)
    if by is not None and by not in tags:
        raise UsageError(f"{task} has no slices '{by}'. Slices: {', '.join(tags) or 'none'}.")
    bar = ProgressBar(silent=quiet)
    try:
        run = evaluate(model, task, out=out, progress=bar, **settings)
    except KeyboardInterrupt:
        bar.close()
        if bar.encoded:
            click.echo("No run was written. The same command goes on where it stopped.", err=True)
        raise
    finally:
        bar.close()
    path = run_path(run, out)
    if quiet:
        for banner in banners(run):
            click.echo(banner, err=True)
        click.echo(path)
        return
    try:
        card = scorecard(run, ties=ties, by=by)
    except UsageError as error:  # an optional tag that these files lack
        raise UsageError(f"{error} The run is written: {path}") from error
    click.echo(f"\n{card}\n\nrun   {path}")
    there = {tag for outcome in run.outcomes for tag in outcome.tags}
    further = [f"--by {tag}" for tag in tags if tag != by and tag in there]
    option = further[0] if further else "--manifest"
    click.echo(f"next  benchbench show run {shlex.quote(str(path))} {option}")
