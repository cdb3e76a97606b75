"""A scorecard as plain text for a terminal or a log."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.printable import sentence
from benchbench.render.caveats import (
    banners,
    digest_note,
    few_images,
    interval_note,
    interval_text,
    rare_groups_note,
)
from benchbench.render.parity import far_line
from benchbench.render.text import ABOVE_BLIND, NONE, cell, difference_text, wrap
from benchbench.stats.means import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.analysis.scorecard import Row, Scorecard
    from benchbench.types import Counts

MAX_LINE = 100
"""Characters of a line of counts."""
DOT = " · "


def terminal(scorecard: Scorecard) -> str:
    """Return the whole scorecard: heading, warnings, tables, counts, notes."""
    run = scorecard.run
    heading = sentence(f"{run.task}@{run.edition}  ·  {run.model.name}")
    parts = [heading, *map(wrap, banners(run))]
    parts += _metric_tables(scorecard)
    if scorecard.by is not None:
        parts.append(_group_table(scorecard))
    parts.append(counts_line(scorecard))
    parts.append("\n".join(map(wrap, _notes(scorecard))))
    return "\n\n".join(parts)


def headline_line(scorecard: Scorecard, widths: tuple[int, int]) -> str:
    """Return a run on one line: task, model, headline with its interval.

    Args:
        scorecard: the scorecard of the run.
        widths: characters of the task and of the model.
    """
    run, row = scorecard.run, scorecard.headline
    value, interval, *_ = _numbers(row)
    where = sentence(f"{run.task}@{run.edition}").ljust(widths[0])
    return (
        f"{where}  {cell(run.model.name).ljust(widths[1])}  {row.name:<16}  {value:>5}  {interval}"
    )


def score_text(row: Row) -> str:
    """Return a score with its interval: ``61.2 [58.0, 64.1]``."""
    value, interval, *_ = _numbers(row)
    return f"{value} {interval}"


def counts_line(scorecard: Scorecard) -> str:
    """Return all counts: of the inputs, then of the outcomes."""
    counts = scorecard.run.counts
    first = [
        f"{counts.items:,} items",
        f"{counts.images:,} images",
        f"{counts.pictures:,} distinct images and crops",
        f"{counts.captions:,} distinct captions",
        f"{counts.clusters:,} clusters",
    ]
    second = [*_measured(scorecard), f"{counts.skipped:,} skipped items"]
    if (run := scorecard.run).resumed_inputs:
        second.append(f"from the store: {run.resumed_inputs:,} of {run.inputs:,} inputs")
    spent = list(_spent(run.environment))
    return "\n".join([*_lines(first), *_lines(second), *(_lines(spent) if spent else ())])


def _spent(environment: Mapping[str, str | int]) -> Iterator[str]:
    """Yield what a server counted for the evaluation, and its cost where prices were given."""
    if "requests" not in environment:
        return
    for name in ("requests", "kept_answers", "prompt_tokens", "completion_tokens"):
        yield f"{environment.get(name, 0):,} {name.replace('_', ' ')}"
    if {"cost", "price_in", "price_out"} <= environment.keys():
        prices = f"{environment['price_in']} and {environment['price_out']} for a million"
        yield f"cost {environment['cost']} (at {prices})"


def _measured(scorecard: Scorecard) -> Iterator[str]:
    """Yield the counts that an evaluation measures, and say which ones a run cannot have."""
    run, counts = scorecard.run, scorecard.run.counts
    if run.imported and run.decisions_only:
        yield "not known from decisions: ties, no-op negatives, truncated captions, crops"
        return
    if not run.decisions_only:
        yield _ties(scorecard)
    yield from scorecard.counted
    yield _truncated(counts.truncated_captions, run.model.context_length)
    if not run.settings.get("without_images"):
        yield f"{counts.overhanging_crops:,} crops over an edge"
    yield from _left_out_of_images(counts)


def _left_out_of_images(counts: Counts) -> Iterator[str]:
    """Yield what decoding left out of images, where there is any of it."""
    for count, what in (
        (counts.oriented, "with an EXIF orientation"),
        (counts.transparent, "with alpha"),
        (counts.animated, "of several frames"),
        (counts.deep, "of over 8 bits"),
    ):
        if count:
            yield f"{count:,} {'image' if count == 1 else 'images'} {what}"


def _truncated(n: int, context: int) -> str:
    return f"{n:,} truncated captions{f' (cut to {context:,} tokens)' if n else ''}"


def _ties(scorecard: Scorecard) -> str:
    """Return the ties of the headline, and the most of any metric if that is more."""
    ties, most = scorecard.ties, max(scorecard.metrics, key=lambda row: row.tied)
    share = f" ({100 * ties / scorecard.judged:.1f} %)" if ties else ""
    text = f"{ties:,} {'tie' if ties == 1 else 'ties'}{share}"
    if most.tied <= ties:
        return text
    return f"{text} in {scorecard.headline.name}, up to {most.tied:,} in {most.name}"


def _has_ties(scorecard: Scorecard) -> bool:
    return any(row.tied for row in scorecard.metrics)


def _lines(parts: Sequence[str]) -> Iterator[str]:
    """Yield parts with dots between them, as many as fit on a line."""
    line = parts[0]
    for part in parts[1:]:
        if len(line) + len(DOT) + len(part) > MAX_LINE:
            yield line
            line = part
        else:
            line += DOT + part
    yield line


def _metric_tables(scorecard: Scorecard) -> Iterator[str]:
    """Yield one table of shares and one of ranks, the headline's first."""
    ranked = scorecard.headline.is_rank
    for is_rank in (ranked, not ranked):
        rows = [row for row in scorecard.metrics if row.is_rank is is_rank]
        if rows:
            statistics = dict.fromkeys(row.statistic for row in rows)
            last = f"{' or '.join(statistics)} over"
            cells = [
                [
                    row.name + " *" * (row is scorecard.headline),
                    row.ties + f" ({row.tied:,})" * _has_ties(scorecard),
                    row.meaning,
                ]
                for row in rows
            ]
            yield _table(["metric", "ties", last], cells, rows, _chances_differ(scorecard))


