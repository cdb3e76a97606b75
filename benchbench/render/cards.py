"""A task's card, and the layout of its files."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from benchbench.data.headers import DECODING
from benchbench.editions import SCENES, drawn_part, state_of
from benchbench.printable import sentence
from benchbench.scenes.edition import EDITION, is_there, place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.analysis.guessing import Guessing
    from benchbench.editions import Choice
    from benchbench.types import Metric, TaskInfo

WIDTH = 96


def task_card(info: TaskInfo, guessing: Guessing | None = None) -> str:
    """What a task measures, on what, by which metrics, and what to beware of.

    Args:
        info: the task's.
        guessing: what guessing earns on files that are there.
    """
    metrics: dict[str, list[str]] = {}
    for metric in info.metrics:
        name = metric.name + (_star(metric.name, info) or _where(metric))
        metrics.setdefault(_definition(metric), []).append(name)
    parts = [
        f"{info.title} ({info.name}, version {info.version}, {info.protocol} protocol)",
        _wrapped(info.measures),
        "Metrics (* headline)\n"
        + _bullets([f"{', '.join(names)}: {what}" for what, names in metrics.items()]),
        _chance(guessing),
        _slices(info),
        "Beware\n" + _bullets([*info.quirks, DECODING]),
        "Files\n" + _bullets([f"{f.path}  {f.what}. {f.source}" for f in info.files]),
        _served(info),
        _wrapped(f"Paper: {info.paper}."),
        _wrapped(f"Licence: {info.license}."),
        f"next  benchbench data where {info.name}",
    ]
    return "\n\n".join(part for part in parts if part)


def _star(name: str, info: TaskInfo) -> str:
    if not info.headline_drawn:
        return " *" * (name == info.headline)
    return {info.headline: " * (photographs)", info.headline_drawn: " * (drawings)"}.get(name, "")


def _where(metric: Metric) -> str:
    """On what it is read, where that is not everything."""
    return {"drawn": " (drawings)", "photographs": " (photographs)"}.get(metric.editions, "")


def _definition(metric: Metric) -> str:
    """What a metric is, but for its name."""
    parts = [
        f"{metric.statistic} over {metric.meaning}",
        f"a tie is {metric.ties or 'as --ties says'}",
    ]
    if metric.no_ops == "drop":
        parts.append("no-ops dropped")
    source = f". {metric.source}" if metric.source else ""
    return "; ".join(parts) + source


def _chance(guessing: Guessing | None) -> str:
    """What guessing earns, computed from the items that are there."""
    if guessing is None:
        return ""
    if not guessing.earns:
        return _wrapped(f"Chance: {guessing.why_not}")
    same: dict[str, list[str]] = {}
    for name, value in guessing.earns.items():
        same.setdefault(value, []).append(name)
    parts = [f"{value} ({', '.join(names)})" for value, names in same.items()]
    said = parts[0].split(" (")[0] if len(parts) == 1 else "; ".join(parts)
    return _wrapped(f"Chance on {guessing.edition}, {guessing.items:,} items: {said}.")


def _slices(info: TaskInfo) -> str:
    always = [f"--by {tag}" for tag in info.tags]
    sometimes = [f"--by {tag} (where the files have it)" for tag in info.optional_tags]
    return _wrapped(f"Slices: {', '.join(always + sometimes)}") if always or sometimes else ""


def _served(info: TaskInfo) -> str:
    """Whether anything needs to be fetched."""
    if drawn_part(info) is None:
        return "The drawn world has no such files: pass --data-root DIR."
    return f"By default the drawn world's of these names are read ({EDITION}); nothing is fetched."


def layout(info: TaskInfo, choice: Choice) -> str:
    """The files that a task expects, where, what each is, and what is there."""
    root, lines = _place(info, choice)
    for file in info.files:
        lines.append(f"  {file.path}")
        if root is not None:
            there, state = state_of(file, root)
            lines.append(f"      here: {state if there else state.upper()}")
        lines += _wrapped(f"official: {file.what}; {file.source}", "      ").splitlines()
    return "\n".join(lines)


def _place(info: TaskInfo, choice: Choice) -> tuple[Path | None, list[str]]:
    """The folder to look into, and the lines above its files."""
    if choice.edition != SCENES:
        return choice.root, [sentence(f"{info.name}: {choice.root or 'DATA_ROOT'}/")]
    part = drawn_part(info)
    if part is None:
        return None, [
            f"{info.name}: DATA_ROOT/",
            "  no part of the drawn world (files of your own: --data-root DIR)",
        ]
    state = "drawn already" if is_there(part) else "drawn when first needed"
    return place(part), [
        sentence(f"{info.name}: {place(part)}/"),
        f"  the drawn world, {EDITION}: {state} (other files: --data-root DIR)",
    ]


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_wrapped(line, '  ')[2:]}" for line in lines)
