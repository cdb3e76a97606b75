"""Overall scores of models over several tasks, with intervals, places and mean ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis.leaderboard import LEVEL, adjust, square
from benchbench.analysis.paired import paired_scores
from benchbench.errors import UsageError
from benchbench.stats import flip, intervals, letters, overall, rank_sets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchbench.analysis.paired import PairedScores
    from benchbench.types import Run
    from benchbench.types.arrays import Floats


PARTS = {
    "weights_sha256": "other weights",
    "dtype": "another precision",
    "activation": "another activation",
}
"""Fields of a manifest that are equal on all tasks → the words of the error."""
FEW_TASKS = 10
"""Mean ranks over this many tasks or fewer are rough (Demšar 2006, §3.2.2)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A model over all tasks."""

    name: str
    score: float
    """Mean of chance-corrected scores: 0 is guessing, 1 is perfect."""
    low: float
    high: float
    best: int
    worst: int
    letters: str
    mean_rank: float
    """The mean over tasks of its rank by score."""


@dataclass(frozen=True, slots=True)
class Overall:
    """Models over the tasks on which all of them were evaluated."""

    tasks: tuple[str, ...]
    standings: tuple[Standing, ...]
    """The highest score first."""
    level: float
    n_clusters: int
    """Distinct source images over all tasks."""
    critical_difference: float
    """The critical difference of mean ranks (Nemenyi; Demšar 2006); NaN with one model."""

    @property
    def by_mean_rank(self) -> tuple[Standing, ...]:
        """The standings, the best mean rank first."""
        return tuple(sorted(self.standings, key=lambda each: (each.mean_rank, each.name)))

    @property
    def cliques(self) -> list[tuple[int, int]]:
        """First and last, in ``by_mean_rank``, of the models that the test does not separate."""
        return cliques([each.mean_rank for each in self.by_mean_rank], self.critical_difference)


def over_tasks(
    runs: Mapping[str, Sequence[Run]], *, level: float = LEVEL, seed: int = 0
) -> Overall:
    """Order models by their score over several tasks.

    Args:
        runs: task → runs of the same models, each by its task's headline.
        level: the confidence level of intervals and places.
        seed: the seed of all draws.

    Raises:
        UsageError: no task, other models in some, or a headline of which less is better.
    """
    _check_models(runs)
    scores = {}
    for task, of_task in runs.items():
        ordered = sorted(of_task, key=lambda run: run.model.name)
        scores[task] = paired_scores(ordered)
        if scores[task].sign < 0:
            raise UsageError(
                f"The headline of {task} is a rank; an overall score is of shares. Leave it out."
            )
    names = [run.model.name for run in next(iter(scores.values())).runs]
    table = overall([(b.panel, b.cluster_names, b.chance_level()) for b in scores.values()])
    values = table.values
    bounds = intervals([table.mean(i) for i in range(table.n_models)], level, seed=seed)
    order = np.argsort(-values.round(12), kind="stable")
    p_values = adjust(flip(table, table.pairs(), seed=seed), "step-down")
    apart = square(table, p_values) < 1 - level
    shown = letters(apart[np.ix_(order, order)])
    ranks, mean_ranks = rank_sets(table, level=level, seed=seed), _mean_ranks(scores)
    standings = []
    for place, i in enumerate(order):
        low, high = bounds[i]
        standings.append(
            Standing(
                names[i], float(values[i]), low, high, int(ranks.best[i]), int(ranks.worst[i]),
                shown[place], float(mean_ranks[i]),
            )
        )  # fmt: skip
    return Overall(
        tuple(scores), tuple(standings), level, table.n_clusters,
        critical_difference(len(names), len(scores), 1 - level),
    )  # fmt: skip


def _check_models(runs: Mapping[str, Sequence[Run]]) -> None:
    """Refuse tasks that have other models than the first, by name or by what makes the numbers."""
    seen: dict[str, tuple[str, Run]] = {}
    first: list[str] | None = None
    for task, of_task in runs.items():
        names = sorted(run.model.name for run in of_task)
        first = names if first is None else first
        if names != first or len(set(names)) < len(names):
            raise UsageError(
                f"An overall score needs one run of each model on all tasks: {task} has "
                f"{', '.join(names)}; another task {', '.join(first)}."
            )
        for run in of_task:
            task_before, known = seen.setdefault(run.model.name, (task, run))
            for name, what in PARTS.items():
                here, there = getattr(run.model, name), getattr(known.model, name)
                if here == there:
                    continue
                values = "" if name == "weights_sha256" else f" ({here}, not {there})"
                raise UsageError(
                    f"{run.model.name} has {what} on {task} than on {task_before}{values}: two "
                    "models under one name have no overall score. Evaluate one of them on both "
                    "tasks, or give them two names."
                )


def _mean_ranks(scores: Mapping[str, PairedScores]) -> Floats:
    from scipy.stats import rankdata

    ranks = [rankdata(-np.round(each.panel.values, 12)) for each in scores.values()]
    return np.asarray(np.mean(ranks, axis=0))


def critical_difference(models: int, tasks: int, alpha: float) -> float:
    r"""Return the critical difference of mean ranks (Nemenyi's test; Demšar 2006, §3.2.2).

    .. math:: q_\alpha \sqrt{\frac{k(k+1)}{6N}}

    q is the quantile of the studentised range for k models, divided by √2; N counts tasks.

    >>> round(critical_difference(4, 14, 0.05), 2)
    1.25
    """
    from scipy.stats import studentized_range

    if models < 2:
        return float("nan")
    q = float(studentized_range.ppf(1 - alpha, models, np.inf)) / 2**0.5
    return float(q * (models * (models + 1) / (6 * tasks)) ** 0.5)


def cliques(ranks: Sequence[float], critical: float) -> list[tuple[int, int]]:
    """Return first and last of each longest stretch of mean ranks within a critical difference.

    >>> cliques([1.0, 2.0, 2.5, 4.0], 1.6)
    [(0, 2), (2, 3)]
    """
    ends = [max(j for j, r in enumerate(ranks) if r - a <= critical) for a in ranks]
    return [(i, j) for i, j in enumerate(ends) if j > i and (i == 0 or ends[i - 1] < j)]


def shared_runs(runs: Mapping[str, Mapping[str, Run]]) -> dict[str, list[Run]]:
    """Return task → the runs of the models on which every task has one.

    Args:
        runs: task → name of a file → run.

    Returns:
        Nothing if fewer than two models have runs of every task.
    """
    names = set.intersection(*(set(of) for of in runs.values())) if runs else set()
    if len(names) < 2:
        return {}
    return {task: [of[name] for name in sorted(names)] for task, of in sorted(runs.items())}
