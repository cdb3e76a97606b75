"""A comparison of two runs as plain text."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from benchbench.analysis.comparison import flips_of
from benchbench.analysis.paired import circumstances
from benchbench.analysis.reliability import few_images, marked, of_rare_groups
from benchbench.printable import sentence
from benchbench.render.scorecard import CELL, banners, cell, p_text, wrapped
from benchbench.render.text import short
from benchbench.stats.intervals import described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.analysis.comparison import Change, Comparison
    from benchbench.stats.intervals import Kind
    from benchbench.types import Run

SHOWN = 10
"""Groups of flips that are listed."""


def render(found: Comparison) -> str:
    """Heading, warnings, the numbers, the verdict in words, slices, what flipped."""
    a, b = found.a, found.b
    said = dict.fromkeys([*banners(a), *banners(b)])
    parts = [
        sentence(f"{a.task}@{a.edition}  ·  {found.metric.name}  ·  ties {found.ties}")
        + "".join(f"\n{sentence(f'{x}  {run.model.name}')}" for x, run in (("a", a), ("b", b))),
        *map(wrapped, said),
        *map(wrapped, _of_models(a, b)),
        _numbers(found),
        wrapped(verdict(found)),
    ]
    if found.groups:
        parts.append(_groups(found))
    parts.append("\n".join(wrapped(line) for line in _notes(found)))
    return "\n\n".join(parts)


def verdict(found: Comparison) -> str:
    """What may be said, in a sentence or two."""
    whole, rank = found.whole, found.metric.reading == "rank"
    unit = "ranks" if rank else "points"
    scale = 1 if rank else 100
    if found.sure:
        higher = whole.difference > 0
        word = ("worse" if higher else "better") if rank else ("better" if higher else "worse")
        between = f"{100 * found.level:g} % interval {_interval(whole, scale)}"
        return (
            f"b is {word} than a: by {scale * abs(whole.difference):.1f} {unit}"
            f"{'' if math.isnan(whole.low) else f' ({between})'}, {p_said(whole.p_value)}."
        )
    if not whole.gained + whole.lost:
        return "No difference is shown: a and b score the same on every one of these items."
    line = (
        f"No difference is shown ({p_said(whole.p_value)}). That is not to say that there is none"
    )
    if math.isnan(whole.low):
        return f"{line}: {whole.n_clusters:,} source images are too few to say how large it may be."
    line += (
        f": b may be anything from {scale * whole.low:+.1f} to {scale * whole.high:+.1f} {unit} "
        "from a."
    )
    if not math.isnan(found.least):
        line += (
            f" Items such as these find a true difference of {scale * found.least:.1f} {unit} in "
            "four of five tries."
        )
    if found.items_needed:
        line += f" One of the size seen here would take some {found.items_needed:,} items."
    return line


def _of_models(a: Run, b: Run) -> Iterator[str]:
    """In what the runs differ, or do not, that the scores do not show."""
    if a.model.fingerprint == b.model.fingerprint:
        yield "SAME: a and b are the same model."
    elif a.model.name == b.model.name:
        yield (
            f"NAMES: a and b have one name and are two models: {a.model.fingerprint} and "
            f"{b.model.fingerprint}."
        )
    yield from circumstances([a, b])


def p_said(p_value: float) -> str:
    """In a sentence.

    >>> p_said(0.0312), p_said(0.0000099)
    ('p = 0.031', 'p < 0.0001')
    """
    value = p_text(p_value)
    return f"p < {value[1:]}" if value.startswith("<") else f"p = {value}"


def _interval(change: Change, scale: float = 100) -> str:
    bounds = f"[{scale * change.low:+.1f}, {scale * change.high:+.1f}]"
    return marked(bounds, change.low, change.rare_share)


def _numbers(found: Comparison) -> str:
    from tabulate import tabulate

    heads = [
        "",
        "a",
        "b",
        "b − a",
        f"{100 * found.level:g} % interval",
        "gained",
        "lost",
        "n",
        "clusters",
    ]
    rows = [_cells(found.whole, found)]
    return str(tabulate(rows, heads, disable_numparse=True, colalign=_ALIGN[: len(heads)]))


_ALIGN = ("left", *["right"] * 10)


def _cells(change: Change, found: Comparison) -> list[str]:
    scale = 1 if found.metric.reading == "rank" else 100
    return [
        short(change.name, CELL),
        f"{scale * change.a:.1f}",
        f"{scale * change.b:.1f}",
        f"{scale * change.difference:+.1f}",
        _interval(change, scale),
        f"{change.gained:,}",
        f"{change.lost:,}",
        f"{change.n_items:,}",
        f"{change.n_clusters:,}",
    ]


def _groups(found: Comparison) -> str:
    from tabulate import tabulate

    by, interval = short(str(found.by), CELL), f"{100 * found.level:g} % interval"
    heads = [by, "a", "b", "b − a", interval, "gained", "lost", "n", "clusters", "adjusted p"]
    rows = [[*_cells(change, found), f"{change.p_adjusted:.2g}"] for change in found.groups]
    return str(tabulate(rows, heads, disable_numparse=True, colalign=_ALIGN[: len(heads)]))


def _notes(found: Comparison) -> Iterator[str]:
    if found.metric.reading == "rank":
        yield "Less is better: ranks are counted from 1."
    if found.by is not None and found.metric.statistic == "median":
        yield f"By {found.by}: means, not medians."
    yield (
        f"p: two-sided, {found.test}; under the null hypothesis the two models' outcomes are "
        "exchangeable within an image."
    )
    kinds: list[Kind] = ["mean"] if found.metric.statistic == "mean" else ["median"]
    kinds += ["mean"] if found.by is not None else []
    yield f"Intervals ({found.interval}): {described(found.interval, kinds)}."
    yield from few_images(found.whole.n_clusters)
    shares = {found.metric.name: found.whole.rare_share}
    yield from of_rare_groups(shares, [*map(cell, found.rare)])
    if not math.isnan(found.effect):
        yield (
            f"Effect size: {found.effect:+.2f} (mean difference of an image in standard deviations "
            "of such differences)."
        )
    flips = flips_of(found)
    if flips:
        lost = Counter(each.group for each in flips if not each.gained)
        worst = [
            f"{short(name, CELL) or 'all'} {count:,}" for name, count in lost.most_common(SHOWN)
        ]
        gained = sum(each.gained for each in flips)
        yield (
            f"Flips: {gained:,} gained, {len(flips) - gained:,} lost"
            f"{'; lost most in ' + ', '.join(worst) if found.by or found.metric.by else ''}."
        )
    if found.by is not None:
        yield (
            f"Adjusted p: for {len(found.groups):,} groups, step-down maximum of |T| over shared "
            "sign flips."
        )