def _group_table(scorecard: Scorecard) -> str:
    rows = scorecard.groups
    chances = {_number(row, row.chance) for row in rows}
    notes = any(row.meaning for row in rows)
    cells = [[row.name, *[row.meaning] * notes] for row in rows]
    heads = [cell(str(scorecard.by)), *["remark"] * notes]
    return _table(heads, cells, rows, len(chances) > 1)


def _chances_differ(scorecard: Scorecard) -> bool:
    chances = {_number(r, r.chance, least=True) for r in scorecard.metrics if r.chance == r.chance}
    return len(chances) > 1


def _table(
    heads: Sequence[str], cells: Sequence[Sequence[str]], rows: Sequence[Row], with_chance: bool
) -> str:
    """Return rows as a table: the first of the cells, the row's numbers, the other cells."""
    from tabulate import tabulate

    unit = "rank" if rows and rows[0].is_rank else "%"
    with_blind = any(not math.isnan(row.above_blind) for row in rows)
    numbers = [
        unit, "95 % interval", *["above blind"] * with_blind, *["chance"] * with_chance, "n",
        "clusters",
    ]  # fmt: skip
    lines = [
        [cell(text) for text in (first, *_numbers(row, with_chance, with_blind), *others)]
        for (first, *others), row in zip(cells, rows, strict=True)
    ]
    first, *others = heads
    align = ["left", *["right"] * len(numbers), *["left"] * len(others)]
    return str(
        tabulate(
            lines,
            [first, *numbers, *others],
            tablefmt="simple",
            colalign=align,
            disable_numparse=True,
        )
    )


def _numbers(row: Row, with_chance: bool = False, with_blind: bool = False) -> list[str]:
    e = row.estimate
    bounds = f"[{_number(row, e.low)}, {_number(row, e.high)}]"
    interval = interval_text(bounds, e.low, row.rare_share)
    chance = [_number(row, row.chance, least=True)] * with_chance
    blind = [difference_text(row.above_blind)] * with_blind
    numbers = [_number(row, e.value), interval, *blind, *chance]
    return [*numbers, f"{e.n_items:,}", f"{e.n_clusters:,}"]


def _number(row: Row, value: float, *, least: bool = False) -> str:
    """Return a share in percent, or a rank; with ``least`` a small one keeps a digit beyond 0."""
    if math.isnan(value):
        return NONE
    value = value if row.is_rank else 100 * value
    return f"{value:.1g}" if least and 0 < value < 0.05 else f"{value:,.1f}"


def _notes(scorecard: Scorecard) -> Iterator[str]:
    yield from map(far_line, scorecard.far)
    guessing = "chance: the score of guessing"
    if not _chances_differ(scorecard):
        row = scorecard.headline
        percent = "" if row.is_rank else " %"
        guessing = f"Chance is {_number(row, row.chance, least=True)}{percent}"
    yield (
        f"* headline. {guessing}. ties: how an answer counts when a true and a false one score "
        f"the same{', and (how many) of n that decides' if _has_ties(scorecard) else ''}."
    )
    if any(not math.isnan(r.above_blind) for r in (*scorecard.metrics, *scorecard.groups)):
        yield ABOVE_BLIND
    kinds = [row.kind for row in (*scorecard.metrics, *scorecard.groups)]
    note = interval_note(scorecard.interval, kinds, scorecard.resamples)
    yield (f"Intervals ({scorecard.interval}): {note}; – below {FEW_CLUSTERS} clusters.")
    if scorecard.groups:
        yield (
            f"By {scorecard.by}: judged as {scorecard.headline.name} is, ties counted "
            f"{scorecard.groups[0].ties}."
        )
    yield from few_images(scorecard.run.counts.clusters)
    shares = {row.name: row.rare_share for row in scorecard.metrics}
    yield from rare_groups_note(shares, [*map(cell, scorecard.rare)])
    yield from digest_note([scorecard.run])
    yield from scorecard.remarks
    if scorecard.untagged:
        lacking = [f"{metric.name} ({', '.join(tags)})" for metric, tags in scorecard.untagged]
        yield f"Left out, as no item has the tag that they use: {', '.join(lacking)}."
    if scorecard.too_short:
        lacking = [f"{metric.name} ({metric.k} of {n})" for metric, n in scorecard.too_short]
        yield (
            f"No value where K is more than half of a list that was searched: {', '.join(lacking)}."
        )
