"""Exact ranks and top K of a million against a million: `python -m benchmarks.retrieval_scale`.

Synthetic embeddings in two files, read through memory maps: unit vectors in random directions, each
query near its own candidate, one candidate in a hundred a copy of another. Each arm runs in a
process of its own, over the whole layout (all queries, all their true candidates), and stops after
--slice queries; what all of them would take is extrapolated. Shares of the product's rate are of
CPU seconds, on other devices of seconds.

- ``product``: the floor, the bare products of the same blocks: 2 × dim operations a pair.
- ``places``: the exact counts around every true candidate (``searching.count_places``).
- ``top K``: the exact K best of every query (``nearest.nearest``).
- ``faiss``: the K best by ``IndexFlatIP`` of the package ``faiss-cpu``, if it is installed.

On one core (OMP_NUM_THREADS=1), a million against a million of 256 dimensions in float32, 8,192
queries measured: products at 114 Gflop/s, places at 82 % and the 10 best at 73 % of that rate,
FAISS's 10 best at 94 %; peak 709 and 566 MB, torch included. All queries would take 1.5 h and 1.7 h
(extrapolated). FAISS finds no places of true candidates, and its float32 sums order near ties by
rounding: its 10 best were the exact ones for 99.3 % of queries, in the exact order for 90.0 %. It
is no backend.

On a CPU all threads are used that OMP_NUM_THREADS allows. `--device cuda` puts the products there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.devices import inference
from benchbench.protocols.nearest import nearest
from benchbench.protocols.products import products_on
from benchbench.protocols.searching import QUERIES, blocks, count_places

if TYPE_CHECKING:
    from benchbench.types import Progress

ARMS = ("product", "places", "top K", "faiss")
CHUNK = 20_000
"""Vectors that are made, or added to FAISS's index, at once."""
REPEATED = 100
"""One candidate in so many is a copy of its neighbour."""


class EnoughError(Exception):
    """The slice is done."""


