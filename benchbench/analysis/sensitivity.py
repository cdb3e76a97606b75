"""How far a score depends on settings that papers leave unsaid, and which conclusions survive them.

Each setting is paired with the baseline over the same items. A conclusion, that one model is better
than another, survives if it holds under every setting: the same sign, and a p-value below 1 − level
after adjustment for the number of pairs. Settings need no adjustment of their own: to claim that a
difference is there under all of them is an intersection–union test, whose level is that of one
(Berger 1982).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.leaderboard import estimates_of
from benchbench.analysis.paired import pair_runs
from benchbench.analysis.reliability import rare_share
from benchbench.editions import plain_edition
from benchbench.errors import NotComparable, UsageError
from benchbench.stats import flip, intervals, step_down

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchbench.analysis.paired import PairedScores
    from benchbench.stats import Method
    from benchbench.types import Estimate, Metric, Run, TaskInfo, Ties
    from benchbench.types.arrays import Floats

BASELINE = "as it is"
"""The name of the setting that changes nothing."""
LEVEL = 0.95
SIGN_FLIPS = 20_000
"""Random sign vectors of whole source images, shared by the settings, or by the pairs of models."""
TOLERANCE = 1e-12
"""A difference of 0, rounding errors included."""
Verdict = Literal["survives", "changes sign", "not always significant", "not significant as it is"]


@dataclass(frozen=True, slots=True)
class SettingScore:
    """A model's score under one setting, beside the baseline."""

    setting: str
    run: Run
    estimate: Estimate
    difference: float
    """The score minus the baseline's; NaN for the baseline itself, as the next three."""
    low: float
    """The lower bound of the difference's interval; NaN also in fewer than ten clusters, or if
    every item differs equally."""
    high: float
    p_adjusted: float
    """The p-value of the difference, adjusted for the number of settings."""
    gained: int
    """Units (items, or the parts that the metric scores) that do better than in the baseline."""
    lost: int


@dataclass(frozen=True, slots=True)
class ModelSensitivity:
    """One model under several settings."""

    name: str
    scores: tuple[SettingScore, ...]
    """The baseline first."""
    left_out: Mapping[str, str]
    """Settings that do not apply → why."""
    n_items: int
    flipping: int
    """Items whose score differs from the baseline's under at least one setting."""
    rare_share: float = 0.0
    """Weight of groups of fewer than ten clusters in the mean, in [0, 1]."""

    @property
    def lowest(self) -> SettingScore:
        """The setting of the lowest score."""
        return min(self.scores, key=lambda each: each.estimate.value)

    @property
    def highest(self) -> SettingScore:
        """The setting of the highest score."""
        return max(self.scores, key=lambda each: each.estimate.value)

    @property
    def spread(self) -> float:
        """The highest score minus the lowest."""
        return self.highest.estimate.value - self.lowest.estimate.value


@dataclass(frozen=True, slots=True)
class PairDifference:
    """The difference of two models under one setting."""

    setting: str
    difference: float
    """The first model's score minus the second's."""
    p_adjusted: float
    """Adjusted for the number of pairs of models."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Which of two models is better, under every setting that applies to all models."""

    better: str
    """The model that is better in the baseline."""
    worse: str
    differences: tuple[PairDifference, ...]
    """The baseline first; positive where the baseline's sign is kept."""
    level: float

    @property
    def verdict(self) -> Verdict:
        """Whether the baseline's conclusion holds under every setting."""
        alpha = 1 - self.level
        if not self.differences[0].p_adjusted < alpha:
            return "not significant as it is"
        if any(each.difference <= TOLERANCE for each in self.differences):
            return "changes sign"
        if any(not each.p_adjusted < alpha for each in self.differences):
            return "not always significant"
        return "survives"

    @property
    def same_sign(self) -> bool:
        """Whether the same model is better under every setting."""
        return all(each.difference > TOLERANCE for each in self.differences)

    @property
    def against(self) -> tuple[PairDifference, ...]:
        """The differences under settings in which the baseline's conclusion does not hold."""
        return tuple(
            each
            for each in self.differences
            if each.difference <= TOLERANCE or not each.p_adjusted < 1 - self.level
        )


@dataclass(frozen=True, slots=True)
class Sensitivity(Result):
    """Models on one task under several settings, by one metric."""

    info: TaskInfo
    edition: str
    metric: Metric
    ties: Ties
    level: float
    interval: Method
    models: tuple[ModelSensitivity, ...]
    """In the order of the runs."""
    conclusions: tuple[Conclusion, ...]
    """One per pair of models: those that survive first, then by the size of the difference. Empty
    where no setting applies to all models."""
    settings: tuple[str, ...]
    """Settings that apply to all models, the baseline first."""

    @property
    def is_rank(self) -> bool:
        """Whether scores are ranks from 1, of which lower is better."""
        return self.metric.reading == "rank"


