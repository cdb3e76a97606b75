"""A task's card, and the layout of its files."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from benchbench.editions import is_there

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import DataFile, TaskInfo

WIDTH = 96


def task_card(info: TaskInfo) -> str:
    """What a task measures, on what, by which metrics, and what to beware of."""
    metrics = [
        f"{m.name}{' *' if m.name == info.headline else ''}: {m.meaning}; "
        f"ties {m.ties or 'as asked'}{f'. {m.source}' if m.source else ''}"
        for m in info.metrics
    ]
    parts = [
        f"{info.title} ({info.name}, version {info.version}, {info.protocol} protocol)",
        _wrapped(info.measures),
        "Metrics (* headline)\n" + _bullets(metrics),
        "Beware\n" + _bullets(info.quirks) if info.quirks else "",
        "Files\n" + _bullets([f"{f.path}  {f.what}. {f.source}" for f in info.files]),
        _wrapped(f"Paper: {info.paper}."),
        _wrapped(f"Licence: {info.license}."),
        f"next  benchbench data where {info.name}",
    ]
    return "\n\n".join(part for part in parts if part)


def layout(info: TaskInfo, root: Path | None) -> str:
    """The tree of files that a task expects under a data root, each marked there or missing."""
    lines = [f"{info.name}: {root or 'DATA_ROOT'}/"]
    for file in info.files:
        lines.append(f"  {file.path:<34} {_mark(file, root):<9} {file.what}")
        if root is None or not is_there(file, root):
            lines.append(f"  {'':<34} {'':<9} from: {file.source}")
    return "\n".join(lines)


def _mark(file: DataFile, root: Path | None) -> str:
    if root is None:
        return ""
    return "there" if is_there(file, root) else "MISSING"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH)


def _bullets(lines: tuple[str, ...] | list[str]) -> str:
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent="- ", subsequent_indent="  ") for line in lines
    )
