r"""Places in a table of models: rank sets, and letters for models that do not differ.

A rank set is the confidence set of a model's place. It comes from simultaneous intervals of all
pairwise differences, never from marginal intervals of the models (Mogstad, Romano, Shaikh and
Wilhelm, *Inference for ranks with applications to mobility across neighbourhoods and academic
achievement across countries*, Review of Economic Studies 2024, §3). A model's place lies, with the
stated confidence for all models at once, in

.. math:: [\,1 + |\{k: k \text{ surely better}\}|,\; m - |\{k: k \text{ surely worse}\}|\,]

"Surely" is decided for all ordered pairs together, by the cluster bootstrap of studentised
differences, stepping down: pairs that are settled no longer count against the others (§3.3 there;
Romano and Wolf 2005). Draws of few clusters spread too little, so that the bound is moved out from
its normal quantile to Student's quantile for that number of clusters, as the intervals are
(``bootstrap.expanded_tail``). Below ten clusters nothing is sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np

from benchbench.stats.bootstrap import RESAMPLES
from benchbench.stats.means import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.stats.panel import Panel
    from benchbench.types.arrays import Flags, Floats, Indices


BLOCK = 256
"""Draws whose pairs are compared at once."""
TOLERANCE = 1e-12
"""Differences and spreads below this are 0 up to rounding."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The range of places of each model, 1 being the best; arrays are [models]."""

    best: Indices
    worst: Indices
    level: float
    """The confidence that every model's place is within its own bounds."""
    surely_better: Flags
    """[models, models]: whether the row's model is surely better than the column's."""


def rank_sets(
    panel: Panel, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Ranks:
    """Return the places that each model may hold, for all models at once with this confidence.

    Args:
        panel: models on the same items; more is better.
        level: the confidence level of the joint claim.
        resamples: bootstrap draws of clusters.
        seed: the seed of the draws.
    """
    m = panel.n_models
    one, two = np.divmod(np.arange(m * m), m)
    errors = panel.standard_errors(np.stack([one, two], axis=1))
    scale = np.divide(1.0, errors, out=np.zeros(m * m), where=errors > TOLERANCE)
    apart = panel.values[one] - panel.values[two]
    # Differences without spread: the same in every cluster, or 0.
    constant = np.where(np.abs(apart) > TOLERANCE, np.copysign(np.inf, apart), 0.0)
    statistics = np.where(errors > TOLERANCE, apart * scale, constant)
    draws = panel.redraw(resamples, seed)

    def largest(unsure: Flags) -> Floats:
        """Return each draw's largest statistic of some ordered pairs: [resamples]."""
        a, b, of_pairs = one[unsure], two[unsure], scale[unsure]
        blocks = (draws[start : start + BLOCK] for start in range(0, len(draws), BLOCK))
        return np.concatenate(
            [((each[:, a] - each[:, b]) * of_pairs).max(axis=1) for each in blocks]
        )

    better = step_down_bounds(statistics, largest, level, panel.n_clusters).reshape(m, m)
    return Ranks(1 + better.sum(axis=0), m - better.sum(axis=1), level, better)


def step_down_bounds(
    statistics: Floats, largest: Callable[[Flags], Floats], level: float, n_clusters: int
) -> Flags:
    """Return which of many one-sided statistics are above 0, jointly at this confidence: [n].

    Args:
        statistics: [n].
        largest: takes a choice of the statistics, [n] bool, and returns the largest of these in
            each draw about 0: [draws].
        level: the confidence level of the joint claim.
        n_clusters: the number of clusters behind the draws.
    """
    sure = np.zeros(len(statistics), dtype=bool)
    while n_clusters >= FEW_CLUSTERS and not sure.all():
        bound = np.quantile(largest(~sure), level, method="higher")
        new = ~sure & (statistics > student_quantile(max(float(bound), 0.0), n_clusters))
        if not new.any():
            break
        sure |= new
    return sure


def student_quantile(bound: float, n_clusters: int) -> float:
    r"""Return Student's quantile in place of the normal one that drawing clusters gives.

    .. math:: t_{n-1}^{-1}\bigl(\Phi(\sqrt{n/(n-1)}\; b)\bigr)

    >>> bounds = (1.96 * (9 / 10) ** 0.5, 10), (1.96, 10**6)
    >>> [round(student_quantile(*each), 2) for each in bounds]
    [2.26, 1.96]
    """
    from scipy.special import ndtr, stdtrit

    tail = ndtr(-((n_clusters / (n_clusters - 1)) ** 0.5) * bound)
    # Some releases of scipy return a quantile slightly above 0 at the median: no bound is below 0.
    return max(0.0, -float(stdtrit(n_clusters - 1, tail)))


def letters(apart: Flags) -> list[str]:
    """Return the compact letter display: models that share a letter do not differ significantly.

    The letters are in order of the table: the first model has an "a" (Piepho 2004, *An algorithm
    for a letter-based representation of all-pairwise comparisons*, Journal of Computational and
    Graphical Statistics 13: insert and absorb).

    Args:
        apart: [models, models], symmetric: whether two models differ.

    >>> letters(np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool))
    ['a', 'ab', 'b']
    """
    n = len(apart)
    columns = [frozenset(range(n))]
    for one, two in zip(*np.nonzero(np.triu(apart)), strict=True):
        columns = _absorb(
            [
                part
                for column in columns
                for part in (
                    (column - {int(one)}, column - {int(two)})
                    if {one, two} <= column
                    else (column,)
                )
            ]
        )
    columns.sort(key=sorted)
    return [
        "".join(_letter(i) for i, column in enumerate(columns) if k in column) for k in range(n)
    ]


def _absorb(columns: list[frozenset[int]]) -> list[frozenset[int]]:
    """Return the sets without those that another set contains."""
    kept = list(dict.fromkeys(columns))
    return [each for each in kept if not any(each < other for other in kept)]


def _letter(number: int) -> str:
    """Return the letter of a number: a … z, then a1 … z1."""
    turn, place = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(turn) if turn else "")
