"""``benchbench compare``: compare two runs, or two methods over several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

FORMATS = ("terminal", "markdown", "json")


@click.command("compare")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--metric", metavar="NAME", help="A metric of the task.  [default: its headline]")
@options.by_option
@options.ties_option
@click.option(
    "--level",
    type=options.LEVEL,
    default=0.95,
    show_default=True,
    help="Confidence level of intervals; 1 − level is the significance level.",
)
@options.interval_option
@options.resampling_option
@options.common_items_option
@click.option("--format", "kind", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option(
    "--flips",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the items gained and lost: .csv, or .html with their images.",
)
@options.data_root_option
@options.edition_option
def compare_command(
    a: Path,
    b: Path,
    flips: Path | None,
    kind: str,
    data_root: str | None,
    edition: str | None,
    **how: Any,
) -> None:
    """Compare two runs of the same items: is B better than A, by how much, and on what?

    A and B are files of benchbench eval; A is the one to compare with. Two folders are two methods,
    and the runs in each are its seeds.
    """
    from benchbench.analysis.comparison import compare
    from benchbench.render.comparison_files import FORMATS as WRITERS
    from benchbench.render.flips import check_flips, write_flips
    from benchbench.runs import read_run

    if a.is_dir() or b.is_dir():
        click.echo(_compare_methods(a, b, flips, kind, **how))
        return
    if flips is not None:
        check_flips(flips)
    found = compare(read_run(a), read_run(b), **how)
    click.echo(WRITERS[kind](found).rstrip("\n"))
    if flips is not None:
        count = write_flips(found, flips, data_root, edition)
        click.echo(err=kind != "terminal")
        say(f"flips  {count:,} items: {flips}", err=kind != "terminal")


def _compare_methods(
    a: Path, b: Path, flips: Path | None, kind: str, by: str | None, common_items: bool, **how: Any
) -> str:
    from benchbench.analysis.seeds import compare_methods
    from benchbench.errors import UsageError
    from benchbench.run_files import read_all_runs

    if not (a.is_dir() and b.is_dir()):
        raise UsageError(
            "A folder of seeds is compared with another: name two files, or two folders."
        )
    if flips is not None or by is not None or common_items or kind != FORMATS[0]:
        raise UsageError(
            "--flips, --by, --common-items and --format are of two runs: name two files."
        )
    return str(compare_methods(read_all_runs([a]), read_all_runs([b]), **how))
