"""Draw how reliable gates and intervals are, from simulations whose truth is known.

Two figures, as SVG that follows a light or dark page:

- the gate: how often a single check passes, fails and decides nothing, by the true change, on the
  simulated checkpoints of ``gates.py`` (margin 1 point, α = 0.05);
- intervals: how often intervals of several nominal levels hold the truth, on the simulated runs of
  ``coverage.py``: benchbench's, and those of independent items.

::

    python -m benchmarks.reliability docs
"""

from __future__ import annotations

import html
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from scipy.special import ndtri

from benchbench.render.figures import svg
from benchbench.stats import interval
from benchbench.stats.means import build_layout
from benchmarks.coverage import answers, structure
from benchmarks.gates import MARGIN, SKILL, World, simulate_answers, verdict
from benchmarks.variants_figures import Axis, line, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = np.ndarray[Any, Any]
CHANGES = tuple(round(-0.05 + 0.005 * k, 3) for k in range(17))
"""True changes in accuracy, from −5 to +3 points."""
IMAGES = (200, 1_000)
SHARE, LIKENESS = 0.25, 0.9
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
CLUSTERS, CORRELATION, ACCURACY = 100, 0.5, 0.7
STRUCTURES = 10
WIDTH, PANEL, LEFT, RIGHT, TOP, BOTTOM = 760, 250, 56, 150, 34, 50
COLOURS = {"pass": "#2f81f7", "fail": "#d1603d", "inconclusive": "#8b949e"}
"""Each at least 3 : 1 against white and against black pages."""


def gate_shares(images: int, simulations: int) -> dict[str, list[float]]:
    """Return verdict → its share of simulations at each of ``CHANGES``."""
    world = World(images, SHARE, 4)
    counts = {word: [0] * len(CHANGES) for word in COLOURS}
    for _ in range(simulations):
        base = world.noise()
        old, other = simulate_answers(base, SKILL), world.like(base, LIKENESS)
        for place, change in enumerate(CHANGES):
            found = world.held(old, simulate_answers(other, SKILL + change))
            counts[verdict(found)][place] += 1
    return {word: [n / simulations for n in of] for word, of in counts.items()}