def main() -> None:
    """Write the files, run every arm, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=1_000_000)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--type", default="float32", choices=["float32", "float16"])
    parser.add_argument("--slice", type=int, default=QUERIES, help="queries that are measured")
    parser.add_argument("--noise", type=float, default=3.0, help="how far queries are off")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--work", type=Path, help="a folder to write to; else a temporary one")
    parser.add_argument("--arm", choices=ARMS, help="run one arm in this process")
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(run(options.arm, options.work, options)))
        return
    with TemporaryDirectory(dir=options.work) as temporary:
        work = Path(temporary)
        write(work, options)
        found = {arm: in_a_process(arm, work) for arm in ARMS}
        show(found, options)
        compare(work, options)


def write(work: Path, options: argparse.Namespace) -> None:
    """Write both files in blocks."""
    shapes = {"candidates": options.candidates, "queries": options.queries}
    maps = {
        name: np.lib.format.open_memmap(
            work / f"{name}.npy", mode="w+", dtype=options.type, shape=(n, options.dim)
        )
        for name, n in shapes.items()
    }
    for start in range(0, options.candidates, CHUNK):
        rng = np.random.default_rng([0, start])
        block = unit(rng.standard_normal((min(CHUNK, options.candidates - start), options.dim)))
        block[1::REPEATED] = block[: len(block[1::REPEATED]) * REPEATED : REPEATED]
        maps["candidates"][start : start + CHUNK] = block
    for start in range(0, options.queries, CHUNK):
        rng, end = np.random.default_rng([1, start]), min(start + CHUNK, options.queries)
        own = maps["candidates"][np.arange(start, end) % options.candidates].astype(np.float32)
        noise = options.noise * unit(rng.standard_normal(own.shape))
        maps["queries"][start:end] = unit(own + noise)
    for each in maps.values():
        each.flush()


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def opened(work: Path) -> tuple[Any, Any]:
    """Return the memory maps of queries and candidates."""
    queries, candidates = (
        np.load(work / f"{name}.npy", mmap_mode="r") for name in ("queries", "candidates")
    )
    return queries, candidates


def in_a_process(arm: str, work: Path) -> dict[str, Any]:
    """Return what an arm says of itself in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.retrieval_scale", *sys.argv[1:]]
    done = subprocess.run(
        [*command, "--arm", arm, "--work", str(work)], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Watch:
    """Seconds and CPU seconds from its start, without what is spent while it is paused."""

    def __init__(self) -> None:
        self.seconds, self.cpu = 0.0, 0.0

    def __enter__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._begun[0]
        self.cpu += time.process_time() - self._begun[1]


def run(arm: str, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run an arm over the slice; return its seconds, CPU seconds and peak memory."""
    queries, candidates = opened(work)
    arms = {"product": product, "places": places, "top K": top, "faiss": faiss_top}
    watch = Watch()
    with inference():
        arms[arm](queries, candidates, options, watch)
    return {"seconds": watch.seconds, "cpu": watch.cpu, "peak": peak_memory()}


def peak_memory() -> float:
    """Return this process's peak memory in MB, pages of memory maps included.

    The kernel's own count: that of ``getrusage`` starts at what the parent process held.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def product(queries: Any, candidates: Any, options: argparse.Namespace, watch: Watch) -> None:
    """Compute the products of all blocks, and nothing else."""
    products = products_on(options.device)
    height, width = products.shape
    for _, block in blocks(queries[: options.slice], QUERIES):
        for _, right in blocks(candidates, width):
            with watch:
                for start in range(0, len(block), height):
                    products.multiply(block[start : start + height], right)


def places(queries: Any, candidates: Any, options: argparse.Namespace, watch: Watch) -> None:
    """Rank until the slice is done."""
    true = [[i % len(candidates)] for i in range(len(queries))]
    with watch, suppress(EnoughError):
        count_places(
            queries, candidates, true, device=options.device, progress=stop_after(options.slice)
        )


def top(queries: Any, candidates: Any, options: argparse.Namespace, watch: Watch) -> None:
    """Find the K best until the slice is done."""
    stop = stop_after(options.slice)
    with watch, suppress(EnoughError):
        nearest(queries, candidates, options.k, device=options.device, progress=stop)


def stop_after(n: int) -> Progress:
    """Return a callback that prints progress, and ends the work after n queries."""

    def stop(what: str, done: int, total: int) -> None:
        print(f"{what}: {done:,} of {total:,}", file=sys.stderr, flush=True)
        if done >= n:
            raise EnoughError

    return stop


def faiss_top(queries: Any, candidates: Any, options: argparse.Namespace, watch: Watch) -> None:
    """Search FAISS's exact index, if it is installed."""
    index = faiss_index(candidates)
    for start in range(0, options.slice if index else 0, QUERIES):
        end = min(start + QUERIES, options.slice)
        with watch:
            index.search(np.asarray(queries[start:end], np.float32), options.k)


def faiss_index(candidates: Any) -> Any:
    """Return FAISS's exact index of all candidates, which holds them in memory as float32."""
    try:
        import faiss
    except ImportError:
        return None
    faiss.omp_set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    index = faiss.IndexFlatIP(candidates.shape[1])
    for _, block in blocks(candidates, CHUNK):
        index.add(block)
    return index


def show(found: dict[str, dict[str, Any]], options: argparse.Namespace) -> None:
    """Print every arm's time, the share of the bare products' rate, and the extrapolation."""
    n = min(-(-options.slice // QUERIES) * QUERIES, options.queries)
    clock = "cpu" if options.device == "cpu" else "seconds"
    work = 2 * n * options.candidates * options.dim
    print(
        f"{options.queries:,} × {options.candidates:,}, dim {options.dim}, {options.type} on disk, "
        f"{options.device}, {n:,} queries measured: {work / 1e12:,.1f} Tflop"
    )
    for arm, each in found.items():
        if not each["seconds"]:
            print(f"  {arm:<8} not installed")
            continue
        print(
            f"  {arm:<8} {each['seconds']:7.1f} s, {each['cpu']:7.1f} CPU s, "
            f"{work / each[clock] / 1e9:6.1f} Gflop/s, "
            f"{found['product'][clock] / each[clock]:5.0%} of the product's rate, "
            f"peak {each['peak']:,.0f} MB; all queries: "
            f"{each[clock] * options.queries / n / 3600:.2f} h (extrapolated)"
        )


def compare(work: Path, options: argparse.Namespace) -> None:
    """Print how far FAISS's K best are the same as the exact ones, for some queries."""
    queries, candidates = opened(work)
    index, some = faiss_index(candidates), np.asarray(queries[:1000], np.float32)
    if index is None:
        return
    rows, scores = nearest(some, candidates, options.k)
    theirs_scores, theirs = index.search(some, options.k)
    same = np.mean([set(a) == set(b) for a, b in zip(rows.tolist(), theirs.tolist(), strict=True)])
    print(
        f"  FAISS's {options.k} best are the same candidates for {same:.1%} of {len(some):,} "
        f"queries, in the same order for {(rows == theirs).all(axis=1).mean():.1%}; scores differ "
        f"by {np.abs(scores - theirs_scores).max():.1e} at most"
    )


if __name__ == "__main__":
    main()
