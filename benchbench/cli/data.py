"""``benchbench data``: list the files that tasks read, or freeze the order tasks' captions."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchbench.cli import options
from benchbench.cli.datasets import COMMANDS
from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SEEDS = 100


@click.group("data")
def data_group() -> None:
    """Data sets: download, adopt, verify; what belongs where, and what is to be prepared."""


for _command in COMMANDS:
    data_group.add_command(_command)


@data_group.command("where")
@click.argument("task", required=False)
@options.data_root_option
@options.edition_option
def data_where(task: str | None, data_root: str | None, edition: str | None) -> None:
    """Print the data root and the cache; with TASK, a task or a suite, the files that it reads."""
    from benchbench.cache import cache_folder
    from benchbench.datasets.place import data_root as root_of
    from benchbench.editions import choose_edition
    from benchbench.registry import load_task
    from benchbench.render.cards import layout
    from benchbench.suites import ALL, named

    infos = [load_task(name).info for name in named([task or ALL])]
    choice = choose_edition(data_root, edition)
    if task is None:
        say(f"data root  {root_of(data_root)}/")
        say(f"cache      {cache_folder()}/")
        click.echo()
    click.echo("\n\n".join(layout(info, choice) for info in infos))


@data_group.command("freeze-order")
@click.argument("captions", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write to: a data root, with the captions' file in it.  [default: theirs]",
)
@click.option("--seeds", default="0", show_default=True, help="E.g. 0 or 0-4: one file a seed.")
@click.option(
    "--tagger",
    default="auto",
    show_default=True,
    help="auto, published (COCO's own captions), spacy or hanta.",
)
def freeze_order_command(captions: Path, out: Path | None, seeds: str, tagger: str) -> None:
    """Tag the captions of a Karpathy file once, and freeze their shuffles for the order tasks.

    CAPTIONS is coco_karpathy_test.json, flickr30k_test.json or another file of that form.
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.data.freezing import freeze_order

    bar = ProgressBar()
    try:
        written = freeze_order(captions, out=out, seeds=_seeds(seeds), tagger=tagger, progress=bar)
    finally:
        bar.close()
    for path in written:
        say(path)
    for task in _readers({path.name for path in written}):
        root = shlex.quote(str(written[0].parent))
        say(f"next  benchbench eval --model blind:chance --task {task} --data-root {root}")


@data_group.command("unpack")
@click.argument("tables", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder to write."
)
@click.option("--name", required=True, help="Of the file of lines, without its ending: test.")
def unpack_command(tables: tuple[Path, ...], out: Path, name: str) -> None:
    """Write Parquet TABLES with images inside as DIR/NAME.jsonl and DIR/images/.

    TABLES are the files of one split of a data set, as model hubs store it. Equal images are
    written once, named by their content.
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.data.unpacking import unpack

    bar = ProgressBar()
    try:
        path = unpack(tables, out, name, progress=bar)
    finally:
        bar.close()
    say(path)


def _seeds(text: str) -> list[int]:
    """Return the seeds of numbers and ranges: "0", "0-4", "0,2,5-7".

    Raises:
        UsageError: the text is not of that form, or names no seed or more than ``MAX_SEEDS``.
    """
    from benchbench.errors import UsageError

    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdecimal() and len(end) < 7 for end in ends):
            raise UsageError(f"--seeds takes numbers and ranges, as 0 or 0-4, not '{text}'.")
        seeds += range(int(ends[0]), int(ends[1]) + 1)
    if not 0 < len(seeds) <= MAX_SEEDS:
        raise UsageError(f"--seeds {text} names {len(seeds):,} seeds; one to {MAX_SEEDS} can be.")
    return seeds


def _readers(names: set[str]) -> Iterator[str]:
    """Yield the names of tasks that read one of these files."""
    from benchbench.registry import load_task, task_names

    for task in task_names():
        if names & {file.path for file in load_task(task).info.files}:
            yield task
