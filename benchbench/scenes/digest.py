"""Digests of scenes, over canonical records and decoded pixels, never over a container's bytes."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from benchbench.scenes.captions import captions, dense_captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.records import records
from benchbench.scenes.world import VERSION, Scenes


def digest(scenes: Scenes, size: int) -> str:
    """Return the SHA-256 of scenes at one size: of their graphs, captions and RGB values."""
    state = hashlib.sha256(f"{VERSION}/{scenes.split}/{size}\n".encode())
    texts, dense = captions(scenes).texts(), dense_captions(scenes).texts()
    for record, five, one in zip(records(scenes), texts, dense, strict=True):
        line = json.dumps([record, five, one], sort_keys=True, separators=(",", ":"))
        state.update(line.encode() + b"\n")
    state.update(np.ascontiguousarray(draw(scenes, size)).tobytes())
    return state.hexdigest()
