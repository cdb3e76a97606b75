"""A task's card, and the layout of its files."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from benchbench.editions import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.types import TaskInfo

WIDTH = 96


def task_card(info: TaskInfo) -> str:
    """What a task measures, on what, by which metrics, and what to beware of."""
    metrics = [
        f"{m.name}{' *' if m.name == info.headline else ''}: mean over {m.meaning}; a tie is "
        f"{m.ties or 'as --ties says'}{'; no-ops dropped' if m.no_ops == 'drop' else ''}"
        f"{f'. {m.source}' if m.source else ''}"
        for m in info.metrics
    ]
    parts = [
        f"{info.title} ({info.name}, version {info.version}, {info.protocol} protocol)",
        _wrapped(info.measures),
        "Metrics (* headline)\n" + _bullets(metrics),
        _slices(info),
        "Beware\n" + _bullets(info.quirks) if info.quirks else "",
        "Files\n" + _bullets([f"{f.path}  {f.what}. {f.source}" for f in info.files]),
        _wrapped(f"Paper: {info.paper}."),
        _wrapped(f"Licence: {info.license}."),
        f"next  benchbench data where {info.name}",
    ]
    return "\n\n".join(part for part in parts if part)


def _slices(info: TaskInfo) -> str:
    always = [f"--by {tag}" for tag in info.tags]
    sometimes = [f"--by {tag} (where the files have it)" for tag in info.optional_tags]
    return f"Slices: {', '.join(always + sometimes)}" if always or sometimes else ""


def layout(info: TaskInfo, root: Path | None) -> str:
    """The files that a task expects under a data root, what each is, and what is there."""
    lines = [f"{info.name}: {root or 'DATA_ROOT'}/"]
    for file in info.files:
        lines.append(f"  {file.path}")
        if root is not None:
            there, state = state_of(file, root)
            lines.append(f"      here: {state if there else state.upper()}")
        lines += _wrapped(f"official: {file.what}; {file.source}", "      ").splitlines()
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_wrapped(line, '  ')[2:]}" for line in lines)
