"""A data root in the VG150 layout, made up: five images, three kinds of objects, two predicates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ARRAYS: dict[str, Any] = {
    # Images: test, training, training without a relation, test without a box, test.
    "split": [2, 0, 0, 2, 2],
    "img_to_first_box": [0, 3, 5, -1, 6],
    "img_to_last_box": [2, 4, 5, -1, 8],
    "img_to_first_rel": [0, 4, -1, -1, 2],
    "img_to_last_rel": [1, 5, -1, -1, 3],
    "boxes_1024": [
        *([512, 256, 100, 50], [100, 100, 60, 60], [1000, 500, 200, 200]),
        *([100, 100, 60, 60], [512, 256, 100, 50], [512, 256, 100, 50]),
        *([10, 10, 1, 1], [3000, 10, 5, 5], [512, 512, 1024, 1024]),
    ],
    "labels": [[1], [2], [3], [1], [2], [1], [2], [2], [1]],
    "relationships": [[0, 1], [1, 2], [8, 6], [8, 6], [3, 4], [3, 4]],
    "predicates": [[1], [2], [2], [2], [1], [1]],
}
NAMES: dict[str, dict[str, Any]] = {
    "label_to_idx": {"man": 1, "hat": 2, "dog": 3},
    "idx_to_label": {"1": "man", "2": "hat", "3": "dog"},
    "predicate_to_idx": {"wears": 1, "near": 2},
    "idx_to_predicate": {"1": "wears", "2": "near"},
    "object_count": {},
}
SIZES = [(2048, 1024), (1024, 800), (500, 500), (10, 10), (512, 512)]
IMAGES: list[dict[str, Any]] = [
    {"image_id": 10 + i, "width": width, "height": height, "url": "?"}
    for i, (width, height) in enumerate(SIZES)
]


def write(
    root: Path,
    arrays: dict[str, Any] | None = None,
    names: object = NAMES,
    images: object = IMAGES,
    suffix: str = "",
) -> Path:
    """Write the files; a data set that is None is left out. Arrays keep their type."""
    with h5py.File(root / f"VG-SGG{suffix}.h5", "w") as file:
        for name, values in {**ARRAYS, **(arrays or {})}.items():
            if values is not None:
                whole = isinstance(values, list)
                file[name] = np.array(values, dtype=np.int32) if whole else values
    (root / f"VG-SGG-dicts{suffix}.json").write_text(json.dumps(names))
    (root / "image_data.json").write_text(json.dumps(images))
    return root
