"""The flips of a comparison, as CSV or as a page with images."""

from __future__ import annotations

import base64
import csv
import html
import io
from typing import TYPE_CHECKING

from benchbench.atomic import atomic_write
from benchbench.data.images import crop, decode, read_bytes
from benchbench.editions import resolve_edition
from benchbench.errors import UsageError
from benchbench.failures import task_items
from benchbench.printable import csv_cell, printable
from benchbench.registry import load_task
from benchbench.render.caveats import banners_of
from benchbench.render.html_page import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.analysis.comparison import Comparison
    from benchbench.analysis.flips import Flip
    from benchbench.types import ImageRef, Question

SUFFIXES = (".csv", ".html")
SIDE = 224
"""Pixels of an image's longer side on a page."""
MAX_ITEMS = 200
"""Items lost, and items gained, on a page: a few MB."""


def check_flips(path: Path) -> None:
    """Refuse a file to which flips cannot be written, before any work.

    Raises:
        UsageError: neither ``.csv`` nor ``.html``, or no such folder.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(
            f"Flips are written as {' or '.join(SUFFIXES)}, not as '{path.name}'. Name such a file."
        )
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} for {path.name}. Make it first.")


def write_flips(
    found: Comparison,
    path: Path,
    data_root: str | Path | None = None,
    edition: str | None = None,
) -> int:
    """Write the flips of a comparison; a page shows the images, read from the edition's files.

    Args:
        found: the comparison of two runs.
        path: a ``.csv`` or ``.html`` file; replaced only by a complete one.
        data_root: a folder with the task's files, as for ``evaluate``; read for a page alone.
        edition: as for ``evaluate``.

    Returns:
        The number of flips.

    Raises:
        UsageError: another suffix; or the files are of another edition than the runs.
    """
    check_flips(path)
    flips = found.flips
    if path.suffix == ".csv":
        text = _table(flips)
    else:
        text = _page(found, flips, _questions(found, data_root, edition))
    with atomic_write(path) as temporary:
        temporary.write_text(printable(text), "utf-8")
    return len(flips)


def _table(flips: Sequence[Flip]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "cluster", "group", "a", "b", "change"])
    for each in flips:
        change = "gained" if each.gained else "lost"
        names = map(csv_cell, (each.id, each.cluster, each.group))
        writer.writerow([*names, each.a, each.b, change])
    return out.getvalue()


def _questions(
    found: Comparison, data_root: str | Path | None, edition: str | None
) -> Mapping[str, Question]:
    task = load_task(found.a.task)
    resolved = resolve_edition(task.info, data_root, edition)
    if resolved.name != found.a.edition:
        raise UsageError(
            f"The runs are of {found.a.edition}, and these files are {resolved.name}: name the "
            "runs' own with --data-root, or write a .csv, which needs no images."
        )
    return {item.id: item for item in task_items(task, resolved.root)}


def _page(found: Comparison, flips: Sequence[Flip], questions: Mapping[str, Question]) -> str:
    """Return an HTML page that needs no other file."""
    a, b = (html.escape(run.model.name) for run in (found.a, found.b))
    body = [
        f"<h1>{html.escape(f'{found.a.task}@{found.a.edition}')}: what flipped</h1>",
        f"<p>From <code>{a}</code> (a) to <code>{b}</code> (b), by {found.metric.name}.</p>",
    ]
    before = banners_of([found.a, found.b])
    body += [f"<p class=warning>{html.escape(each)}</p>" for each in before]
    for heading, lost in (("Lost", True), ("Gained", False)):
        chosen = [each for each in flips if each.gained is not lost]
        cut = f", the first {MAX_ITEMS:,} shown" if len(chosen) > MAX_ITEMS else ""
        body.append(f"<h2>{heading}: {len(chosen):,}{cut}</h2><div class='cards'>")
        body += [_card(found, each, questions) for each in chosen[:MAX_ITEMS]]
        body.append("</div>")
    return PAGE.format(title=f"{found.a.task}: flips", body="\n".join(body))


def _card(found: Comparison, flip: Flip, questions: Mapping[str, Question]) -> str:
    question = questions.get(flip.id)
    if question is None:
        raise UsageError(
            f"These files have no item {flip.id}: name the runs' own with --data-root."
        )
    images = "".join(f"<img alt='' src='{_data_url(ref)}'>" for ref in question.images)
    lines = "".join(f"<li>{line}</li>" for line in _captions(question))
    group = f" · {html.escape(flip.group)}" if flip.group else ""
    return (
        f"<figure>{images}<figcaption><b>{html.escape(flip.id)}</b>{group}"
        f"<ul>{lines}</ul></figcaption></figure>"
    )


def _captions(question: Question) -> Iterator[str]:
    """Yield an item's captions; of several options, each with whether it is true."""
    target = getattr(question, "target", None)
    for column, caption in enumerate(getattr(question, "captions", ())):
        sign = "" if target is None else ("✓ " if column in target else "✗ ")
        yield sign + html.escape(caption)


def _data_url(ref: ImageRef) -> str:
    """Return an image as a data URL."""
    image = crop(decode(read_bytes(ref.path), ref.path), ref)
    image.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
