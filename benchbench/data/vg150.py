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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.data.graphs import TEST, TRAINING, Graphs, read_graphs
from benchbench.data.images import headers_of
from benchbench.data.proposals import read_proposals
from benchbench.data.records import first_existing, read_keyed_records, read_records
from benchbench.errors import ImageError, MalformedData
from benchbench.types import ImageRef, Scene, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.data.records import Record
    from benchbench.types import Box, Edges, GivenPart
    from benchbench.types.arrays import Flags, Ints, Singles

GRAPHS = ("VG-SGG.h5", "VG-SGG-with-attri.h5")
NAMES = ("VG-SGG-dicts.json", "VG-SGG-dicts-with-attri.json")
IMAGE_DATA = "image_data.json"
IMAGES = ("VG_100K", "images")
NOT_IN_GRAPHS = frozenset({1592, 1722, 4616, 4617})
"""Images of Visual Genome that VG150 leaves out (danfei/scene-graph-TF-release)."""
LONGER_SIDE = 1024
MAX_PIXELS = 2**16
"""The longest side in pixels, so that arithmetic on boxes stays inside 64 bits."""


def read_scenes(
    root: Path,
    split: Literal["test", "training"] = "test",
    given: GivenPart = "labels",
    proposals: Path | None = None,
) -> list[Scene]:
    """Read the images of a split that have a box and a relation, in the order of the file.

    Repeated relations are kept, and so are relations of a box with itself. ``unseen`` is whether
    the training split has no relation of the same three names; it is False throughout that split
    itself.

    Args:
        root: the folder with the files above; the photographs need not be there. Photographs of the
            test split that are there must have the sizes of ``image_data.json``, by which boxes are
            placed.
        split: which images.
        given: the information about the images that models get.
        proposals: a detector's boxes (``benchbench.data.proposals``), where those are given.

    Raises:
        MissingData: a file does not exist.
        MalformedData: an entry is wrong; the message names the file, the data set or record, and
            the place.
    """
    vocabulary = read_vocabulary(root)
    graphs = read_graphs(root / first_existing(root, *GRAPHS), vocabulary)
    photographs = _photographs(root, len(graphs.split))
    chosen = (graphs.split == (TEST if split == "test" else TRAINING)) & (graphs.boxes_of.size > 0)
    rows = np.flatnonzero(chosen & (graphs.relations_of.size > 0))
    if split == "test":
        _check_sizes(root, [photographs[i] for i in rows.tolist()])
    scenes = _scenes(graphs, rows, photographs, vocabulary, given)
    if proposals is None:
        return scenes
    sizes = {photographs[i].id: photographs[i].size for i in rows.tolist()}
    return read_proposals(proposals, scenes, sizes)


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


@dataclass(frozen=True, slots=True)
class _Photograph:
    """A row of ``image_data.json``."""

    id: str
    ref: ImageRef
    size: tuple[int, int]
    """Width and height in pixels."""
    cluster: str
    """The name of the same photograph in ARO's files, so that tasks can be resampled together."""


def _photographs(root: Path, rows: int) -> list[_Photograph]:
    """Return the entry of ``image_data.json`` for each row of the h5 file."""
    path = root / IMAGE_DATA
    records = read_records(path)
    n = len(records)
    if n > rows:
        records = [r for r in records if r.integer("image_id") not in NOT_IN_GRAPHS]
    if len(records) != rows:
        raise MalformedData(
            f"{path} should have an entry for each of the {rows:,} images of the h5 file (or "
            f"those and 1592, 1722, 4616, 4617); it has {n:,}. Are both from one release?"
        )
    folder = first_existing(root, *IMAGES)
    photographs = [_photograph(root, folder, record) for record in records]
    seen: set[str] = set()
    for record, photograph in zip(records, photographs, strict=True):
        if photograph.id in seen:
            raise record.wrong("image_id", f"is {photograph.id}, as of an earlier record")
        seen.add(photograph.id)
    return photographs


