"""Write dense scenes in the VG150 layout (Xu et al. 2017; the split of Zellers et al. 2018).

``VG-SGG.h5`` has data sets per image, per box and per relation:

- Per image: ``split`` (0 training, 2 test), and the first and last numbers of its boxes and
  relations, inclusive, −1 for none.
- Per box: ``labels`` [M, 1], and ``boxes_1024`` [M, 4]: middle x and y, width and height, on a
  scale where the longest side is 1024.
- Per relation: ``relationships`` [R, 2], the numbers of the subject's and the object's box among
  all boxes, and ``predicates`` [R, 1].

Labels and predicates count from 1, in the order of ``vocabulary``; 0 is background.

``VG-SGG-dicts.json`` has their names (counts are over both splits). ``image_data.json`` has one
entry per image, in order, with ``file_name`` in ``VG_100K/`` (official files lack that field: their
names come from ``image_id``). Test images come first, so that their ids do not depend on the number
of annotated training scenes, which have no images. ``zeroshot_triplet.json`` lists [subject,
object, predicate] of the test split that the file's training split lacks.

Boxes enclose the visible part. Objects that hardly show are not annotated, nor are their relations.

Readers: ``data.vg150``; of the h5 file, ``data.graphs``. Both together:
``tests/data/test_vg150.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchbench.scenes.edition.images import Drawings, drawings
from benchbench.scenes.edition.plan import (
    Plan,
    WrittenFiles,
    arrays_digest,
    image_name,
    select_annotated,
)
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATES

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Ints

Arrays = dict[str, npt.NDArray[Any]]

GRAPHS, NAMES, IMAGE_DATA = "VG-SGG.h5", "VG-SGG-dicts.json", "image_data.json"
ZERO_SHOT, IMAGES = "zeroshot_triplet.json", "VG_100K"
PROVIDES = (GRAPHS, NAMES, IMAGE_DATA, ZERO_SHOT, f"{IMAGES}/")
LONGER_SIDE = 1024
TRAINING, TEST = 0, 2
_BATCH = 250
_MAX_BYTES = 2**28
"""The largest size of all data sets together; the standard edition's have 3 million bytes."""


@dataclass(frozen=True, slots=True)
class _Graphs:
    """Annotations of some images; boxes are numbered within them."""

    boxes_of: Ints
    """[images]: the number of boxes."""
    relations_of: Ints
    """[images]: the number of relations."""
    boxes: Ints
    """[M, 4]: left, top, right, bottom in pixels; right and bottom are exclusive."""
    labels: Ints
    """[M]: from 1."""
    ends: Ints
    """[R, 2]: boxes of subject and object."""
    predicates: Ints
    """[R]: from 1."""

    def triples(self) -> Ints:
        """Return the labels of subject and object, and the predicate, [R, 3]."""
        return np.concatenate([self.labels[self.ends], self.predicates[:, None]], axis=1)


def images(plan: Plan) -> list[Drawings]:
    """Return the test images, which no other part has."""
    test, names = sample("test-dense", np.arange(plan.dense)), map(image_name, range(plan.dense))
    return [drawings(IMAGES, "dense scenes", test, list(names), plan.size)]


def write(folder: Path, plan: Plan) -> WrittenFiles:
    """Write the annotations."""
    plan.progress("scene graphs", 0, 1)
    shown = _graphs(sample("test-dense", np.arange(plan.dense)), plan.size)
    learnt = _graphs(sample("train-dense", np.arange(plan.training)), plan.size)
    arrays, out = _arrays(shown, learnt, plan.size), WrittenFiles()
    _write_h5(folder / GRAPHS, arrays)
    out.digests[GRAPHS] = arrays_digest(arrays)
    out.counts |= {f"{GRAPHS}/{name}": len(arrays[name]) for name in ("labels", "predicates")}
    out.json(folder / NAMES, _names(arrays))
    out.json(folder / IMAGE_DATA, _image_data(plan), plan.dense + plan.training)
    unseen = _zero_shot(shown, learnt)
    out.json(folder / ZERO_SHOT, unseen, len(unseen))
    plan.progress("scene graphs", 1, 1)
    return out


def _graphs(scenes: Scenes, size: int) -> _Graphs:
    """Return the annotations of scenes, computed a batch at a time, since masks take memory."""
    starts = range(0, max(len(scenes), 1), _BATCH)
    return _joined([_batch(scenes.take(slice(i, i + _BATCH)), size) for i in starts])


