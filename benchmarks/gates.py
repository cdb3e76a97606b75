"""Measure how often the gate is wrong, on simulated checkpoints whose true change is known.

Items are right or wrong; several share an image, whose answers are alike; the candidate answers
like the baseline as far as the two are correlated, and is better or worse by a known change. What
the gate says of them is held against the truth, at a margin of a point and α = 0.05:

    python benchmarks/gates.py one       # a check: false alarms, false passes, power
    python benchmarks/gates.py several   # several checks at once
    python benchmarks/gates.py early     # stopping early at VG-Relation's size
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np
from scipy.special import ndtri

from benchbench.analysis.early_gate import MAX_PORTIONS
from benchbench.stats import holm, mean_over_groups
from benchbench.stats.margins import loss_variance, one_sided_test
from benchbench.stats.sequential import sequential_test

if TYPE_CHECKING:
    from benchbench.stats.margins import OneSidedTest

Array = np.ndarray[Any, Any]
ALPHA, MARGIN, SKILL = 0.05, 0.01, 0.7
CHANGES = (-0.03, -0.01, -0.005, 0.0, 0.005, 0.01, 0.03)
CORRELATIONS = (0.0, 0.25, 0.5)
LIKENESS = (0.0, 0.9, 0.99)
FULL = 5_316, 23_937
GROUPS = 12


class World:
    """Items in images, and models that answer them."""

    def __init__(
        self, images: int, share: float, seed: int, *, items: int | None = None, groups: int = 1
    ) -> None:
        """Lay out items in images: 1 to 6 an image by default, 1 to 8 for a given number of items.

        Args:
            images: how many.
            share: of what decides an answer, what belongs to the image: the correlation of its
                items' latent scores.
            seed: of everything.
            items: in all.
            groups: over which the score is averaged, some of them frequent and most rare.
        """
        self.rng = np.random.default_rng([seed, images, int(100 * share)])
        sizes = self.rng.integers(1, 7 if items is None else 9, images)
        while items is not None and (lacking := items - sizes.sum()):
            some = self.rng.choice(images, abs(lacking))
            sizes[some] = np.clip(sizes[some] + np.sign(lacking), 1, 8)
        self.sizes, self.share = sizes, share
        self.clusters = np.repeat(np.arange(images), sizes)
        share_of = 1 / np.arange(1, groups + 1)
        drawn = self.rng.choice(groups, len(self.clusters), p=share_of / share_of.sum())
        self.groups = np.unique(drawn, return_inverse=True)[1]

    def noise(self) -> Array:
        """Draw normal noise that is correlated within images: [items]."""
        of_image = self.rng.normal(size=len(self.sizes))[self.clusters]
        own = self.rng.normal(size=len(self.clusters))
        return np.asarray(np.sqrt(self.share) * of_image + np.sqrt(1 - self.share) * own)

    def like(self, other: Array, likeness: float) -> Array:
        """Draw noise with this correlation to another's."""
        return np.asarray(likeness * other + np.sqrt(1 - likeness**2) * self.noise())

    def held(self, old: Array, new: Array, kept: Array | None = None) -> OneSidedTest:
        """Return the gate's test of a candidate's answers against a baseline's, on all or some
        items."""
        groups = self.groups if kept is None else np.where(kept, 0, -1)
        apart = mean_over_groups(new - old, groups, self.clusters, total=len(self.sizes))
        per_loss = loss_variance(groups[groups >= 0])
        return one_sided_test(apart, -MARGIN, per_loss=per_loss)


def simulate_answers(noise: Array, skill: Array | float) -> Array:
    """Draw the answers of a model with this accuracy: 1 or 0."""
    return np.asarray(noise < ndtri(skill), dtype=float)


def verdict(found: OneSidedTest) -> str:
    """Return the verdict of a single check."""
    if found.below <= ALPHA:
        return "fail"
    return "pass" if found.above <= ALPHA else "inconclusive"


@click.group()
def main() -> None:
    """Print a table."""


@main.command()
@click.option("--simulations", default=10_000, show_default=True)
@click.option("--full-simulations", default=1_000, show_default=True, help="At 23,937 items.")
@click.option("--images", "sizes", multiple=True, type=int, default=(50, 200, 1000, FULL[0]))
def one(simulations: int, full_simulations: int, sizes: tuple[int, ...]) -> None:
    """Simulate a single check."""
    heads = ["images", "groups", "of an image", "alike", "fail at ≥ −0.5", "fail at −1",
             "pass at −1", "pass at −3", "fail at −3", "pass at 0", "pass at +1", "beyond",
             "fail beyond"]  # fmt: skip
    click.echo("| " + " | ".join(heads) + " |\n|" + "---:|" * len(heads))
    for images in sizes:
        items, times = (FULL[1], full_simulations) if images == FULL[0] else (None, simulations)
        for share in CORRELATIONS:
            for likeness in LIKENESS:
                for groups in (1, GROUPS) if items is None and images > 50 else (1,):
                    world = World(images, share, 1, items=items, groups=groups)
                    head = f"| {images:,} | {groups} | {share:g} | {likeness:g} | "
                    click.echo(head + row(world, likeness, times))


