"""Lists of what to download elsewhere, for machines without network."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from benchbench.atomic import atomic_write
from benchbench.datasets.sources import place_of, public_url
from benchbench.errors import UsageError
from benchbench.files import name_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.datasets.fetching import Need

FIELDS = ("dataset", "file", "bytes", "digest", "url", "save_as", "note")


def write_plan(path: Path, needed: Sequence[Need]) -> int:
    """Write the sources of what is needed; return the number of files.

    Each file is to be saved as ``save_as``, host and path of its address, where ``get --from``
    looks first; it also looks for the file's own name.

    Args:
        path: it ends in .csv, .json, .aria2 or .txt.
        needed: as ``fetching.needs`` returns them.

    Raises:
        UsageError: another ending, or no file can have this name.
        RunError: the file cannot be written.
    """
    if path.suffix not in FORMS:
        raise UsageError(f"A plan ends in {', '.join(FORMS)}, not as {path.name}.")
    if problem := name_problem(path):
        raise UsageError(f"The plan cannot be written to {path}: {problem}.")
    rows = list(_rows(needed))
    with atomic_write(path) as temporary:
        temporary.write_text(FORMS[path.suffix](rows), "utf-8")
    return len({(row["dataset"], row["file"]) for row in rows})


def _rows(needed: Sequence[Need]) -> Iterator[dict[str, str]]:
    """Yield a row for each source of each file; one without address where there is no source."""
    for need in needed:
        for file in need.downloads:
            fixed = {
                "dataset": need.dataset.name,
                "file": file.path,
                "bytes": str(file.size or ""),
                "digest": file.digest,
            }
            for source in file.sources:
                place = {"url": public_url(source), "save_as": place_of(source)}
                yield {**fixed, **place, "note": source.note}
            if not file.sources:
                yield {**fixed, "url": "", "save_as": file.path, "note": need.dataset.how}


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _json(rows: Sequence[Mapping[str, str]]) -> str:
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _aria2(rows: Sequence[Mapping[str, str]]) -> str:
    """Return aria2's input: the addresses of a file on one line, its options below."""
    of_file: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        if row["url"]:
            of_file.setdefault((row["dataset"], row["file"]), []).append(row)
    lines = []
    for sources in of_file.values():
        kind, _, digest = sources[0]["digest"].partition(":")
        lines.append("\t".join(row["url"] for row in sources))
        lines.append(f"  out={sources[0]['save_as']}")
        if digest:
            lines.append(f"  checksum={kind.replace('sha', 'sha-')}={digest}")
    return "".join(f"{line}\n" for line in lines)


def _addresses(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the preferred address of each file, a line each."""
    first = {(row["dataset"], row["file"]): row["url"] for row in reversed(rows) if row["url"]}
    return "".join(f"{url}\n" for url in reversed(first.values()))


FORMS: dict[str, Callable[[Sequence[Mapping[str, str]]], str]] = {
    ".csv": _csv,
    ".json": _json,
    ".aria2": _aria2,
    ".txt": _addresses,
}
"""Ending of a plan → how it is written."""
