"""One run, read: each published definition of its score, with intervals, chance and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.protocols import matching
from benchbench.registry import load_task
from benchbench.stats import grouped_means, percentile_interval, wilson_interval
from benchbench.stats.bootstrap import RESAMPLES
from benchbench.types import Estimate, Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchbench.stats import GroupedMean
    from benchbench.types import Run, TaskInfo, Ties

LEVEL = 0.95
FEW_CLUSTERS = 10
"""Below this many clusters a group gets no interval of its own."""
MANY_CLUSTERS = 100
"""From here on percentile intervals hold what they promise; below, the output warns."""
HEAVY = 0.2
"""Share of a mean's weight on groups of few clusters from which the output warns."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a scorecard."""

    name: str
    """Of the metric, or of the group."""
    estimate: Estimate
    """Accuracy in [0, 1]; low and high are NaN where there are too few clusters."""
    chance: float
    ties: Ties
    n_groups: int
    meaning: str
    rare_share: float = 0.0
    """Weight carried by groups of fewer than 10 clusters."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What a run says; ``str`` gives it as text."""

    run: Run
    task: TaskInfo
    headline: Row
    metrics: tuple[Row, ...]
    """The headline first."""
    by: str | None
    groups: tuple[Row, ...]
    """The slices that ``by`` makes, the largest first."""
    ties: int
    """Items whose true caption ties with the best other one."""
    no_ops: int
    """Captions that the model cannot tell from their item's true one."""
    resamples: int

    def __str__(self) -> str:
        """The scorecard as a terminal shows it."""
        from benchbench.reports.text import render

        return render(self)


def scorecard(
    run: Run,
    *,
    ties: Ties = "wrong",
    by: str | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Scorecard:
    """Read a run by every metric of its task.

    Args:
        run: what ``evaluate`` or ``read_run`` gave.
        ties: the rule for metrics whose publication fixes none.
        by: a tag to slice by (``relation``).
        resamples: bootstrap draws of clusters.
        seed: of the draws.

    Raises:
        UsageError: the run's task has changed since, or no item has the tag ``by``.
    """
    info = _task_of(run)
    names = sorted({o.cluster for o in run.outcomes})
    number = {name: i for i, name in enumerate(names)}
    clusters = np.array([number[o.cluster] for o in run.outcomes], dtype=np.intp)
    metrics = list(info.metrics)
    if by is not None:
        _check_tag(run, by)
        metrics.append(Metric(name=by, meaning="", by=by))
    values = [matching.judge(run.outcomes, m.ties or ties) for m in metrics]
    grouped = [_numbered(matching.groups(run.outcomes, m)) for m in metrics]
    means = grouped_means(
        values, [numbers for _, numbers in grouped], clusters, resamples=resamples, seed=seed
    )
    chance = matching.chance(run.outcomes)
    rows = [
        _metric_row(m, mean, _mean_by(chance, numbers), m.ties or ties)
        for m, mean, (_, numbers) in zip(metrics, means, grouped, strict=True)
    ]
    slices: tuple[Row, ...] = ()
    if by is not None:
        rows.pop()
        labels, numbers = grouped[-1]
        slices = _group_rows(labels, numbers, means[-1], chance, ties, info)
    headline = next(row for row in rows if row.name == info.headline)
    return Scorecard(
        run=run,
        task=info,
        headline=headline,
        metrics=(headline, *(row for row in rows if row is not headline)),
        by=by,
        groups=slices,
        ties=int(matching.tied(run.outcomes).sum()),
        no_ops=sum(sum(o.no_op) for o in run.outcomes),
        resamples=resamples,
    )


def _task_of(run: Run) -> TaskInfo:
    info = load_task(run.task).info
    if info.version != run.task_version:
        raise UsageError(
            f"The run is of {run.task} version {run.task_version}; installed is version "
            f"{info.version}, whose items differ. Evaluate again."
        )
    return info


def _check_tag(run: Run, by: str) -> None:
    tags = {name for o in run.outcomes for name in o.tags}
    if by not in tags:
        raise UsageError(
            f"No item of {run.task} has the tag '{by}'. Tags: {', '.join(sorted(tags)) or 'none'}."
        )


def _numbered(groups: Sequence[str | None]) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Group names in order, and each item's number among them; −1 for None."""
    labels = sorted({g for g in groups if g is not None})
    number = {label: i for i, label in enumerate(labels)}
    return labels, np.array([-1 if g is None else number[g] for g in groups], dtype=np.intp)


def _mean_by(values: npt.NDArray[np.float64], numbers: npt.NDArray[np.intp]) -> float:
    kept = numbers >= 0
    sums = np.bincount(numbers[kept], weights=values[kept])
    return float((sums / np.bincount(numbers[kept])).mean())


def _metric_row(metric: Metric, mean: GroupedMean, chance: float, ties: Ties) -> Row:
    low, high = _interval(mean.draws, mean.value, mean.n_clusters)
    rare = mean.group_clusters < FEW_CLUSTERS
    return Row(
        name=metric.name,
        estimate=Estimate(mean.value, low, high, LEVEL, mean.n_items, mean.n_clusters),
        chance=chance,
        ties=ties,
        n_groups=len(mean.group_values) if metric.by else 0,
        meaning=metric.meaning,
        rare_share=float(rare.mean()) if metric.by else 0.0,
    )


def _interval(draws: npt.NDArray[np.float64], value: float, n_clusters: int) -> tuple[float, float]:
    """The percentile interval; Wilson's over clusters where no draw differs from another.

    Resampling items that are all right, or all wrong, yields no width: a certainty that a few
    dozen clusters do not give.
    """
    low, high = percentile_interval(draws, LEVEL)
    return wilson_interval(value, n_clusters, LEVEL) if low == high else (low, high)


def _group_rows(
    labels: Sequence[str],
    numbers: npt.NDArray[np.intp],
    mean: GroupedMean,
    chance: npt.NDArray[np.float64],
    ties: Ties,
    info: TaskInfo,
) -> tuple[Row, ...]:
    rows = []
    for i, label in enumerate(labels):
        n_clusters = int(mean.group_clusters[i])
        low, high = float("nan"), float("nan")
        if n_clusters >= FEW_CLUSTERS:
            value = float(mean.group_values[i])
            low, high = _interval(mean.group_draws[:, i], value, n_clusters)
        out_of = [m.name for m in info.metrics if label in m.leave_out]
        rows.append(
            Row(
                name=label,
                estimate=Estimate(
                    float(mean.group_values[i]),
                    low,
                    high,
                    LEVEL,
                    int(mean.group_items[i]),
                    n_clusters,
                ),
                chance=float(chance[numbers == i].mean()),
                ties=ties,
                n_groups=0,
                meaning=f"not in {', '.join(out_of)}" if out_of else "",
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.estimate.n_items, row.name)))
