"""``benchbench data list``, ``get``, ``import``, ``verify`` and ``plan``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.cli.progress import ProgressBar
    from benchbench.datasets.fetching import Need
    from benchbench.datasets.manifest import Dataset

PLACE = click.Path(path_type=Path)
root_option = click.option(
    "--root",
    metavar="DIR",
    help="The data root.  [default: BENCHBENCH_DATA, or data_root in benchbench.toml, or "
    "~/.local/share/benchbench]",
)
mirror_option = click.option(
    "--mirror",
    metavar="URL",
    help="Download from URL/HOST/PATH in place of https://HOST/PATH (or BENCHBENCH_MIRROR).",
)


@click.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@root_option
def list_command(names: tuple[str, ...], root: str | None) -> None:
    """List data sets: size, whether they are here, licence; with NAME, its files and sources."""
    from benchbench.datasets.names import dataset_names, datasets_of, load_dataset
    from benchbench.datasets.place import data_root
    from benchbench.render.datasets import page, table

    place = data_root(root)
    if names:
        chosen = [each for name in names for each in datasets_of(name)]
        click.echo("\n\n".join(page(each, place) for each in chosen))
        return
    click.echo(table([load_dataset(name) for name in dataset_names()], place))
    click.echo()
    say(f"root  {place}")
    say("next  benchbench data get sugarcrepe")


@click.command("get")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@root_option
@click.option(
    "--from",
    "brought",
    type=PLACE,
    metavar="DIR",
    help="Take files from DIR, where they were brought; download nothing.",
)
@mirror_option
@click.option("--without-images", is_flag=True, help="Annotations alone.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before downloading.")
def get_command(
    names: tuple[str, ...],
    root: str | None,
    brought: Path | None,
    mirror: str | None,
    without_images: bool,
    yes: bool,
) -> None:
    """Download data sets, or those of tasks; check, unpack and link them.

    NAME is a data set (data list) or a task. A download that was cut resumes. Files get their names
    when size and digest, or content, are as published.

    Exit code 2 where a file could not be fetched; the others are there all the same.
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.datasets.place import data_root
    from benchbench.datasets.sources import mirror_of
    from benchbench.errors import UsageError

    if brought is not None and mirror is not None:
        raise UsageError("--from downloads nothing: leave --mirror out.")
    place, prefix = data_root(root), None if brought else mirror_of(mirror)
    bar = ProgressBar()
    try:
        datasets = fetched(
            names, place, bar, mirror=prefix, brought=brought, images=not without_images, yes=yes
        )
    finally:
        bar.close()
    _say_next(datasets, place, names)


def fetched(
    names: Sequence[str],
    place: Path,
    bar: ProgressBar,
    *,
    mirror: str | None = None,
    brought: Path | None = None,
    images: bool = True,
    yes: bool = True,
    silent: bool = False,
) -> list[Dataset]:
    """Fetch the data sets of these names; print a line a file, or nothing where ``silent``.

    Raises:
        DataUnavailable: something could not be fetched.
        DataError: a file that is there differs from the published one.
    """
    from benchbench.datasets import fetching
    from benchbench.datasets.names import datasets_of, with_linked
    from benchbench.errors import DataError, DataUnavailable

    datasets = list({each.name: each for name in names for each in datasets_of(name)}.values())
    if wrong := fetching.differing(with_linked(datasets), place):
        raise DataError(f"{wrong[0]}. Move it away, then repeat the command.")
    needed = fetching.needs(datasets, place, images=images)
    if not silent:
        _announce(datasets, needed, place, yes=yes or brought is not None)
    failed = []
    for step in fetching.fetch(needed, mirror=mirror, brought=brought, progress=bar):
        bar.close()
        failed += [] if step.done else [step]
        if not silent:
            say(f"{step.need.label}  {step.done or f'MISSING: {step.reason}'}")
    fetching.link(datasets, place)
    _make(datasets, place, silent=silent)
    if failed:
        what = f"{failed[0].need.label}: {failed[0].reason}"
        more = f" ({len(failed) - 1} more above)" if len(failed) > 1 else ""
        raise DataUnavailable(f"Not fetched: {what}{more}")
    return datasets


def _make(datasets: Sequence[Dataset], place: Path, *, silent: bool = False) -> None:
    """Make the files that come of others; print a line a file."""
    from benchbench.datasets.making import make

    for dataset, made in make(datasets, place):
        if not silent:
            say(f"{dataset.name}: {made.path}  made of {made.of}")


