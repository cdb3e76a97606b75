"""Several models on one task: places, and which differences between them are beyond chance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.packaged_audits import TIES, above_blind
from benchbench.analysis.paired import pair_runs, setting_differences, tags_of
from benchbench.analysis.reliability import rare_groups, rare_share
from benchbench.editions import kind_of
from benchbench.errors import UsageError
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

    from benchbench.analysis.common_items import CommonItems
    from benchbench.analysis.paired import PairedScores, Pairing, SettingDifference
    from benchbench.stats import Flips, Method, Panel, Ranks
    from benchbench.types import Metric, Run, TaskInfo, Ties
    from benchbench.types.arrays import Floats


LEVEL = 0.95
MAX_FLIPS = 100_000_000
"""Sign flips times pairs: about 2 GB."""
MOST_GROUPS = 40
"""Groups by the tag of another metric than the board's; more than these make no figure."""
Correction = Literal["step-down", "holm", "bh"]
"""How p-values are adjusted for the number of pairs: family-wise by the step-down maximum of |T| or
by Holm's method, or of the false discovery rate by Benjamini and Hochberg's method."""


@dataclass(frozen=True, slots=True)
class Place:
    """A model's place on a leaderboard."""

    run: Run
    estimate: Estimate
    best: int
    """The best place that it may have, with the board's confidence for all models at once."""
    worst: int
    letters: str
    """Models that share a letter do not differ beyond chance."""
    tied: bool
    """Whether it does not differ from the first beyond chance."""
    p_first: float
    """The adjusted p-value of its difference from the first model; NaN for the first itself."""

    above_blind: float = math.nan
    """The score minus that of the best text-only model, or chance if that is higher; NaN unless an
    audit of the edition is packaged."""

    @property
    def text_only(self) -> bool:
        """Whether the model reads no images."""
        return not self.run.model.preprocessing and not self.run.imported


@dataclass(frozen=True, slots=True)
class GroupScores:
    """The scores of all models in one group of the metric."""

    name: str
    n_items: int
    scores: tuple[float, ...]
    """[places]"""


@dataclass(frozen=True, slots=True)
class Leaderboard(Result):
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
    setting_differences: tuple[SettingDifference, ...]
    """Settings, scores the models, in which the runs differ."""
    chance: float
    """Expected score of random guesses."""
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
    """Weight of groups of fewer than ten clusters in every mean, in [0, 1]."""
    rare: tuple[str, ...] = ()
    """The groups of fewer than ten clusters."""
    groups: tuple[GroupScores, ...] = field(default=(), repr=False)
    """The groups by the tag ``groups_by``, the one of most items first; a single one if there is no
    tag."""
    groups_by: str | None = None
    """The tag that forms the groups: the metric's, or that of another metric of the task with the
    same judgement, where the metric has none."""
    common: CommonItems | None = None
    """The items that all runs share, if they are of several editions."""

    @property
    def is_rank(self) -> bool:
        """Whether scores are ranks from 1, of which less is better."""
        return self.metric.reading == "rank"

    @property
    def first(self) -> Run:
        """The run with the best score."""
        return self.places[0].run


def of_tasks(runs: Sequence[Run], tasks: Sequence[str]) -> list[list[Run]]:
    """Return the runs of each of these tasks and each edition of it, in the order of the tasks.

    Tasks without a run are left out.

    Raises:
        UsageError: no run is of any of the tasks.
    """
    order = {name: i for i, name in enumerate(tasks)}
    found: dict[tuple[int, str], list[Run]] = {}
    for run in runs:
        if run.task in order:
            found.setdefault((order[run.task], run.edition), []).append(run)
    if not found:
        there = ", ".join(sorted({run.task for run in runs})) or "none"
        raise UsageError(f"No run is of {', '.join(tasks)}. Runs there are of: {there}.")
    return [found[key] for key in sorted(found)]


def leaderboard(
    runs: Sequence[Run],
    metric: Metric | str | None = None,
    *,
    ties: Ties = "wrong",
    level: float = LEVEL,
    interval: Method = "auto",
    correction: Correction = "step-down",
    seed: int = 0,
    common_items: bool = False,
) -> Leaderboard:
    """Compare every two of several models on the same items.

    Args:
        runs: one run per model, all of one task and edition.
        metric: a metric of the task that is a mean; by default its headline.
        ties: the rule, where the metric fixes none.
        level: the confidence level of intervals and places; differences count below 1 − level.
        interval: the kind of each model's interval (``stats.interval``), apart from places.
        correction: how p-values are adjusted for the number of pairs.
        seed: the seed of all draws.
        common_items: whether runs of several editions are compared on the items of equal content.

    Raises:
        UsageError: runs that do not compare, a model twice, a metric that is not a mean, or
            Wilson's intervals if items are not independent.
    """
    _check_of_one_task(runs, common_items)
    _check_names(runs)
    pairing = pair_runs(runs, common_items=common_items)
    runs = pairing.runs
    scores = pairing.scores(metric, ties=ties)
    if not scores.is_mean:
        raise UsageError(
            f"{scores.metric.name} is a median, and a leaderboard is of means. Compare two runs by "
            f"it: benchbench compare A B --metric {scores.metric.name}"
        )
    table = scores.panel
    estimates = estimates_of(scores, level, interval, seed)
    order = sorted(
        range(len(runs)),
        key=lambda i: (-scores.sign * round(estimates[i].value, 12), runs[i].model.name),
    )
    flips = flip(table, table.pairs(), draws=_n_draws(correction, len(runs), 1 - level), seed=seed)
    p_values = square(table, adjust(flips, correction))[np.ix_(order, order)]
    ranks = rank_sets(table if scores.sign > 0 else -table, level=level, seed=seed)
    errors = table.standard_errors(table.pairs())
    chance, grouped = scores.chance_level(), _grouped(pairing, scores)
    return Leaderboard(
        info=pairing.info,
        edition=" and ".join(dict.fromkeys(run.edition for run in runs)),
        metric=scores.metric,
        ties=scores.ties,
        level=level,
        interval=interval,
        correction=correction,
        places=tuple(
            place if pairing.common else _with_blind(place, scores.metric, chance, ties)
            for place in _places(runs, estimates, order, ranks, p_values, 1 - level)
        ),
        setting_differences=tuple(setting_differences(runs)),
        chance=chance,
        p_values=p_values,
        family=len(errors),
        exact=flips.exact,
        detectable=detectable(np.median(errors) if len(errors) else np.nan, alpha=1 - level),
        rare_share=rare_share(scores.mean(scores.chance)),
        rare=rare_groups(scores.groups, scores.outcome.tolist(), scores.clusters),
        groups=_groups(grouped, order),
        groups_by=grouped.metric.by,
        common=pairing.common,
    )


