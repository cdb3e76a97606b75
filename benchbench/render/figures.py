"""Figures as SVG text, drawn without a plotting library: light and dark, as the page is."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from benchbench.render.text import labels, short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.analysis.leaderboard import Leaderboard
    from benchbench.analysis.overall import Overall

WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 760, 26, 230, 60, 14, 44
STYLE = (
    "svg.bb{font:13px system-ui,sans-serif;max-width:100%;height:auto;"
    "--i:#1b1f24;--s:#57606a;--l:#d0d7de;--m:#0b6bcb}"
    "@media(prefers-color-scheme:dark){svg.bb{--i:#e6edf3;--s:#9aa4af;--l:#30363d;--m:#58a6ff}}"
)


def forest_plot(board: Leaderboard) -> str:
    """Return every model's score with its interval, beside the chance level."""
    scale = 1.0 if board.is_rank else 100.0
    estimates = [place.estimate for place in board.places]
    ends = [scale * x for e in estimates for x in (e.value, e.low, e.high) if not math.isnan(x)]
    ends += [] if math.isnan(board.chance) else [scale * board.chance]
    ticks = nice_ticks(min(ends), max(ends))
    x = _Scale(ticks[0], ticks[-1])
    height = TOP + ROW * len(estimates) + BOTTOM
    bottom = height - BOTTOM
    names = labels([place.run.model.name for place in board.places], 32)
    parts = [_grid(ticks, x, bottom), _chance_line(scale * board.chance, x, bottom)]
    for row, (place, e) in enumerate(zip(board.places, estimates, strict=True)):
        y = TOP + ROW * row + ROW / 2
        name = html.escape(names[row])
        colour = "var(--s)" if place.text_only else "var(--m)"
        parts.append(
            f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end" fill="var(--i)">{name}</text>'
        )
        if not math.isnan(e.low):
            low, high = x(scale * e.low), x(scale * e.high)
            parts.append(
                f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
                'stroke-width="3" stroke-linecap="round" opacity="0.45"/>'
            )
        at = x(scale * e.value)
        parts.append(f'<circle cx="{at:.1f}" cy="{y}" r="4.5" fill="{colour}"/>')
        score = f"{scale * e.value:.1f}"
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y + 4}" fill="var(--i)">{score}</text>')
    unit = "rank" if scale == 1 else f"{board.metric.name}, %"
    parts.append(
        f'<text x="{LEFT}" y="{height - 6}" fill="var(--s)">{html.escape(unit)}; bars: '
        f"{100 * board.level:g} % intervals; dashed: guessing</text>"
    )
    title = html.escape(f"Scores of {len(estimates)} models on {board.info.name} with intervals")
    return svg(WIDTH, height, title, parts)


def heat_map(board: Leaderboard) -> str:
    """Return every model's score in every group, as shades."""
    cell, top, left = 46, 30, 170
    models = labels([p.run.model.name for p in board.places], 32)
    label = max(map(len, models)) * 5.2
    width = round(left + cell * len(board.places) + label)
    height = top + label + 22 * len(board.groups)
    parts = []
    for column in range(len(models)):
        x, y = left + cell * column + cell / 2, top + label - 10
        name = html.escape(models[column])
        parts.append(
            f'<text transform="translate({x:.0f} {y:.0f}) rotate(-45)" fill="var(--i)">'
            f"{name}</text>"
        )
    for row, group in enumerate(board.groups):
        y = top + label + 22 * row
        name = f"{short(group.name, 20)} ({group.n_items:,})"
        parts.append(
            f'<text x="{left - 8}" y="{y + 15:.0f}" text-anchor="end" fill="var(--i)">'
            f"{html.escape(name)}</text>"
        )
        for column, value in enumerate(group.scores):
            x = left + cell * column
            ink = "#ffffff" if value > 0.6 else "var(--i)"
            parts.append(
                f'<rect x="{x}" y="{y:.0f}" width="{cell - 2}" height="20" fill="#0b6bcb" '
                f'opacity="{0.06 + 0.94 * value:.2f}"/><text x="{x + cell / 2 - 1}" '
                f'y="{y + 15:.0f}" text-anchor="middle" fill="{ink}">{100 * value:.0f}</text>'
            )
    return svg(width, round(height + 8), f"Scores by {board.groups_by}, in percent", parts)


