"""Measure how far n-grams alone get on the order tasks: ``python benchmarks/order_blind.py``.

Readers that see no image learn from some images' captions, and answer the items of others, by the
tasks' headline: the true caption must sound truer than every option that CLIP's tokens tell from
it. One is a logistic regression, which learns from the shuffles, too; the other is blind:ngram, a
language model of true captions alone.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbench.adapters.ngram import KneserNey
from benchbench.data.order import freeze
from benchbench.registry import load_task
from benchbench.scenes.blind import fit, option_pairs, share_chosen
from benchbench.scenes.captions import captions
from benchbench.scenes.edition.karpathy import tagged_captions
from benchbench.scenes.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchbench.scenes.blind import Options


def read(options: Iterable[Options]) -> list[Options]:
    """Return the options as CLIP reads them: token numbers for words, at most 77."""
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    return [tuple(" ".join(map(str, tokenizer.encode(o)[:75])) for o in each) for each in options]


def drawn_items(split: str, count: int) -> list[Options]:
    """Return items of the drawn world's first scenes."""
    scenes = sample(split, np.arange(count))
    content = freeze(tagged_captions(captions(scenes)), tagger="", source="", source_digest="")
    return [(item["true_option"], *item["negatives"]) for item in content["items"]]


def split_items(root: Path, task: str) -> tuple[list[Options], list[Options]]:
    """Return a data root's items in two lists: those of either half of the images."""
    parts: tuple[list[Options], list[Options]] = [], []
    for item in load_task(task).items(root):
        parts[hashlib.sha256(item.cluster.encode()).digest()[0] % 2].append(item.captions)
    return parts


def share_likelier(train: list[Options], test: list[Options]) -> tuple[float, int]:
    """Return the share of items whose true caption blind:ngram finds likeliest, and their count."""
    model = KneserNey([true for true, *_ in train])
    asked = []
    for captions_, tokens in zip(test, read(test), strict=True):
        told = zip(captions_, tokens, strict=True)
        asked.append([caption for caption, each in told if each != tokens[0]])
    right = [
        model.log_probability(each[0])[0] > max(model.log_probability(o)[0] for o in others)
        for each, others in zip(test, asked, strict=True)
        if others
    ]
    return float(np.mean(right)), len(right)


def main() -> None:
    """Print the share of items answered, with its naive standard error, and no-ops."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=int, default=1000, help="training scenes")
    parser.add_argument("--test", type=int, default=1000, help="test scenes")
    parser.add_argument("--data-root", type=Path, help="frozen real captions instead")
    parser.add_argument("--task", default="coco-order", help="of the data root")
    options = parser.parse_args()
    if options.data_root:
        train, test = split_items(options.data_root, options.task)
    else:
        train, test = drawn_items("train", options.train), drawn_items("test", options.test)
    by_tokens = [read(part) for part in (train, test)]
    found = {
        "regression": share_chosen(fit(option_pairs(by_tokens[0])), by_tokens[1]),
        "blind:ngram": share_likelier(train, test),
    }
    for name, (share, n) in found.items():
        error = (share * (1 - share) / n) ** 0.5
        print(f"{name}: {share:.2%} ± {error:.2%} of {n} items that have a choice")
    same = sum(option == each[0] for each in by_tokens[1] for option in each[1:])
    print(f"learned from {len(train)} items; {same} no-ops among {4 * len(test)} negatives of test")


if __name__ == "__main__":
    main()
