"""Comparisons as plain text: of two runs, and of two methods over several seeds."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from benchbench.analysis.comparison import SIGN_FLIPS
from benchbench.analysis.paired import setting_differences
from benchbench.printable import sentence
from benchbench.protocols import load_protocol
from benchbench.render.caveats import (
    banners_of,
    common_banner,
    digest_note,
    few_images,
    interval_note,
    interval_text,
    rare_groups_note,
    setting_warnings,
)
from benchbench.render.text import CELL, NONE, cell, p_text, short, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.analysis.comparison import Change, Comparison, Test
    from benchbench.analysis.seeds import MethodComparison
    from benchbench.stats import Spread
    from benchbench.stats.intervals import Kind
    from benchbench.types import Run

MAX_GROUPS = 10
"""Groups of flips that are listed."""
TESTS: Mapping[Test, str] = {
    "McNemar": "McNemar's exact test: every item is of its own image",
    "all sign flips": "all sign flips of whole source images",
    "sign flips": f"{SIGN_FLIPS:,} sign flips of whole source images",
    "label swaps, the median taken anew": "models swapped within source images, the median taken "
    "anew",
}
"""Test → in words."""


def terminal(found: Comparison) -> str:
    """Return heading, warnings, the numbers, the verdict in words, slices and flips."""
    a, b = found.a, found.b
    parts = [
        heading(found)
        + "".join(f"\n{sentence(f'{x}  {run.model.name}')}" for x, run in (("a", a), ("b", b))),
        *map(wrap, warnings(found)),
        _table(number_rows(found), number_heads(found)),
        wrap(verdict(found)),
    ]
    if found.groups:
        parts.append(_table(groups_rows(found), groups_heads(found)))
    parts.append("\n".join(wrap(line) for line in notes(found)))
    return "\n\n".join(parts)


def heading(found: Comparison) -> str:
    """Return the task, the editions, the metric and the tie rule."""
    editions = " and ".join(dict.fromkeys((found.a.edition, found.b.edition)))
    return sentence(f"{found.a.task}@{editions}  ·  {found.metric.name}  ·  ties {found.ties}")


def warnings(found: Comparison) -> Iterator[str]:
    """Yield what a reader must know before any number."""
    yield from banners_of([found.a, found.b])
    yield from common_banner(found.common)
    yield from _model_warnings(found.a, found.b)


def verdict(found: Comparison) -> str:
    """Return the verdict in a sentence or two."""
    whole, rank = found.whole, found.is_rank
    unit = "ranks" if rank else "points"
    scale = 1 if rank else 100
    if found.significant:
        higher = whole.difference > 0
        word = ("worse" if higher else "better") if rank else ("better" if higher else "worse")
        between = f"{100 * found.level:g} % interval {_interval(whole, scale)}"
        return (
            f"b is {word} than a: by {scale * abs(whole.difference):.1f} {unit}"
            f"{'' if math.isnan(whole.low) else f' ({between})'}, {p_phrase(whole.p_value)}."
            f"{_disagreement(found)}"
        )
    if not whole.gained + whole.lost:
        return "No difference is shown: a and b score the same on every one of these items."
    p = p_phrase(whole.p_value)
    line = f"No difference is shown ({p}). That is not to say that there is none"
    if math.isnan(whole.low):
        return f"{line}: {whole.n_clusters:,} source images are too few to say how large it may be."
    line += (
        f": b may be anything from {scale * whole.low:+.1f} to {scale * whole.high:+.1f} {unit} "
        f"from a.{_disagreement(found)}"
    )
    if not math.isnan(found.detectable):
        line += (
            f" Items such as these find a true difference of {scale * found.detectable:.1f} "
            f"{unit} in four of five tries."
        )
    if found.items_needed:
        line += f" One of the size seen here would take some {found.items_needed:,} items."
    return line


def _disagreement(found: Comparison) -> str:
    """Return a sentence where p-value and interval answer differently; else an empty string."""
    low, high = found.whole.low, found.whole.high
    if math.isnan(low) or found.significant == (not low <= 0 <= high):
        return ""
    holds = "holds" if found.significant else "leaves out"
    return (
        f" But the interval {holds} 0, so that it and the p-value disagree. Treat this result as "
        "undecided, or evaluate more source images."
    )


def _model_warnings(a: Run, b: Run) -> Iterator[str]:
    """Yield what is alike or different in the models, beside their scores."""
    if a.model.fingerprint == b.model.fingerprint:
        yield "SAME: a and b are the same model."
    elif a.model.name == b.model.name:
        yield (
            f"NAMES: a and b have one name and are two models: {a.model.fingerprint} and "
            f"{b.model.fingerprint}."
        )
    yield from setting_warnings(setting_differences([a, b]))


def p_phrase(p_value: float) -> str:
    """Return a p-value for a sentence.

    >>> p_phrase(0.0312), p_phrase(0.0000099)
    ('p = 0.031', 'p < 0.0001')
    """
    value = p_text(p_value)
    return f"p < {value[1:]}" if value.startswith("<") else f"p = {value}"


def _interval(change: Change, scale: float = 100) -> str:
    bounds = f"[{scale * change.low:+.1f}, {scale * change.high:+.1f}]"
    return interval_text(bounds, change.low, change.rare_share)


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    from tabulate import tabulate

    align = ("left", *["right"] * (len(heads) - 1))
    return str(tabulate(rows, heads, disable_numparse=True, colalign=align))


def number_heads(found: Comparison) -> list[str]:
    """Return the heads of the columns of numbers."""
    interval = f"{100 * found.level:g} % interval"
    return ["", "a", "b", "b − a", interval, "gained", "lost", "n", "clusters"]


def number_rows(found: Comparison) -> list[list[str]]:
    """Return the one row of the whole metric."""
    return [_cells(found.whole, found)]


def _cells(change: Change, found: Comparison) -> list[str]:
    scale = 1 if found.is_rank else 100
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


def groups_heads(found: Comparison) -> list[str]:
    """Return the heads of the columns of slices."""
    return [short(str(found.by), CELL), *number_heads(found)[1:], "adjusted p"]


def groups_rows(found: Comparison) -> list[list[str]]:
    """Return one row per group of ``by``."""
    return [[*_cells(change, found), f"{change.p_adjusted:.2g}"] for change in found.groups]


def notes(found: Comparison) -> Iterator[str]:
    """Yield the meaning of each column, and the flips."""
    if found.is_rank:
        yield "Less is better: ranks are counted from 1."
    if found.by is not None and found.metric.statistic == "median":
        yield f"By {found.by}: means, not medians."
    yield (
        f"p: two-sided, {TESTS[found.test]}; under the null hypothesis the two models' outcomes "
        "are exchangeable within an image."
    )
    kinds: list[Kind] = ["mean"] if found.metric.statistic == "mean" else ["median"]
    kinds += ["mean"] if found.by is not None else []
    yield f"Intervals ({found.interval}): {interval_note(found.interval, kinds)}."
    yield from few_images(found.whole.n_clusters)
    shares = {found.metric.name: found.whole.rare_share}
    yield from rare_groups_note(shares, [*map(cell, found.rare)])
    if not math.isnan(found.effect):
        yield (
            f"Effect size: {found.effect:+.2f} (mean difference of an image in standard deviations "
            "of such differences)."
        )
    pooled = found.metric.judgement in load_protocol(found.a.protocol).pooled
    if pooled:
        yield (
            "gained, lost: items whose part in the area is larger with b, or with a; by itself no "
            "item is right or wrong."
        )
    if (flips := found.flips) and not pooled:
        lost = Counter(each.group for each in flips if not each.gained)
        worst = [
            f"{short(name, CELL) or 'all'} {count:,}"
            for name, count in lost.most_common(MAX_GROUPS)
        ]
        gained = sum(each.gained for each in flips)
        judged = found.whole.gained + found.whole.lost
        yield (
            f"Flips{'' if len(flips) == judged else ', on all items'}: {gained:,} gained, "
            f"{len(flips) - gained:,} lost"
            f"{'; lost most in ' + ', '.join(worst) if found.by or found.metric.by else ''}."
        )
    yield from digest_note([found.a, found.b])
    if found.by is not None:
        yield (
            f"Adjusted p: for {len(found.groups):,} groups, step-down maximum of |T| over shared "
            "sign flips."
        )


def methods_terminal(found: MethodComparison) -> str:
    """Return two methods' scores and the two intervals of their difference."""
    level = f"{100 * found.level:g} %"
    scale = 1 if found.is_rank else 100
    alike = math.comb(found.a.n + found.b.n, found.a.n)
    over_items = _range(found.over_items, scale)
    rows = [
        f"{sentence(found.task)} · {found.metric} · {found.a.n} and {found.b.n} seeds"
        f"{' · ranks, less is better' if found.is_rank else ''}",
        *(line for warning in _method_warnings(found) for line in ("", wrap(warning))),
        "",
        f"a      {_spread(found.a, scale)}",
        f"b      {_spread(found.b, scale)}",
        f"b − a  {scale * found.difference:+.1f}",
        "",
        f"{level} interval over seeds, on these items: {_range(found.over_seeds, scale)}",
        f"{level} interval over items, for these checkpoints: "
        f"{interval_text(over_items, found.over_items[0], found.rare_share)}",
        "Every checkpoint of one method is above every one of the other; of methods that are "
        f"alike, 2 in {alike} would be so."
        if found.ordered
        else "The methods' checkpoints overlap.",
        f"Interval over items ({found.interval}): {interval_note(found.interval, ['mean'])}.",
        *map(wrap, few_images(found.n_clusters)),
        *map(
            wrap,
            rare_groups_note({found.metric: found.rare_share}, [*map(cell, found.rare)]),
        ),
    ]
    return "\n".join(rows)


def _method_warnings(found: MethodComparison) -> Iterator[str]:
    """Yield what a reader must know before any number."""
    yield from banners_of(found.runs)
    yield from setting_warnings(setting_differences(found.runs))


def _spread(spread: Spread, scale: float) -> str:
    return f"{scale * spread.mean:.1f} ± {scale * spread.sd:.1f} between seeds"


def _range(bounds: tuple[float, float], scale: float) -> str:
    low, high = bounds
    return NONE if math.isnan(low) else f"[{scale * low:+.1f}, {scale * high:+.1f}]"
