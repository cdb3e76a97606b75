"""``benchbench eval``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbench.cli import options


@click.command("eval")
@click.option("--model", required=True, help="E.g. openclip:ViT-B-32/openai (list models).")
@click.option("--task", required=True, help="E.g. vg-relation (list tasks).")
@options.data_root_option
@options.device_option
@options.precision_option
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Pictures a forward pass.  [default: 32 on a CPU, 256 elsewhere]",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="For untrained weights and --limit."
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="At most so many items, by whole source images."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The run's file.  [default: runs/TASK@EDITION/MODEL-DIGEST.parquet]",
)
@click.option(
    "--on-missing",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="What to do about an image that cannot be read.",
)
@options.by_option
@options.ties_option
@click.option("--quiet", is_flag=True, help="No progress; print only the run's file.")
def eval_command(
    model: str,
    task: str,
    out: Path | None,
    by: str | None,
    ties: Any,
    quiet: bool,
    **settings: Any,
) -> None:
    """Evaluate a checkpoint on a task; write a run; print its scorecard."""
    from benchbench.cli.progress import ProgressBar
    from benchbench.evaluation import evaluate
    from benchbench.reports.scorecard import scorecard
    from benchbench.reports.text import banners
    from benchbench.runs import check_writable, default_path, write_run

    check_writable(out or Path("runs", "a.parquet"))
    bar = None if quiet else ProgressBar()
    try:
        run = evaluate(model, task, progress=bar, **settings)
    except KeyboardInterrupt:
        click.echo("\nNo run was written. The same command goes on where it stopped.", err=True)
        raise
    finally:
        if bar:
            bar.close()
    path = write_run(run, out or default_path(run))
    if quiet:
        for banner in banners(run):
            click.echo(banner, err=True)
        click.echo(path)
        return
    try:
        click.echo(f"\n{scorecard(run, ties=ties, by=by)}\n")
    finally:
        click.echo(f"run   {path}")
    tags = sorted({tag for outcome in run.outcomes for tag in outcome.tags} - {by})
    if tags:
        click.echo(f"next  benchbench show run {path} --by {tags[0]}")
