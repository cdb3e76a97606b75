"""Read scene graphs from an HDF5 file of the VG150 layout, and check every number.

The layout is that of Xu et al. (CVPR 2017; danfei/scene-graph-TF-release, ``data_tools``), which
Zellers et al. (CVPR 2018) split anew:

- Per image: ``split`` (0 training, 2 test), and the first and last numbers, inclusive, of its boxes
  (``img_to_first_box``, ``img_to_last_box``) and relations (``…_rel``); −1 for none.
- Per box: ``labels`` [M, 1], and ``boxes_1024`` [M, 4]: middle x and y, width and height, on a
  scale where the image's longest side is 1024.
- Per relation: ``relationships`` [R, 2], the numbers of the subject's and the object's box among
  all M, and ``predicates`` [R, 1].

Labels and predicates count from 1; 0 is background. Other data sets (attributes) are ignored.

A file is untrusted: an error names the file, the data set and the place. Every number is checked
when the file is opened, part by part; then the graphs of some images at a time are read. What is
held of the whole is five numbers an image.

Writer, for the drawn world: ``scenes.edition.vg150``.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchbench.errors import MalformedData, MissingData
from benchbench.files import require_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchbench.types import Vocabulary
    from benchbench.types.arrays import Flags, Ints


TRAINING, TEST = 0, 2
MAX_NUMBER = 2**31 - 1
"""The largest number in such a file, so that arithmetic stays inside 64 bits."""
MAX_ENTRIES = 2 * 10**7
"""The largest number of entries of a data set; the official file has 4.4 million boxes' sides."""
IMAGES_AT_ONCE = 512
"""Images whose graphs are read at once."""
PART = 1 << 16
"""Rows of a data set that are checked at once."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The numbers of each image's boxes, or relations: from ``start`` to ``stop``, exclusive."""

    start: Ints
    """[images]"""
    stop: Ints
    """[images]; equal to ``start`` where there are none."""

    @property
    def size(self) -> Ints:
        """Return the number of members of each image, [images]."""
        return self.stop - self.start

    def take(self, rows: Ints) -> Spans:
        """Return the spans of some images."""
        return Spans(self.start[rows], self.stop[rows])

    def shifted(self, by: int) -> Spans:
        """Return the spans where the member of this number is the first; none stay empty."""
        start = np.where(self.size > 0, self.start - by, 0)
        return Spans(start, start + self.size)

    def hull(self) -> tuple[int, int]:
        """Return the numbers from the first of all members to the last, exclusive."""
        there = self.size > 0
        if not there.any():
            return 0, 0
        return int(self.start[there].min()), int(self.stop[there].max())

    def members(self) -> tuple[Ints, Ints]:
        """Return the numbers of all members, image by image, and the image of each.

        Returns:
            Two arrays, [members] each.
        """
        size = self.size
        image = np.repeat(np.arange(len(size)), size)
        within = np.arange(len(image)) - np.repeat(np.cumsum(size) - size, size)
        return self.start[image] + within, image


@dataclass(frozen=True, slots=True)
class Graphs:
    """The scene graphs of some images, among M boxes and R relations; numbers are in range."""

    boxes_of: Spans
    relations_of: Spans
    boxes: Ints
    """[M, 4]: middle x and y, width and height; the longest side of the image is 1024."""
    labels: Ints
    """[M]: index into the vocabulary's objects, from 0."""
    ends: Ints
    """[R, 2]: boxes of subject and object among the M, both of the relation's own image."""
    predicates: Ints
    """[R]: index into the vocabulary's predicates, from 0."""


