"""Draw the figures of the explanations: ``python -m tools.figures`` writes docs/figures/.

Each is computed: intervals from simulated test sets whose truth is known, accuracies from published
figures, activations from their formulas. The same numbers give the same bytes.
"""

from __future__ import annotations

import html
import math
from pathlib import Path

import numpy as np
from scipy.special import erf

from benchbench.data.published.figure import published_figures
from benchbench.render.figures import svg
from benchbench.stats.means import build_layout
from benchbench.stats.wilson import share_interval, wilson_interval

FIGURES = Path(__file__).parent.parent / "docs" / "figures"
TRUTH, IMAGES, PER_IMAGE, SETS, ALIKE = 0.7, 60, 8, 40, 0.5
HIT, MISS, LINE, TEXT, INK = "var(--m)", "#e0483e", "var(--l)", "var(--s)", "var(--i)"


def main() -> None:
    """Write all figures."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    drawn = {"intervals": intervals(), "accuracies": accuracies(), "ties": ties(),
             "activations": activations()}  # fmt: skip
    for name, text in drawn.items():
        (FIGURES / f"{name}.svg").write_text(text + "\n", "utf-8")


def simulated() -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return, for each simulated test set, the interval over items and the one over images.

    Whether an item is right follows a normal value that its image shares in half (a Gaussian
    copula, as in ``benchmarks/coverage.py``).
    """
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(IMAGES), PER_IMAGE)
    layout = build_layout(np.zeros_like(clusters), clusters)
    found = []
    for _ in range(SETS):
        shared = rng.normal(size=IMAGES)[clusters]
        own = rng.normal(size=clusters.size)
        latent = math.sqrt(ALIKE) * shared + math.sqrt(1 - ALIKE) * own
        right = (latent < 0.5244005127080407).astype(float)  # the normal quantile of TRUTH
        by_items = wilson_interval(float(right.mean()), right.size)
        found.append((by_items, share_interval(layout.mean(right))))
    return found


def intervals() -> str:
    """Return both kinds of intervals of the same test sets, those that miss the truth in red."""
    found = simulated()
    parts, heads = [], ("counting items", "counting images")
    for column in (0, 1):
        left = 20 + 380 * column

        def x(share: float, left: int = left) -> float:
            return left + 340 * (share - 0.5) / 0.4

        bottom = 44 + 7 * SETS
        missed = sum(not low <= TRUTH <= high for low, high in (each[column] for each in found))
        parts.append(label(left, 18, f"{heads[column]}: {missed} of {SETS} miss the truth", INK))
        for share in (0.5, 0.6, 0.7, 0.8, 0.9):
            parts.append(line(x(share), 30, x(share), bottom, LINE))
            parts.append(label(x(share), bottom + 16, f"{100 * share:.0f}", TEXT, "middle"))
        parts.append(line(x(TRUTH), 30, x(TRUTH), bottom, TEXT, 'stroke-dasharray="4 4"'))
        for row, pair in enumerate(found):
            low, high = pair[column]
            colour = HIT if low <= TRUTH <= high else MISS
            y = 40 + 7 * row
            parts.append(line(x(low), y, x(high), y, colour, 'stroke-width="3"'))
    return svg(760, 44 + 7 * SETS + 26, "95 % intervals of 40 simulated test sets", parts)


def accuracies() -> str:
    """Return what is in print as the VG-Relation accuracy of one checkpoint."""
    found = [
        each
        for each in published_figures()
        if each.task == "vg-relation" and each.model.key == "openai-vit-b-32"
    ]
    found.sort(key=lambda each: float(each.printed))
    parts, bottom = [], 14 + 30 * len(found)
    for share in (50, 55, 60, 65):
        at = 330 + 24.0 * (share - 50)
        parts += [line(at, 8, at, bottom, LINE), label(at, bottom + 16, str(share), TEXT, "middle")]
    for row, each in enumerate(found):
        y = 28 + 30 * row
        at = 330 + 24 * (float(each.printed) - 50)
        name = f"{each.source.short}: {each.metric}"
        parts.append(label(318, y + 4, html.escape(name), INK, "end"))
        parts.append(f'<circle cx="{at:.1f}" cy="{y}" r="5" fill="{HIT}"/>')
        parts.append(label(at + 10, y + 4, each.printed, INK))
    title = "Published VG-Relation accuracies of OpenAI CLIP ViT-B/32, in percent"
    return svg(760, bottom + 26, title, parts)


def ties() -> str:
    """Return the score of a model that ties on a share of the items, by each rule."""
    parts: list[str] = []
    left, width, height = 60, 420, 220

    def point(tied: float, score: float) -> tuple[float, float]:
        return left + width * tied, 20 + height * (1 - score)

    for share in (0, 0.25, 0.5, 0.75, 1):
        low, high = point(0, share), point(1, share)
        parts += [
            line(*low, *high, LINE),
            label(left - 8, low[1] + 4, f"{100 * share:g}", TEXT, "end"),
        ]
        at = point(share, 0)
        parts.append(label(at[0], at[1] + 18, f"{100 * share:g}", TEXT, "middle"))
    for rule, worth, colour in (("right", 1.0, MISS), ("share", 0.5, TEXT), ("wrong", 0.0, HIT)):
        start, end = point(0, 0.7), point(1, worth)
        parts.append(line(*start, *end, colour, 'stroke-width="3"'))
        parts.append(label(end[0] + 10, end[1] + 4, f"ties {rule}", INK))
    parts.append(label(left, height + 56, "% of items that tie; score in %", TEXT))
    return svg(
        620, height + 66, "The score of a model by its share of ties, for three rules", parts
    )


def activations() -> str:
    """Return GELU, QuickGELU, and their difference a hundredfold."""
    values = np.linspace(-4, 4, 161)
    gelu = 0.5 * values * (1 + erf(values / math.sqrt(2)))
    quick = values / (1 + np.exp(-1.702 * values))
    parts: list[str] = []

    def path(ys: np.ndarray, colour: str, dash: str = "") -> str:
        points = " ".join(
            f"{60 + 65 * (v + 4):.1f},{190 - 40 * y:.1f}" for v, y in zip(values, ys, strict=True)
        )
        return (
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5" {dash}/>'
        )

    for tick in range(-4, 5, 2):
        at = 60 + 65 * (tick + 4)
        parts += [line(at, 20, at, 290, LINE), label(at, 308, str(tick), TEXT, "middle")]
    parts.append(line(60, 190, 580, 190, TEXT))
    parts += [
        path(gelu, HIT),
        path(quick, MISS, 'stroke-dasharray="7 5"'),
        path(100 * (gelu - quick), TEXT),
    ]
    parts.append(label(592, 34, "GELU", HIT))
    parts.append(label(592, 54, "QuickGELU, dashed", MISS))
    parts.append(label(592, 194, "100 × the difference", TEXT))
    return svg(760, 320, "GELU and QuickGELU, and a hundred times their difference", parts)


def line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    """Return a line."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {more}/>'
    )


def label(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    """Return a line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{text}</text>'


if __name__ == "__main__":
    main()
