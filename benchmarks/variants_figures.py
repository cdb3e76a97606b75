"""The page's two figures as SVG text: intervals of claims, and learning curves."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, NamedTuple

from benchbench.render.figures import nice_ticks, svg
from benchmarks.curves import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.outcomes import Learning
    from benchmarks.verdicts import ClaimResult

WIDTH, ROW, TOP, BOTTOM = 940, 24, 14, 46
NAMES, TASKS, RIGHT = 250, 210, 125
"""Pixels: of the models' names, of what is measured, of verdicts."""
LEFT = NAMES + TASKS
PANEL, BESIDE, AXIS = 220, 190, 52
"""Pixels: of a panel's height, of the names beside its lines, of the numbers before them."""
COLOURS = (
    "#2f81f7", "#d1603d", "#2da44e", "#a371f7", "#bf8700", "#db61a2", "#1b9aaa", "#8b949e",
)  # fmt: skip
"""Of lines: each at least 3 : 1 against white and against black pages."""
LINES = len(COLOURS)


class Axis(NamedTuple):
    """Values to places along a figure."""

    low: float
    high: float
    start: float
    """Pixels."""
    end: float

    def at(self, value: float) -> float:
        """Return the place of a value; values beyond an end are placed at that end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def text(x: float, y: float, said: str, *, soft: bool = False, anchor: str = "start") -> str:
    """Return words as SVG."""
    colour = "var(--s)" if soft else "var(--i)"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
        f"{html.escape(said)}</text>"
    )


def line(one: tuple[float, float], other: tuple[float, float], look: str) -> str:
    """Return a straight line as SVG; ``look``: its attributes."""
    (x1, y1), (x2, y2) = one, other
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {look}/>'


def forest(found: Sequence[ClaimResult], level: float) -> str:
    """Draw each claim's mean difference with its interval, its seeds and its bound.

    Args:
        found: those to be drawn, a row each.
        level: one-sided, of the intervals.
    """
    axis = _points(found)
    bottom = TOP + ROW * len(found)
    parts = [_grid(axis, bottom)]
    for row, each in enumerate(found):
        parts += _row(each, axis, TOP + ROW * (row + 0.5))
    told = (
        f"points; dot: mean over seeds, small dots: seeds, bar: {100 * (1 - 2 * level):g} % "
        "interval (over seeds; of one seed, over items), tick: what must be exceeded"
    )
    parts.append(text(8, bottom + 38, told, soft=True))
    return svg(WIDTH, bottom + BOTTOM, "Differences between models with intervals", parts)


def _points(found: Sequence[ClaimResult]) -> Axis:
    """Return the axis: it holds every seed and bound, and intervals of one seed or of three and
    more.

    That of two seeds, of one degree of freedom, would leave the others no room.
    """
    ends = [0.0]
    for each in found:
        ends += [100 * each.claim.bound] if each.n else []
        ends += [100 * pair.difference for pair in each.pairs.values()]
        if each.n != 2:
            ends += [100 * x for x in (each.shown.low, each.shown.high) if not math.isnan(x)]
    ticks = nice_ticks(min(ends), max(ends), 8)
    return Axis(ticks[0], ticks[-1], LEFT, WIDTH - RIGHT)


def _grid(axis: Axis, bottom: float) -> str:
    parts = []
    for tick in nice_ticks(axis.low, axis.high, 8):
        x = axis.at(tick)
        stroke = "var(--s)" if tick == 0 else "var(--l)"
        parts.append(line((x, TOP), (x, bottom), f'stroke="{stroke}"'))
        parts.append(
            text(x, bottom + 18, f"{tick:g}".replace("-", "−"), soft=True, anchor="middle")
        )
    return "".join(parts)


def _row(found: ClaimResult, axis: Axis, y: float) -> list[str]:
    claim, over = found.claim, found.shown
    parts = [
        text(8, y + 4, f"{claim.better} − {claim.worse}"),
        text(NAMES, y + 4, claim.question, soft=True),
        text(WIDTH - RIGHT + 10, y + 4, found.verdict, soft=found.verdict != "shown"),
    ]
    if not found.n:
        return parts
    colour = "var(--m)" if found.verdict == "shown" else "var(--s)"
    bound = axis.at(100 * claim.bound)
    parts.append(line((bound, y - 8), (bound, y + 8), 'stroke="var(--i)" stroke-width="1.5"'))
    if not math.isnan(over.low):
        ends = [(axis.at(100 * x), y) for x in (over.low, over.high)]
        look = f'stroke="{colour}" stroke-width="4" stroke-linecap="round" opacity="0.45"'
        parts.append(line(ends[0], ends[1], look))
    for pair in found.pairs.values():
        x = axis.at(100 * pair.difference)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>')
    x = axis.at(100 * over.mean)
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
    return parts


def learning(shown: Sequence[Learning], marks: Sequence[str]) -> str:
    """Draw metrics of the validation split by examples: a panel for each metric, a line for each
    member.

    Args:
        shown: curves of at most eight members; the mean over a member's seeds is drawn.
        marks: which metrics.
    """
    parts = []
    for k, mark in enumerate(marks):
        parts += _panel(shown, mark, TOP + 22 + k * (PANEL + 62))
    height = TOP + 22 + len(marks) * (PANEL + 62)
    return svg(WIDTH, height, "Learning curves of members on the validation split", parts)


def _panel(shown: Sequence[Learning], mark: str, top: float) -> list[str]:
    members = list(dict.fromkeys(each.member for each in shown))
    drawn = {
        member: _mean([each for each in shown if (each.member, each.metric) == (member, mark)])
        for member in members
    }
    drawn = {member: points for member, points in drawn.items() if points}
    if not drawn:
        return []
    places = [point for points in drawn.values() for point in points]
    ticks = nice_ticks(min(y for _, y in places), max(y for _, y in places))
    across = Axis(
        math.log(min(x for x, _ in places)), math.log(max(x for x, _ in places) + 1),
        AXIS, WIDTH - BESIDE,
    )  # fmt: skip
    up = Axis(ticks[0], ticks[-1], top + PANEL, top)
    parts = [text(8, top - 12, f"{mark}, % right of the validation split"), *_frame(across, up)]
    for member, points in drawn.items():
        number = members.index(member)
        path = " ".join(f"{across.at(math.log(x)):.1f},{up.at(y):.1f}" for x, y in points)
        dashes = ' stroke-dasharray="6 3"' if number % 2 else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{COLOURS[number % LINES]}" '
            f'stroke-width="2"{dashes}/>'
        )
    return parts + _legend({m: up.at(p[-1][1]) for m, p in drawn.items()}, members)


def _mean(own: Sequence[Learning]) -> list[tuple[int, float]]:
    """Return examples and the mean metric, at the validations that all seeds have."""
    if not own:
        return []
    common = sorted(set.intersection(*(set(each.curve.examples) for each in own)))
    seeds = sum(len(each.seeds) for each in own)
    return [(x, sum(len(e.seeds) * e.curve.at(x) for e in own) / seeds) for x in common]


def _frame(across: Axis, up: Axis) -> list[str]:
    parts = []
    for tick in nice_ticks(up.low, up.high):
        y = up.at(tick)
        parts.append(line((across.start, y), (across.end, y), 'stroke="var(--l)"'))
        parts.append(text(across.start - 8, y + 4, f"{tick:g}", soft=True, anchor="end"))
    for examples in EXAMPLES:
        if across.low <= math.log(examples) <= across.high:
            x = across.at(math.log(examples))
            parts.append(line((x, up.start), (x, up.end), 'stroke="var(--l)"'))
            said = f"{examples / 1e6:g} M"
            parts.append(text(x, up.start + 18, said, soft=True, anchor="middle"))
    said = "examples (log scale)"
    parts.append(text((across.start + across.end) / 2, up.start + 34, said, soft=True,
                      anchor="middle"))  # fmt: skip
    return parts


def _legend(ends: Mapping[str, float], members: Sequence[str]) -> list[str]:
    """Write each line's name at its end, without overlap."""
    parts, last = [], -math.inf
    for member, y in sorted(ends.items(), key=lambda each: each[1]):
        last = max(y, last + 16)
        number, x = members.index(member), WIDTH - BESIDE + 20
        dashes = ' stroke-dasharray="6 3"' if number % 2 else ""
        look = f'stroke="{COLOURS[number % LINES]}" stroke-width="3"{dashes}'
        parts.append(line((x, last), (x + 18, last), look))
        parts.append(text(x + 24, last + 4, member))
    return parts
