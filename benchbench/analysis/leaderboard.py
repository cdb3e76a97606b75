"""Several models on one task: places, and which differences between them are more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis.paired import SideBySide, circumstances, side_by_side
from benchbench.analysis.reliability import rare_groups, rare_share
from benchbench.errors import UsageError
from benchbench.registry import load_task
from benchbench.stats import (
    benjamini_hochberg,
    detectable,
    flip,
    holm,
    intervals,
    letters,
    rank_sets,
    step_down,
)
from benchbench.stats.flips import DRAWS
from benchbench.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchbench.stats import Flips, Method, Panel, Ranks
    from benchbench.types import Metric, Run, TaskInfo, Ties

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

LEVEL = 0.95
MOST = 100_000_000
"""Sign flips times pairs: about 2 GB."""
Correction = Literal["step-down", "holm", "bh"]
CORRECTIONS: dict[str, str] = {
    "step-down": "family-wise, by the step-down maximum of |T|",
    "holm": "family-wise, by Holm's method",
    "bh": "for the false discovery rate, by Benjamini and Hochberg's method",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A model's line."""

    run: Run
    estimate: Estimate
    best: int
    """The best place that it may hold, with the board's confidence for all models at once."""
    worst: int
    letters: str
    """Models that share a letter are not told apart."""
    tied: bool
    """Whether it is not told apart from the first."""
    p_first: float
    """Adjusted, of its difference from the first; NaN for the first itself."""

    @property
    def sees(self) -> bool:
        """Whether the model looks at pictures at all."""
        return bool(self.run.model.preprocessing)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Models on one task of one edition by one metric."""

    info: TaskInfo
    edition: str
    metric: Metric
    ties: Ties
    level: float
    interval: Method
    correction: Correction
    places: tuple[Place, ...]
    """The best score first."""
    unlike: tuple[str, ...]
    """In what runs differ beside their models."""
    chance: float
    p_values: Floats
    """[models, models], adjusted, in order of the places; 1 on the diagonal."""
    family: int
    """Pairs that were compared."""
    exact: bool
    """Whether all sign flips were counted."""
    detectable: float
    """The true difference that a typical pair here shows in four of five tries, uncorrected; NaN
    with one model."""
    rare_share: float = 0.0
    """What groups of fewer than ten clusters carry of every mean."""
    rare: tuple[str, ...] = ()
    """Those groups."""

    @property
    def first(self) -> Run:
        """The run with the best score."""
        return self.places[0].run

    def __str__(self) -> str:
        """The board as a terminal shows it."""
        from benchbench.render.leaderboard import terminal

        return terminal(self)


def leaderboard(
    runs: Sequence[Run],
    metric: Metric | str | None = None,
    *,
    ties: Ties = "wrong",
    level: float = LEVEL,
    interval: Method = "auto",
    correction: Correction = "step-down",
    seed: int = 0,
) -> Leaderboard:
    """Compare every two of several models on the same items.

    Args:
        runs: of one task and edition, one a model.
        metric: of the task, a mean; by default its headline.
        ties: the rule, where the metric fixes none.
        level: of intervals and places; differences count below 1 − level.
        interval: which each model's score has (``stats.interval``); places do not depend on it.
        correction: of p-values for the number of pairs.
        seed: of all draws.

    Raises:
        UsageError: runs that do not compare, a model twice, a metric that is no mean, or Wilson's
            intervals where items are not independent.
    """
    _check_of_one_task(runs)
    _check_names(runs)
    beside = side_by_side(runs, metric, ties=ties)
    if not beside.is_mean:
        raise UsageError(
            f"{beside.metric.name} is a median, and a table of many is made of means. Compare two "
            f"runs by it: benchbench compare A B --metric {beside.metric.name}"
        )
    table = beside.panel()
    estimates = _estimates(beside, level, interval, seed)
    order = sorted(
        range(len(runs)),
        key=lambda i: (-beside.sign * round(estimates[i].value, 12), runs[i].model.name),
    )
    flips = flip(table, table.pairs(), draws=_draws(correction, len(runs), 1 - level), seed=seed)
    p_values = square(table, adjusted(flips, correction))[np.ix_(order, order)]
    ranks = rank_sets(table if beside.sign > 0 else -table, level=level, seed=seed)
    errors = table.standard_errors(table.pairs())
    return Leaderboard(
        info=load_task(runs[0].task).info,
        edition=runs[0].edition,
        metric=beside.metric,
        ties=beside.ties,
        level=level,
        interval=interval,
        correction=correction,
        places=_places(runs, estimates, order, ranks, p_values, 1 - level),
        unlike=tuple(circumstances(runs)),
        chance=beside.guessing(),
        p_values=p_values,
        family=len(errors),
        exact=flips.exact,
        detectable=detectable(np.median(errors) if len(errors) else np.nan, alpha=1 - level),
        rare_share=rare_share(beside.mean(beside.chance)),
        rare=rare_groups(beside.groups, beside.outcome.tolist(), beside.clusters),
    )


def _places(
    runs: Sequence[Run],
    estimates: Sequence[Estimate],
    order: Sequence[int],
    ranks: Ranks,
    p_values: Floats,
    alpha: float,
) -> tuple[Place, ...]:
    """A line a model, the best first; ``p_values`` are in that order."""
    apart = p_values < alpha
    shown = letters(apart)
    return tuple(
        Place(
            run=runs[i],
            estimate=estimates[i],
            best=int(ranks.best[i]),
            worst=int(ranks.worst[i]),
            letters=shown[place],
            tied=not apart[0, place],
            p_first=float(p_values[0, place]) if place else float("nan"),
        )
        for place, i in enumerate(order)
    )


def adjusted(flips: Flips, correction: Correction) -> Floats:
    """p-values of all pairs, adjusted for their number: [pairs]."""
    if not len(flips.observed):
        return np.zeros(0)
    if correction == "step-down":
        return step_down(flips)
    adjust = holm if correction == "holm" else benjamini_hochberg
    return np.array(adjust(flips.p_values()))


def _draws(correction: Correction, models: int, alpha: float) -> int:
    """Enough flips that the least p-value, adjusted, can be well below α.

    Stepping down needs no more for more pairs; the others multiply by their number.
    """
    pairs = models * (models - 1) // 2
    draws = max(DRAWS, int((2 if correction == "step-down" else 20 * pairs) / alpha))
    if draws * pairs > MOST:
        raise UsageError(
            f"{CORRECTIONS[correction]} would take {draws:,} sign flips of {pairs:,} pairs at α = "
            f"{alpha:.2g}: take --correction step-down, a lower --level or fewer models."
        )
    return draws


def square(table: Panel, of_pairs: Floats) -> Floats:
    """p-values of all pairs as [models, models]; 1 on the diagonal."""
    found = np.ones((table.n_models, table.n_models))
    for (one, two), p in zip(table.pairs(), of_pairs, strict=True):
        found[one, two] = found[two, one] = p
    return found


def _estimates(beside: SideBySide, level: float, method: Method, seed: int) -> list[Estimate]:
    """Each model's score with its own interval."""
    share, means = beside.sign > 0, beside.means()
    bounds = intervals(means, level, of_share=share, method=method, seed=seed)
    return [
        Estimate(m.value, low if share else max(1.0, low), high, level, m.n_items, m.n_clusters)
        for m, (low, high) in zip(means, bounds, strict=True)
    ]


def _check_of_one_task(runs: Sequence[Run]) -> None:
    if len(tasks := sorted({f"{run.task}@{run.edition}" for run in runs})) > 1:
        raise UsageError(
            f"A board is of one task and edition, and these runs are of {len(tasks)}: "
            f"{', '.join(tasks)}. Name the folder of one, or all: benchbench publish"
        )


def _check_names(runs: Sequence[Run]) -> None:
    names = [run.model.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name} is there {names.count(name)} times: one run a model.")
