r"""The overall score over several tasks: the mean of chance-corrected scores.

.. math:: s_t = \frac{\hat\theta_t - c_t}{1 - c_t}, \qquad \bar s = \frac1T \sum_t s_t

0 is guessing and 1 is perfect, on every task. Clusters are source images by their global names: a
bootstrap draw of an image that serves several tasks draws it for all of them at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.stats.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence


def overall(panels: Sequence[tuple[Panel, Sequence[str], float]]) -> Panel:
    """Return the panel of overall scores, from several tasks' panels of the same models.

    Args:
        panels: for each task its panel, the global names of its clusters, and its score by chance.

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
        raise UsageError("An overall score is of models that all tasks have been put to.")
    names = {name: k for k, name in enumerate(sorted({n for _, c, _ in panels for n in c}))}
    shape = (len(names), n_models.pop())
    contributions, influence = np.zeros(shape), np.zeros(shape)
    for each, clusters, chance in panels:
        rows = np.array([names[name] for name in clusters], dtype=np.intp)
        scale = 1 / (len(panels) * (1 - chance))
        np.add.at(influence, rows, scale * each.influence)
        np.add.at(contributions, rows, scale * (each.contributions - chance / len(rows)))
    return Panel(contributions, influence, sum(each.n_items for each, _, _ in panels))
