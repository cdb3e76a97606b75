"""Evaluation while a model trains: scores with intervals every so many steps, and a gate.

>>> import benchbench as bb
>>> monitor = bb.Monitor("vg-relation", every=500, architecture="ViT-B-32")  # doctest: +SKIP
>>> for step in range(steps):  # doctest: +SKIP
...     train_one(model)
...     monitor(model, step)

A validation changes nothing in training: a copy of the model is evaluated, and the states of all
random generators are restored, so that the weights are bit-identical to those without it. Of
several processes the first one validates and the others go on.
"""

from __future__ import annotations

import math
import operator
import os
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from benchbench.callbacks import EPOCH, lightning_callback, trainer_callback
from benchbench.devices import preserve_random_state
from benchbench.errors import Regression, UsageError
from benchbench.files import expand_path
from benchbench.selection import Selection, write_selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchbench.analysis.gate import Gate
    from benchbench.analysis.gate_rules import Rule
    from benchbench.analysis.scorecard import Scorecard
    from benchbench.training.log import Log
    from benchbench.types import Run, Task

OnFail = Literal["warn", "raise"]
BEST = "best"
EVALUATE_SETTINGS = (
    "data_root", "edition", "limit", "batch_size", "seed", "on_missing", "proposals", "chosen_on",
    "progress", "resume",
)  # fmt: skip
"""Settings of ``evaluate`` that a monitor accepts."""


