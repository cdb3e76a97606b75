"""A run as a pandas DataFrame: a row per item, with its raw scores, its tags and its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis.debiasing import with_debiased
from benchbench.analysis.paired import task_of
from benchbench.analysis.scorecard import readable_metrics
from benchbench.errors import UnknownName
from benchbench.protocols import load_protocol
from benchbench.protocols.reading import Judge
from benchbench.runs import outcome_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

    from benchbench.protocols.reading import Units
    from benchbench.types import Run, Ties
    from benchbench.types.arrays import Floats, Indices

METRIC = "metric."
"""The beginning of a metric's column."""


def frame(run: Run, metrics: Sequence[str] | None = None, *, ties: Ties = "wrong") -> DataFrame:
    """Return a run as a pandas DataFrame with a row per item, in the run's order.

    The columns are those of the run's file (``id``, ``cluster``, the protocol's raw scores, a
    ``tag.NAME`` for each tag) and a ``metric.NAME`` for each metric: the item's own value, a share
    in [0, 1] or a rank from 1; its part in an area can lie outside. An item that a metric judges
    several times has the mean of these; one that it leaves out has NaN. Where a metric judges each
    item once, its score is the mean of its column, or with groups the mean of the groups' means::

        run.frame().groupby("tag.relation")["metric.macro"].mean().mean()

    Args:
        run: a run of ``evaluate`` or ``read_run``.
        metrics: names of metrics of the task; by default all that it prints for the run's edition.
            Without any, the task need not be installed.
        ties: the tie rule, for metrics whose publication fixes none.

    Raises:
        UnknownName: the task has no metric of that name.
        UsageError: the installed task has another version, or the run has decisions alone and no
            scores for the tie rule.
    """
    table: DataFrame = outcome_table(run).to_pandas(use_threads=False)  # see read_parquet
    if metrics is not None and not metrics:
        return table
    info = with_debiased(task_of(run), [run])
    readable, _ = readable_metrics(run, info, ties)
    known = {metric.name: metric for metric in readable}
    judge = Judge(load_protocol(run.protocol), run.outcomes)
    for name in known if metrics is None else metrics:
        if name not in known:
            hint = f"There are: {', '.join(known)}."
            raise UnknownName(f"metric of {run.task}@{run.edition}", name, list(known), hint)
        table[f"{METRIC}{name}"] = _mean_units(judge.units(known[name], ties), len(table))
    return table


def _mean_units(units: Units, n_items: int) -> Floats:
    """Return the mean of each item's units, [items]."""
    return item_values(units.outcome, units.values, n_items)


def item_values(outcome: Indices, values: Floats, n_items: int) -> Floats:
    """Return the mean of each item's units, [items]; NaN for an item without units.

    Args:
        outcome: [units], the index of each unit's item.
        values: [units].
        n_items: the number of items.
    """
    sums = np.bincount(outcome, weights=values, minlength=n_items)
    counts = np.bincount(outcome, minlength=n_items)
    means: Floats = np.full(n_items, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
