"""A scorecard as plain text for a terminal or a log."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.reports import scorecard as card

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.reports.scorecard import Row, Scorecard
    from benchbench.types import Run


def render(scorecard: Scorecard) -> str:
    """The whole scorecard: heading, warnings, tables, counts, notes."""
    run = scorecard.run
    parts = [f"{run.task}@{run.edition}  ·  {run.model.name}"]
    if warnings := list(banners(run)):
        parts.append("\n".join(warnings))
    parts.append(_metric_table(scorecard))
    if scorecard.by is not None:
        parts.append(_group_table(scorecard))
    parts.append(counts_line(scorecard))
    parts.append("\n".join(_notes(scorecard)))
    return "\n\n".join(parts)


def banners(run: Run) -> Iterator[str]:
    """What must be read before any number."""
    if not run.model.trained:
        yield (
            f"UNTRAINED: {run.model.weights} weights. The numbers show that the path works and "
            "say nothing about a trained model."
        )
    if run.partial:
        yield (
            f"PARTIAL: {run.counts.items:,} of {run.counts.items_in_edition:,} items "
            f"(--limit {run.settings.get('limit')}, seed {run.settings.get('seed')}). Not for "
            "publication."
        )
    if run.counts.skipped:
        yield (
            f"SKIPPED: {run.counts.skipped:,} items whose image could not be read "
            "(--on-missing skip). They are in none of the numbers."
        )


def counts_line(scorecard: Scorecard) -> str:
    """Everything that was counted, in one line or two."""
    counts = scorecard.run.counts
    first = [
        f"{counts.items:,} items",
        f"{counts.images:,} distinct images or crops",
        f"{counts.captions:,} distinct captions",
        f"{counts.clusters:,} clusters (source images)",
    ]
    second = [
        _share(scorecard.ties, counts.items, "ties"),
        f"{scorecard.no_ops:,} no-op negatives",
        f"{counts.truncated_captions:,} truncated captions",
        f"{counts.overhanging_crops:,} crops over an edge",
        f"{counts.skipped:,} skipped items",
    ]
    return " · ".join(first) + "\n" + " · ".join(second)


def _share(n: int, total: int, what: str) -> str:
    return f"{n:,} {what} ({100 * n / total:.1f} %)" if n else f"0 {what}"


def _metric_table(scorecard: Scorecard) -> str:
    rows = [
        [
            f"{row.name} *" if row is scorecard.headline else row.name,
            *_numbers(row),
            row.ties,
            f"{row.n_groups:,}" if row.n_groups else "",
            row.meaning,
        ]
        for row in scorecard.metrics
    ]
    heads = ["metric", "%", "95 % interval", "chance", "items", "clusters", "a tie is", "groups"]
    return _table([*heads, "what is averaged"], rows)


def _group_table(scorecard: Scorecard) -> str:
    rows = [[row.name, *_numbers(row), row.meaning] for row in scorecard.groups]
    heads = [str(scorecard.by), "%", "95 % interval", "chance", "items", "clusters"]
    return _table([*heads, ""], rows)


def _numbers(row: Row) -> list[str]:
    e = row.estimate
    interval = "–" if math.isnan(e.low) else f"[{100 * e.low:.1f}, {100 * e.high:.1f}]"
    return [
        f"{100 * e.value:.1f}",
        interval,
        f"{100 * row.chance:.1f}",
        f"{e.n_items:,}",
        f"{e.n_clusters:,}",
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from tabulate import tabulate

    align = ["left", *["right"] * 5, *["left"] * (len(heads) - 6)]
    return str(tabulate(rows, heads, tablefmt="simple", colalign=align, disable_numparse=True))


def _notes(scorecard: Scorecard) -> Iterator[str]:
    yield (
        "* headline. 'a tie is': what an item earns whose true caption ties with the best other "
        f"one.\nIntervals: {scorecard.resamples:,} bootstrap draws of whole clusters, percentile; "
        "Wilson's where all draws agree."
    )
    n_clusters = scorecard.run.counts.clusters
    if n_clusters < card.MANY_CLUSTERS:
        yield (
            f"Note: with {n_clusters} clusters (under {card.MANY_CLUSTERS}) these intervals are "
            "somewhat too narrow."
        )
    heavy = [row for row in scorecard.metrics if row.rare_share > card.HEAVY]
    if heavy:
        share = 100 * max(row.rare_share for row in heavy)
        yield (
            f"Note: groups in under {card.FEW_CLUSTERS} clusters carry up to {share:.0f} % of the "
            f"weight of {', '.join(row.name for row in heavy)}:\n      read these intervals with "
            "caution."
        )
