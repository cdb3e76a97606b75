"""Wilson's interval for a share (Wilson 1927, *Probable inference*, JASA 22)."""

from __future__ import annotations

import math
from statistics import NormalDist

from benchbench.errors import UsageError


def wilson_interval(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    r"""The interval for a share of ``n`` independent yes-or-no answers.

    .. math:: \frac{p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}

    It keeps a width at 0 and at 1, where resampling has none.

    >>> low, high = wilson_interval(0.0, 28)
    >>> low, round(high, 3)
    (0.0, 0.121)
    """
    if n < 1:
        raise UsageError("A share of nothing has no interval.")
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