def _with_blind(place: Place, metric: Metric, chance: float, ties: Ties) -> Place:
    """Return a place with its score above that of the best text-only model."""
    own = TIES if metric.ties else ties
    above = above_blind(place.run, metric.name, place.estimate.value, chance, ties=own)
    return replace(place, above_blind=above)


def _places(
    runs: Sequence[Run],
    estimates: Sequence[Estimate],
    order: Sequence[int],
    ranks: Ranks,
    p_values: Floats,
    alpha: float,
) -> tuple[Place, ...]:
    """Return one place per model, the best first; ``p_values`` are in that order."""
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


def grouping_tag(info: TaskInfo, metric: Metric, kind: str) -> str | None:
    """Return the tag that a metric's scores are shown by; None where the task has none.

    Args:
        info: the task.
        metric: the metric of the task; its own tag comes first.
        kind: the kind of the edition.
    """
    if metric.by is not None:
        return metric.by
    shown, _ = info.shown(kind)
    alike = (metric.judgement, metric.k, metric.reading, metric.no_ops)
    tags = (m.by for m in shown if (m.judgement, m.k, m.reading, m.no_ops) == alike)
    return next((tag for tag in tags if tag is not None), None)


def _grouped(pairing: Pairing, scores: PairedScores) -> PairedScores:
    """Return the scores in groups, where there is a tag that makes a few."""
    kind = kind_of(scores.runs[0].edition).name
    tag = grouping_tag(pairing.info, scores.metric, kind)
    if tag is None or tag == scores.metric.by or tag not in tags_of(scores.runs[0]):
        return scores
    grouped = pairing.scores(replace(scores.metric, by=tag), ties=scores.ties)
    return grouped if len(grouped.group_names) <= MOST_GROUPS else scores


def _groups(scores: PairedScores, order: Sequence[int]) -> tuple[GroupScores, ...]:
    """Return every model's score in every group, the group of most items first."""
    names, number = scores.group_names, scores.group_number
    sizes = np.bincount(number)
    found = []
    for group in sorted(range(len(names)), key=lambda g: (-sizes[g], names[g])):
        values = scores.values[number == group]
        means = tuple(float(values[:, i].mean()) for i in order)
        found.append(GroupScores(names[group], int(sizes[group]), means))
    return tuple(found)


def adjust(flips: Flips, correction: Correction) -> Floats:
    """Return the p-values of all pairs, adjusted for their number: [pairs]."""
    if not len(flips.observed):
        return np.zeros(0)
    if correction == "step-down":
        return step_down(flips)
    method = holm if correction == "holm" else benjamini_hochberg
    return np.array(method(flips.p_values()))


def _n_draws(correction: Correction, models: int, alpha: float) -> int:
    """Return how many sign flips let the least p-value, adjusted, be well below α.

    The step-down method needs no more for more pairs; the others multiply by their number.
    """
    pairs = models * (models - 1) // 2
    draws = max(DRAWS, int((2 if correction == "step-down" else 20 * pairs) / alpha))
    if draws * pairs > MAX_FLIPS:
        raise UsageError(
            f"--correction {correction} needs {draws:,} sign flips of {pairs:,} pairs at α = "
            f"{alpha:.2g}: take --correction step-down, a lower --level or fewer models."
        )
    return draws


def square(table: Panel, of_pairs: Floats) -> Floats:
    """Return p-values of all pairs as [models, models]; 1 on the diagonal."""
    found = np.ones((table.n_models, table.n_models))
    for (one, two), p in zip(table.pairs(), of_pairs, strict=True):
        found[one, two] = found[two, one] = p
    return found


def estimates_of(scores: PairedScores, level: float, method: Method, seed: int) -> list[Estimate]:
    """Return each model's score with its own interval."""
    share, means = scores.sign > 0, scores.means
    bounds = intervals(means, level, of_share=share, method=method, seed=seed)
    return [
        Estimate(m.value, low if share else max(1.0, low), high, level, m.n_items, m.n_clusters)
        for m, (low, high) in zip(means, bounds, strict=True)
    ]


def _check_of_one_task(runs: Sequence[Run], common_items: bool) -> None:
    tasks = sorted({f"{run.task}@{run.edition}" for run in runs})
    if common_items and len({run.task for run in runs}) == 1:
        return
    if len(tasks) > 1:
        raise UsageError(
            f"A leaderboard is of one task and edition, and these runs are of {len(tasks)}: "
            f"{', '.join(tasks)}. Name the folder of one, or all: benchbench publish; or take the "
            "items that are equal in several editions of one task: --common-items."
        )


def _check_names(runs: Sequence[Run]) -> None:
    names = [run.model.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name} is there {names.count(name)} times: name one run per model.")
