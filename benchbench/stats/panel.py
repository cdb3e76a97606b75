r"""Several models on the same items: the contribution of each cluster to each model's mean.

A mean over groups is linear in its items, so that all statistics of a table of models (intervals of
differences, sign flips, ranks) follow from one small matrix for all of them,

.. math:: c_{km} = \sum_{i \in k} w_i\, y_{im}, \qquad \sum_k c_{km} = \hat\theta_m

with w the weight of an item, 1 / (G n_g).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.stats.bootstrap import RESAMPLES, resampled_weights
from benchbench.stats.means import Mean, build_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types.arrays import Floats, Indices


@dataclass(frozen=True, slots=True)
class Panel:
    """A table of models on one metric that is a mean."""

    contributions: Floats
    """[clusters, models]: they add up to each model's mean."""
    influence: Floats
    """[clusters, models]: the influence of each cluster on each mean (``Mean.influence``)."""
    n_items: int
    empty: int = 0
    """The number of these clusters that hold no item: they contribute nothing and are not
    counted."""

    @property
    def values(self) -> Floats:
        """Return the means: [models]."""
        return np.asarray(self.contributions.sum(axis=0))

    @property
    def n_clusters(self) -> int:
        """Return the number of clusters that hold an item."""
        return len(self.contributions) - self.empty

    @property
    def n_models(self) -> int:
        """Return the number of models."""
        return int(self.contributions.shape[1])

    def __neg__(self) -> Panel:
        """Return the panel of negated values, for metrics in which lower is better."""
        return Panel(-self.contributions, -self.influence, self.n_items, self.empty)

    def pairs(self) -> Indices:
        """Return all pairs of models, [pairs, 2], the earlier one first."""
        both = list(combinations(range(self.n_models), 2))
        return np.array(both, dtype=np.intp).reshape(-1, 2)

    def standard_errors(self, pairs: Indices) -> Floats:
        r"""Return each pair's standard error of the difference (``Mean.standard_error``): [pairs].

        .. math:: \sqrt{\tfrac{K}{K-1} \sum_k (u_{ka} - u_{kb})^2}
        """
        apart = self.influence[:, pairs[:, 0]] - self.influence[:, pairs[:, 1]]
        factor = self.n_clusters / max(1, self.n_clusters - 1)
        return np.asarray(np.sqrt(factor * np.square(apart).sum(axis=0)))

    def mean(self, model: int) -> Mean:
        """Return one model's mean."""
        return Mean(
            value=float(self.values[model]), influence=self.influence[:, model],
            n_items=self.n_items, n_clusters=self.n_clusters, n_groups=1, rare_share=0.0,
        )  # fmt: skip

    def redraw(self, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
        """Return bootstrap draws of the means' deviations, from the same clusters for all models.

        Returns:
            [resamples, models], about 0.
        """
        weights = resampled_weights(len(self.contributions), resamples, seed)
        return np.concatenate([(block - 1.0) @ self.influence for block in weights])


def panel(
    values: Floats,
    groups: Indices,
    clusters: Indices,
    *,
    total: int | None = None,
    absent: int = 0,
) -> Panel:
    """Build the panel of several models on the same items.

    Args:
        values: [items, models].
        groups: [items], numbered from 0 without gaps; all 0 for a plain mean.
        clusters: [items], numbered from 0.
        total: the number of clusters of the table; by default up to the last that has an item.
        absent: the number of further groups, which have no item and count 0.

    Raises:
        UsageError: the three differ in length, there are no items, or a value is not finite.

    >>> panel(np.array([[1.0, 0.0], [0.0, 0.0]]), np.zeros(2, int), np.arange(2)).values
    array([0.5, 0. ])
    """
    if not len(values) == len(groups) == len(clusters):
        raise UsageError(
            f"Values of {len(values):,} items, groups of {len(groups):,} and clusters of "
            f"{len(clusters):,}: these should be the same items."
        )
    if not len(values):
        raise UsageError("Models are compared on items, and there is none.")
    if not np.isfinite(values).all():
        raise UsageError("Models are compared by finite values: some of these are not.")
    layout = build_layout(groups, clusters, total=total, absent=absent)
    means = [layout.mean(column) for column in values.T]
    columns = [np.bincount(clusters, layout.weights * column, layout.total) for column in values.T]
    return Panel(
        contributions=np.stack(columns, axis=1).astype(np.float64),
        influence=np.stack([mean.influence for mean in means], axis=1),
        n_items=len(values),
        empty=layout.total - layout.n_clusters,
    )


def overall(panels: Sequence[tuple[Panel, Sequence[str], float]]) -> Panel:
    r"""Return the panel of overall scores: the mean over tasks of chance-corrected scores.

    .. math:: s_t = \frac{\hat\theta_t - c_t}{1 - c_t}, \qquad \bar s = \frac1T \sum_t s_t

    0 is guessing and 1 is perfect, on every task. Clusters are source images by their global names:
    a bootstrap draw of an image that serves several tasks draws it for all of them at once.

    Args:
        panels: each task's panel, the global names of its clusters, and its score by chance.

    Raises:
        UsageError: there is no task, or the tasks have different models.

    >>> half = Panel(np.array([[0.75]]), np.array([[0.0]]), 1)
    >>> overall([(half, ["a"], 0.5), (half, ["b"], 0.0)]).values
    array([0.625])
    """
    if not panels:
        raise UsageError("An overall score needs a task.")
    n_models = {each.n_models for each, _, _ in panels}
    if len(n_models) > 1:
        raise UsageError("An overall score is of models that all tasks have.")
    names = {name: k for k, name in enumerate(sorted({n for _, c, _ in panels for n in c}))}
    shape = (len(names), n_models.pop())
    contributions, influence = np.zeros(shape), np.zeros(shape)
    for each, clusters, chance in panels:
        rows = np.array([names[name] for name in clusters], dtype=np.intp)
        scale = 1 / (len(panels) * (1 - chance))
        np.add.at(influence, rows, scale * each.influence)
        np.add.at(contributions, rows, scale * (each.contributions - chance / len(rows)))
    return Panel(contributions, influence, sum(each.n_items for each, _, _ in panels))
