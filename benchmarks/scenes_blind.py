"""Measure how often n-grams alone solve items: ``python benchmarks/scenes_blind.py``."""

from __future__ import annotations

import argparse
import random

import numpy as np

from benchbench.scenes.blind import Pair, fit
from benchbench.scenes.captions import captions
from benchbench.scenes.items import attribute_items, relation_items
from benchbench.scenes.sampling import sample

CHUNK = 2000


def pairs(split: str, count: int) -> dict[str, list[Pair]]:
    """Return true and false captions of items of the first ``count`` scenes, and shuffled ones."""
    found: dict[str, list[Pair]] = {"relation": [], "attribute": [], "shuffled": []}
    rng = random.Random(0)
    for start in range(0, count, CHUNK):
        scenes = sample(split, np.arange(start, min(start + CHUNK, count)))
        found["relation"] += relation_items(scenes).captions()
        found["attribute"] += attribute_items(scenes).captions()
        for five in captions(scenes).texts():
            words = five[0].split()
            found["shuffled"].append((five[0], " ".join(rng.sample(words, len(words)))))
    return found


def main() -> None:
    """Print accuracy, items and a two-sided 95 % interval of a fair coin for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=int, default=20000, help="training scenes")
    parser.add_argument("--test", type=int, default=10000, help="test scenes")
    options = parser.parse_args()
    train, test = pairs("train", options.train), pairs("test", options.test)
    for kind in train:
        reader, n = fit(train[kind]), len(test[kind])
        share, half = reader.accuracy(test[kind]), 0.98 / n**0.5
        counts = f"{share:7.2%} of {n}, fitted on {len(train[kind])}"
        print(f"{kind:10s} {counts} (chance: 50 % ± {half:.2%})")


if __name__ == "__main__":
    main()
