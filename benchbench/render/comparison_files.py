"""A comparison of two runs as markdown and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.printable import json_text
from benchbench.render.comparison import (
    groups_heads,
    groups_rows,
    heading,
    notes,
    number_heads,
    number_rows,
    terminal,
    verdict,
    warnings,
)
from benchbench.render.text import md, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchbench.analysis.comparison import Change, Comparison
    from benchbench.types import Run


def markdown(found: Comparison) -> str:
    """Return heading, warnings, the numbers, the verdict, slices and notes in markdown."""
    parts = [
        f"## {md(heading(found))}",
        "\n".join(f"- {x}: {md(run.model.name)}" for x, run in (("a", found.a), ("b", found.b))),
        *(md(line) for line in warnings(found)),
        _table(number_rows(found), number_heads(found)),
        f"**{md(verdict(found))}**",
    ]
    if found.groups:
        parts.append(_table(groups_rows(found), groups_heads(found)))
    parts.append("\n".join(f"- {md(line)}" for line in notes(found)))
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    from tabulate import tabulate

    align = ("left", *["right"] * (len(heads) - 1))
    cells = [[md(each) for each in row] for row in rows]
    return str(tabulate(cells, heads, tablefmt="pipe", disable_numparse=True, colalign=align))


def as_json(found: Comparison) -> str:
    """Return everything but the single flips as JSON; scores are shares, or ranks."""
    record = {
        "task": found.a.task,
        "metric": found.metric.name,
        "ties": found.ties,
        "a": _run(found, 0),
        "b": _run(found, 1),
        "common_items": found.common.n if found.common else None,
        "warnings": list(warnings(found)),
        "verdict": verdict(found),
        "sure": found.sure,
        "level": found.level,
        "interval": found.interval,
        "test": found.test,
        "effect": plain(found.effect),
        "detectable": plain(found.least),
        "items_needed": found.items_needed,
        "whole": _change(found.whole),
        "by": found.by,
        "groups": [_change(change) for change in found.groups],
    }
    return json_text(record) + "\n"


def _run(found: Comparison, side: int) -> dict[str, object]:
    run: Run = (found.a, found.b)[side]
    items = found.common.items[side] if found.common else len(run.outcomes)
    return {
        "model": run.model.name,
        "fingerprint": run.model.fingerprint,
        "edition": run.edition,
        "data_sha256": run.data_sha256,
        "items": items,
    }


def _change(change: Change) -> dict[str, object]:
    return {
        "name": change.name,
        "a": plain(change.a),
        "b": plain(change.b),
        "difference": plain(change.difference),
        "low": plain(change.low),
        "high": plain(change.high),
        "p_value": plain(change.p_value),
        "p_adjusted": plain(change.p_adjusted),
        "gained": change.gained,
        "lost": change.lost,
        "n_items": change.n_items,
        "n_clusters": change.n_clusters,
    }


FORMATS: Mapping[str, Callable[[Comparison], str]] = {
    "terminal": terminal,
    "markdown": markdown,
    "json": as_json,
}