def critical_difference_diagram(whole: Overall) -> str:
    """Return the critical-difference diagram: mean ranks over tasks (Demšar 2006)."""
    k = len(whole.standings)
    left, right, top = 240, WIDTH - 240, 60
    order, cliques = whole.by_mean_rank, whole.cliques
    names = labels([each.name for each in order], 27)

    def x(rank: float) -> float:
        return left + (right - left) * (rank - 1) / max(1, k - 1)

    parts = [f'<line x1="{left}" x2="{right}" y1="{top}" y2="{top}" stroke="var(--i)"/>']
    for rank in range(1, k + 1):
        parts.append(
            f'<line x1="{x(rank):.1f}" x2="{x(rank):.1f}" y1="{top - 6}" y2="{top}" '
            f'stroke="var(--i)"/><text x="{x(rank):.1f}" y="{top - 10}" text-anchor="middle" '
            f'fill="var(--s)">{rank}</text>'
        )
    width = min(whole.critical_difference, k - 1)
    parts.append(
        f'<line x1="{left}" x2="{x(1 + width):.1f}" y1="16" y2="16" stroke="var(--m)" '
        f'stroke-width="3"/><text x="{x(1 + width) + 8:.1f}" y="20" fill="var(--s)">critical '
        f"difference {whole.critical_difference:.2f}</text>"
    )
    for row, (one, last) in enumerate(cliques):
        y, ends = top + 10 + 7 * row, (x(order[one].mean_rank) - 5, x(order[last].mean_rank) + 5)
        parts.append(
            f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y}" y2="{y}" stroke="var(--m)" '
            'stroke-width="4"/>'
        )
    under, half = top + 24 + 7 * len(cliques), (k + 1) // 2
    for place, each in enumerate(order):
        on_left = place < half
        y = under + 22 * (place if on_left else k - 1 - place)
        at, end = x(each.mean_rank), 10 if on_left else WIDTH - 10
        anchor = "start" if on_left else "end"
        parts.append(
            f'<path d="M{at:.1f} {top}V{y}H{end}" stroke="var(--s)" fill="none"/>'
            f'<circle cx="{at:.1f}" cy="{top}" r="3" fill="var(--m)"/>'
            f'<text x="{end}" y="{y - 4}" text-anchor="{anchor}" fill="var(--i)">'
            f"{html.escape(names[place])} {each.mean_rank:.1f}</text>"
        )
    parts.append(
        f'<text x="10" y="{under + 22 * half + 8}" fill="var(--s)">mean rank over '
        f"{len(whole.tasks)} tasks, 1 is best; a bar joins models that differ by less than the "
        "critical difference</text>"
    )
    return svg(WIDTH, under + 22 * half + 20, "Mean ranks of models over tasks", parts)


def svg(width: float, height: float, title: str, parts: list[str]) -> str:
    """Return an SVG element that scales with its page and has a title for screen readers."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'class="bb" role="img" aria-label="{title}"><style>{STYLE}</style>'
        + "".join(parts)
        + "</svg>"
    )


def nice_ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Return round numbers that enclose an interval.

    >>> nice_ticks(41.3, 83.2)
    [40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
    """
    span = max(high - low, 1e-9)
    size = 10.0 ** math.floor(math.log10(span / about))
    step = next(size * k for k in (1, 2, 5, 10) if span / (size * k) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * k, 10) for k in range(first, max(last, first + 1) + 1)]


class _Scale:
    """A linear scale: values → pixels from the left."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.low) / (self.high - self.low)


def _grid(ticks: list[float], x: _Scale, bottom: float) -> str:
    return "".join(_ticks(ticks, x, bottom))


def _ticks(ticks: list[float], x: _Scale, bottom: float) -> Iterator[str]:
    for tick in ticks:
        yield (
            f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{bottom}" '
            f'stroke="var(--l)"/><text x="{x(tick):.1f}" y="{bottom + 18}" text-anchor="middle" '
            f'fill="var(--s)">{tick:g}</text>'
        )


def _chance_line(chance: float, x: _Scale, bottom: float) -> str:
    if math.isnan(chance):
        return ""
    return (
        f'<line x1="{x(chance):.1f}" x2="{x(chance):.1f}" y1="{TOP}" y2="{bottom}" '
        'stroke="var(--s)" stroke-dasharray="4 4"/>'
    )
