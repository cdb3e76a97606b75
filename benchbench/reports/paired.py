"""Two runs of one task, compared item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.protocols import load_protocol
from benchbench.protocols.reading import read_units
from benchbench.registry import load_task
from benchbench.stats.paired import Difference, paired_difference

if TYPE_CHECKING:
    from benchbench.types import Metric, Run, Ties

CONDITIONS = ("task", "task_version", "protocol", "edition")


def headline_of(run: Run) -> Metric:
    """The metric that a run's task leads with."""
    return load_task(run.task).info.shown(drawn=run.drawn)[1]


def difference(
    a: Run, b: Run, metric: Metric | None = None, *, ties: Ties = "wrong", level: float = 0.99
) -> Difference:
    """How much better a is than b by a metric that is a mean; by default the headline.

    Args:
        a: a run.
        b: another of the same items.
        metric: of the task.
        ties: the rule, where the metric fixes none.
        level: of the interval.

    Raises:
        UsageError: the runs are not of the same items; the message says in what they differ.
    """
    other = [name for name in CONDITIONS if getattr(a, name) != getattr(b, name)]
    if other or [o.id for o in a.outcomes] != [o.id for o in b.outcomes]:
        what = ", ".join(f"{n} {getattr(a, n)} and {getattr(b, n)}" for n in other) or "items"
        raise UsageError(f"These runs do not compare: {what}.")
    protocol, metric = load_protocol(a.protocol), metric or headline_of(a)
    one, two = (read_units(protocol, run.outcomes, metric, ties) for run in (a, b))
    if list(one.groups) != list(two.groups) or not np.array_equal(one.outcome, two.outcome):
        raise UsageError(
            f"These runs do not compare by {metric.name}: it reads other items of each."
        )
    _, clusters = np.unique([o.cluster for o in a.outcomes], return_inverse=True)
    _, groups = np.unique(np.array(one.groups, dtype=str), return_inverse=True)
    return paired_difference(one.values, two.values, groups, clusters[one.outcome], level=level)