def sensitivity(
    runs: Sequence[Mapping[str, Run]],
    left_out: Sequence[Mapping[str, str]] = (),
    metric: Metric | str | None = None,
    *,
    ties: Ties = "wrong",
    level: float = LEVEL,
    interval: Method = "auto",
    seed: int = 0,
) -> Sensitivity:
    """Compare models under several settings with their baselines, and with each other.

    Args:
        runs: for each model, setting → run; ``BASELINE`` is the run that others are compared with.
        left_out: for each model, the settings that do not apply → why.
        metric: a metric of the task that is a mean; by default its headline.
        ties: the rule, where the metric fixes none.
        level: the confidence level of intervals and conclusions.
        interval: the kind of each score's interval (``stats.interval``).
        seed: the seed of all draws.

    Raises:
        UsageError: no model, a model twice, or a metric that is not a mean.
        NotComparable: two models' baselines are of other items or files.
    """
    _check(runs)
    why = left_out or [{}] * len(runs)
    first = pair_runs([each[BASELINE] for each in runs]).scores(metric, ties=ties)
    if not first.is_mean:
        raise UsageError(
            f"{first.metric.name} is a median, and settings are compared by means. Name another "
            f"metric: benchbench show task {first.runs[0].task}"
        )
    how = _Reading(first.metric, ties, level, interval, seed)
    models = tuple(_model(each, reasons, how) for each, reasons in zip(runs, why, strict=True))
    shared = [
        score.setting
        for score in models[0].scores
        if all(score.setting in {s.setting for s in each.scores} for each in models)
    ]
    return Sensitivity(
        info=pair_runs([runs[0][BASELINE]]).info,
        edition=runs[0][BASELINE].edition,
        metric=first.metric,
        ties=first.ties,
        level=level,
        interval=interval,
        models=models,
        conclusions=_conclusions(runs, shared, how) if min(len(runs), len(shared)) > 1 else (),
        settings=tuple(shared),
    )


def plain(run: Run) -> Run:
    """Return a run under the name of its plain edition, to be paired with the baseline's run."""
    return replace(run, edition=plain_edition(run.edition))


@dataclass(frozen=True, slots=True)
class _Reading:
    """How runs are read."""

    metric: Metric
    ties: Ties
    level: float
    interval: Method
    seed: int

    def scores(self, runs: Sequence[Run]) -> PairedScores:
        """Return the scores of runs that are shown in several ways.

        Raises:
            NotComparable: they are of other items.
        """
        return pair_runs([plain(run) for run in runs]).scores(self.metric, ties=self.ties)


def _check(runs: Sequence[Mapping[str, Run]]) -> None:
    if not runs:
        raise UsageError("No model was given.")
    if any(BASELINE not in each for each in runs):
        raise UsageError(f"Every model needs a run of the baseline, '{BASELINE}'.")
    names = [each[BASELINE].model.name for each in runs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"{twice[0]} is there {len(twice)} times: name each model once.")


def _model(runs: Mapping[str, Run], left_out: Mapping[str, str], how: _Reading) -> ModelSensitivity:
    """Return one model's scores; settings whose units are other ones are left out, with why."""
    base, left_out = runs[BASELINE], dict(left_out)
    kept = {BASELINE: base}
    for setting, run in runs.items():
        try:
            how.scores([base, run])
        except NotComparable as error:
            left_out[setting] = str(error)
        else:
            kept[setting] = run
    scores = how.scores(list(kept.values()))
    estimates = estimates_of(scores, how.level, how.interval, how.seed)
    apart = scores.values[:, 1:] - scores.values[:, :1]
    means = [scores.mean(column) for column in apart.T]
    bounds = intervals(means, how.level, method=_of_differences(how.interval), seed=how.seed)
    better = scores.sign * apart
    nothing = float("nan")
    rows = [SettingScore(BASELINE, base, estimates[0], nothing, nothing, nothing, nothing, 0, 0)]
    for i, (setting, p) in enumerate(zip([*kept][1:], _p_values(scores, how.seed), strict=True)):
        low, high = bounds[i] if bounds[i][1] - bounds[i][0] > TOLERANCE else (nothing, nothing)
        rows.append(
            SettingScore(
                setting, kept[setting], estimates[i + 1], means[i].value, low, high, float(p),
                gained=int((better[:, i] > TOLERANCE).sum()),
                lost=int((better[:, i] < -TOLERANCE).sum()),
            )
        )  # fmt: skip
    flipped = (np.abs(apart) > TOLERANCE).any(axis=1)
    return ModelSensitivity(
        name=base.model.name,
        scores=tuple(rows),
        left_out=left_out,
        n_items=len(np.unique(scores.outcome)),
        flipping=len(np.unique(scores.outcome[flipped])),
        rare_share=rare_share(scores.means[0]),
    )


def _of_differences(method: Method) -> Method:
    """Return the kind of intervals of differences, which have none of Wilson's."""
    return "auto" if method == "wilson" else method


def _p_values(scores: PairedScores, seed: int) -> Floats:
    """Return the p-value of each further run against the first, adjusted for their number."""
    table = scores.panel
    if table.n_models < 2:
        return np.zeros(0)
    others = np.arange(1, table.n_models)
    pairs = np.stack([others, np.zeros_like(others)], axis=1).astype(np.intp)
    return step_down(flip(table, pairs, draws=SIGN_FLIPS, seed=seed))


def _conclusions(
    runs: Sequence[Mapping[str, Run]], settings: Sequence[str], how: _Reading
) -> tuple[Conclusion, ...]:
    """Return the conclusion on each pair of models."""
    names = [each[BASELINE].model.name for each in runs]
    tables: list[tuple[Floats, Floats]] = []
    for setting in settings:
        scores = how.scores([each[setting] for each in runs])
        table = scores.panel
        pairs = table.pairs()
        values = scores.sign * table.values
        p_values = step_down(flip(table, pairs, draws=SIGN_FLIPS, seed=how.seed))
        tables.append((values[pairs[:, 0]] - values[pairs[:, 1]], p_values))
    found = []
    for i, (one, two) in enumerate(pairs):
        sign = -1 if tables[0][0][i] < 0 else 1
        better, worse = (names[one], names[two]) if sign > 0 else (names[two], names[one])
        differences = tuple(
            PairDifference(setting, sign * float(apart[i]), float(p[i]))
            for setting, (apart, p) in zip(settings, tables, strict=True)
        )
        found.append(Conclusion(better, worse, differences, how.level))
    order = ("survives", "not always significant", "changes sign", "not significant as it is")
    return tuple(
        sorted(found, key=lambda c: (order.index(c.verdict), -c.differences[0].difference))
    )
