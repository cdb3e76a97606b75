"""Clusters of items that show several images: items with an image in common are in one cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def linked(items: Iterable[Sequence[str]]) -> list[str]:
    """Return each item's cluster, named by the first of its images in the order of the items.

    Args:
        items: the images of each item, by name.

    >>> linked([("a", "b"), ("c", "d"), ("b", "e"), ("e", "c")])
    ['a', 'a', 'a', 'a']
    >>> linked([("a", "b"), ("c", "d")])
    ['a', 'c']
    """
    shown = [list(images) for images in items]
    order = {name: i for i, name in enumerate(dict.fromkeys(n for names in shown for n in names))}
    parent = {name: name for name in order}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for names in shown:
        roots = sorted({root(name) for name in names}, key=order.__getitem__)
        for other in roots[1:]:
            parent[other] = roots[0]
    return [root(names[0]) for names in shown]
