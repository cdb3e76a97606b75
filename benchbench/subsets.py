"""Sampling of a task's items: whole source images, in an order that a hash of a seed fixes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchbench.types import Question

    AnyQuestion = TypeVar("AnyQuestion", bound=Question)


def shuffle(names: Iterable[str], seed: int) -> list[str]:
    """Return names in order of a hash of seed and name, whatever their order in a file."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())


def draw_clusters(items: Sequence[AnyQuestion], limit: int | None, seed: int) -> list[AnyQuestion]:
    """Return whole clusters of at most ``limit`` items in all, at least one, in the items' order.

    Clusters are drawn in the order of a hash of seed and name, so that the draw depends on neither
    the order of the file nor the version of a random generator.
    """
    if limit is None or limit >= len(items):
        return list(items)
    sizes: dict[str, int] = {}
    for item in items:
        sizes[item.cluster] = sizes.get(item.cluster, 0) + 1
    drawn: set[str] = set()
    left = limit
    for cluster in shuffle(sizes, seed):
        if drawn and sizes[cluster] > left:
            break
        drawn.add(cluster)
        left -= sizes[cluster]
    return [item for item in items if item.cluster in drawn]