def _joined(parts: list[_Graphs]) -> _Graphs:
    """Join parts one after the other; boxes are numbered on."""
    offsets = np.cumsum([0, *(len(part.labels) for part in parts)])
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(_Graphs)
        if field.name != "ends"
    }
    ends = [part.ends + offset for part, offset in zip(parts, offsets, strict=False)]
    return _Graphs(**columns, ends=np.concatenate(ends))


def _batch(scenes: Scenes, size: int) -> _Graphs:
    visibility, width = measure_visible(scenes, size), scenes.category.shape[1]
    shown = select_annotated(scenes, visibility)
    number = np.cumsum(shown.reshape(-1)).reshape(-1, width) - 1
    told = (scenes.predicate >= 0) & shown[:, :, None] & shown[:, None, :]
    row, subject, thing = np.nonzero(told)
    return _Graphs(
        boxes_of=shown.sum(axis=1),
        relations_of=told.sum(axis=(1, 2)),
        boxes=visibility.boxes[shown],
        labels=scenes.category[shown] + 1,
        ends=np.stack([number[row, subject], number[row, thing]], axis=1),
        predicates=scenes.predicate[told] + 1,
    )


def _arrays(shown: _Graphs, learnt: _Graphs, size: int) -> Arrays:
    """Return the data sets of the h5 file, test images first."""
    every = _joined([shown, learnt])
    splits = np.repeat([TEST, TRAINING], [len(shown.boxes_of), len(learnt.boxes_of)])
    first_box, last_box = _ranges(every.boxes_of)
    first_rel, last_rel = _ranges(every.relations_of)
    return {
        "split": splits.astype(np.int32),
        "img_to_first_box": first_box,
        "img_to_last_box": last_box,
        "img_to_first_rel": first_rel,
        "img_to_last_rel": last_rel,
        "boxes_1024": _on_1024(every.boxes, size),
        "labels": every.labels[:, None],
        "relationships": every.ends.astype(np.int32),
        "predicates": every.predicates[:, None],
    }


def _ranges(counts: Ints) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return each image's first and last number, inclusive, [images] each; −1 where it has none."""
    stop = np.cumsum(counts)
    first, last = (np.where(counts > 0, edge, -1) for edge in (stop - counts, stop - 1))
    return first.astype(np.int32), last.astype(np.int32)


def _on_1024(boxes: Ints, size: int) -> npt.NDArray[np.int32]:
    """Return the middle, width and height of boxes on the official scale, [M, 4].

    Values are rounded half up, in integers.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    middle = ((low + high) * LONGER_SIDE + size) // (2 * size)
    extent = ((high - low) * 2 * LONGER_SIDE + size) // (2 * size)
    return np.concatenate([middle, extent], axis=1).astype(np.int32)


def _write_h5(path: Path, arrays: Arrays) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)


def content_digest(path: Path) -> str:
    """Return the digest that ``edition.json`` has for a graph file, from the file's content.

    Raises:
        OSError: the file is missing or no HDF5 file.
        ValueError: the file is larger than any edition's.
    """
    import h5py

    with h5py.File(path) as file:
        if sum(file[name].nbytes for name in file) > _MAX_BYTES:
            raise ValueError(f"{path} holds too much to be an edition's graphs")
        return arrays_digest({name: file[name][()] for name in file})


def _names(arrays: Arrays) -> dict[str, dict[str, Any]]:
    """Return the content of ``VG-SGG-dicts.json``."""
    out: dict[str, dict[str, Any]] = {}
    tables = (
        ("label", "object", [category.name for category in CATEGORIES], arrays["labels"]),
        ("predicate", "predicate", [each.name for each in PREDICATES], arrays["predicates"]),
    )
    for key, counted, names, numbers in tables:
        counts = np.bincount(numbers[:, 0], minlength=len(names) + 1).tolist()
        out[f"{key}_to_idx"] = {name: i for i, name in enumerate(names, start=1)}
        out[f"idx_to_{key}"] = {str(i): name for i, name in enumerate(names, start=1)}
        out[f"{counted}_count"] = dict(zip(names, counts[1:], strict=True))
    return out


def _image_data(plan: Plan) -> list[dict[str, Any]]:
    """Return the content of ``image_data.json``; ids count from 1."""
    files = [image_name(i) for i in range(plan.dense)]
    files += [f"train-{image_name(i)}" for i in range(plan.training)]
    return [
        {"image_id": i, "width": plan.size, "height": plan.size, "file_name": name}
        for i, name in enumerate(files, start=1)
    ]


def _zero_shot(shown: _Graphs, learnt: _Graphs) -> list[list[int]]:
    """Return the distinct triples of the test split that the training split lacks, sorted."""
    known = set(map(tuple, learnt.triples().tolist()))
    return [list(t) for t in sorted(set(map(tuple, shown.triples().tolist())) - known)]