def row(world: World, likeness: float, simulations: int) -> str:
    """Return the shares of verdicts in one setting, in percent."""
    said: dict[float, list[str]] = {change: [] for change in CHANGES}
    beyond, seen = [], []
    for _ in range(simulations):
        base = world.noise()
        old, other = simulate_answers(base, SKILL), world.like(base, likeness)
        for change in CHANGES:
            found = world.held(old, simulate_answers(other, SKILL + change))
            said[change].append(verdict(found))
            if change == 0:
                beyond.append(found.detectable(alpha=ALPHA))
        # A candidate that is worse by the margin and what was just printed as detectable.
        worse = simulate_answers(world.like(base, likeness), max(0.0, SKILL - MARGIN - beyond[-1]))
        seen.append(verdict(world.held(old, worse)) == "fail")

    def share_of(word: str, change: float) -> float:
        return 100 * said[change].count(word) / simulations

    cells = [
        max(share_of("fail", change) for change in CHANGES if change > -MARGIN),
        share_of("fail", -0.01), share_of("pass", -0.01), share_of("pass", -0.03),
        share_of("fail", -0.03), share_of("pass", 0.0), share_of("pass", 0.01),
        100 * float(np.median(beyond)), 100 * float(np.mean(seen)),
    ]  # fmt: skip
    return " | ".join("–" if np.isnan(cell) else f"{cell:.1f}" for cell in cells) + " |"


@main.command()
@click.option("--simulations", default=10_000, show_default=True)
@click.option("--checks", default=8, show_default=True)
@click.option("--images", default=400, show_default=True)
def several(simulations: int, checks: int, images: int) -> None:
    """Simulate several checks of one candidate, on items that share images."""
    heads = ["of an image", "alike", "all at −1: any fail", "unadjusted", "one at −1: pass",
             "beyond", "one beyond: fail"]  # fmt: skip
    click.echo("| " + " | ".join(heads) + " |\n|" + "---:|" * len(heads))
    for share in CORRELATIONS:
        for likeness in LIKENESS[1:]:
            world = World(images * checks, share, 2)
            cells = family(world, likeness, checks, simulations)
            shown = " | ".join(f"{cell:.1f}" for cell in cells)
            click.echo(f"| {share:g} | {likeness:g} | {shown} |")


def family(world: World, likeness: float, checks: int, simulations: int) -> list[float]:
    """Return shares of simulations in percent: the columns of ``several``."""
    group = world.rng.integers(checks, size=len(world.clusters))
    first, lost = group == 0, np.full(len(group), SKILL - MARGIN)
    counts: list[tuple[float, ...]] = []
    for _ in range(simulations):
        base = world.noise()
        old, other = simulate_answers(base, SKILL), world.like(base, likeness)
        at_margin = test_group(world, old, simulate_answers(other, lost), group)
        raw = [found.below for found in at_margin]
        # One check at the margin, the others far better: it alone keeps the gate from passing.
        one_bad = test_group(
            world, old, simulate_answers(other, np.where(first, lost, 0.95)), group
        )
        passes = max(found.above for found in one_bad) <= ALPHA
        beyond = at_margin[0].detectable(alpha=ALPHA / checks)
        worse = np.where(first, lost - beyond, SKILL)
        seen = test_group(world, old, simulate_answers(world.like(base, likeness), worse), group)
        adjusted = holm([found.below for found in seen])[0]
        counts.append(
            (min(holm(raw)) <= ALPHA, min(raw) <= ALPHA, passes, beyond, adjusted <= ALPHA)
        )
    return [100 * float(each) for each in np.mean(counts, axis=0)]


def test_group(world: World, old: Array, new: Array, group: Array) -> list[OneSidedTest]:
    """Return the gate's test of each group by itself."""
    return [world.held(old, new, group == number) for number in range(group.max() + 1)]


@main.command()
@click.option("--simulations", default=1_000, show_default=True)
def early(simulations: int) -> None:
    """Print whether early verdicts agree with all 23,937 items, and how many items they took."""
    heads = ["of an image", "alike", "change", "contradicted", "decided", "median share"]
    click.echo("| " + " | ".join(heads) + " |\n|" + "---:|" * len(heads))
    for share in CORRELATIONS:
        for likeness in LIKENESS:
            for change in (-0.03, -0.01, 0.0):
                world = World(FULL[0], share, 3, items=FULL[1])
                looks = np.array(
                    [compare_early(world, likeness, change) for _ in range(simulations)]
                )
                wrong, decided, items = 100 * looks.mean(axis=0)[:2], looks[:, 1] > 0, looks[:, 2]
                cells = (
                    f"{wrong[0]:.1f} | {100 * decided.mean():.1f} | {100 * np.median(items):.0f}"
                )
                click.echo(f"| {share:g} | {likeness:g} | {100 * change:+g} | {cells} |")


def compare_early(world: World, likeness: float, change: float) -> tuple[float, float, float]:
    """Return whether the full set contradicts the early verdict, whether there is one, and its
    share of items.

    Looks are those of ``stopping.gate_early``.
    """
    base = world.noise()
    old = simulate_answers(base, SKILL)
    apart = simulate_answers(world.like(base, likeness), SKILL + change) - old
    order = world.rng.permutation(len(world.sizes))
    sizes = world.sizes[order].astype(float)
    values = np.bincount(world.clusters, apart)[order] + MARGIN * sizes
    earned = np.bincount(world.clusters, old)[order].astype(float)
    low, high = MARGIN * sizes - earned, (1 + MARGIN) * sizes - earned
    found = sequential_test(values, 0.0, low, high, known=earned, alpha=ALPHA)
    ends = np.cumsum([len(part) for part in np.array_split(order, MAX_PORTIONS)])
    claims = [at for at in (found.above, found.below) if at is not None]
    end = int(ends[np.searchsorted(ends, min(claims))]) if claims else len(sizes)
    above = found.above is not None and found.above <= end
    contradicted = bool(claims) and above != (apart.mean() > -MARGIN)
    return float(contradicted), float(bool(claims)), float(sizes[:end].sum() / sizes.sum())


if __name__ == "__main__":
    main()
