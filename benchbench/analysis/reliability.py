"""Thresholds of reliability for every report: few images, rough intervals, rare groups.

Below ten source images there is a score and nothing else; below a hundred its interval is rough;
and the interval of a mean that rests on rare groups is unreliable: their spread is hardly known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.stats.intervals import MANY_CLUSTERS
from benchbench.stats.means import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.stats import Mean, Median
    from benchbench.types.arrays import Indices

MAX_RARE_SHARE = 0.2
"""Share of a mean's weight on groups of few clusters from which its interval is unreliable."""


def is_heavy(share: float) -> bool:
    """Return whether rare groups carry so much of a mean that its interval is unreliable."""
    return share > MAX_RARE_SHARE


def is_few(n_clusters: int) -> bool:
    """Return whether there are too few source images for anything beyond the score."""
    return n_clusters < FEW_CLUSTERS


def is_rough(n_clusters: int) -> bool:
    """Return whether there are so few source images that intervals are rough."""
    return n_clusters < MANY_CLUSTERS


def rare_share(value: Mean | Median) -> float:
    """Return the weight of groups of few clusters in a mean over several groups, in [0, 1]."""
    return value.rare_share if value.n_groups > 1 else 0.0


def rare_groups(
    groups: Sequence[str], outcome: Sequence[int], clusters: Indices
) -> tuple[str, ...]:
    """Return the groups of a mean whose units lie in few clusters, in the order of their names.

    Args:
        groups: [units], the group of each.
        outcome: [units], the item of each.
        clusters: [items], the source image of each.
    """
    there: dict[str, set[int]] = {}
    for group, item in zip(groups, outcome, strict=True):
        there.setdefault(group, set()).add(int(clusters[item]))
    few = [group for group, found in there.items() if is_few(len(found))]
    return tuple(sorted(few)) if len(there) > 1 else ()
