"""``benchbench cache``: the size of what is stored, a check of it, and its removal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from benchbench.cli.output import say

if TYPE_CHECKING:
    from benchbench.adapters.kept_answers import AnswerFile
    from benchbench.data.image_facts import FolderFacts, ImageFacts
    from benchbench.embedding import Space, Store


@click.group("cache")
def cache_group() -> None:
    """Show, check or remove stored encodings, digests of images, and answers of served models.

    Evaluations store what a model computed from each image, caption or pair, so that an interrupted
    one continues and later ones start from there. The store is in the folder of BENCHBENCH_CACHE;
    above the size of BENCHBENCH_CACHE_LIMIT (20GB), what was used longest ago is removed.
    Digests and sizes of image files are beside it (64 MB at most), so that files that did not
    change are not read again.
    """


@cache_group.command("info")
def info_command() -> None:
    """Print a row for each model, role and kind of input: how many are stored, and their size."""
    from tabulate import tabulate

    store = _store()
    spaces = store.spaces()
    head = ["model", "device", "kind", "role", "inputs", "MB", "last used"]
    if spaces:
        click.echo(tabulate(map(_row, spaces), head, disable_numparse=True))
        click.echo()
    total = sum(space.size for space in spaces)
    for file in _answers():
        say(
            f"{file.answers:,} kept answers of {file.model}: {file.size / 1e6:,.1f} MB, {file.path}"
        )
    facts = _facts().folders()
    if facts:
        known, size = sum(len(each.facts) for each in facts), sum(each.size for each in facts)
        click.echo(
            f"digests of {known:,} image files in {len(facts):,} folders: {size / 1e6:,.1f} MB"
        )
    click.echo(f"{store.folder}: {total / 1e6:,.1f} MB of {store.limit / 1e9:,.1f} GB")


@cache_group.command("verify")
def verify_command() -> int:
    """Check every record against its checksum, and remove damaged ones.

    Image files whose digests would be used are read, and folders' digests removed where one is
    wrong.

    Exit codes: 0 if all are sound, 1 if damaged ones were found and removed.
    """
    store = _store()
    checked = damaged = 0
    for space in store.spaces():
        checked += space.records
        damaged += space.verify()
    click.echo(f"{checked:,} stored encodings were checked, {damaged:,} were damaged and removed.")
    known, wrong = _facts().verify()
    click.echo(f"{known:,} digests of image files were checked, {wrong:,} were wrong and removed.")
    return 1 if damaged or wrong else 0


@cache_group.command("clear")
@click.option("--model", "name", metavar="NAME", help="Only those of this model.  [default: all]")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def clear_command(name: str | None, yes: bool) -> None:
    """Remove stored encodings, digests of image files (but with --model), and kept answers."""
    from benchbench.errors import UnknownName

    spaces = _store().spaces()
    answers = [file for file in _answers() if name in (None, file.model)]
    known = {file.model for file in _answers()}
    names = sorted({str(space.described.get("name")) for space in spaces} | known)
    if name is not None and name not in names:
        raise UnknownName("model", name, names, "See them: benchbench cache info")
    chosen = [s for s in spaces if name is None or s.described.get("name") == name]
    facts = _facts().folders() if name is None else []
    removed: list[Space | AnswerFile | FolderFacts] = [*chosen, *facts, *answers]
    size = sum(each.size for each in removed) / 1e6
    what = "stored encodings" + " and kept answers" * bool(answers)
    if removed and not yes:
        click.confirm(f"Remove {size:,.1f} MB of {what}?", abort=True, err=True)
    for each in removed:
        each.remove()
    click.echo(f"Removed {size:,.1f} MB of {what}.")


def _answers() -> list[AnswerFile]:
    from benchbench.adapters.kept_answers import answer_files

    return answer_files()


def _facts() -> ImageFacts:
    from benchbench.data.image_facts import ImageFacts

    return ImageFacts.of_cache()


def _store() -> Store:
    from benchbench.cache import cache_folder, size_limit
    from benchbench.embedding import Store

    return Store(cache_folder() / "encodings", size_limit())


def _row(space: Space) -> tuple[str, ...]:
    from datetime import datetime

    from benchbench.printable import printable

    known = space.described
    used = datetime.fromtimestamp(space.used).astimezone().strftime("%Y-%m-%d %H:%M")
    device = known.get("gpu") or f"{known.get('device', '?')} {known.get('instructions', '')}"
    words = (known.get("name", "?"), device, known.get("kind", "?"), known.get("role", "?"))
    return (
        *(printable(str(word)) for word in words),
        f"{space.records:,}",
        f"{space.size / 1e6:,.1f}",
        used,
    )
