"""A sweep: models on one task under the settings that papers leave unsaid, one at a time.

The baseline is the task as it is, with each model's own preprocessing, in the given precision. Each
setting departs from it in one thing: a variation (``benchbench.variations``), or
``precision=bf16``. What a setting does not touch is taken from the store of encodings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.analysis.sensitivity import BASELINE, LEVEL, sensitivity
from benchbench.devices import choose_device, memory_errors
from benchbench.errors import Unsuited, UsageError
from benchbench.evaluation import check_settings, evaluate, prepare_model
from benchbench.failures import foreign_code
from benchbench.registry import MEMORY_ADVICE, family_of, load_task
from benchbench.runs import check_writable, strip_folders
from benchbench.types import LOAD_EXTRAS
from benchbench.variations import EXAMPLES, parse_variation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.analysis.sensitivity import Sensitivity
    from benchbench.stats import Method
    from benchbench.types import Model, Precision, Progress, Run, Ties

DEFAULTS = (
    "template=a photo of {}",
    "template=a photo of {}.",
    "case=lower",
    "stop=added",
    "stop=removed",
    "crop=off",
    "resize=bicubic",
    "resize=bilinear",
    "resize=bicubic-aliased",
    "resize=bilinear-aliased",
    "precision=bf16",
)
"""The settings where none is named."""
PRECISION = "precision="
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "bf16")


def sweep(
    models: Sequence[str],
    task: str,
    settings: Sequence[str] = (),
    *,
    runs: str | Path | None = None,
    metric: str | None = None,
    ties: Ties = "wrong",
    level: float = LEVEL,
    interval: Method = "auto",
    progress: Progress | None = None,
    **how: Any,
) -> Sensitivity:
    """Evaluate models on a task under several settings, and compare these with the baseline.

    Args:
        models: specifications.
        task: the task's name.
        settings: as typed: ``case=lower``, ``template=a photo of {}``, ``precision=bf16``; by
            default ``DEFAULTS``, on a CPU without those of precision.
        runs: a folder for the runs, a file for each model and setting; None writes none.
        metric: a metric of the task that is a mean; by default its headline.
        ties: the rule, where the metric fixes none.
        level: the confidence level.
        interval: the kind of intervals.
        progress: called as ``progress(what, done, total)``.
        how: keyword arguments of ``evaluate``.

    Raises:
        UsageError: no model, or one named twice; no such setting; a metric that is not a mean.
        BenchbenchError: any error of an evaluation. What was encoded is stored: the same call goes
            on where it stopped.
    """
    device = choose_device(how.pop("device", None) or "auto")
    names = tuple(dict.fromkeys(settings or DEFAULTS))
    _check(models, task, names, runs, how)
    _check_metric(task, metric)
    slow: dict[str, str] = {}
    if not settings and device == "cpu":
        reason = "slow on many CPUs; name it to try it: --setting precision=bf16"
        slow = {name: reason for name in names if name.startswith(PRECISION)}
    loading = {name: how.pop(name) for name in LOAD_EXTRAS if name in how}
    precision: Precision = how.pop("precision", None) or "fp32"
    found: list[Mapping[str, Run]] = []
    reasons: list[Mapping[str, str]] = []
    for model in models:
        of_model = _OfModel(model, task, device, precision, loading, {**how, "out": runs}, progress)
        there, left_out = of_model.runs([name for name in names if name not in slow])
        found.append(there)
        reasons.append(left_out | slow)
    return sensitivity(
        found, reasons, metric, ties=ties, level=level, interval=interval, seed=how.get("seed", 0)
    )


def _check(
    models: Sequence[str],
    task: str,
    settings: Sequence[str],
    runs: str | Path | None,
    how: Mapping[str, Any],
) -> None:
    """Check all that was typed, before any evaluation."""
    if not models:
        raise UsageError("A sweep needs a model: --model NAME.")
    named = [strip_folders(model) for model in models]
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise UsageError(f"Named twice: model {', '.join(twice)}.")
    for model in models:
        family_of(model)
    load_task(task)
    for setting in settings:
        if not setting:
            raise UsageError(f"'' is not a setting. There are {EXAMPLES}.")
        if setting.startswith(PRECISION):
            _precision(setting)
        else:
            parse_variation(setting)
    if runs is not None:
        if str(runs).endswith(".parquet"):
            raise UsageError("A sweep's runs go into a folder: --runs DIR.")
        check_writable(runs, task)
    check_settings(
        how.get("limit"), how.get("batch_size"), how.get("seed", 0),
        how.get("on_missing", "error"), how.get("precision"),
    )  # fmt: skip


def _check_metric(task: str, metric: str | None) -> None:
    info = load_task(task).info
    means = [each.name for each in info.metrics if each.statistic == "mean"]
    if metric is not None and metric not in means:
        raise UsageError(
            f"{task} has no metric '{metric}' that is a mean. There are: {', '.join(means)}."
        )


def _precision(setting: str) -> Precision:
    for each in PRECISIONS:
        if setting == f"{PRECISION}{each}":
            return each
    raise UsageError(f"'{setting}' is not a setting. Precisions: {', '.join(PRECISIONS)}.")


class _OfModel:
    """One model's runs under several settings; it is loaded once for each precision."""

    def __init__(
        self,
        model: str,
        task: str,
        device: str,
        precision: Precision,
        loading: Mapping[str, Any],
        how: Mapping[str, Any],
        progress: Progress | None,
    ) -> None:
        self._model, self._task, self._device = model, task, device
        self._precision, self._loading, self._how = precision, loading, how
        self._progress = progress

    def runs(self, settings: Sequence[str]) -> tuple[dict[str, Run], dict[str, str]]:
        """Return setting → run, the baseline first, and why others do not apply."""
        loaded = self._load(self._precision)
        found = {BASELINE: self._evaluate(loaded, "")}
        left_out: dict[str, str] = {}
        for setting in settings:
            try:
                found[setting] = self._of_setting(loaded, setting)
            except Unsuited as error:
                left_out[setting] = _reason(error)
        return found, left_out

    def _of_setting(self, loaded: Model, setting: str) -> Run:
        if not setting.startswith(PRECISION):
            return self._evaluate(loaded, setting)
        wanted = _precision(setting)
        if wanted == self._precision:
            raise Unsuited(f"{setting} does not apply: it is the baseline's.")
        if not loaded.manifest.preprocessing:
            raise Unsuited(f"{setting} does not apply: the model reads no images.")
        other = self._load(wanted)
        if other.manifest.dtype == loaded.manifest.dtype:
            raise Unsuited(f"{setting} does not apply: the model runs in its own precision.")
        return self._evaluate(other, "")

    def _load(self, precision: Precision) -> Model:
        extras: Any = self._loading
        with memory_errors(MEMORY_ADVICE), foreign_code(self._model):
            seed = self._how.get("seed", 0)
            return prepare_model(self._model, self._device, precision, seed, extras, self._progress)

    def _evaluate(self, model: Model, variation: str) -> Run:
        with memory_errors(MEMORY_ADVICE), foreign_code(f"{self._model} on {self._task}"):
            return evaluate(
                model, self._task, variation=variation, progress=self._progress, **self._how
            )


def _reason(error: Unsuited) -> str:
    """Return why a setting does not apply, without the setting's name."""
    _, marker, reason = str(error).partition(" does not apply: ")
    return reason.rstrip(".") if marker else str(error)


def applied(found: Sensitivity) -> Iterator[tuple[str, Run]]:
    """Yield each setting and run of a sweep, model by model."""
    for model in found.models:
        for score in model.scores:
            yield score.setting, score.run
