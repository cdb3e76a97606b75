"""A scorecard as plain text for a terminal or a log."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from benchbench.analysis.reliability import few_images, marked, of_rare_groups
from benchbench.printable import one_line, sentence
from benchbench.protocols import load_protocol
from benchbench.selection import KEY as CHOSEN
from benchbench.selection import of_records
from benchbench.stats.intervals import described
from benchbench.stats.means import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.analysis.scorecard import Row, Scorecard
    from benchbench.types import Counts, Run

WIDTH = 96
WIDEST = 100
"""Of tables and of what is counted."""
DOT = " · "
CELL = 40
SHOWN = 3
"""Unreadable files that the banner names."""


def render(scorecard: Scorecard) -> str:
    """The whole scorecard: heading, warnings, tables, counts, notes."""
    run = scorecard.run
    heading = sentence(f"{run.task}@{run.edition}  ·  {run.model.name}")
    parts = [heading, *map(wrapped, banners(run))]
    parts += _metric_tables(scorecard)
    if scorecard.by is not None:
        parts.append(_group_table(scorecard))
    parts.append(counts_line(scorecard))
    parts.append("\n".join(map(wrapped, _notes(scorecard))))
    return "\n\n".join(parts)


def headline_line(scorecard: Scorecard, widths: tuple[int, int]) -> str:
    """A run in a line: task, model, headline with its interval; the first two as wide as that."""
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


def banners(run: Run) -> Iterator[str]:
    """Yield what must be read before any number, a line each."""
    return map(sentence, _banners(run))


def _banners(run: Run) -> Iterator[str]:
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
    if turned := run.counts.oriented:
        yield (
            f"TURNED: {turned:,} of {run.counts.images:,} images have an EXIF orientation. It is "
            "not applied, as upstream: models see them as the files store them, turned or mirrored."
        )
    if note := run.model.settings.get("note"):
        yield f"NOTE: {note}"
    yield from unsealed(run)
    yield from _chosen(run)
    if run.partial:
        yield (
            f"PARTIAL: {run.counts.items:,} of {run.counts.items_in_edition:,} items, drawn by "
            f"whole images (--limit {run.settings.get('limit')}, --seed "
            f"{run.settings.get('seed')}). Not for publication.{_of_a_sample(run)}"
        )
    if run.counts.skipped:
        shown = [f"{path} ({reason})" for path, reason in list(run.unreadable.items())[:SHOWN]]
        more = len(run.unreadable) - len(shown)
        yield (
            f"SKIPPED: {run.counts.skipped:,} items, in none of the numbers, for "
            f"{len(run.unreadable):,} images that could not be read: {'; '.join(shown)}"
            f"{f'; and {more:,} more (--manifest)' if more else ''}.{_of_a_sample(run)}"
        )


def unsealed(run: Run) -> Iterator[str]:
    """Say that a run's file has no seal, where it has none, and how to seal it."""
    if run.unsealed:
        yield (
            f"UNSEALED: the run file of {run.model.name} is of an earlier version and has no "
            "digest, so that a change or damage since it was written would not be noticed. "
            "Evaluate again, or seal it as it is now: benchbench publish FILE."
        )


def _chosen(run: Run) -> Iterator[str]:
    """That the run's own items chose the checkpoint, where they did."""
    for choice in of_records(run.settings.get(CHOSEN, ())):
        if choice.covers(run.task, run.edition):
            looks = f", of {choice.looks:,} that were looked at," if choice.looks else ""
            yield (
                f"CHOSEN: {run.model.name} was chosen{looks} by items of {run.task}"
                f"@{choice.edition or run.edition}. The best of several is partly the luckiest: "
                "its score on them is too high, and a gate on them lets too much through. Judge "
                "it on items that did not choose it."
            )


def _of_a_sample(run: Run) -> str:
    """How the numbers of part of the items differ, where they do."""
    said = load_protocol(run.protocol).of_a_sample
    return f" {said}" if said else ""


def counts_line(scorecard: Scorecard) -> str:
    """Everything that was counted: what went in, then what came of it."""
    counts = scorecard.run.counts
    first = [
        f"{counts.items:,} items",
        f"{counts.images:,} images",
        f"{counts.pictures:,} distinct pictures of them",
        f"{counts.captions:,} distinct captions",
        f"{counts.clusters:,} clusters",
    ]
    second = [
        _ties(scorecard),
        *scorecard.counted,
        _truncated(counts.truncated_captions, scorecard.run.model.context_length),
        f"{counts.overhanging_crops:,} crops over an edge",
        *_left_out_of_images(counts),
        f"{counts.skipped:,} skipped items",
    ]
    if (run := scorecard.run).resumed_inputs:
        second.append(f"resumed: {run.resumed_inputs:,} of {run.inputs:,} inputs")
    return "\n".join([*_lines(first), *_lines(second)])


