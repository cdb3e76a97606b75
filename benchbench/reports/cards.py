"""A task's card, and the layout of its files."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from benchbench.editions import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.types import Metric, TaskInfo

WIDTH = 96


def task_card(info: TaskInfo) -> str:
    """What a task measures, on what, by which metrics, and what to beware of."""
    metrics: dict[str, list[str]] = {}
    for metric in info.metrics:
        star = " *" * (metric.name == info.headline)
        metrics.setdefault(_definition(metric), []).append(metric.name + star)
    parts = [
        f"{info.title} ({info.name}, version {info.version}, {info.protocol} protocol)",
        _wrapped(info.measures),
        "Metrics (* headline)\n"
        + _bullets([f"{', '.join(names)}: {what}" for what, names in metrics.items()]),
        f"Slices: {', '.join(f'--by {tag}' for tag in info.tags)}" if info.tags else "",
        "Beware\n" + _bullets(info.quirks) if info.quirks else "",
        "Files\n" + _bullets([f"{f.path}  {f.what}. {f.source}" for f in info.files]),
        _wrapped(f"Paper: {info.paper}."),
        _wrapped(f"Licence: {info.license}."),
        f"next  benchbench data where {info.name}",
    ]
    return "\n\n".join(part for part in parts if part)


def _definition(metric: Metric) -> str:
    tie = f"a tie is {metric.ties or 'as --ties says'}"
    source = f". {metric.source}" if metric.source else ""
    return f"{metric.statistic} over {metric.meaning}; {tie}{source}"


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
