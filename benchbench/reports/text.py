"""A scorecard as plain text for a terminal or a log."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from benchbench.reports import scorecard as card
from benchbench.stats.means import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.reports.scorecard import Row, Scorecard
    from benchbench.types import Run

WIDTH = 96
CELL = 40
SHOWN = 3
"""Unreadable files that the banner names."""


def render(scorecard: Scorecard) -> str:
    """The whole scorecard: heading, warnings, tables, counts, notes."""
    run = scorecard.run
    parts = [f"{run.task}@{run.edition}  ·  {run.model.name}", *map(_wrapped, banners(run))]
    parts.append(_metric_table(scorecard))
    if scorecard.by is not None:
        parts.append(_group_table(scorecard))
    parts.append(counts_line(scorecard))
    parts.append("\n".join(map(_wrapped, _notes(scorecard))))
    return "\n\n".join(parts)


def banners(run: Run) -> Iterator[str]:
    """What must be read before any number."""
    if not run.model.trained:
        yield (
            f"UNTRAINED: {run.model.weights} weights. The numbers show that the path works and "
            "say nothing about a trained model."
        )
    if run.drawn:
        yield (
            f"DRAWN: {run.edition} shows drawings. Its numbers compare with each other; they do "
            "not compare with papers', which are about photographs."
        )
    if run.partial:
        yield (
            f"PARTIAL: {run.counts.items:,} of {run.counts.items_in_edition:,} items, drawn by "
            f"whole images (--limit {run.settings.get('limit')}, --seed "
            f"{run.settings.get('seed')}). Not for publication."
        )
    if run.counts.skipped:
        shown = [f"{path} ({reason})" for path, reason in list(run.unreadable.items())[:SHOWN]]
        more = len(run.unreadable) - len(shown)
        yield (
            f"SKIPPED: {run.counts.skipped:,} items, in none of the numbers, for "
            f"{len(run.unreadable):,} images that could not be read: {'; '.join(shown)}"
            f"{f'; and {more:,} more (--manifest)' if more else ''}."
        )


def counts_line(scorecard: Scorecard) -> str:
    """Everything that was counted, in two lines."""
    counts = scorecard.run.counts
    first = [
        f"{counts.items:,} items",
        f"{counts.images:,} images",
        f"{counts.pictures:,} distinct pictures of them",
        f"{counts.captions:,} distinct captions",
        f"{counts.clusters:,} clusters",
    ]
    second = [
        _share(scorecard.ties, counts.items),
        *scorecard.counted,
        f"{counts.truncated_captions:,} truncated captions",
        f"{counts.overhanging_crops:,} crops over an edge",
        f"{counts.skipped:,} skipped items",
    ]
    return " · ".join(first) + "\n" + " · ".join(second)


def _share(ties: int, items: int) -> str:
    share = f" ({100 * ties / items:.1f} %)" if ties else ""
    return f"{ties:,} {'tie' if ties == 1 else 'ties'}{share}"


def _metric_table(scorecard: Scorecard) -> str:
    rows = [
        [row.name + " *" * (row is scorecard.headline), *_numbers(row), row.ties, row.meaning]
        for row in scorecard.metrics
    ]
    return _table(["metric", "%", "95 % interval", "items", "clusters", "ties", "mean over"], rows)


def _group_table(scorecard: Scorecard) -> str:
    rows = [[row.name, *_numbers(row), row.meaning] for row in scorecard.groups]
    note = "remark" if any(row.meaning for row in scorecard.groups) else ""
    return _table([str(scorecard.by), "%", "95 % interval", "items", "clusters", note], rows)


def _numbers(row: Row) -> list[str]:
    e = row.estimate
    factor = 1 if row.is_rank else 100
    value = "–" if math.isnan(e.value) else f"{'rank ' * row.is_rank}{factor * e.value:.1f}"
    interval = "–" if math.isnan(e.low) else f"[{factor * e.low:.1f}, {factor * e.high:.1f}]"
    return [value, interval, f"{e.n_items:,}", f"{e.n_clusters:,}"]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from tabulate import tabulate

    align = ["left", *["right"] * 4, *["left"] * (len(heads) - 5)]
    cells = [[_cell(text) for text in row] for row in rows]
    return str(tabulate(cells, heads, tablefmt="simple", colalign=align, disable_numparse=True))


def _cell(text: str) -> str:
    """Text from data files as a table can bear it: printable, and no longer than a cell."""
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable if len(printable) <= CELL else printable[: CELL - 1] + "…"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _notes(scorecard: Scorecard) -> Iterator[str]:
    chances = {f"{100 * row.chance:.1f}" for row in scorecard.metrics if row.chance == row.chance}
    yield (
        f"* headline. Guessing earns {' or '.join(sorted(chances))}. ties: how an item counts when "
        "its true caption and the best other one score the same."
    )
    yield (
        f"Intervals: {scorecard.resamples:,} bootstrap draws of whole clusters (source images), "
        "expanded percentiles; Wilson's where all draws agree; – below "
        f"{FEW_CLUSTERS} clusters."
    )
    n_clusters = scorecard.run.counts.clusters
    if n_clusters < card.MANY_CLUSTERS:
        yield (
            f"Note: {n_clusters} source images are few. Take intervals below "
            f"{card.MANY_CLUSTERS} as rough."
        )
    heavy = [row for row in scorecard.metrics if row.rare_share > card.HEAVY]
    if heavy:
        share = 100 * max(row.rare_share for row in heavy)
        yield (
            f"Note: groups in under {FEW_CLUSTERS} clusters carry up to {share:.0f} % of the "
            f"weight of {', '.join(row.name for row in heavy)}. Their spread is estimated from all "
            "such groups together: read these intervals with caution."
        )
