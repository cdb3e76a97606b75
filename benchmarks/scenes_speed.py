"""Scenes per second on one core, stage by stage: ``python benchmarks/scenes_speed.py``."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.captions import captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.drawing_torch import draw_torch
from benchbench.scenes.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Callable


def rate(work: Callable[[], object], scenes: int, repeats: int = 3) -> float:
    """Return the best of some runs, in scenes per second; a first run warms the caches."""
    work()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return scenes / best


def main() -> None:
    """Print one line per stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=1000)
    parser.add_argument("--device", default="cpu", help="for the torch renderer")
    options = parser.parse_args()
    index = np.arange(options.scenes)
    scenes = sample("train", index)
    stages: dict[str, Callable[[], object]] = {
        "sample": lambda: sample("train", index),
        "captions (five, as tokens)": lambda: captions(scenes),
        "captions (five, as text)": lambda: captions(scenes).texts(),
        "draw at 96": lambda: draw(scenes, 96),
        "sample and draw at 96": lambda: draw(sample("train", index), 96),
        "draw at 224": lambda: draw(scenes, 224),
        "torch at 96": lambda: draw_torch(scenes, 96, options.device).cpu(),
    }
    for name, work in stages.items():
        print(f"{name:28s} {rate(work, options.scenes):10.0f} scenes/s")


if __name__ == "__main__":
    main()