@dataclass(frozen=True, slots=True)
class Validation:
    """One validation of a model under training: its scores at a step."""

    step: int
    cards: tuple[Scorecard, ...]
    """One scorecard per task."""
    gate: Gate | None
    """The gate against the baseline, where there is one."""
    best: bool
    """Whether no earlier validation was as good by the first task's headline (ranks: as low)."""
    seconds: float

    @property
    def runs(self) -> tuple[Run, ...]:
        """Return one run per task."""
        return tuple(card.run for card in self.cards)

    @property
    def values(self) -> dict[str, float]:
        """Return headlines by ``task/metric``, with intervals: shares in [0, 1] or ranks from 1."""
        found: dict[str, float] = {}
        for card in self.cards:
            name, score = f"{card.task.name}/{card.headline.name}", card.headline.estimate
            found |= {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
        return found

    def __str__(self) -> str:
        """Return a line: ``step 500  vg-relation macro 61.2 [58.0, 64.1]  gate PASS``."""
        from benchbench.render.gate import short_verdict
        from benchbench.render.scorecard import score_text

        parts = [f"step {self.step:,}"]
        for card in self.cards:
            parts.append(f"{card.task.name} {card.headline.name} {score_text(card.headline)}")
        if self.gate is not None:
            parts.append(short_verdict(self.gate))
        return "  ".join(parts)


class Monitor:
    """A monitor that evaluates a model while it trains.

    Call it with the model and the step in the training loop; or pass ``for_trainer()`` to
    transformers' ``Trainer``, ``for_lightning()`` to Lightning's.
    """

    def __init__(
        self,
        tasks: str | Task | Sequence[str | Task],
        *,
        every: int | Literal["epoch"],
        out: str | Path = "monitor",
        name: str = "model",
        log: Callable[[dict[str, float], int], object] | None = None,
        against: str | Path | Run | Sequence[Run] | None = None,
        fail_if: Sequence[str] = (),
        on_fail: OnFail = "warn",
        architecture: str | None = None,
        transform: Callable[[Any], Any] | None = None,
        tokenizer: Any = None,
        processor: Any = None,
        wrap: Callable[[Any], Any] | None = None,
        **how: Any,
    ) -> None:
        """Set what is evaluated, and when.

        Args:
            tasks: names of tasks, or tasks. The first one's headline decides which validation is
                best.
            every: steps between validations, step 0 included; ``"epoch"`` for the end of each (in a
                custom loop: at each call).
            out: a folder: runs go to ``TASK@EDITION/NAME-step-500-DIGEST.parquet``, scores to
                ``log.jsonl``. After a restart at a step, the log from there on is dropped, and its
                earlier part counts for ``best``: use another folder for another training.
            name: the model's name; the step is added.
            log: called as ``log(values, step)``, as ``wandb.log`` is.
            against: a baseline: its runs, a file, a folder or ``git:REF:PATH``.
            fail_if: the gate's conditions (``"vg-relation.macro < baseline - 1.0pp"``); by default
                a margin of a point on each task's headline.
            on_fail: whether a failed gate warns or raises.
            architecture: open_clip's name for the model, by which its tokenizer is found.
            transform: image → tensor at test time; by default open_clip's for the model.
            tokenizer: open_clip's or transformers', where the arguments above do not decide it.
            processor: transformers' ``AutoProcessor``, for one of its models.
            wrap: from a copy of any other module to a model (``benchbench.DualEncoder``).
            how: passed to ``evaluate``: data_root, edition, limit, batch_size, seed, on_missing.

        Raises:
            UsageError: no task or one twice, a number of steps below 1, a condition without a
                baseline, with several or on a task that is not evaluated, a wrong setting.
            UnknownName, RunError: no task of that name; no baseline there.
        """
        from benchbench.adapters.in_memory import ModuleWrapper
        from benchbench.registry import load_task

        given = tasks if isinstance(tasks, (list, tuple)) else (tasks,)
        self.tasks: list[Task] = [
            load_task(each) if isinstance(each, str) else each for each in given
        ]
        _check(self.tasks, every, on_fail, against, fail_if)
        _check_settings(how)
        self.every, self.out, self.name = every, expand_path(out), name
        self.on_fail: OnFail = on_fail
        self._log, self._how = log, how
        self._wrapper = ModuleWrapper(architecture, transform, tokenizer, processor, wrap)
        self._baselines = None if against is None else _runs_of(against)
        self._rules = self._parse_rules(fail_if)
        self._check_rules()
        self._file: Log | None = None
        self._last: Validation | None = None
        self._best: float | None = None
        self._validations = 0

    def __call__(self, model: Any, step: int) -> Validation | None:
        """Validate if the step is due; None if it is not, or in processes other than the first.

        Args:
            model: open_clip's or transformers' module, perhaps in DistributedDataParallel.
            step: the loop's number of steps so far.

        Raises:
            Regression: the gate fails, and ``on_fail`` is "raise".
            BenchbenchError: any error that the user can fix.
        """
        if not self.due(step) or not _is_first_process():
            return None
        return self.validate(model, step)

    def due(self, step: int) -> bool:
        """Return whether a validation is due at a step."""
        return self.every == EPOCH or _whole(step) % int(self.every) == 0

    def validate(self, model: Any, step: int) -> Validation:
        """Validate the model now, as ``__call__`` does."""
        from benchbench.analysis.scorecard import scorecard
        from benchbench.evaluation import evaluate

        started, step = time.perf_counter(), _whole(step)
        with preserve_random_state():
            copied = self._wrapper.model(model, f"{self.name}:step-{step}")
            runs = [evaluate(copied, task, out=self.out, **self._how) for task in self.tasks]
            del copied
            cards = tuple(
                scorecard(run, task=task) for run, task in zip(runs, self.tasks, strict=True)
            )
            found = self._run_gate(runs)
        seconds = round(time.perf_counter() - started, 3)
        self._resume_log(cards[0], step)
        validation = Validation(step, cards, found, self._is_best(cards[0]), seconds)
        self._last, self._validations = validation, self._validations + 1
        self._write(validation)
        if found is not None and found.verdict == "fail":
            self._report_failure(validation)
        return validation

    def record_selection(self, checkpoint: str | Path) -> Path:
        """Record beside a checkpoint that validations chose it: ``CHECKPOINT.benchbench.json``.

        Reports of runs on the same editions then say that its score is too high.

        Raises:
            UsageError: there was no validation yet; or there is no such checkpoint.
        """
        if self._last is None:
            raise UsageError(
                "There was no validation yet, and so none chose a checkpoint: call the monitor."
            )
        return write_selection(
            checkpoint,
            [
                Selection(run.task, run.edition, run.data_sha256, self._validations)
                for run in self._last.runs
            ],
        )

    look, chose = validate, record_selection
    """The earlier names, which training scripts call."""

    def use_processor(self, processor: Any) -> None:
        """Use a trainer's own processor or tokenizer, where none was given."""
        given = self._wrapper
        if processor is None or given.processor is not None or given.wrap is not None:
            return
        if hasattr(processor, "image_processor"):
            self._wrapper = replace(given, processor=processor)

    def for_trainer(self) -> Any:
        """Return transformers' ``TrainerCallback`` that validates the ``Trainer``'s model."""
        return trainer_callback(self)

    def for_lightning(self, part: str | None = None) -> Any:
        """Return Lightning's ``Callback`` that validates the ``LightningModule``.

        Args:
            part: the attribute of the ``LightningModule`` that is the model (``"clip"``); by
                default the module itself.

        Raises:
            UsageError: Lightning is not installed.
        """
        return lightning_callback(self, part)

    def _parse_rules(self, fail_if: Sequence[str]) -> list[Rule]:
        from benchbench.analysis.gate_rules import Rule, parse_condition

        if fail_if:
            return [parse_condition(each) for each in fail_if]
        return [Rule(task.info.name) for task in self.tasks]

    def _check_rules(self) -> None:
        """Check, before training starts, that the first validation can be gated."""
        from benchbench.analysis.gate import select_run

        if self._baselines is None:
            return
        names = [task.info.name for task in self.tasks]
        for rule in self._rules:
            if rule.task not in names:
                raise UsageError(
                    f"fail_if has a condition on {rule.task}, which is not evaluated. Tasks: "
                    f"{', '.join(names)}."
                )
            select_run(self._baselines, rule, "baseline")

    def _run_gate(self, runs: Sequence[Run]) -> Gate | None:
        from benchbench.analysis.gate import gate

        return None if self._baselines is None else gate(runs, self._baselines, self._rules)

    def _resume_log(self, card: Scorecard, step: int) -> None:
        """Open the log; validations before a restart count among those that choose."""
        from benchbench.training.log import Log, read_log

        if self._file is not None:
            return
        self._file = Log(self.out, step - 1)
        records = read_log(self.out)
        self._validations = len(records)
        name = f"{card.task.name}/{card.headline.name}"
        for value in (record[name] for record in records if name in record):
            self._update_best(value, card)

    def _is_best(self, card: Scorecard) -> bool:
        return self._update_best(card.headline.estimate.value, card)

    def _update_best(self, score: float, card: Scorecard) -> bool:
        """Return whether a score is the best so far, and store it if so; NaN never is."""
        value = score * (-1 if card.headline.is_rank else 1)
        if not value > (-math.inf if self._best is None else self._best):
            return False
        self._best = value
        return True

    def _write(self, validation: Validation) -> None:
        """Write a validation to the log in the folder, and to the caller's log."""
        assert self._file is not None
        record: dict[str, Any] = {
            **validation.values,
            BEST: validation.best,
            "seconds": validation.seconds,
        }
        if validation.gate is not None:
            record["gate"] = validation.gate.verdict
        self._file.write(validation.step, **record)
        if self._log is not None:
            self._log(validation.values, validation.step)

    def _report_failure(self, validation: Validation) -> None:
        from benchbench.render.gate import describe_check

        assert validation.gate is not None
        lost = [
            check for check in validation.gate.checks if check.gated and check.verdict == "fail"
        ]
        reasons = "; ".join(f"{check.name}: {describe_check(check)}" for check in lost)
        message = f"At step {validation.step:,} the model is worse than the baseline. {reasons}"
        if self.on_fail == "raise":
            raise Regression(message)
        warnings.warn(message, stacklevel=4)


def _check(
    tasks: Sequence[Task], every: object, on_fail: str, against: object, fail_if: Sequence[str]
) -> None:
    """Check the arguments of a monitor before training starts."""
    counts = isinstance(every, int) and not isinstance(every, bool) and every >= 1
    if not tasks:
        raise UsageError("A monitor needs a task, such as 'vg-relation'.")
    if strange := [each for each in tasks if not hasattr(each, "info")]:
        raise UsageError(f"A monitor takes tasks, or names of tasks, not {strange[0]!r}.")
    names = [task.info.name for task in tasks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"Named twice: task {', '.join(twice)}.")
    if every != EPOCH and not counts:
        raise UsageError(f"every should be a number of steps, from 1, or 'epoch', not {every!r}.")
    if on_fail not in ("warn", "raise"):
        raise UsageError(f"on_fail should be 'warn' or 'raise', not {on_fail!r}.")
    if isinstance(fail_if, str):
        raise UsageError(f"fail_if is a list of conditions: [{fail_if!r}].")
    if fail_if and against is None:
        raise UsageError("fail_if needs a baseline: against=, a run or a folder of runs.")


def _check_settings(how: Mapping[str, Any]) -> None:
    """Check the settings of ``evaluate`` before training starts."""
    from benchbench.evaluation import check_settings

    if unknown := sorted(set(how) - set(EVALUATE_SETTINGS)):
        raise UsageError(
            f"A monitor does not take {', '.join(unknown)}. It passes on: "
            f"{', '.join(EVALUATE_SETTINGS)}."
        )
    seed, on_missing = how.get("seed", 0), how.get("on_missing", "error")
    check_settings(how.get("limit"), how.get("batch_size"), seed, on_missing, None)


def _whole(step: Any) -> int:
    """Return a step as Python's number: trainers count by numpy's and torch's, too.

    Raises:
        UsageError: it is not a whole number from 0.
    """
    try:
        found = operator.index(step)
    except TypeError:
        found = -1
    if found < 0:
        raise UsageError(f"A monitor takes the number of steps so far, from 0, not {step!r}.")
    return found


def _runs_of(against: str | Path | Run | Sequence[Run]) -> list[Run]:
    from benchbench.render.caveats import unsealed_warning
    from benchbench.run_files import read_runs
    from benchbench.types import Run

    given = [against] if isinstance(against, Run) else against
    found = read_runs(str(given)) if isinstance(given, (str, os.PathLike)) else list(given)
    for warning in (line for run in found for line in unsealed_warning(run)):
        warnings.warn(warning, stacklevel=3)
    return found


def _is_first_process() -> bool:
    """Return whether this is the first of the processes that train together."""
    from torch import distributed

    if not distributed.is_available():
        return True
    together: bool = distributed.is_initialized()
    return not together or distributed.get_rank() == 0
