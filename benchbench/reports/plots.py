"""Figures as SVG text, drawn without a plotting library: they follow the page's light and dark."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.reports.leaderboard import Leaderboard

WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 760, 26, 230, 60, 14, 44
STYLE = (
    "svg.bb{font:13px system-ui,sans-serif;max-width:100%;height:auto;"
    "--i:#1b1f24;--s:#57606a;--l:#d0d7de;--m:#0b6bcb}"
    "@media(prefers-color-scheme:dark){svg.bb{--i:#e6edf3;--s:#9aa4af;--l:#30363d;--m:#58a6ff}}"
)


def forest(board: Leaderboard) -> str:
    """Every model's score with its interval, beside what guessing earns."""
    scale = 1.0 if board.metric.reading == "rank" else 100.0
    estimates = [place.estimate for place in board.places]
    ends = [scale * x for e in estimates for x in (e.value, e.low, e.high) if not math.isnan(x)]
    ends += [] if math.isnan(board.chance) else [scale * board.chance]
    ticks = nice(min(ends), max(ends))
    x = _scale(ticks[0], ticks[-1])
    height = TOP + ROW * len(estimates) + BOTTOM
    bottom = height - BOTTOM
    parts = [_grid(ticks, x, bottom), _guessing(scale * board.chance, x, bottom)]
    for row, (place, e) in enumerate(zip(board.places, estimates, strict=True)):
        y = TOP + ROW * row + ROW / 2
        name = html.escape(_short(place.run.model.name))
        colour = "var(--m)" if place.sees else "var(--s)"
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
        said = f"{scale * e.value:.1f}"
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y + 4}" fill="var(--i)">{said}</text>')
    unit = "rank" if scale == 1 else f"{board.metric.name}, %"
    parts.append(
        f'<text x="{LEFT}" y="{height - 6}" fill="var(--s)">{html.escape(unit)}; bars: '
        f"{100 * board.level:g} % intervals; dashed: guessing</text>"
    )
    said = html.escape(f"Scores of {len(estimates)} models on {board.info.name} with intervals")
    return svg(WIDTH, height, said, parts)


def svg(width: float, height: float, said: str, parts: list[str]) -> str:
    """A drawing that can be read aloud and scales with its page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'class="bb" role="img" aria-label="{said}"><style>{STYLE}</style>'
        + "".join(parts)
        + "</svg>"
    )


def nice(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers that enclose an interval.

    >>> nice(41.3, 83.2)
    [40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
    """
    span = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(span / about))
    step = next(size * k for k in (1, 2, 5, 10) if span / (size * k) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * k, 10) for k in range(first, max(last, first + 1) + 1)]


class _scale:  # noqa: N801 - used as a function
    """Values to places across the drawing."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.low) / (self.high - self.low)


def _grid(ticks: list[float], x: _scale, bottom: float) -> str:
    return "".join(_ticks(ticks, x, bottom))


def _ticks(ticks: list[float], x: _scale, bottom: float) -> Iterator[str]:
    for tick in ticks:
        yield (
            f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{bottom}" '
            f'stroke="var(--l)"/><text x="{x(tick):.1f}" y="{bottom + 18}" text-anchor="middle" '
            f'fill="var(--s)">{tick:g}</text>'
        )


def _guessing(chance: float, x: _scale, bottom: float) -> str:
    if math.isnan(chance):
        return ""
    return (
        f'<line x1="{x(chance):.1f}" x2="{x(chance):.1f}" y1="{TOP}" y2="{bottom}" '
        'stroke="var(--s)" stroke-dasharray="4 4"/>'
    )


def _short(name: str, most: int = 32) -> str:
    return name if len(name) <= most else "…" + name[-(most - 1) :]
