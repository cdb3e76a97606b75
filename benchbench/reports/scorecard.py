"""One run, read: each published definition of its score, with intervals, chance and counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.protocols import matching
from benchbench.registry import load_task
from benchbench.stats import (
    bootstrap_draws,
    expanded_percentiles,
    mean_over_groups,
    wilson_interval,
)
from benchbench.stats.bootstrap import RESAMPLES
from benchbench.stats.means import FEW_CLUSTERS
from benchbench.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchbench.stats import Mean
    from benchbench.types import Metric, Run, Task, TaskInfo, Ties

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

LEVEL = 0.95
MANY_CLUSTERS = 100
"""From here on intervals hold what they promise (benchmarks/coverage.py); below, they warn."""
HEAVY = 0.2
"""Share of a mean's weight on groups of few clusters from which the output warns."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a scorecard."""

    name: str
    """Of the metric, or of the group."""
    estimate: Estimate
    """In [0, 1]; NaN throughout where no item is left, low and high alone where there are fewer
    than ten clusters."""
    chance: float
    ties: Ties
    meaning: str
    rare_share: float = 0.0
    """Weight carried by groups of fewer than ten clusters."""


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
    """Items that the tie rule decides, judged as the headline is."""
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
    task: Task | None = None,
    ties: Ties = "wrong",
    by: str | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Scorecard:
    """Read a run by every metric of its task.

    Args:
        run: what ``evaluate`` or ``read_run`` gave.
        task: whose metrics to read it by; by default the installed task of that name.
        ties: the rule for metrics whose publication fixes none.
        by: a tag to slice by (``relation``).
        resamples: bootstrap draws of clusters.
        seed: of the draws.

    Raises:
        UsageError: the task is another one or has changed since, or no item has the tag ``by``.
    """
    info = _task_of(run, task)
    first = info.metric(info.headline)
    _, clusters = np.unique([o.cluster for o in run.outcomes], return_inverse=True)
    metrics = [_read_metric(run, metric, ties, clusters) for metric in info.metrics]
    slices = _read_slices(run, by, ties, clusters, info) if by is not None else []
    everything = metrics + slices
    draws = bootstrap_draws([read.mean for read in everything], resamples=resamples, seed=seed)
    rows = [read.row(draws[:, i]) for i, read in enumerate(everything)]
    of_metrics, of_slices = rows[: len(metrics)], rows[len(metrics) :]
    headline = next(row for row in of_metrics if row.name == info.headline)
    return Scorecard(
        run=run,
        task=info,
        headline=headline,
        metrics=(headline, *(row for row in of_metrics if row is not headline)),
        by=by,
        groups=tuple(sorted(of_slices, key=lambda row: (-row.estimate.n_items, row.name))),
        ties=int(matching.tied(run.outcomes, first.judgement, first.no_ops).sum()),
        no_ops=sum(sum(o.no_op) for o in run.outcomes),
        resamples=resamples,
    )


def _task_of(run: Run, task: Task | None) -> TaskInfo:
    info = (task or load_task(run.task)).info
    if info.name != run.task:
        raise UsageError(f"The run is of {run.task}, not of {info.name}.")
    if info.version != run.task_version:
        raise UsageError(
            f"The run is of {run.task} version {run.task_version}; installed is version "
            f"{info.version}, whose items differ. Evaluate again, or install the benchbench that "
            f"made it ({run.environment.get('benchbench', 'unknown')})."
        )
    return info


@dataclass(frozen=True, slots=True)
class _Read:
    """A mean on its way to a row."""

    name: str
    meaning: str
    ties: Ties
    mean: Mean
    chance: float

    def row(self, draws: Floats) -> Row:
        """The row, given the mean's bootstrap draws."""
        mean = self.mean
        low, high = _interval(mean, draws)
        return Row(
            name=self.name,
            estimate=Estimate(mean.value, low, high, LEVEL, mean.n_items, mean.n_clusters),
            chance=self.chance,
            ties=self.ties,
            meaning=self.meaning,
            rare_share=mean.rare_share if mean.n_groups > 1 else 0.0,
        )


def _read_metric(run: Run, metric: Metric, ties: Ties, clusters: Integers) -> _Read:
    values = matching.judge(run.outcomes, metric.ties or ties, metric.judgement, metric.no_ops)
    groups = _numbered(matching.groups(run.outcomes, metric))
    mean = mean_over_groups(values, groups, clusters)
    guessed = matching.chance(run.outcomes, metric.judgement, metric.no_ops)
    chance = mean_over_groups(guessed, groups, clusters).value
    meaning = f"{mean.n_groups} {metric.meaning}" if metric.by else metric.meaning
    return _Read(metric.name, meaning, metric.ties or ties, mean, chance)


def _read_slices(run: Run, by: str, ties: Ties, clusters: Integers, info: TaskInfo) -> list[_Read]:
    """A plain mean over the items of each group that a tag makes, judged as the headline is."""
    headline = info.metric(info.headline)
    sliced = replace(headline, by=by, leave_out=frozenset(), at_least=1)
    names = matching.groups(run.outcomes, sliced)
    labels = sorted({name for name in names if name is not None})
    if not labels:
        tags = sorted({name for o in run.outcomes for name in o.tags})
        raise UsageError(
            f"No item of {run.task} has the tag '{by}'. Tags: {', '.join(tags) or 'none'}."
        )
    values = matching.judge(run.outcomes, ties, headline.judgement, headline.no_ops)
    chance = matching.chance(run.outcomes, headline.judgement, headline.no_ops)
    reads = []
    for label in labels:
        groups = np.array([0 if name == label else -1 for name in names], dtype=np.intp)
        mean = mean_over_groups(values, groups, clusters)
        out_of = [m.name for m in info.metrics if m.by == by and label in m.leave_out]
        meaning = f"not in {', '.join(out_of)}" if out_of else ""
        reads.append(_Read(label, meaning, ties, mean, float(chance[groups == 0].mean())))
    return reads


def _numbered(groups: Sequence[str | None]) -> Integers:
    """Each item's group as a number from 0; −1 for None."""
    number = {label: i for i, label in enumerate(sorted({g for g in groups if g is not None}))}
    return np.array([-1 if g is None else number[g] for g in groups], dtype=np.intp)


def _interval(mean: Mean, draws: Floats) -> tuple[float, float]:
    """The expanded percentile interval within [0, 1]; Wilson's where the draws have no spread.

    Resampling items that are all right, or all wrong, yields no width: a certainty that a few
    dozen clusters do not give.
    """
    if mean.n_clusters < FEW_CLUSTERS:
        return float("nan"), float("nan")
    low, high = expanded_percentiles(draws, mean.n_clusters, LEVEL)
    if high - low < 1e-9:
        return wilson_interval(mean.value, mean.n_clusters, LEVEL)
    return max(0.0, low), min(1.0, high)
