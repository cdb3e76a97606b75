"""The section of docs/findings.md on what suites can show: detectable differences, printed gaps.

A paired difference of two models over n items has the variance (p − d²) · deff / n, where p is the
share of items that they decide differently and d the difference. The design effect of items that
share images is deff = 1 + (m − 1) ρ, with m = Σ mᵢ² / Σ mᵢ of the items mᵢ of each image, and the
correlation ρ of differences within an image (Kish 1965, *Survey Sampling*, §5.4). Where decisions
of several models are public, the standard error is measured; elsewhere p and ρ are those of the
median pair of the CLIPs whose decisions on SugarCrepe are public.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from tabulate import tabulate

from benchbench.analysis.paired import paired_scores
from benchbench.stats import detectable
from benchmarks.suite_sizes import SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.types import Run


@dataclass(frozen=True, slots=True)
class Pair:
    """How two models differ on some items."""

    differing: float
    """The share of items that one alone has right."""
    design: float
    """The variance of their difference over that of independent items."""
    error: float
    """The standard error of their difference."""
    spread: float
    """m − 1, of the items' images."""

    @property
    def rho(self) -> float:
        """The correlation of differences within an image."""
        return (self.design - 1) / self.spread if self.spread else 0.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference of two models that a publication prints."""

    points: float
    what: str


GAPS: Mapping[str, tuple[Gap, ...]] = {
    "sugarcrepe": (
        Gap(2.4, "GPT-4V, the order of captions (its authors' files)"),
        Gap(4.0, "TROHN-Text over TROHN-Img (BiVLC's files)"),
    ),
    "bivlc": (
        Gap(8.3, "TROHN-Img over COCO (BiVLC, group)"),
        Gap(3.5, "COCO over TROHN-Text (BiVLC, group)"),
    ),
    "colorswap": (
        Gap(30.0, "GPT-4V over LLaVA (ColorSwap's abstract, group)"),
        Gap(18.0, "SigLIP over CLIP (ColorSwap's abstract, group)"),
    ),
    "valse": (
        Gap(11.1, "ViLBERT 12-in-1 over CLIP, 75.1 and 64.0 (VALSE, mean over pieces)"),
        Gap(0.3, "CLIP over ViLBERT, 64.0 and 63.7 (the same)"),
    ),
}
"""Task → gaps in print. Tasks without one have none that was read in its source."""


def pair_of(a: Run, b: Run, metric: str | None = None) -> Pair:
    """Return how two runs of the same items differ, by a metric that is a mean over items."""
    both = paired_scores([a, b], metric)
    apart = both.values[:, 1] - both.values[:, 0]
    table = both.panel
    error = float(table.standard_errors(table.pairs())[0])
    sizes = np.bincount(both.cluster)
    independent = apart.var(ddof=1) / len(apart)
    return Pair(
        differing=float((apart != 0).mean()),
        design=error**2 / independent,
        error=error,
        spread=float(np.square(sizes).sum() / sizes.sum()) - 1,
    )


def median_pair(runs: Sequence[Run], metric: str | None = None) -> Pair:
    """Return the pair of the median standard error."""
    pairs = sorted(
        (pair_of(a, b, metric) for a, b in combinations(runs, 2)), key=lambda each: each.error
    )
    return pairs[len(pairs) // 2]


def estimated(size: Mapping[str, int], like: Pair) -> float:
    """Return the detectable difference of two models that differ as a pair elsewhere does.

    Args:
        size: of the suite: ``items``, ``images`` and ``squares`` (``suite_sizes``).
        like: the pair; its difference counts as 0, which gives the largest variance.
    """
    spread = size["squares"] / size["items"] - 1
    design = max(1.0, 1 + spread * like.rho)
    return detectable(float(np.sqrt(like.differing * design / size["items"])))


def section(measured: Mapping[str, Sequence[Run]], typical: Sequence[Run]) -> Iterator[str]:
    """Yield the section's lines.

    Args:
        measured: task → runs whose decisions are public, by the headline.
        typical: runs of the models whose median pair stands for others.
    """
    like = median_pair(typical)
    sizes: Mapping[str, Mapping[str, int]] = json.loads(SIZES.read_text())
    rows = []
    for name, size in sizes.items():
        runs = measured.get(name, ())
        least = detectable(median_pair(runs).error) if runs else estimated(size, like)
        gaps = GAPS.get(name, ())
        told = "; ".join(f"{gap.points:g}: {gap.what}" for gap in gaps) or "none read"
        under = "; ".join(f"{gap.points:g}" for gap in gaps if gap.points < 100 * least)
        how = "measured" if runs else "estimated"
        cells = (f"{size['items']:,}", f"{size['images']:,}", f"{100 * least:.1f}", how)
        rows.append([name, *cells, told, under or "none"])
    yield "## Which gaps can these suites show?"
    yield ""
    yield (
        "A true difference of this many points between two typical models is found in four of five "
        "tries, at p < 0.05 and before any adjustment; a smaller one is found less often, and one "
        "half as large in fewer than one of three. *Measured*: of the median pair of models whose "
        "decisions are public. *Estimated*: of two models that differ as the median pair of four "
        f"CLIPs does on SugarCrepe, where one alone is right on {100 * like.differing:.0f} % of "
        f"items, and differences within an image correlate by {like.rho:.2f}; accuracy is a mean "
        "over items, and an item of several decisions counts as one. *Below it*: printed gaps that "
        "are smaller."
    )
    yield ""
    heads = ["task", "items", "images", "detectable", "how", "gaps in print", "below it"]
    yield tabulate(rows, heads, tablefmt="github", disable_numparse=True)
    yield ""
    yield (
        "Models that agree more than those CLIPs need smaller differences, and models of other "
        "families larger ones. Where a headline is a mean over groups, its detectable difference "
        "is larger than that of the mean over items here."
    )
    yield ""
