"""Data sets as text: the table, a page each, what was adopted, what was verified."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.datasets.fetching import needs
from benchbench.datasets.names import home
from benchbench.datasets.sources import public_url
from benchbench.datasets.tallies import DIFFER
from benchbench.printable import sentence
from benchbench.render.text import NONE, cell, percent, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.datasets.adopting import Adoption
    from benchbench.datasets.manifest import Dataset, File
    from benchbench.datasets.tallies import Tally
    from benchbench.datasets.verifying import Report

ACCESS = {"open": "open", "gated": "with a token", "manual": "on request"}


def size_text(size: int | None) -> str:
    """Return a number of bytes in decimal units.

    >>> size_text(815_585_330), size_text(1_706_288), size_text(790), size_text(None)
    ('815.6 MB', '1.7 MB', '790 bytes', '–')
    """
    if size is None:
        return NONE
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size} bytes"


def amount(files: int, size: int, unknown: int) -> str:
    """Return how much is to be downloaded.

    >>> amount(8, 817_291_618, 0), amount(3, 0, 3)
    ('8 to fetch, 817.3 MB', '3 to fetch, of unknown size')
    """
    sizes = [size_text(size)] if size else []
    if unknown:
        sizes.append(f"{unknown} files of unknown size" if size else "of unknown size")
    return f"{files:,} to fetch, {' and '.join(sizes) or '0 bytes'}"


def table(datasets: Sequence[Dataset], root: Path) -> str:
    """Return a line for each data set."""
    from tabulate import tabulate

    rows = [
        [each.name, size_text(each.size), here(each, root), ACCESS[each.access], cell(each.licence)]
        for each in datasets
    ]
    return str(tabulate(rows, ["data set", "size", "here", "access", "licence"]))


def here(dataset: Dataset, root: Path) -> str:
    """Return how much of a data set, without linked ones, is under a data root."""
    own = [need for need in needs([dataset], root) if need.dataset is dataset]
    total = len(dataset.files) + len(dataset.folders)
    return "yes" if not own else "no" if len(own) == total else f"{total - len(own)} of {total}"


def page(dataset: Dataset, root: Path) -> str:
    """Return all about a data set: files, sources, licence, citation."""
    lines = [f"{dataset.name}: {dataset.title}", f"folder: {home(dataset, root)}/", ""]
    for file in dataset.files:
        lines += _file(file, "")
    for folder in dataset.folders:
        lines += [f"{folder.path}  {folder.images:,} images or more ({folder.like}), from"]
        lines += [line for file in folder.archives for line in _file(file, "  ")]
    lines += [f"{link.path}  a link to that of {link.dataset}" for link in dataset.links]
    lines += [f"{each.path}  made of {each.of}" for each in dataset.made]
    lines.append("")
    for text in (
        f"Access: {ACCESS[dataset.access]}. {dataset.how}".rstrip(),
        f"Licence: {dataset.licence}.",
        f"Cite: {dataset.citation}.",
    ):
        lines += wrap(text).splitlines()
    lines += [f"Home: {dataset.homepage}", f"Tasks: {', '.join(dataset.tasks) or 'none'}"]
    return "\n".join(map(sentence, lines))


def _file(file: File, indent: str) -> Iterator[str]:
    kind, _, digest = file.digest.partition(":")
    known = f"{kind} {digest[:12]}…" if digest else "no digest is known"
    known += ", content checked" if file.content else ""
    size = "size unknown" if file.size is None else size_text(file.size)
    yield f"{indent}{file.path}  {size}, {known}"
    for source in file.sources:
        yield f"{indent}    {public_url(source)}" + (f"  ({source.note})" if source.note else "")


def adoption(found: Sequence[Adoption], *, complete: bool) -> str:
    """Return what was linked, what was there, and what was not found.

    Args:
        found: the data sets of which something was found.
        complete: whether these data sets were named, so that nothing else was searched for.
    """
    lines = []
    for each in found:
        lines.append(f"{each.dataset.name}: {each.dataset.title}")
        lines += [f"  linked  {path} → {where}" for path, where in each.adopted]
        lines += [f"  here    {path}" for path in each.there]
        lines += [f"  differs {reason}" for reason in each.refused]
        lines += [f"  missing {path}" for path in each.missing]
    if not complete:
        lines.append("No other data set was recognised.")
    return "\n".join(map(sentence, lines))


def verification(report: Report) -> str:
    """Return a page about a verified data set."""
    lines = [f"{report.dataset.name}: {report.dataset.title}", f"folder: {report.folder}/"]
    width = max((len(each.path) for each in report.checked), default=0)
    lines += [
        f"  {each.path:{width}}  {each.state if each.fine else _differs(each.state)}"
        for each in report.checked
    ]
    for read in report.read:
        lines.append(f"{read.task}")
        lines += [f"  {line}" for line in (tally_lines(read.tally) if read.tally else ())]
        lines += [f"  DIFFERS  {problem}" for problem in read.problems]
    if report.root_above:
        lines.append(f"Its files are in {report.folder.parent}: --root {report.root_above}")
    lines.append(_verdict(report))
    return "\n".join(map(sentence, lines))


def _verdict(report: Report) -> str:
    if not report.fine:
        return "Something differs from what is published."
    if not report.sure:
        return "Nothing differs, but of some files only the names of fields are known."
    return "All as published."


def _differs(state: str) -> str:
    return "MISSING" if state == "missing" else f"DIFFERS  {state}"


def tally_lines(tally: Tally) -> Iterator[str]:
    """Yield the counts of a task's items, a line each."""
    clusters, median, mean, most = tally.clusters
    yield (
        f"{tally.items:,} items · {tally.files:,} image files · {tally.regions:,} distinct images "
        "and crops"
    )
    if tally.relations:
        yield f"{tally.relations:,} relations"
    else:
        yield (
            f"{tally.captions:,} captions, {tally.distinct_captions:,} distinct · "
            f"{tally.duplicates:,} duplicate items · {tally.no_ops:,} with a no-op negative · "
            f"{tally.symmetric:,} with both orders true"
        )
    yield (
        f"{clusters:,} source images with {mean:.1f} items on average (median {median:,}, most "
        f"{most:,})"
    )
    low, high = (100 * each for each in tally.detectable)
    if not math.isnan(low):
        yield (
            f"minimum detectable difference {low:.1f} points, or {high:.1f} where items of an "
            f"image are answered alike (two models that differ on {percent(DIFFER)} % of items)"
        )
