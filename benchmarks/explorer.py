"""Time ``benchbench report`` at full size: writing, and in a browser first paint and each filter.

    python -m benchmarks.explorer --items 25000 --models 6 --browser /usr/bin/chromium

The items and scores are synthetic: captions of eight words in ARO's format, three items per source
image, one text-only model. The browser is driven by ``playwright``, if that is installed; times are
those of the machine at hand, medians of five. A filter's time runs from the change of its field to
the second frame after it; its computation alone is beside it.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from tabulate import tabulate

from benchbench.editions import resolve_edition
from benchbench.registry import load_task
from benchbench.render.explorer.report import write_report
from benchbench.types import Counts, MatchingOutcome, ModelManifest, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = ["a", "dog", "cat", "bird", "horse", "is", "on", "under", "riding", "holding", "near",
         "the", "big", "small", "old", "tree", "bench"]  # fmt: skip
RELATIONS = [f"relation {i}" for i in range(48)]
REPEATS = 5
FILTERS = (
    {"show": "flips"}, {"show": "gained"}, {"show": "wrong"}, {"show": "right"}, {"show": "blind"},
    {"show": "tied"}, {"tag": "relation", "value": RELATIONS[7]}, {"sort": "hardest"},
    {"sort": "disputed"}, {"sort": "margin"}, {"q": "horse riding"}, {"q": "1234"},
    {"show": "flips", "sort": "hardest", "q": "dog"},
)  # fmt: skip
CHANGE = """async (fields) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  document.getElementById("filters").reset();
  await new Promise((done) => setTimeout(done, 60));
  performance.clearMeasures();
  const start = performance.now();
  for (const [name, value] of Object.entries(fields)) {
    const field = document.getElementById(name);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  while (performance.getEntriesByName("filter").length < Object.keys(fields).length) await frame();
  await frame(); await frame();
  const computed = performance.getEntriesByName("filter").at(-1).duration;
  return [performance.now() - start, computed, document.getElementById("count").textContent];
}"""
PAINT = """async () => {
  const found = () => performance.getEntriesByName("first-contentful-paint");
  while (!found().length) await new Promise((done) => setTimeout(done, 10));
  return found()[0].startTime;
}"""
SEARCH = """async () => {
  performance.clearMeasures();
  const start = performance.now();
  const field = document.getElementById("q");
  field.value = "horse";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  const measured = () => performance.getEntriesByName("filter").length;
  while (!measured()) await new Promise((done) => requestAnimationFrame(done));
  return performance.now() - start;
}"""
OPEN = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const start = performance.now();
  location.hash = "#v=items";
  while (!document.querySelector("#detail h2")) await frame();
  return performance.now() - start;
}"""


def data_root(folder: Path, n_items: int) -> Path:
    """Write annotations in ARO's format, without images."""
    rng = np.random.default_rng(0)
    words = rng.choice(WORDS, size=(n_items, 8))
    records = [
        {
            "image_path": f"{i // 3}.jpg", "relation_name": RELATIONS[i % len(RELATIONS)],
            "true_caption": " ".join(each), "false_caption": " ".join(each[::-1]),
            "bbox_x": 1, "bbox_y": 2, "bbox_w": 30, "bbox_h": 40,
        }
        for i, each in enumerate(words)
    ]  # fmt: skip
    (folder / "visual_genome_relation.json").write_text(json.dumps(records), "utf-8")
    return folder


def synthetic_run(root: Path, model: int, n_items: int) -> Run:
    """Return a run of random scores; model 0 is text-only."""
    task = load_task("vg-relation")
    rng = np.random.default_rng(model)
    scores = rng.normal(size=(n_items, 1, 2)).astype(np.float32)
    scores[:, 0, 0] += 0.1 * model
    scores[rng.random(n_items) < 0.02] = 0
    manifest = ModelManifest(
        name=f"model-{model}", architecture="synthetic", weights="none", weights_sha256="0" * 64,
        trained=True, activation="gelu", preprocessing={"size": 64} if model else {},
        tokenizer="none", context_length=77, dtype="fp32", parameters=model, similarity="cosine",
    )  # fmt: skip
    outcomes = tuple(
        MatchingOutcome(item.id, item.cluster, item.tags, (0,), matrix, (False, False))
        for item, matrix in zip(task.items(root), scores, strict=True)
    )
    images = len({o.cluster for o in outcomes})
    return Run(
        model=manifest, task="vg-relation", task_version=task.info.version, protocol="matching",
        edition=resolve_edition(task.info, root, with_images=False).name, data_sha256="0" * 64,
        settings={}, environment={}, skipped=(), unreadable={}, seconds=1.0, outcomes=outcomes,
        counts=Counts(n_items, n_items, 0, images, n_items, 2 * n_items, images, 0, 0),
        created="2000-01-01T00:00:00+00:00",
    )  # fmt: skip


def browse(page: str, browser: str) -> Iterator[list[Any]]:
    """Yield a row per measurement: its name, milliseconds, those of computation, what it shows."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        paints, opened, tab = [], [], chromium.new_page()
        for _ in range(REPEATS):
            tab.close()
            tab = chromium.new_context().new_page()
            tab.goto(page)
            paints.append(tab.evaluate(PAINT))
            opened.append(tab.evaluate(OPEN))
        yield ["first paint", statistics.median(paints), None, ""]
        yield ["open the items", statistics.median(opened), None, ""]
        yield ["first search, which reads all captions", tab.evaluate(SEARCH), None, ""]
        for fields in FILTERS:
            tries = [tab.evaluate(CHANGE, fields) for _ in range(REPEATS)]
            whole, computed = (statistics.median(t[i] for t in tries) for i in (0, 1))
            yield [" ".join(f"{k}={v}" for k, v in fields.items()), whole, computed, tries[0][2]]
        session = tab.context.new_cdp_session(tab)
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        rows = tab.evaluate("document.querySelectorAll('#list .item').length")
        yield ["heap with all captions, MB", heap, None, f"{rows} rows drawn"]
        chromium.close()


@click.command()
@click.option("--items", default=25_000, show_default=True)
@click.option("--models", default=6, show_default=True)
@click.option("--browser", default="/usr/bin/chromium", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Keep the report here.")
def main(items: int, models: int, browser: str, out: Path | None) -> None:
    """Write a report and time it."""
    with tempfile.TemporaryDirectory() as name:
        root = data_root(Path(name), items)
        runs = [synthetic_run(root, model, items) for model in range(models)]
        started = time.perf_counter()
        written = write_report(runs, out or Path(name) / "report", images="none", data_root=root)
        seconds = time.perf_counter() - started
        print(f"{items:,} items, {models} models: {seconds:.1f} s, {written.n_bytes / 1e6:.1f} MB")
        page = (written.folder / "index.html").absolute().as_uri()
        rows = list(browse(page, browser))
    heads = ["", "ms", "computed", "shows"]
    print(tabulate(rows, heads, floatfmt=".1f", missingval="–"))


if __name__ == "__main__":
    main()