def _left_out_of_images(counts: Counts) -> Iterator[str]:
    """Yield what decoding left out, where there was any of it."""
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
    """How many the headline has, and the most of any metric where that is more."""
    ties, most = scorecard.ties, max(scorecard.metrics, key=lambda row: row.tied)
    share = f" ({100 * ties / scorecard.judged:.1f} %)" if ties else ""
    said = f"{ties:,} {'tie' if ties == 1 else 'ties'}{share}"
    if most.tied <= ties:
        return said
    return f"{said} in {scorecard.headline.name}, up to {most.tied:,} in {most.name}"


def _has_ties(scorecard: Scorecard) -> bool:
    return any(row.tied for row in scorecard.metrics)


def _lines(parts: Sequence[str]) -> Iterator[str]:
    """Parts with dots between them, as many as fit on a line."""
    line = parts[0]
    for part in parts[1:]:
        if len(line) + len(DOT) + len(part) > WIDEST:
            yield line
            line = part
        else:
            line += DOT + part
    yield line


def _metric_tables(scorecard: Scorecard) -> Iterator[str]:
    """Shares and ranks apart, for they have different units; the headline's table first."""
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
    """Rows as a table: the first of the cells, the row's numbers, the other cells."""
    from tabulate import tabulate

    unit = "rank" if rows and rows[0].is_rank else "%"
    numbers = [unit, "95 % interval", *["chance"] * with_chance, "n", "clusters"]
    lines = [
        [cell(text) for text in (first, *_numbers(row, with_chance), *others)]
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


def _numbers(row: Row, with_chance: bool = False) -> list[str]:
    e = row.estimate
    bounds = f"[{_number(row, e.low)}, {_number(row, e.high)}]"
    interval = marked(bounds, e.low, row.rare_share)
    chance = [_number(row, row.chance, least=True)] * with_chance
    return [_number(row, e.value), interval, *chance, f"{e.n_items:,}", f"{e.n_clusters:,}"]


def _number(row: Row, value: float, *, least: bool = False) -> str:
    """A share in per cent, or a rank; with ``least`` a small one keeps a digit that is not 0."""
    if math.isnan(value):
        return "–"
    value = value if row.is_rank else 100 * value
    return f"{value:.1g}" if least and 0 < value < 0.05 else f"{value:,.1f}"


def cell(text: str) -> str:
    """Text from data files as a table can bear it: printable, and no longer than a cell."""
    line = one_line(text)
    return line if len(line) <= CELL else line[: CELL - 1] + "…"


def p_text(p_value: float) -> str:
    """A p-value in two digits.

    >>> p_text(0.0312), p_text(0.0000099), p_text(float("nan"))
    ('0.031', '<0.0001', '–')
    """
    if math.isnan(p_value):
        return "–"
    return f"{p_value:.2g}" if p_value >= 0.0001 else "<0.0001"


def wrapped(text: str) -> str:
    """A paragraph as wide as a page, its further lines moved in."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _notes(scorecard: Scorecard) -> Iterator[str]:
    guessing = "chance: what guessing earns"
    if not _chances_differ(scorecard):
        row = scorecard.headline
        percent = "" if row.is_rank else " %"
        guessing = f"Guessing earns {_number(row, row.chance, least=True)}{percent}"
    yield (
        f"* headline. {guessing}. ties: how an answer counts when a true and a false one score "
        f"the same{', and (how many) of n that decides' if _has_ties(scorecard) else ''}."
    )
    kinds = [row.kind for row in (*scorecard.metrics, *scorecard.groups)]
    said = described(scorecard.interval, kinds, scorecard.resamples)
    yield (f"Intervals ({scorecard.interval}): {said}; – below {FEW_CLUSTERS} clusters.")
    if scorecard.groups:
        yield (
            f"By {scorecard.by}: judged as {scorecard.headline.name} is, ties counted "
            f"{scorecard.groups[0].ties}."
        )
    yield from few_images(scorecard.run.counts.clusters)
    shares = {row.name: row.rare_share for row in scorecard.metrics}
    yield from of_rare_groups(shares, [*map(cell, scorecard.rare)])
    yield from scorecard.remarks
