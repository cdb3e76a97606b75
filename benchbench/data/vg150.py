"""Read scene graphs of photographs: Visual Genome's 150 objects and 50 predicates, or similar sets.

Files under a root, in the layout of Xu et al. (CVPR 2017), split by Zellers et al. (CVPR 2018):

- ``VG-SGG.h5`` (or ``VG-SGG-with-attri.h5``): see ``benchbench.data.graphs``.
- ``VG-SGG-dicts.json`` (or ``VG-SGG-dicts-with-attri.json``): ``label_to_idx``, ``idx_to_label``,
  ``predicate_to_idx``, ``idx_to_predicate``, numbers from 1. Here they count from 0.
- ``image_data.json``: ``image_id``, ``width``, ``height`` for each row of the h5 file, in order.
  Visual Genome's own list has 108,077 images; four of them (1592, 1722, 4616, 4617) are not in the
  h5 file, and are dropped where the list is longer than the file.
- The photographs, in ``VG_100K/`` or else ``images/``: ``<image_id>.jpg``, or the ``file_name`` of
  an entry.

``zeroshot_triplet.json`` is not read: the unseen triples follow from the training split itself.

Writer, for the drawn world: ``scenes.edition.vg150``.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.data.graphs import TEST, TRAINING, opened_graphs, parts_of
from benchbench.data.images import headers_of
from benchbench.data.proposals import read_proposals
from benchbench.data.records import first_existing, read_keyed_records, stream_records
from benchbench.errors import ImageError, MalformedData
from benchbench.types import ImageRef, Scene, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.data.graphs import GraphFile, Graphs
    from benchbench.data.records import Record
    from benchbench.types import Box, Edges, GivenPart
    from benchbench.types.arrays import Ints, Singles

GRAPHS = ("VG-SGG.h5", "VG-SGG-with-attri.h5")
NAMES = ("VG-SGG-dicts.json", "VG-SGG-dicts-with-attri.json")
IMAGE_DATA = "image_data.json"
IMAGES = ("VG_100K", "images")
NOT_IN_GRAPHS = frozenset({1592, 1722, 4616, 4617})
"""Images of Visual Genome that VG150 leaves out (danfei/scene-graph-TF-release)."""
LONGER_SIDE = 1024
MOST_CODES = 1 << 18
"""Codes of relations that are held before those that repeat are dropped."""
MAX_PIXELS = 2**16
"""The longest side in pixels, so that arithmetic on boxes stays inside 64 bits."""


def read_scenes(
    root: Path,
    split: Literal["test", "training"] = "test",
    given: GivenPart = "labels",
    proposals: Path | None = None,
) -> list[Scene]:
    """Return the scenes that ``stream_scenes`` yields, with a detector's boxes where given.

    Args:
        root: the folder.
        split: which images.
        given: the information about the images that models get.
        proposals: a detector's boxes (``benchbench.data.proposals``).

    Raises:
        MissingData: a file does not exist.
        MalformedData: an entry is wrong.
    """
    scenes = list(stream_scenes(root, split, given))
    if proposals is None:
        return scenes
    photographs = _Photographs(root)
    sizes = {
        photographs.id(row): (width, height)
        for row, (width, height) in enumerate(photographs.sizes.tolist())
    }
    return read_proposals(proposals, scenes, sizes)


def stream_scenes(
    root: Path, split: Literal["test", "training"] = "test", given: GivenPart = "labels"
) -> Iterator[Scene]:
    """Yield the images of a split that have a box and a relation, in the order of the file.

    Repeated relations are kept, and so are relations of a box with itself. ``unseen`` is whether
    the training split has no relation of the same three names; it is False throughout that split
    itself.

    Args:
        root: the folder with the files above; the photographs need not be there. Photographs of the
            test split that are there must have the sizes of ``image_data.json``, by which boxes are
            placed.
        split: which images.
        given: the information about the images that models get.

    Raises:
        MissingData: a file does not exist.
        MalformedData: an entry is wrong; the message names the file, the data set or record, and
            the place.
    """
    vocabulary = read_vocabulary(root)
    with opened_graphs(root / first_existing(root, *GRAPHS), vocabulary) as file:
        photographs = _Photographs(root, len(file.split))
        chosen = (file.split == (TEST if split == "test" else TRAINING)) & (file.boxes_of.size > 0)
        rows = np.flatnonzero(chosen & (file.relations_of.size > 0))
        if split == "test":
            _check_sizes(photographs, rows)
        learnt = _learnt(file, vocabulary)
        for part in parts_of(rows):
            yield from _scenes(file.read(part), part, photographs, vocabulary, given, learnt)


def read_vocabulary(root: Path) -> Vocabulary:
    """Read the names of objects and predicates, from 0.

    Raises:
        MissingData: the file does not exist.
        MalformedData: numbers and names are not one to one, or not 1 to n.
    """
    path = root / first_existing(root, *NAMES)
    tables = read_keyed_records(path)
    return Vocabulary(_names(path, tables, "label"), _names(path, tables, "predicate"))


def _names(path: Path, tables: dict[str, Record], what: str) -> tuple[str, ...]:
    for key in (f"{what}_to_idx", f"idx_to_{what}"):
        if key not in tables:
            there = ", ".join(tables) or "none"
            raise MalformedData(f"{path}: no field '{key}'. Fields there: {there}.")
    numbers, names = tables[f"{what}_to_idx"], tables[f"idx_to_{what}"]
    by_number = {numbers.integer(name): name for name in numbers.names()}
    n = len(numbers.names())
    if n == 0 or set(by_number) != set(range(1, n + 1)):
        raise MalformedData(f"{path}: '{what}_to_idx' should number its {n} names 1 to {n}.")
    if len(names.names()) != n:
        raise names.wrong(str(n + 1), f"should not be there: '{what}_to_idx' has {n} names")
    for number, name in by_number.items():
        if names.text(str(number)) != name:
            raise names.wrong(str(number), f"is not '{name}', as '{what}_to_idx' has it")
    return tuple(by_number[i] for i in range(1, n + 1))


class _Photographs:
    """The entries of ``image_data.json`` for the rows of the h5 file: three numbers each."""

    def __init__(self, root: Path, rows: int | None = None) -> None:
        self.path = root / IMAGE_DATA
        self._root = root
        self._folder = first_existing(root, *IMAGES)
        n = sum(1 for _ in stream_records(self.path))
        ids, sizes = array("q"), array("l")
        self._names: dict[int, str] = {}
        """Row → its ``file_name``, where the record has one: the official ones have none."""
        for record in stream_records(self.path):
            number = _image_id(record)
            if rows is not None and n > rows and number in NOT_IN_GRAPHS:
                continue
            if record.has("file_name"):
                self._names[len(ids)] = record.relative_path("file_name")
            ids.append(number)
            sizes.extend(_size(record))
        if rows is not None and len(ids) != rows:
            raise MalformedData(
                f"{self.path} should have an entry for each of the {rows:,} images of the h5 file "
                f"(or those and 1592, 1722, 4616, 4617); it has {n:,}. Are both from one release?"
            )
        self._ids = ids
        self._check_ids()
        self.sizes = np.array(sizes, dtype=np.int64).reshape(-1, 2)
        """[rows, 2]: width and height in pixels."""

    def _check_ids(self) -> None:
        """Raise an error, with the record, for an id that an earlier record has."""
        ids = np.array(self._ids, dtype=np.int64)
        order = np.argsort(ids, kind="stable")
        repeated = {*ids[order[1:]][ids[order[1:]] == ids[order[:-1]]].tolist()}
        seen: set[int] = set()
        for record in stream_records(self.path) if repeated else ():
            if (number := record.integer("image_id")) in seen:
                raise record.wrong("image_id", f"is {number}, as of an earlier record")
            seen |= {number} & repeated

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._ids)

    def id(self, row: int) -> str:
        """Return an image's id."""
        return str(self._ids[row])

    def ref(self, row: int) -> ImageRef:
        """Return where an image is."""
        return ImageRef(self._root / self._folder / self._name(row))

    def cluster(self, row: int) -> str:
        """Return the name of the photograph in ARO's files, by which tasks are resampled together.

        A name under ``VG_100K/`` is not one under ``images/``, the folder of ARO's tasks.
        """
        own = row in self._names and self._folder == IMAGES[0]
        return f"{self._folder}/{self._name(row)}" if own else self._name(row)

    def _name(self, row: int) -> str:
        return self._names.get(row) or f"{self._ids[row]}.jpg"


