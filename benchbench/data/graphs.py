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

A file is untrusted: an error names the file, the data set and the place.

Writer, for the drawn world: ``scenes.edition.vg150``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchbench.errors import MalformedData, MissingData
from benchbench.files import require_regular

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Vocabulary
    from benchbench.types.arrays import Flags, Ints


TRAINING, TEST = 0, 2
MAX_NUMBER = 2**31 - 1
"""The largest number in such a file, so that arithmetic stays inside 64 bits."""
MAX_ENTRIES = 2 * 10**7
"""The largest number of entries of a data set; the official file has 4.4 million boxes' sides."""


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
    """The scene graphs of some images with M boxes and R relations in all; numbers are in range."""

    split: Ints
    """[images]: ``TRAINING`` or ``TEST``."""
    boxes_of: Spans
    relations_of: Spans
    boxes: Ints
    """[M, 4]: middle x and y, width and height; the longest side of the image is 1024."""
    labels: Ints
    """[M]: index into the vocabulary's objects, from 0."""
    ends: Ints
    """[R, 2]: boxes of subject and object among all M, both of the relation's own image."""
    predicates: Ints
    """[R]: index into the vocabulary's predicates, from 0."""


def read_graphs(path: Path, vocabulary: Vocabulary) -> Graphs:
    """Read and check a file.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is not an HDF5 file, lacks a data set, or holds an impossible number; the
            message names the data set and the place.
    """
    file = _read(path)
    split = file.column("split")
    file.require("split", np.isin(split, (TRAINING, TEST)), "is neither 0 (training) nor 2 (test)")
    labels, boxes = file.column("labels"), file.table("boxes_1024", 4)
    ends, predicates = file.table("relationships", 2), file.column("predicates")
    file.same_length("labels", labels, "boxes_1024", boxes)
    file.same_length("relationships", ends, "predicates", predicates)
    file.named("labels", labels, len(vocabulary.objects))
    file.named("predicates", predicates, len(vocabulary.predicates))
    some_box = ((ends >= 0) & (ends < len(labels))).all(axis=1)
    file.require("relationships", some_box, f"is not two of the {len(labels):,} boxes")
    file.require("boxes_1024", (boxes[:, 2:] > 0).all(axis=1), "has no width or no height")
    graphs = Graphs(
        split=split,
        boxes_of=_spans(file, "box", len(split), len(labels)),
        relations_of=_spans(file, "rel", len(split), len(predicates)),
        boxes=boxes,
        labels=labels - 1,
        ends=ends,
        predicates=predicates - 1,
    )
    _check_ends(file, graphs)
    return graphs


class _File:
    """The arrays of a file, by name; the errors of its checks name the data set and the place."""

    def __init__(self, path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self._path = path
        self._arrays = arrays

    def column(self, name: str) -> Ints:
        """Return a data set of shape [N] or [N, 1], as [N]."""
        array = self._whole(name)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise self._wrong(name, f"should have the shape [N, 1], not {list(array.shape)}")
        return array

    def table(self, name: str, width: int) -> Ints:
        """Return a data set of shape [N, width]."""
        array = self._whole(name)
        if array.ndim != 2 or array.shape[1] != width:
            raise self._wrong(name, f"should have the shape [N, {width}], not {list(array.shape)}")
        return array

    def _whole(self, name: str) -> Ints:
        array = self._arrays[name]
        out = (array > MAX_NUMBER) | (array < -MAX_NUMBER)
        inside = ~out.any(axis=tuple(range(1, out.ndim)))
        self.require(name, inside, f"is beyond ±{MAX_NUMBER:,}", array)
        return array.astype(np.int64)

    def require(
        self,
        name: str,
        good: Flags | np.bool_,
        problem: str,
        values: npt.NDArray[Any] | None = None,
    ) -> None:
        """Raise an error that names the first bad entry and its value, if there is one."""
        good = np.asarray(good)
        if good.all():
            return
        first = int(np.argmin(good))
        value = (self._arrays[name] if values is None else values)[first].tolist()
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        more = int((~good).sum()) - 1
        others = f" (and {more:,} more)" if more else ""
        raise self._wrong(name, f"number {first}, {value}, {problem}{others}")

    def same_length(
        self, one: str, array: npt.NDArray[Any], other: str, its: npt.NDArray[Any]
    ) -> None:
        """Raise an error where two data sets about the same things differ in length."""
        if len(array) != len(its):
            raise self._wrong(one, f"has {len(array):,} entries, '{other}' {len(its):,}")

    def named(self, name: str, numbers: Ints, names: int) -> None:
        """Raise an error where a number, counted from 1, has no name."""
        good = (numbers >= 1) & (numbers <= names)
        self.require(name, good, f"is not among the {names} named (1 to {names})")

    def _wrong(self, name: str, problem: str) -> MalformedData:
        return MalformedData(f"{self._path}, data set '{name}': {problem}.")


_NAMES = (
    *("split", "labels", "boxes_1024", "relationships", "predicates"),
    *(f"img_to_{edge}_{what}" for what in ("box", "rel") for edge in ("first", "last")),
)


def _read(path: Path) -> _File:
    import h5py

    try:
        require_regular(path)
        with h5py.File(path, "r") as file:
            return _File(path, {name: _array(path, file, name) for name in _NAMES})
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise MalformedData(f"{path} is not a whole HDF5 file ({error}).") from error


def _array(path: Path, file: Any, name: str) -> npt.NDArray[Any]:
    """Return a data set's numbers; its shape and type are checked before any of it is read."""
    import h5py

    where = f"{path}, data set '{name}'"
    try:
        data = file.get(name)
        if not isinstance(data, h5py.Dataset):
            there = ", ".join(file) or "none"
            raise MalformedData(f"{path} has no data set '{name}'. There: {there}.")
        if data.shape is None or len(data.shape) == 0 or data.size > MAX_ENTRIES:
            raise MalformedData(f"{where}: cannot have the shape {data.shape}.")
        if data.dtype.kind not in "iu":
            raise MalformedData(f"{where}: should hold whole numbers, not {data.dtype}.")
        return np.asarray(data[()])
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        # TypeError: a type that numpy lacks, such as HDF5's times.
        raise MalformedData(f"{where}: cannot be read ({error}).") from error


def _spans(file: _File, what: str, images: int, total: int) -> Spans:
    """Return the boxes or relations of each image; no member may belong to two images."""
    names = f"img_to_first_{what}", f"img_to_last_{what}"
    first, last = map(file.column, names)
    for name, column in zip(names, (first, last), strict=True):
        if len(column) != images:
            file.same_length(name, column, "split", np.empty(images))
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


def _check_ends(file: _File, graphs: Graphs) -> None:
    """Raise an error unless every relation is between boxes of its own image."""
    numbers, image = graphs.relations_of.members()
    ends, boxes = graphs.ends[numbers], graphs.boxes_of
    own = (ends >= boxes.start[image, None]) & (ends < boxes.stop[image, None])
    good = np.ones(len(graphs.ends), dtype=bool)
    good[numbers] = own.all(axis=1)
    file.require("relationships", good, "has a box that the relation's image does not have")
