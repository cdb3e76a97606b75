"""Two methods, each trained several times: what is owed to seeds, apart from what is owed to items.

A p-value over items speaks of checkpoints: would these two differ on other items? Whether a method
is better asks for other seeds as well. The two are printed side by side and never added up: seeds
share their items, so that their spread knows nothing of these (Bouthillier et al., 'Accounting for
variance in machine learning benchmarks', MLSys 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis.paired import side_by_side
from benchbench.analysis.reliability import (
    few_images,
    marked,
    of_rare_groups,
    rare_groups,
    rare_share,
)
from benchbench.errors import UsageError
from benchbench.printable import sentence
from benchbench.render.scorecard import banners, cell, wrapped
from benchbench.stats import Spread, between_seeds, intervals
from benchbench.stats.intervals import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchbench.stats import Method
    from benchbench.types import Metric, Run, Ties

    Floats = npt.NDArray[np.float64]

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Methods:
    """Two methods over several seeds of each, by one metric."""

    task: str
    metric: str
    a: Spread
    """Scores of the first method's checkpoints."""
    b: Spread
    difference: float
    """Of the means over seeds, b − a."""
    level: float
    over_seeds: tuple[float, float]
    """Interval of the difference for other seeds on these items (Welch's t)."""
    over_items: tuple[float, float]
    """Interval for these checkpoints on other items, by whole source images."""
    interval: Method
    """How the interval over items is found."""
    ordered: bool
    """Whether every checkpoint of one method is above every one of the other."""
    is_rank: bool = False
    """Whether scores are ranks, of which less is better."""
    warnings: tuple[str, ...] = ()
    """What must be read before any number."""
    n_clusters: int = 0
    """Source images that the items are of."""
    rare_share: float = 0.0
    """What groups of fewer than ten clusters carry of the means."""
    rare: tuple[str, ...] = ()
    """Those groups."""

    def __str__(self) -> str:
        """As a terminal shows it."""
        level = f"{100 * self.level:g} %"
        scale = 1 if self.is_rank else 100
        alike = math.comb(self.a.n + self.b.n, self.a.n)
        rows = [
            f"{sentence(self.task)} · {self.metric} · {self.a.n} and {self.b.n} seeds"
            f"{' · ranks, less is better' if self.is_rank else ''}",
            *(line for said in self.warnings for line in ("", wrapped(said))),
            "",
            f"a      {_of(self.a, scale)}",
            f"b      {_of(self.b, scale)}",
            f"b − a  {scale * self.difference:+.1f}",
            "",
            f"{level} interval over seeds, on these items: {_range(self.over_seeds, scale)}",
            f"{level} interval over items, for these checkpoints: "
            f"{marked(_range(self.over_items, scale), self.over_items[0], self.rare_share)}",
            "Every checkpoint of one method is above every one of the other; of methods that are "
            f"alike, 2 in {alike} would be so."
            if self.ordered
            else "The methods' checkpoints overlap.",
            f"Interval over items ({self.interval}): {described(self.interval, ['mean'])}.",
            *map(wrapped, few_images(self.n_clusters)),
            *map(wrapped, of_rare_groups({self.metric: self.rare_share}, [*map(cell, self.rare)])),
        ]
        return "\n".join(rows)


def _of(spread: Spread, scale: float) -> str:
    return f"{scale * spread.mean:.1f} ± {scale * spread.sd:.1f} between seeds"


def _range(bounds: tuple[float, float], scale: float) -> str:
    low, high = bounds
    return "–" if math.isnan(low) else f"[{scale * low:+.1f}, {scale * high:+.1f}]"


def _check_seeds(runs: Sequence[Run]) -> None:
    """No checkpoint twice: a copy is no seed."""
    seen: dict[tuple[str, str], Run] = {}
    for run in runs:
        key = run.model.name, run.model.fingerprint
        if key in seen:
            raise UsageError(f"{run.model.name} is there twice, and a copy is no other seed.")
        seen[key] = run


def compare_methods(
    a: Sequence[Run],
    b: Sequence[Run],
    metric: Metric | str | None = None,
    *,
    ties: Ties = "wrong",
    level: float = LEVEL,
    interval: Method = "auto",
    seed: int = 0,
) -> Methods:
    """Compare two methods by checkpoints of several seeds.

    Args:
        a: runs of one method's checkpoints, on the same items.
        b: runs of the other's, on those items too.
        metric: a mean; by default the task's headline.
        ties: the rule, where the metric fixes none.
        level: of both intervals.
        interval: which is taken over items (``stats.interval``).
        seed: of the resamples.

    Raises:
        UsageError: fewer than two seeds of either, a checkpoint twice, runs that do not compare,
            a median, or Wilson's intervals, which differences have not.
    """
    if min(len(a), len(b)) < 2:
        raise UsageError(
            f"Methods are compared over two seeds or more of each, not {len(a)} and {len(b)}."
        )
    for each in (a, b):
        _check_seeds(each)
    beside = side_by_side([*a, *b], metric, ties=ties)
    if not beside.is_mean:
        raise UsageError(f"{beside.metric.name} is a median; methods are compared by means.")
    table = beside.panel()
    one, two = table.values[: len(a)], table.values[len(a) :]
    apart = beside.values[:, len(a) :].mean(axis=1) - beside.values[:, : len(a)].mean(axis=1)
    mean = beside.mean(apart)
    (over_items,) = intervals([mean], level, method=interval, seed=seed)
    return Methods(
        task=f"{a[0].task}@{a[0].edition}",
        metric=beside.metric.name,
        a=between_seeds(one.tolist()),
        b=between_seeds(two.tolist()),
        difference=float(two.mean() - one.mean()),
        level=level,
        over_seeds=welch(one, two, level),
        over_items=over_items,
        interval=interval,
        ordered=bool(two.min() > one.max() or one.min() > two.max()),
        is_rank=beside.sign < 0,
        n_clusters=mean.n_clusters,
        rare_share=rare_share(mean),
        rare=rare_groups(beside.groups, beside.outcome.tolist(), beside.clusters),
        warnings=tuple(dict.fromkeys(said for run in (*a, *b) for said in banners(run))),
    )


def welch(a: Floats, b: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Welch's interval of the difference of means, b − a, of independent seeds.

    NaN where no seed differs from another: that is no certainty.
    """
    from scipy.special import stdtrit

    parts = np.array([each.var(ddof=1) / len(each) for each in (a, b)])
    if not parts.sum():
        return float("nan"), float("nan")
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(a), len(b)]) - 1)).sum()
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(parts.sum())
    middle = float(b.mean() - a.mean())
    return middle - half, middle + half
