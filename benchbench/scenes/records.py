"""Write scene graphs as plain records with names, and digest scenes.

A digest is over canonical records and decoded pixels, never over a container's bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.scenes.backgrounds import BACKGROUNDS
from benchbench.scenes.captions import captions, dense_captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.templates import SCENARIOS
from benchbench.scenes.vocabulary import CATEGORIES, COLOURS, PATTERNS, PREDICATES, SIZES
from benchbench.scenes.world import VERSION

if TYPE_CHECKING:
    from benchbench.scenes.world import Scenes

Record = dict[str, Any]


def records(scenes: Scenes) -> list[Record]:
    """Return one record per scene: action, background, objects and annotated relations.

    Boxes are left, top, right, bottom in scene units (672 to a side). They enclose the whole
    object, visible or not. Relations name objects by their position in the list of objects.
    """
    boxes = scenes.boxes().tolist()
    return [_record(scenes, row, boxes[row]) for row in range(len(scenes))]


def _record(scenes: Scenes, row: int, boxes: list[list[int]]) -> Record:
    slots = np.flatnonzero(scenes.present[row]).tolist()
    place = {slot: i for i, slot in enumerate(slots)}
    subjects, things = np.nonzero(scenes.predicate[row] >= 0)
    return {
        "split": scenes.split,
        "index": int(scenes.index[row]),
        "action": SCENARIOS[scenes.scenario[row]].name,
        "background": BACKGROUNDS[scenes.background[row]],
        "objects": [_object(scenes, row, slot, boxes[slot]) for slot in slots],
        "relations": [
            [place[s], PREDICATES[scenes.predicate[row, s, o]].name, place[o]]
            for s, o in zip(subjects.tolist(), things.tolist(), strict=True)
        ],
    }


def _object(scenes: Scenes, row: int, slot: int, box: list[int]) -> Record:
    attributes = [
        SIZES[scenes.size[row, slot]],
        PATTERNS[scenes.pattern[row, slot]],
        COLOURS[scenes.colour[row, slot]].name,
    ]
    return {
        "name": CATEGORIES[scenes.category[row, slot]].name,
        "attributes": [name for name in attributes if name not in ("medium", "plain")],
        "box": box,
    }


def digest(scenes: Scenes, size: int) -> str:
    """Return the SHA-256 of scenes at one size: of their graphs, captions and RGB values."""
    state = hashlib.sha256(f"{VERSION}/{scenes.split}/{size}\n".encode())
    texts, dense = captions(scenes).texts(), dense_captions(scenes).texts()
    for record, five, one in zip(records(scenes), texts, dense, strict=True):
        line = json.dumps([record, five, one], sort_keys=True, separators=(",", ":"))
        state.update(line.encode() + b"\n")
    state.update(np.ascontiguousarray(draw(scenes, size)).tobytes())
    return state.hexdigest()
