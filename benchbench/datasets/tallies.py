r"""Counts of a task's items: what makes them easier, fewer or less independent than they look.

The minimum detectable difference is of two models that differ on a fifth of the items (CLIP
ViT-B/32 and its fine-tuning on COCO differ on 17.7 % of SugarCrepe). Of N items, of which n_c share
image c, the difference of two accuracies has the variance

.. math:: d\,/\,N \le \mathrm{var} \le d \sum_c n_c^2\,/\,N^2

where d is the share of items on which they differ: the first if items of an image are independent,
the second if all of them are answered alike.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from benchbench.data.distinct import Things
from benchbench.errors import MalformedData
from benchbench.stats.power import detectable
from benchbench.types import Entry, Item, Scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAMES = frozenset({"id", "cluster", "tags", "gallery"})
"""Fields that name an item, or that many items share."""
NO_CAPTIONS = NAMES | {"also", "given"}
DIFFER = 0.2
"""The share of items on which two typical models differ."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of items."""

    items: int
    files: int
    """Distinct image files."""
    regions: int
    """Distinct images and crops."""
    captions: int
    """All captions, true and false."""
    distinct_captions: int
    duplicates: int
    """Items that repeat an earlier one, with the same images and captions."""
    no_ops: int
    """Items with a false caption that equals a true one but for case and white space."""
    symmetric: int
    """Items whose false caption is the true caption of another item, and the other way round, about
    the same images."""
    relations: int
    """Annotated relations of scenes."""
    clusters: tuple[int, int, float, int]
    """The number of source images, and the items per image: median, mean and maximum."""
    detectable: tuple[float, float]
    """The minimum detectable difference, as a share: of independent items, and of items that are
    alike within an image; NaN for relations, whose metrics are not accuracies."""


def tally(items: Iterable[Any]) -> Tally:
    """Return the counts of a task's items, of which each is read once and none is kept.

    Raises:
        MalformedData: there is no item.

    >>> from pathlib import Path
    >>> from benchbench.types import ImageRef
    >>> a = Item("0", (ImageRef(Path("a")),), ("a b", "b a"), (0,), "a")
    >>> b = Item("1", (ImageRef(Path("a")),), ("b a", "a b"), (0,), "a")
    >>> tally([a, b]).symmetric, tally(iter([a, a])).duplicates
    (2, 1)
    """
    counting = _Counting()
    for item in items:
        counting.add(item)
    return counting.tally()


class _Counting:
    """What is counted of items that pass by: eight bytes a thing."""

    def __init__(self) -> None:
        self._items = self._no_ops = self._relations = 0
        self._files, self._regions, self._captions = Things(), Things(), Things()
        self._contents, self._clusters = Things(), Things()
        self._pairs, self._turned = Things(), Things()
        self._scenes = False

    def add(self, item: Any) -> None:
        """Count an item."""
        self._items += 1
        self._clusters.add(item.cluster)
        for ref in item.images:
            self._files.add(str(ref.path))
            self._regions.add(repr(ref))
        for text in captions_of(item):
            self._captions.add(text)
        self._no_ops += _has_no_op(item)
        if isinstance(item, Scene):
            self._scenes = True
            self._relations += len(item.relations)
        else:
            self._contents.add(_content(item))
        if isinstance(item, Item) and len(item.captions) == 2 and len(item.target) == 1:
            true, false = item.captions[item.target[0]], item.captions[1 - item.target[0]]
            self._pairs.add(repr((item.images, true, false)))
            self._turned.add(repr((item.images, false, true)))

    def tally(self) -> Tally:
        """Return the counts so far."""
        sizes = self._clusters.counts().tolist()
        if not sizes:
            raise MalformedData("There is no item in these files.")
        return Tally(
            items=self._items,
            files=self._files.distinct(),
            regions=self._regions.distinct(),
            captions=len(self._captions),
            distinct_captions=self._captions.distinct(),
            duplicates=len(self._contents) - self._contents.distinct(),
            no_ops=self._no_ops,
            symmetric=self._turned.found_in(self._pairs),
            relations=self._relations,
            clusters=(
                len(sizes),
                round(statistics.median(sizes)),
                statistics.fmean(sizes),
                max(sizes),
            ),
            detectable=(math.nan, math.nan) if self._scenes else _detectable(sizes),
        )


def captions_of(item: Any) -> list[str]:
    """Return all captions of an item of any protocol: the texts in its own fields."""
    found: list[str] = []
    for each in fields(item):
        value = getattr(item, each.name)
        if each.name in NO_CAPTIONS:
            continue
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, tuple):
            found += [text for text in value if isinstance(text, str)]
    return found


def _content(item: Any) -> str:
    """Return a text by which items with equal content are recognised."""
    return repr([getattr(item, each.name) for each in fields(item) if each.name not in NAMES])


def _has_no_op(item: Any) -> bool:
    """Return whether a false caption equals a true one; items without false captions have none."""
    true, false = sides(item)
    return bool(set(map(plain, true)) & set(map(plain, false)))


def sides(item: Any) -> tuple[list[str], list[str]]:
    """Return the true and the false captions of an item of any protocol.

    An item with one caption and a ``label`` has it on one side; a scene has neither.

    >>> sides(Item("0", (), ("a", "b"), (1,), ""))
    (['b'], ['a'])
    """
    if isinstance(item, Item):
        true = [item.captions[column] for column in item.target if column >= 0]
        return true, [text for i, text in enumerate(item.captions) if i not in item.target]
    if isinstance(label := getattr(item, "label", None), bool):
        return ([item.caption], []) if label else ([], [item.caption])
    if isinstance(item, Entry):
        return [*item.captions], []
    return [*getattr(item, "true", ())], [*getattr(item, "false", ())]


def plain(text: str) -> str:
    """Return a caption in lower case, its white space single."""
    return " ".join(text.casefold().split())


def _detectable(sizes: Sequence[int]) -> tuple[float, float]:
    n = sum(sizes)
    alone = math.sqrt(DIFFER / n)
    alike = math.sqrt(DIFFER * sum(size * size for size in sizes)) / n
    return detectable(alone), detectable(alike)