def _photograph(root: Path, folder: str, record: Record) -> _Photograph:
    number = record.integer("image_id")
    for side in ("width", "height"):
        if not 1 <= (length := record.integer(side)) <= MAX_PIXELS:
            raise record.wrong(side, f"is {length}: no image has that many pixels")
    named = "file_name" in record.names()
    name = record.relative_path("file_name") if named else f"{number}.jpg"
    # A name under VG_100K/ is not one under images/, the folder of ARO's tasks.
    own = named and folder == IMAGES[0]
    return _Photograph(
        id=str(number),
        ref=ImageRef(root / folder / name),
        size=(record.integer("width"), record.integer("height")),
        cluster=f"{folder}/{name}" if own else name,
    )


def _check_sizes(root: Path, photographs: Sequence[_Photograph]) -> None:
    """Check that the photographs that are there have their annotated sizes.

    With other sizes every crop would be misplaced.
    """
    there = headers_of([photograph.ref.path for photograph in photographs])
    wrong = [
        (photograph, header.size)
        for photograph in photographs
        if not isinstance(header := there[photograph.ref.path], ImageError)
        and header.size != photograph.size
    ]
    if not wrong:
        return
    photograph, (width, height) = wrong[0]
    more = f" (and {len(wrong) - 1:,} more are of other sizes)" if len(wrong) > 1 else ""
    raise MalformedData(
        f"{root / IMAGE_DATA}: image {photograph.id} should be {photograph.size[0]} x "
        f"{photograph.size[1]} pixels, but {photograph.ref.path} is {width} x {height}{more}. "
        "Are both from one release, and the photographs as they were published?"
    )


def _scenes(
    graphs: Graphs,
    rows: Ints,
    photographs: Sequence[_Photograph],
    vocabulary: Vocabulary,
    given: GivenPart,
) -> list[Scene]:
    boxes_of, relations_of = graphs.boxes_of.take(rows), graphs.relations_of.take(rows)
    members, image = boxes_of.members()
    sizes = np.array([photographs[i].size for i in rows.tolist()]).reshape(-1, 2)
    told_boxes = graphs.boxes[members], sizes[image]
    boxes: list[Box] = list(map(tuple, round_boxes(*told_boxes).tolist()))
    unrounded: list[Edges] = list(map(tuple, published_edges(*told_boxes).tolist()))
    labels = graphs.labels[members].tolist()
    numbers, image = relations_of.members()
    ends = graphs.ends[numbers] - boxes_of.start[image, None]
    told = np.concatenate([ends, graphs.predicates[numbers, None]], axis=1)
    relations: list[tuple[int, int, int]] = list(map(tuple, told.tolist()))
    unseen = unseen_in_training(graphs, vocabulary)[numbers].tolist()
    scenes, box, relation = [], 0, 0
    for row, n, m in zip(
        rows.tolist(), boxes_of.size.tolist(), relations_of.size.tolist(), strict=True
    ):
        scenes.append(
            Scene(
                id=photographs[row].id,
                image=photographs[row].ref,
                boxes=tuple(boxes[box : box + n]),
                labels=tuple(labels[box : box + n]),
                relations=tuple(relations[relation : relation + m]),
                unseen=tuple(unseen[relation : relation + m]),
                cluster=photographs[row].cluster,
                vocabulary=vocabulary,
                given=given,
                unrounded=tuple(unrounded[box : box + n]),
            )
        )
        box, relation = box + n, relation + m
    return scenes


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


def unseen_in_training(graphs: Graphs, vocabulary: Vocabulary) -> Flags:
    """Return whether the training split has no relation of the same three names, [R]."""
    subject, thing = graphs.labels[graphs.ends].T
    code = subject * len(vocabulary.predicates) + graphs.predicates
    code = code * len(vocabulary.objects) + thing
    learnt = graphs.relations_of.take(np.flatnonzero(graphs.split == TRAINING)).members()[0]
    return ~np.isin(code, code[learnt])
