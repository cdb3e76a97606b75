"""``benchbench sweep``: a score under the settings that papers leave unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("terminal", "markdown", "json", "csv")


@click.command("sweep")
@click.option(
    "--model",
    "models",
    required=True,
    multiple=True,
    help="E.g. openclip:ViT-B-32/openai (list models); repeatable.",
)
@click.option("--task", required=True, help="E.g. vg-relation (list tasks).")
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="E.g. 'template=a photo of {}', case=lower, stop=added, stop=removed, crop=off, "
    "resize=bilinear, precision=bf16; repeatable.  [default: all]",
)
@click.option("--metric", metavar="NAME", help="A metric of the task.  [default: its headline]")
@options.ties_option
@click.option("--level", type=options.LEVEL, default=0.95, show_default=True)
@options.interval_option
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
    "--runs",
    default="runs",
    show_default=True,
    metavar="DIR",
    help="A folder for the runs: TASK@EDITION+SETTING/MODEL-DIGEST.parquet.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    help="[default: terminal, or by the suffix of --out]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the table to FILE: .txt, .md, .json or .csv.",
)
def sweep_command(
    models: Sequence[str],
    settings: Sequence[str],
    kind: str | None,
    out: Path | None,
    **how: Any,
) -> None:
    """Evaluate models under settings that papers leave unsaid, one at a time.

    One row a setting: the score, its difference to the task as it is, and what flips. With several
    models: which conclusions hold under every setting.
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.render.sensitivity import FORMATS as WRITERS
    from benchbench.render.sensitivity import left_out
    from benchbench.render.sensitivity_files import choose_format, write_sweep
    from benchbench.sweep import sweep

    chosen = choose_format(kind, out)
    bar = ProgressBar()
    try:
        found = sweep(models, how.pop("task"), settings, progress=bar, **how)
    finally:
        bar.close()
    if chosen == "csv":  # has rows alone
        for line in left_out(found):
            say(line, err=True)
    if out is None:
        click.echo(WRITERS[chosen](found).rstrip("\n"))
        return
    write_sweep(found, out)
    say(f"table  {out}")
