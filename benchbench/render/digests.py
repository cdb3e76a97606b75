"""The digests of published runs, on the page of their task: a run that is changed is noticed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchbench.render.text import md, short
from benchbench.runs import SUFFIX, seal_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchbench.types import Run

RUNS = "runs"
NAME = 64
"""Characters of a model's name."""
_ROW = re.compile(
    r"^\| \[.*\]\(runs/(?P<place>[^/()]+/[^/()]+)\.parquet\) \| `(?P<digest>[0-9a-f]{64})` \|$",
    re.M,
)


def digest_of(run: Run) -> str:
    """Return the digest of a run: the one that its file carries, or would."""
    return run.seal or seal_of(run)


def digest_table(task: str, runs: Mapping[str, Run]) -> str:
    """Return a markdown table of the runs of a page, by their files' names, and their digests."""
    lines = ["| run | digest of header and outcomes |", "|:--|:--|"]
    for stem, run in sorted(runs.items()):
        name = md(short(run.model.name, NAME))
        lines.append(f"| [{name}]({RUNS}/{task}/{stem}{SUFFIX}) | `{digest_of(run)}` |")
    return "\n".join(lines)


def digests_on(page: str) -> dict[str, str]:
    """Return what such a table says: TASK/STEM → digest; nothing of an earlier version's page."""
    return {found["place"]: found["digest"] for found in _ROW.finditer(page)}


def moved(folder: Path, runs: Mapping[str, Mapping[str, Run]]) -> Iterator[Path]:
    """Yield the files of an edition's runs that are not those which its pages were made of.

    Args:
        folder: the edition's, with its pages as they are.
        runs: its runs as they are: task → stem → run.
    """
    there = {f"{task}/{stem}": run for task, of in runs.items() for stem, run in of.items()}
    for page in sorted(folder.glob("*.md")):
        for place, digest in digests_on(page.read_text("utf-8", errors="replace")).items():
            if place not in there or digest_of(there[place]) != digest:
                yield folder / RUNS / f"{place}{SUFFIX}"
