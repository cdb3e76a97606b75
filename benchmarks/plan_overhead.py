"""Time a plan worked off by shards and merged, against plain evaluation.

    python -m benchmarks.plan_overhead --data-root DATA_ROOT --limit 400

Every arm is a process of its own, with a store of its own that begins empty: ``benchbench eval`` of
the models on the tasks; ``plan``, then ``work`` of one shard after another, then ``merge``. With
more shards than models every shard encodes a part and merge reads all of it. Shards run one after
the other, so that the sum of their times compares with one process. Printed are seconds and ratios
to plain evaluation; what a process takes to start and to load its model is shown apart, since a
plan of many hours pays it as often as one of minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from tabulate import tabulate

from benchbench.cache import CACHE_VARIABLE


def timed(cache: Path, *words: str) -> float:
    """Return the seconds that a command takes with a cache folder."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "benchbench", *words],
        env={**os.environ, CACHE_VARIABLE: str(cache)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


@click.command()
@click.option("--data-root", required=True)
@click.option("--model", "models", multiple=True, default=["openclip:ViT-B-32/untrained"])
@click.option("--task", "tasks", multiple=True, default=["vg-relation"])
@click.option("--limit", default=400, show_default=True)
@click.option("--shards", default=2, show_default=True)
def main(
    data_root: str, models: tuple[str, ...], tasks: tuple[str, ...], limit: int, shards: int
) -> None:
    """Run the arms; print a table."""
    chosen = [word for model in models for word in ("--model", model)]
    chosen += [word for task in tasks for word in ("--task", task)]
    how = ["--data-root", data_root, "--limit", str(limit), "--quiet"]
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        plan, runs = str(top / "plan.parquet"), str(top / "runs")
        one, many = top / "one", top / "many"
        plain = timed(one, "eval", *chosen, *how, "--out", str(top / "plain"))
        warm = timed(one, "eval", *chosen, *how, "--out", str(top / "plain"))
        planned = timed(many, "plan", *chosen, *how, "--out", plan)
        place = ["--out", runs, "--quiet"]
        whole = timed(top / "whole", "work", plan, "--out", str(top / "whole runs"), "--quiet")
        shares = [
            timed(many, "work", plan, "--shard", f"{i}/{shards}", *place) for i in range(shards)
        ]
        merged = timed(many, "merge", plan, *place)
    rows = [
        ("eval", plain),
        ("eval again, everything stored", warm),
        ("plan", planned),
        ("work, one shard", whole),
        *((f"work, shard {i}/{shards}", seconds) for i, seconds in enumerate(shares)),
        ("merge", merged),
        ("plan and work, one shard", planned + whole),
        (f"plan, work of {shards} shards, merge", planned + sum(shares) + merged),
    ]
    table = [(what, f"{seconds:.1f}", f"{seconds / plain:.2f}") for what, seconds in rows]
    click.echo(tabulate(table, ("", "seconds", "of eval"), disable_numparse=True))


if __name__ == "__main__":
    main()