def _image_id(record: Record) -> int:
    number = record.integer("image_id")
    if abs(number) >= 2**63:
        raise record.wrong("image_id", "is beyond 64 bits")
    return number


def _size(record: Record) -> tuple[int, int]:
    """Return width and height in pixels."""
    for side in ("width", "height"):
        if not 1 <= (length := record.integer(side)) <= MAX_PIXELS:
            raise record.wrong(side, f"is {length}: no image has that many pixels")
    return record.integer("width"), record.integer("height")


def _check_sizes(photographs: _Photographs, rows: Ints) -> None:
    """Check that the photographs that are there have their annotated sizes.

    With other sizes every crop would be misplaced.
    """
    first, wrong = "", 0
    for part in parts_of(rows):
        by_path = {photographs.ref(row).path: row for row in part.tolist()}
        for path, header in headers_of(list(by_path)).items():
            row = by_path[path]
            width, height = photographs.sizes[row].tolist()
            if isinstance(header, ImageError) or header.size == (width, height):
                continue
            wrong += 1
            first = first or (
                f"image {photographs.id(row)} should be {width} x {height} pixels, but {path} is "
                f"{header.size[0]} x {header.size[1]}"
            )
    if first:
        more = f" (and {wrong - 1:,} more are of other sizes)" if wrong > 1 else ""
        raise MalformedData(
            f"{photographs.path}: {first}{more}. Are both from one release, and the photographs as "
            "they were published?"
        )


