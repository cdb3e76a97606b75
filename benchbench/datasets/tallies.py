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
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

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


def tally(items: Sequence[Any], regions: int) -> Tally:
    """Return the counts of a task's items; ``regions`` is the number of distinct images and crops.

    >>> from pathlib import Path
    >>> from benchbench.types import ImageRef
    >>> a = Item("0", (ImageRef(Path("a")),), ("a b", "b a"), (0,), "a")
    >>> b = Item("1", (ImageRef(Path("a")),), ("b a", "a b"), (0,), "a")
    >>> tally([a, b], 1).symmetric, tally([a, a], 1).duplicates
    (2, 1)
    """
    sizes = Counter(item.cluster for item in items)
    captions = [text for item in items for text in captions_of(item)]
    scenes = [item for item in items if isinstance(item, Scene)]
    keys = Counter(_content(item) for item in ([] if scenes else items))
    matching = [item for item in items if isinstance(item, Item)]
    counts = list(sizes.values())
    return Tally(
        items=len(items),
        files=len({ref.path for item in items for ref in item.images}),
        regions=regions,
        captions=len(captions),
        distinct_captions=len(set(captions)),
        duplicates=sum(keys.values()) - len(keys),
        no_ops=sum(map(_has_no_op, items)),
        symmetric=_symmetric(matching),
        relations=sum(len(scene.relations) for scene in scenes),
        clusters=(
            len(counts),
            round(statistics.median(counts)),
            statistics.fmean(counts),
            max(counts),
        ),
        detectable=(math.nan, math.nan) if scenes else _detectable(counts),
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


def _content(item: Any) -> int:
    """Return a number by which items with equal content are recognised."""
    values = [getattr(item, each.name) for each in fields(item) if each.name not in NAMES]
    return hash(repr(values))


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


def _symmetric(items: Iterable[Item]) -> int:
    """Return how many items of one image have a partner with both captions exchanged."""
    pairs = Counter(
        (item.images, item.captions[item.target[0]], item.captions[1 - item.target[0]])
        for item in items
        if len(item.captions) == 2 and len(item.target) == 1
    )
    return sum(n for (images, true, false), n in pairs.items() if (images, false, true) in pairs)


def _detectable(sizes: Sequence[int]) -> tuple[float, float]:
    n = sum(sizes)
    alone = math.sqrt(DIFFER / n)
    alike = math.sqrt(DIFFER * sum(size * size for size in sizes)) / n
    return detectable(alone), detectable(alike)