def _announce(
    datasets: Sequence[Dataset], needed: Sequence[Need], place: Path, *, yes: bool
) -> None:
    """Print what will be fetched, under which licence; on a terminal, ask.

    Raises:
        Abort: the user declines.
    """
    from benchbench.datasets.fetching import total_size
    from benchbench.render.datasets import amount

    say(f"data root  {place}")
    for dataset in {need.dataset.name: need.dataset for need in needed}.values():
        say(f"{dataset.name}  {dataset.title}. Licence: {dataset.licence}")
    if not needed:
        say(f"{', '.join(each.name for each in datasets)}: all files are here already")
        return
    say(amount(len(needed), *total_size(needed)))
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm("Go on?", default=True, abort=True, err=True)


def _say_next(datasets: Sequence[Dataset], place: Path, names: Sequence[str]) -> None:
    from benchbench.datasets.names import home, lacking, task_root
    from benchbench.registry import load_task, task_names

    for dataset in datasets:
        folder = shlex.quote(str(home(dataset, place)))
        for command in dataset.then:
            say(f"next  {command.format(folder=folder)}")
    tasks = [task for dataset in datasets for task in dataset.tasks]
    tasks.sort(key=lambda task: task not in names)
    there = [load_task(task).info for task in tasks[:1] if task in task_names()]
    missing = [path for info in there for path in lacking(info, task_root(info, place))]
    if missing:
        say(f"missing  {', '.join(missing)}")
        for dataset in datasets:
            say(f"         {dataset.how}" if dataset.how else "")
    if tasks and not missing:
        root = shlex.quote(str(place))
        say(f"next  benchbench eval --model MODEL --task {tasks[0]} --data-root {root}")


@click.command("import")
@click.argument("path", type=PLACE)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@root_option
def import_command(path: Path, names: tuple[str, ...], root: str | None) -> None:
    """Adopt data sets that lie under PATH already, by links; nothing is copied.

    Files are recognised by digest or content, folders of images by the names and number of their
    files. NAME restricts the search to data sets, or to those of tasks.
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.datasets.adopting import adopt
    from benchbench.datasets.names import dataset_names, datasets_of
    from benchbench.datasets.place import data_root
    from benchbench.errors import MissingData
    from benchbench.render.datasets import adoption

    place = data_root(root)
    chosen = [each for name in names or dataset_names() for each in datasets_of(name)]
    bar = ProgressBar()
    try:
        found = adopt(path, chosen, place, progress=bar)
    finally:
        bar.close()
    if not any(each.adopted for each in found):
        raise MissingData(
            f"No file of a known data set lies under {path}, three folders deep. "
            "What they are named: benchbench data list NAME"
        )
    click.echo(adoption(found, complete=bool(names)))
    _make([each.dataset for each in found], place)
    say(f"data root  {place}")


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@root_option
@click.option("--without-images", is_flag=True, help="Annotations alone.")
def verify_command(names: tuple[str, ...], root: str | None, without_images: bool) -> None:
    """Read every record and every image's header; print what is there and what differs.

    NAME is a data set or a task; by default all that are here. Exit code 1 where something differs
    from what was published.
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.datasets.place import data_root
    from benchbench.datasets.verifying import verify
    from benchbench.render.datasets import verification

    bar, fine, first = ProgressBar(), True, True
    try:
        for report in verify(names, data_root(root), images=not without_images, progress=bar):
            bar.close()
            click.echo(f"{'' if first else chr(10)}{verification(report)}")
            fine, first = fine and report.fine, False
    finally:
        bar.close()
    click.get_current_context().exit(0 if fine else 1)


@click.command("plan")
@click.argument("file", type=PLACE)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@root_option
@click.option("--without-images", is_flag=True, help="Annotations alone.")
def plan_command(
    file: Path, names: tuple[str, ...], root: str | None, without_images: bool
) -> None:
    """Write a list of what to download, for a machine without network.

    FILE ends in .csv (a table with sizes and digests), .json, .aria2 (for aria2c --input-file) or
    .txt (addresses alone, for wget --force-directories --input-file). What was brought is taken by
    benchbench data get NAME --from DIR.
    """
    from benchbench.datasets.fetching import needs, total_size
    from benchbench.datasets.names import datasets_of
    from benchbench.datasets.place import data_root
    from benchbench.datasets.plans import write_plan
    from benchbench.render.datasets import amount

    datasets = [each for name in names for each in datasets_of(name)]
    needed = needs(datasets, data_root(root), images=not without_images)
    written = write_plan(file, needed)
    say(file)
    say(amount(written, *total_size(needed)))
    say(f"next  benchbench data get {' '.join(map(shlex.quote, names))} --from DIR")


COMMANDS = (list_command, get_command, import_command, verify_command, plan_command)
