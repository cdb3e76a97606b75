"""Measure how far shuffles of other seeds move a score: ``python benchmarks/order_seeds.py``.

Evaluates one model on a task's five frozen seeds and prints the standard deviation between them
beside the standard error of one score, which is that of sampling images.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchbench.analysis.scorecard import scorecard
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.scenes.edition import export
from benchbench.stats import between_seeds


def main() -> None:
    """Print a line for each seed, then the spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="openclip:RN50/untrained")
    parser.add_argument("--task", default="coco-order")
    parser.add_argument("--data-root", type=Path, help="with files of five seeds; else drawn")
    parser.add_argument("--limit", type=int, help="items a seed, the same for all")
    options = parser.parse_args()
    root = options.data_root
    if root is None:
        root = export(Path("build/order-seeds"), parts=["karpathy"])
    task = load_task(options.task)
    variants = getattr(task, "variants", {})
    if not variants:
        parser.error(f"{options.task} has no seeds")
    values, errors = [], []
    for each in (task, *variants.values()):
        run = evaluate(options.model, each, data_root=root, limit=options.limit)
        estimate = scorecard(run, task=each).headline.estimate
        values.append(estimate.value)
        errors.append((estimate.high - estimate.low) / (2 * 1.96))
        print(f"{each.info.name:22s} {estimate.value:7.2%} of {estimate.n_items} items")
    spread = between_seeds(values)
    print(f"mean of {spread.n} seeds         {spread.mean:.2%} ± {spread.standard_error:.2%}")
    print(f"sd between seeds        {spread.sd:.2%}")
    print(f"standard error of one   {sum(errors) / len(errors):.2%} (sampling images)")


if __name__ == "__main__":
    main()