def coverage(simulations: int) -> dict[str, list[float]]:
    """Return kind of interval → the share that holds the truth at each of ``LEVELS``."""
    rng = np.random.default_rng([CLUSTERS, 5])
    held = {"benchbench": np.zeros(len(LEVELS)), "independent items": np.zeros(len(LEVELS))}
    turns = max(1, simulations // STRUCTURES)
    for _ in range(STRUCTURES):
        clusters, groups = structure(CLUSTERS, "items", rng)
        layout, truth = build_layout(groups, clusters), np.full(len(clusters), ACCURACY)
        for _ in range(turns):
            values = answers(truth, clusters, CORRELATION, True, rng)
            mean, share = layout.mean(values), float(values.mean())
            error = math.sqrt(share * (1 - share) / len(values))
            for place, level in enumerate(LEVELS):
                low, high = interval(mean, np.zeros(0), level, of_share=True, method="auto")
                held["benchbench"][place] += low <= ACCURACY <= high
                half = float(ndtri((1 + level) / 2)) * error
                held["independent items"][place] += abs(share - ACCURACY) <= half
    return {kind: list(of / (STRUCTURES * turns)) for kind, of in held.items()}


def gate_figure(shares: Mapping[int, Mapping[str, Sequence[float]]]) -> str:
    """Return the verdicts by the true change: a panel a number of images."""
    parts = []
    for number, (images, of) in enumerate(shares.items()):
        across = Axis(100 * CHANGES[0], 100 * CHANGES[-1], LEFT, WIDTH - RIGHT)
        top = TOP + number * (PANEL + TOP + 20)
        up = Axis(0, 1, top + PANEL, top)
        parts += [text(LEFT, top - 12, f"{images:,} images: share of checks that …")]
        parts += _frame(across, up, range(-5, 4), (0, 0.25, 0.5, 0.75, 1))
        at = across.at(-100 * MARGIN)
        parts.append(line((at, up.start), (at, up.end), 'stroke="var(--s)" stroke-dasharray="4 4"'))
        points = [100 * change for change in CHANGES]
        parts += _curves(of, COLOURS, points, across, up)
    height = TOP + len(shares) * (PANEL + TOP + 20) + 16
    parts.append(
        text(LEFT, height - 8, "true change in accuracy, points; dashed: the margin", soft=True)
    )
    return svg(WIDTH, height, "Verdicts of a gate by the true change", parts)


def calibration_figure(held: Mapping[str, Sequence[float]]) -> str:
    """Return the share of intervals that hold the truth by their nominal level."""
    across, up = Axis(45, 100, LEFT, WIDTH - RIGHT), Axis(0.25, 1, TOP + PANEL, TOP)
    parts = [text(LEFT, TOP - 12, "share of intervals that hold the truth")]
    parts += _frame(across, up, range(50, 101, 10), (0.25, 0.5, 0.75, 1))
    ends = ((across.at(50), up.at(0.5)), (across.at(100), up.at(1)))
    parts.append(line(*ends, 'stroke="var(--s)" stroke-dasharray="4 4"'))
    colours = dict(zip(held, (COLOURS["pass"], COLOURS["fail"]), strict=True))
    parts += _curves(held, colours, [100 * level for level in LEVELS], across, up)
    parts.append(
        text(LEFT, TOP + PANEL + 42, "nominal level, %; dashed: as often as promised", soft=True)
    )
    return svg(WIDTH, TOP + PANEL + BOTTOM, "Calibration of intervals", parts)


def _frame(across: Axis, up: Axis, columns: Sequence[int], rows: Sequence[float]) -> list[str]:
    """Return the grid with its numbers."""
    parts = []
    for value in columns:
        x, said = across.at(value), f"{value:+d}" if columns[0] < 0 and value else f"{value}"
        parts.append(line((x, up.start), (x, up.end), 'stroke="var(--l)"'))
        said = said.replace("-", "−")
        parts.append(text(x, up.start + 18, said, soft=True, anchor="middle"))
    for share in rows:
        y = up.at(share)
        parts.append(line((across.start, y), (across.end, y), 'stroke="var(--l)"'))
        parts.append(text(across.start - 8, y + 4, f"{share:g}", soft=True, anchor="end"))
    return parts


def _curves(
    of: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    points: Sequence[float],
    across: Axis,
    up: Axis,
) -> list[str]:
    """Return a line a name, and its name at the right end; names that would meet are moved up."""
    parts: list[str] = []
    names: list[tuple[float, str]] = []
    for name, values in of.items():
        at = [(across.at(x), up.at(y)) for x, y in zip(points, values, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2.5"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colours[name]}"/>'
                  for x, y in at]  # fmt: skip
        names.append((at[-1][1] + 4, name))
    names.sort(reverse=True)
    for k in range(1, len(names)):
        names[k] = (min(names[k][0], names[k - 1][0] - 16), names[k][1])
    for y, name in names:
        parts.append(
            f'<text x="{across.end + 12:.1f}" y="{y:.1f}" fill="{colours[name]}">'
            f"{html.escape(name)}</text>"
        )
    return parts


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--simulations", default=2_000, show_default=True, help="A point of each curve.")
def main(folder: Path, simulations: int) -> None:
    """Write both figures into FOLDER, and print their numbers."""
    shares = {images: gate_shares(images, simulations) for images in IMAGES}
    held = coverage(simulations)
    for images, of in shares.items():
        for word, values in of.items():
            click.echo(f"{images} {word}: {' '.join(f'{100 * value:.1f}' for value in values)}")
    for kind, values in held.items():
        click.echo(f"{kind}: {' '.join(f'{100 * value:.1f}' for value in values)}")
    (folder / "gate-reliability.svg").write_text(gate_figure(shares) + "\n", "utf-8")
    (folder / "interval-calibration.svg").write_text(calibration_figure(held) + "\n", "utf-8")


if __name__ == "__main__":
    main()
