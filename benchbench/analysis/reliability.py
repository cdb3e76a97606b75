"""How far a number can be relied on: one rule and one wording for every report.

Below ten source images nothing is said, below a hundred it is rough, and a mean of which rare
groups carry much is marked, for their spread is hardly known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.stats.intervals import MANY_CLUSTERS
from benchbench.stats.means import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from benchbench.stats import Mean, Median

HEAVY = 0.2
"""Share of a mean's weight on groups of few clusters from which its interval is unreliable."""
MARK = " ?"
"""Behind an interval that is."""
LISTED = 12
"""Rare groups that are named."""


def is_heavy(carried: float) -> bool:
    """Return whether rare groups carry so much of a mean that its interval is unreliable."""
    return carried > HEAVY


def is_few(n_clusters: int) -> bool:
    """Return whether there are too few source images to say anything beyond the score."""
    return n_clusters < FEW_CLUSTERS


def rare_share(value: Mean | Median) -> float:
    """Return what groups of few clusters carry of a mean over several groups."""
    return value.rare_share if value.n_groups > 1 else 0.0


def marked(interval: str, low: float, carried: float) -> str:
    """Return an interval as it is shown: a dash where there is none, a mark where unreliable."""
    return "–" if math.isnan(low) else interval + MARK * is_heavy(carried)


def too_few(n_clusters: int) -> str:
    """Say why a gate decides nothing.

    >>> too_few(2)
    '2 source images are too few: below 10 nothing is decided'
    """
    images = "source image is" if n_clusters == 1 else "source images are"
    return f"{n_clusters:,} {images} too few: below {FEW_CLUSTERS} nothing is decided"


def few_images(n_clusters: int) -> Iterator[str]:
    """Yield a note where intervals are rough."""
    if n_clusters < MANY_CLUSTERS:
        yield (
            f"Note: {n_clusters} source images are few. Take intervals below "
            f"{MANY_CLUSTERS} as rough."
        )


def rare_groups(
    groups: Sequence[str], outcome: Sequence[int], clusters: npt.NDArray[np.intp]
) -> tuple[str, ...]:
    """Return the groups of a mean with what is judged in few clusters, in order of names.

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


def of_rare_groups(shares: Mapping[str, float], rare: Sequence[str]) -> Iterator[str]:
    """Yield what the mark means, where a metric bears it.

    Args:
        shares: metric → what groups of few clusters carry of its weight.
        rare: those groups, as text that can be shown.
    """
    heavy = {name: share for name, share in shares.items() if is_heavy(share)}
    if not heavy:
        return
    listed = ", ".join(rare[:LISTED])
    more = len(rare) - LISTED
    named = f" ({listed}{f' and {more} more' if more > 0 else ''})" if listed else ""
    yield (
        f"? unreliable: groups in under {FEW_CLUSTERS} clusters{named} carry up to "
        f"{100 * max(heavy.values()):.0f} % of the weight of {', '.join(heavy)}. Their spread is "
        "estimated from all such groups together."
    )