class GraphFile:
    """An open file whose numbers are checked; the graphs of some images at a time are read."""

    def __init__(self, file: _File, vocabulary: Vocabulary) -> None:
        self._file = file
        self.split = file.column("split")
        """[images]: ``TRAINING`` or ``TEST``."""
        file.require(
            "split", np.isin(self.split, (TRAINING, TEST)), "is neither 0 (training) nor 2 (test)"
        )
        boxes, relations = file.lengths("labels", "boxes_1024", "relationships", "predicates")
        file.named("labels", len(vocabulary.objects))
        file.named("predicates", len(vocabulary.predicates))
        file.require_all(
            "relationships",
            lambda ends: np.asarray(((ends >= 0) & (ends < boxes)).all(axis=1)),
            f"is not two of the {boxes:,} boxes",
        )
        file.require_all(
            "boxes_1024",
            lambda box: np.asarray((box[:, 2:] > 0).all(axis=1)),
            "has no width or no height",
        )
        self.boxes_of = _spans(file, "box", len(self.split), boxes)
        self.relations_of = _spans(file, "rel", len(self.split), relations)
        _check_ends(file, self)

    def read(self, rows: Ints) -> Graphs:
        """Return the graphs of some images; their boxes and relations are numbered anew."""
        boxes_of, relations_of = self.boxes_of.take(rows), self.relations_of.take(rows)
        first_box, boxes = boxes_of.hull()
        first_relation, relations = relations_of.hull()
        return Graphs(
            boxes_of=boxes_of.shifted(first_box),
            relations_of=relations_of.shifted(first_relation),
            boxes=self._file.part("boxes_1024", first_box, boxes),
            labels=self._file.part("labels", first_box, boxes) - 1,
            ends=self._file.part("relationships", first_relation, relations) - first_box,
            predicates=self._file.part("predicates", first_relation, relations) - 1,
        )


@contextmanager
def opened_graphs(path: Path, vocabulary: Vocabulary) -> Iterator[GraphFile]:
    """Open a file and check every number of it.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is not an HDF5 file, lacks a data set, or holds an impossible number; the
            message names the data set and the place.
    """
    import h5py

    try:
        require_regular(path)
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise MalformedData(f"{path} is not a whole HDF5 file ({error}).") from error
    with file:
        yield GraphFile(_File(path, file), vocabulary)


