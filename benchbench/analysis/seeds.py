"""Two methods, each trained with several seeds: variation over seeds apart from that over items.

A p-value over items compares two checkpoints: would they differ on other items? Whether a method is
better needs other seeds as well. The two intervals stand side by side and are never combined: seeds
share their items, so that the spread over seeds does not contain that over items (Bouthillier et
al., 'Accounting for variance in machine learning benchmarks', MLSys 2021).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.paired import paired_scores
from benchbench.analysis.reliability import rare_groups, rare_share
from benchbench.errors import UsageError
from benchbench.stats import Spread, between_seeds, intervals, welch
from benchbench.stats.seeds import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.stats import Method
    from benchbench.types import Metric, Run, Ties
    from benchbench.types.arrays import Floats


LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MethodComparison(Result):
    """Two methods over several seeds of each, by one metric."""

    task: str
    metric: str
    a: Spread
    """Scores of the first method's checkpoints."""
    b: Spread
    difference: float
    """The difference of the means over seeds, b − a."""
    level: float
    over_seeds: tuple[float, float]
    """Interval of the difference for other seeds on these items (Welch's t)."""
    over_items: tuple[float, float]
    """Interval for these checkpoints on other items, by whole source images; NaN if every item
    differs equally."""
    interval: Method
    """The kind of interval over items."""
    ordered: bool
    """Whether every checkpoint of one method is above every one of the other."""
    is_rank: bool = False
    """Whether scores are ranks from 1, of which less is better."""
    runs: tuple[Run, ...] = field(default=(), repr=False)
    """The runs of both methods' checkpoints, the first method's first."""
    n_clusters: int = 0
    """Source images of the items."""
    rare_share: float = 0.0
    """Weight of groups of fewer than ten clusters in the means, in [0, 1]."""
    rare: tuple[str, ...] = ()
    """The groups of fewer than ten clusters."""


def _check_seeds(runs: Sequence[Run], values: Floats) -> None:
    """Refuse a checkpoint that is given twice, under one name or two.

    Args:
        runs: the runs of one method.
        values: [units, runs], their scores.
    """
    same = [replace(run.model, name="", weights="") for run in runs]
    for i, k in combinations(range(len(runs)), 2):
        if same[i] == same[k] and np.array_equal(values[:, i], values[:, k]):
            names = dict.fromkeys(runs[each].model.name for each in (i, k))
            raise UsageError(
                f"{' and '.join(names)}: one checkpoint is given twice, and a copy is not another "
                "seed. Name it once."
            )


def compare_methods(
    a: Sequence[Run],
    b: Sequence[Run],
    metric: Metric | str | None = None,
    *,
    ties: Ties = "wrong",
    level: float = LEVEL,
    interval: Method = "auto",
    seed: int = 0,
) -> MethodComparison:
    """Compare two methods by checkpoints of several seeds.

    Args:
        a: runs of one method's checkpoints, on the same items.
        b: runs of the other method's checkpoints, on those items too.
        metric: a mean; by default the task's headline.
        ties: the rule, where the metric fixes none.
        level: the confidence level of both intervals.
        interval: the kind over items (``stats.interval``).
        seed: the seed of the resamples.

    Raises:
        UsageError: fewer than two seeds of either, a checkpoint twice, runs that do not compare,
            a median, or Wilson's intervals, which differences do not have.
    """
    if min(len(a), len(b)) < 2:
        raise UsageError(
            f"Methods are compared over two seeds or more of each, not {len(a)} and {len(b)}. Name "
            "two folders with the runs of several seeds."
        )
    scores = paired_scores([*a, *b], metric, ties=ties)
    _check_seeds(a, scores.values[:, : len(a)])
    _check_seeds(b, scores.values[:, len(a) :])
    if not scores.is_mean:
        raise UsageError(
            f"{scores.metric.name} is a median; methods are compared by means. Name another metric."
        )
    table = scores.panel
    one, two = table.values[: len(a)], table.values[len(a) :]
    apart = scores.values[:, len(a) :].mean(axis=1) - scores.values[:, : len(a)].mean(axis=1)
    mean = scores.mean(apart)
    (over_items,) = intervals([mean], level, method=interval, seed=seed)
    if not over_items[1] - over_items[0] > TOLERANCE:
        over_items = (float("nan"), float("nan"))
    return MethodComparison(
        task=f"{a[0].task}@{a[0].edition}",
        metric=scores.metric.name,
        a=between_seeds(one.tolist()),
        b=between_seeds(two.tolist()),
        difference=float(two.mean() - one.mean()),
        level=level,
        over_seeds=welch(one, two, level),
        over_items=over_items,
        interval=interval,
        ordered=bool(two.min() > one.max() or one.min() > two.max()),
        is_rank=scores.sign < 0,
        n_clusters=mean.n_clusters,
        rare_share=rare_share(mean),
        rare=rare_groups(scores.groups, scores.outcome.tolist(), scores.clusters),
        runs=(*a, *b),
    )
