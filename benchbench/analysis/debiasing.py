"""The metric of debiased scores, for runs that have the model's own priors of captions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.editions import kind_of
from benchbench.protocols.priors import debiased_metrics, have_priors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import Run, TaskInfo


def with_debiased(info: TaskInfo, runs: Sequence[Run]) -> TaskInfo:
    """Return a task with ``debiased_metrics`` after its own, where every run has priors.

    Args:
        info: the task.
        runs: runs of one edition of it.
    """
    if not all(have_priors(run.outcomes) for run in runs):
        return info
    more = debiased_metrics(*info.shown(kind_of(runs[0].edition).name))
    return replace(info, metrics=(*info.metrics, *more))