def _scenes(
    graphs: Graphs,
    rows: Ints,
    photographs: _Photographs,
    vocabulary: Vocabulary,
    given: GivenPart,
    learnt: Ints,
) -> Iterator[Scene]:
    """Yield the scenes of some images, given the codes of the training split's triples."""
    members, image = graphs.boxes_of.members()
    told_boxes = graphs.boxes[members], photographs.sizes[rows][image]
    boxes: list[Box] = list(map(tuple, round_boxes(*told_boxes).tolist()))
    unrounded: list[Edges] = list(map(tuple, published_edges(*told_boxes).tolist()))
    labels = graphs.labels[members].tolist()
    numbers, image = graphs.relations_of.members()
    ends = graphs.ends[numbers] - graphs.boxes_of.start[image, None]
    told = np.concatenate([ends, graphs.predicates[numbers, None]], axis=1)
    relations: list[tuple[int, int, int]] = list(map(tuple, told.tolist()))
    unseen = (~np.isin(_codes(graphs, vocabulary), learnt)).tolist()
    box, relation = 0, 0
    for row, n, m in zip(
        rows.tolist(),
        graphs.boxes_of.size.tolist(),
        graphs.relations_of.size.tolist(),
        strict=True,
    ):
        yield Scene(
            id=photographs.id(row),
            image=photographs.ref(row),
            boxes=tuple(boxes[box : box + n]),
            labels=tuple(labels[box : box + n]),
            relations=tuple(relations[relation : relation + m]),
            unseen=tuple(unseen[relation : relation + m]),
            cluster=photographs.cluster(row),
            vocabulary=vocabulary,
            given=given,
            unrounded=tuple(unrounded[box : box + n]),
        )
        box, relation = box + n, relation + m


def _codes(graphs: Graphs, vocabulary: Vocabulary) -> Ints:
    """Return a number for the three names of each relation, image by image."""
    numbers, _ = graphs.relations_of.members()
    subject, thing = graphs.labels[graphs.ends[numbers]].T
    code = subject * len(vocabulary.predicates) + graphs.predicates[numbers]
    return np.asarray(code * len(vocabulary.objects) + thing)


def _learnt(file: GraphFile, vocabulary: Vocabulary) -> Ints:
    """Return the distinct codes of the training split's relations, sorted."""
    found, rest, n = np.empty(0, np.int64), [], 0
    for part in parts_of(np.flatnonzero(file.split == TRAINING)):
        rest.append(_codes(file.read(part), vocabulary))
        n += len(rest[-1])
        if n > MOST_CODES:
            found, rest, n = _distinct(found, *rest), [], 0
    return _distinct(found, *rest)


def _distinct(*codes: Ints) -> Ints:
    """Return distinct codes, sorted; ``numpy.unique`` hashes, which takes ten times as long."""
    every = np.sort(np.concatenate(codes))
    return every[np.flatnonzero(np.diff(every, prepend=-1))]


def round_boxes(boxes: Ints, sizes: Ints) -> Ints:
    """Round boxes to whole pixels, inside their image, at least one pixel wide and high.

    Each edge, ``(middle ± extent / 2) · longest side / 1024``, goes to the nearest pixel edge (half
    up), computed in integers; then it is clipped to the image. A box that lies outside the image
    becomes the nearest pixel at its border.

    Args:
        boxes: [M, 4], middle x and y, width and height, where the longest side is 1024.
        sizes: [M, 2], width and height of each box's image in pixels.

    Returns:
        [M, 4]: left, top, right, bottom; right and bottom are exclusive.

    >>> round_boxes(np.array([[512, 256, 100, 50]]), np.array([[2048, 1000]]))
    array([[ 924,  462, 1124,  562]])
    """
    longest = sizes.max(axis=1, keepdims=True)
    twice, extent = 2 * boxes[:, :2], boxes[:, 2:]
    low, high = (
        (edge * longest + LONGER_SIDE) // (2 * LONGER_SIDE)
        for edge in (twice - extent, twice + extent)
    )
    low = np.clip(low, 0, sizes - 1)
    return np.concatenate([low, np.clip(high, low + 1, sizes)], axis=1)


def published_edges(boxes: Ints, sizes: Ints) -> Singles:
    """Return boxes as published numbers use them: left, top, right, bottom in pixels, not rounded.

    Source: KaihuaTang/Scene-Graph-Benchmark.pytorch (``visual_genome.py``; ``clip_to_image``). Left
    and top on the scale of the file are truncated to whole numbers; right and bottom are the box's
    width and height away from them. Then all four are put on the image's scale and clipped to its
    last pixel.

    Args:
        boxes: [M, 4], middle x and y, width and height, where the longest side is 1024.
        sizes: [M, 2], width and height of each box's image in pixels.

    >>> published_edges(np.array([[512, 256, 101, 50]]), np.array([[512, 250]])).tolist()
    [[230.5, 115.5, 281.0, 140.5]]
    """
    low = np.trunc(boxes[:, :2] - boxes[:, 2:] / 2)
    edges = np.concatenate([low, low + boxes[:, 2:]], axis=1)
    edges = (edges / LONGER_SIDE * sizes.max(axis=1, keepdims=True)).astype(np.float32)
    return np.asarray(np.clip(edges, np.float32(0), np.tile(sizes - 1, 2).astype(np.float32)))
