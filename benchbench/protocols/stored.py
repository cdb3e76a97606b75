"""The columns of a run's file: written from outcomes' values, and read back as outcomes.

A run has hundreds of thousands of rows and few distinct tags, targets and source images: equal
values are one object, and numbers are sliced from the column's own array. Columns are made from
buffers, because Arrow's other constructors import pandas, which takes half a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.seals import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from benchbench.types import Outcome
    from benchbench.types.arrays import Flags, Indices

ROWS = 4096
"""Rows that are Python values at once, where a protocol reads row by row."""


def text_column(values: Sequence[str | None]) -> pa.Array:
    """Return texts as a column; None is null.

    Raises:
        ValueError: they have 2 GB or more.
    """
    import pyarrow as pa

    encoded = [(value or "").encode() for value in values]
    offsets = _offsets([len(each) for each in encoded])
    there = np.array([value is not None for value in values], dtype=bool)
    nulls = None if there.all() else pa.py_buffer(_packed(there))
    buffers = pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)), nulls
    return pa.StringArray.from_buffers(len(encoded), *buffers)


def list_column(rows: Sequence[Any], kind: pa.DataType, dtype: npt.DTypeLike) -> pa.Array:
    """Return lists of numbers as a column.

    Args:
        rows: one-dimensional arrays, or sequences.
        kind: Arrow's type of the numbers.
        dtype: numpy's name of it.

    Raises:
        ValueError: there are 2 billion numbers or more.
    """
    import pyarrow as pa

    nothing: list[Any] = [np.zeros(0, dtype=dtype)]
    values = np.concatenate([*nothing, *rows], dtype=dtype, casting="unsafe")
    data = _packed(values) if values.dtype == bool else values
    flat = pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(data)])
    offsets = _offsets([len(row) for row in rows])
    ends = pa.Array.from_buffers(pa.int32(), len(offsets), [None, pa.py_buffer(offsets)])
    return pa.ListArray.from_arrays(ends, flat)


def _offsets(sizes: Sequence[int]) -> npt.NDArray[np.int32]:
    """Return where each part begins, and the last one's end: [parts + 1]."""
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    if ends[-1] > np.iinfo(np.int32).max:
        raise ValueError("a run with more than 2 GB in one column")
    return ends.astype(np.int32)


def _packed(flags: Flags) -> npt.NDArray[np.uint8]:
    """Return flags as Arrow stores them, a bit each."""
    return np.packbits(flags, bitorder="little")


@dataclass(frozen=True, slots=True)
class Bases:
    """The fields that outcomes of every protocol have; a list has an entry per outcome."""

    id: Sequence[str]
    cluster: Sequence[str]
    tags: Sequence[Mapping[str, str]]
    content: Sequence[str]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each outcome's fields by name."""
        names = ("id", "cluster", "tags", "content")
        for row in zip(self.id, self.cluster, self.tags, self.content, strict=True):
            yield dict(zip(names, row, strict=True))


def read_bases(
    ids: pa.Array, clusters: pa.Array, tags: Mapping[str, pa.Array], content: pa.Array | None
) -> Bases:
    """Return the common fields of all outcomes; an outcome has the tags that are not null.

    Args:
        ids: the outcomes' ids, as text.
        clusters: their source images.
        tags: tag → its values.
        content: digests of content, where the file has them.
    """
    names, images = _coded(clusters)
    return Bases(
        id=ids.to_pylist(),
        cluster=[names[image] for image in images.tolist()],
        tags=_tags(tags, len(ids)),
        content=[""] * len(ids) if content is None else content.to_pylist(),
    )


def by_rows(
    read: Callable[[Mapping[str, Any], Mapping[str, Any]], Outcome],
    columns: Mapping[str, pa.Array],
    bases: Bases,
) -> tuple[Outcome, ...]:
    """Return the outcomes that ``read`` makes of each row, as Python values, and its base."""
    import pyarrow as pa

    batches = pa.table(dict(columns)).to_batches(max_chunksize=ROWS)
    rows = (row for batch in batches for row in batch.to_pylist())
    return tuple(read(row, base) for row, base in zip(rows, bases, strict=True))


@dataclass(frozen=True, slots=True)
class Lists:
    """A column of lists of numbers."""

    values: npt.NDArray[Any]
    """All lists, one after the other."""
    lengths: Indices
    """[rows]"""

    @classmethod
    def of(cls, column: pa.Array) -> Lists:
        """Return an Arrow column's lists."""
        import pyarrow.compute as pc

        return cls(numbers(column.flatten()), numbers(pc.list_value_length(column)).astype(np.intp))

    def arrays(self, *shape: Indices) -> list[npt.NDArray[Any]]:
        """Return each row's list as an array; ``shape`` holds the rows' extents, [rows] each.

        Raises:
            ValueError: a list is longer or shorter than its shape.
        """
        extents = np.stack(shape, axis=1)
        if (wrong := np.flatnonzero(extents.prod(axis=1) != self.lengths)).size:
            row = int(wrong[0])
            raise ValueError(f"{self.lengths[row]} values in a shape of {extents[row].tolist()}")
        starts = np.cumsum(self.lengths) - self.lengths
        found: list[Any] = [None] * len(starts)
        for each, where in _alike(extents):
            places = starts[where][:, None] + np.arange(np.prod(each))
            parts = self.values[places].reshape(len(where), *each)
            for row, part in zip(where.tolist(), parts, strict=True):
                found[row] = part
        return found

    def tuples(self) -> list[tuple[Any, ...]]:
        """Return each row's list as a tuple of Python values; equal ones are one object."""
        known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        rows = (tuple(part.tolist()) for part in self.arrays(self.lengths))
        return [known.setdefault(row, row) for row in rows]


def _alike(extents: Indices) -> Iterator[tuple[list[int], Indices]]:
    """Yield each distinct row, and the places of the rows that equal it."""
    if (extents == extents[:1]).all():
        yield from ((each.tolist(), np.arange(len(extents))) for each in extents[:1])
        return
    distinct, number = np.unique(extents, axis=0, return_inverse=True)
    order = np.argsort(number.reshape(-1), kind="stable")
    bounds = np.cumsum(np.bincount(number.reshape(-1)))[:-1]
    yield from zip(distinct.tolist(), np.split(order, bounds), strict=True)


def _tags(columns: Mapping[str, pa.Array], n: int) -> list[Mapping[str, str]]:
    """Return each row's tags; rows with the same tags have one dictionary."""
    number = np.zeros(n, dtype=np.int64)
    known: list[dict[str, str]] = [{}]
    for tag, column in columns.items():
        names, code = _coded(column)
        cells, number = np.unique(number * (len(names) + 1) + code + 1, return_inverse=True)
        before, which = np.divmod(cells, len(names) + 1)
        known = [
            {**known[b], tag: names[w - 1]} if w else known[b]
            for b, w in zip(before.tolist(), which.tolist(), strict=True)
        ]
    return [known[k] for k in number.tolist()]


def _coded(column: pa.Array) -> tuple[list[str], Indices]:
    """Return a text column's distinct values, and the number of each row's; −1 where it is null."""
    coded = column.dictionary_encode()
    codes = np.full(len(column), -1, dtype=np.intp)
    codes[numbers(column.is_valid())] = numbers(coded.indices.drop_null())
    return coded.dictionary.to_pylist(), codes