class _File:
    """The data sets of a file, by name; the errors of its checks name the data set and the place.

    Numbers are read part by part, and are whole numbers of 64 bits.
    """

    def __init__(self, path: Path, file: Any) -> None:
        self._path = path
        self._sets = {name: _data_set(path, file, name) for name in _WIDTHS}

    def lengths(self, *names: str) -> tuple[int, ...]:
        """Return the lengths of data sets, two and two about the same things."""
        found = []
        for one, other in zip(names[::2], names[1::2], strict=True):
            found.append(len(self._sets[one]))
            self.same_length(one, found[-1], other, len(self._sets[other]))
        return tuple(found)

    def same_length(self, one: str, n: int, other: str, its: int) -> None:
        """Raise an error where two data sets about the same things differ in length."""
        if n != its:
            raise self._wrong(one, f"has {n:,} entries, '{other}' {its:,}")

    def column(self, name: str) -> Ints:
        """Return a data set of one number an image, checked to be in range, [N]."""
        self._in_range(name)
        return self.part(name, 0, len(self._sets[name]))

    def part(self, name: str, start: int, stop: int) -> Ints:
        """Return rows of a data set, [rows], or [rows, width] where it has a width."""
        array = self._raw(name, start, stop).astype(np.int64)
        return array if _WIDTHS[name] > 1 else array.reshape(len(array))

    def named(self, name: str, names: int) -> None:
        """Raise an error where a number, counted from 1, has no name."""
        self.require_all(
            name,
            lambda numbers: (numbers >= 1) & (numbers <= names),
            f"is not among the {names} named (1 to {names})",
        )

    def require_all(self, name: str, good: Callable[[Ints], Flags], problem: str) -> None:
        """Raise an error unless all rows are in range and good, part by part."""
        self._in_range(name)
        n = len(self._sets[name])
        parts = (good(self.part(name, at, min(n, at + PART))) for at in range(0, n, PART))
        self.require(name, np.concatenate([np.ones(0, bool), *parts]), problem)

    def require(self, name: str, good: Flags, problem: str) -> None:
        """Raise an error that names the first bad row and its value, if there is one."""
        if good.all():
            return
        first = int(np.argmin(good))
        value = self._raw(name, first, first + 1)[0].tolist()
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        more = int((~good).sum()) - 1
        others = f" (and {more:,} more)" if more else ""
        raise self._wrong(name, f"number {first}, {value}, {problem}{others}")

    def _in_range(self, name: str) -> None:
        n = len(self._sets[name])
        good = [np.ones(0, bool)]
        for at in range(0, n, PART):
            array = self._raw(name, at, min(n, at + PART))
            out = (array > MAX_NUMBER) | (array < -MAX_NUMBER)
            good.append(~np.asarray(out.any(axis=tuple(range(1, out.ndim)))))
        self.require(name, np.concatenate(good), f"is beyond ±{MAX_NUMBER:,}")

    def _raw(self, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        try:
            return np.asarray(self._sets[name][start:stop])
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
            # TypeError: a type that numpy lacks, such as HDF5's times.
            raise self._wrong(name, f"cannot be read ({error})") from error

    def _wrong(self, name: str, problem: str) -> MalformedData:
        return MalformedData(f"{self._path}, data set '{name}': {problem}.")


_WIDTHS = {
    "split": 1,
    "labels": 1,
    "boxes_1024": 4,
    "relationships": 2,
    "predicates": 1,
    **{f"img_to_{edge}_{what}": 1 for what in ("box", "rel") for edge in ("first", "last")},
}
"""Data set → numbers a row."""


def _data_set(path: Path, file: Any, name: str) -> Any:
    """Return a data set; its shape and type are checked before any of it is read."""
    import h5py

    where = f"{path}, data set '{name}'"
    try:
        data = file.get(name)
        if not isinstance(data, h5py.Dataset):
            there = ", ".join(file) or "none"
            raise MalformedData(f"{path} has no data set '{name}'. There: {there}.")
        shape, width = data.shape, _WIDTHS[name]
        if shape is None or len(shape) == 0 or data.size > MAX_ENTRIES:
            raise MalformedData(f"{where}: cannot have the shape {shape}.")
        if data.dtype.kind not in "iu":
            raise MalformedData(f"{where}: should hold whole numbers, not {data.dtype}.")
        if shape[1:] != (width,) and (width > 1 or len(shape) > 1):
            raise MalformedData(f"{where}: should have the shape [N, {width}], not {list(shape)}.")
        return data
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise MalformedData(f"{where}: cannot be read ({error}).") from error


def _spans(file: _File, what: str, images: int, total: int) -> Spans:
    """Return the boxes or relations of each image; no member may belong to two images."""
    names = f"img_to_first_{what}", f"img_to_last_{what}"
    first, last = map(file.column, names)
    for name, column in zip(names, (first, last), strict=True):
        file.same_length(name, len(column), "split", images)
    none = (first == -1) & (last == -1)
    file.require(names[0], none | ((first >= 0) & (first < total)), f"is not below {total:,}")
    within = none | ((last >= first) & (last < total))
    file.require(names[1], within, f"is below the first, or not below {total:,}")
    spans = Spans(np.where(none, 0, first), np.where(none, 0, last + 1))
    order = np.argsort(spans.start, kind="stable")
    order = order[spans.size[order] > 0]
    overlaps = np.zeros(images, dtype=bool)
    overlaps[order[1:]] = spans.start[order[1:]] < spans.stop[order[:-1]]
    file.require(names[0], ~overlaps, "belongs to another image too")
    return spans


def _check_ends(file: _File, graphs: GraphFile) -> None:
    """Raise an error unless every relation is between boxes of its own image."""
    good = np.ones(file.lengths("relationships", "predicates")[0], dtype=bool)
    for rows in parts_of(np.arange(len(graphs.split))):
        relations_of, boxes = graphs.relations_of.take(rows), graphs.boxes_of.take(rows)
        first, stop = relations_of.hull()
        numbers, image = relations_of.members()
        ends = file.part("relationships", first, stop)[numbers - first]
        own = (ends >= boxes.start[image, None]) & (ends < boxes.stop[image, None])
        good[numbers] = own.all(axis=1)
    file.require("relationships", good, "has a box that the relation's image does not have")


def parts_of(rows: Ints) -> Iterator[Ints]:
    """Yield some images at a time, as they are read."""
    for at in range(0, len(rows), IMAGES_AT_ONCE):
        yield rows[at : at + IMAGES_AT_ONCE]
