r"""The line through both activations, and where on it the loss of true pairs is least.

At place a of the line a model runs with GELU + a (QuickGELU − GELU): GELU is 0, QuickGELU is 1, and
the line goes on to both sides. Weights brought to an optimum at one place leave the loss flat there
and curved, so that it is least near that place.

Which of two readings has the lower loss says less. Short of an optimum, or on pairs unlike those of
training, the loss slopes for other reasons (a temperature too high, captions in other words), and
falls on through both readings: the more pairs, the surer a comparison of the two, and wrong as
often as right (benchmarks/probe.py). Then its least value lies beyond either, or nowhere.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.stats import bootstrap_draws, mean_over_groups
from benchbench.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import numpy.typing as npt
    from torch import Tensor, nn

    Floats = npt.NDArray[np.float64]

PLACES = (-1, 0, 1, 2)


@contextmanager
def placed(model: nn.Module, names: Collection[str], place: float) -> Iterator[None]:
    """While this lasts, the modules of these names are the activation at a place of the line."""
    kept = {name: model.get_submodule(name) for name in names}
    try:
        for name in names:
            _put(model, name, _activation(place))
        yield
    finally:
        for name, module in kept.items():
            _put(model, name, module)


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    owner, _, last = name.rpartition(".")
    setattr(model.get_submodule(owner), last, module)


def _activation(place: float) -> nn.Module:
    import torch
    from torch.nn.functional import gelu

    class Placed(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (1 - place) * gelu(x) + place * x * torch.sigmoid(1.702 * x)

    return Placed()


def least(losses: Floats, level: float) -> Estimate:
    r"""The place of the least loss, by the parabola through the losses at ``PLACES``.

    With the parabola's coefficients, each a mean over pairs, it is :math:`-k_1 / 2 k_2`. Pairs are
    resampled; a draw whose parabola has no least value (:math:`k_2 \le 0`) lies beyond either end.

    Args:
        losses: [places, pairs].
        level: of the interval.

    Returns:
        The value is NaN where the parabola has no least value, and ends may be infinite.
    """
    n = losses.shape[1]
    fitted: Any = np.linalg.pinv(np.vander(PLACES, 3, increasing=True).astype(float)) @ losses
    one, own = np.zeros(n, np.intp), np.arange(n)
    means = [mean_over_groups(each, one, own) for each in fitted]
    value = _least(np.array([[mean.value for mean in means]]))[0]
    draws = _least(bootstrap_draws(means))
    lost, tail = np.isnan(draws), (1 - level) / 2
    low = np.quantile(np.where(lost, -np.inf, draws), tail, method="lower")
    high = np.quantile(np.where(lost, np.inf, draws), 1 - tail, method="higher")
    return Estimate(float(value), float(low), float(high), level, n, n)


def _least(parabolas: Floats) -> Floats:
    """[draws, 3] → [draws]; NaN where there is no least value."""
    curved = parabolas[:, 2] > 0
    turned = -parabolas[:, 1] / np.where(curved, 2 * parabolas[:, 2], 1.0)
    return np.where(curved, turned, np.nan)
