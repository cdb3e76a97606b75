"""Time retrieval on one list of captioned images: this engine beside clip-benchmark.

- ``engine``: from paths to recall at 1, 5 and 10 both ways.
- ``clip-benchmark``: its own ``zeroshot_retrieval.evaluate`` over a DataLoader, AMP off so that
  both compute in fp32; given worker processes for decoding.

Both call a query right where any of its true answers is among the first K. clip-benchmark keeps
captions that are equal to the letter apart, each true of its own image alone: images with such
captions are left out first, so that recalls must agree to the query.

On 196 COCO photographs with 980 captions (ViT-B-32, 2 busy cores): 53.9 s and 134.8 s, and the same
number of right queries in all six recalls.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchbench.data.karpathy import read_captioned
from benchbench.devices import cpu_workers, inference
from benchbench.embedding import Encoder
from benchbench.protocols.reading import read_units
from benchbench.protocols.retrieval import PROTOCOL
from benchbench.protocols.shared_metrics import retrieval_metrics
from benchbench.registry import load_model
from benchbench.subsets import draw_clusters
from benchbench.types import Entry, LoadOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.adapters.openclip import OpenClip

CUTOFFS = (1, 5, 10)
THEIRS = {"i2t": "text_retrieval_recall", "t2i": "image_retrieval_recall"}


def engine(model: OpenClip, entries: Sequence[Entry]) -> dict[str, float]:
    """Return this engine's recalls."""
    with inference():
        encoder = Encoder(model, batch_size=32, workers=cpu_workers())
        outcomes = PROTOCOL.answer(entries, model, encoder).outcomes
    metrics = {m.name: m for m in retrieval_metrics(CUTOFFS)}
    return {
        f"{way}-R@{k}": float(
            read_units(PROTOCOL, outcomes, metrics[f"{way}-R@{k}"], "wrong").values.mean()
        )
        for way in THEIRS
        for k in CUTOFFS
    }


def clip_benchmark(model: OpenClip, entries: Sequence[Entry]) -> dict[str, float]:
    """Return clip-benchmark's recalls."""
    from clip_benchmark.metrics.zeroshot_retrieval import evaluate

    loader = DataLoader(
        Captioned(model, entries),
        batch_size=32,
        num_workers=cpu_workers(),
        collate_fn=lambda rows: (torch.stack([r[0] for r in rows]), [r[1] for r in rows]),
    )
    found = evaluate(model.clip, loader, model.tokenizer, "cpu", False, list(CUTOFFS))
    return {f"{way}-R@{k}": found[f"{name}@{k}"] for way, name in THEIRS.items() for k in CUTOFFS}


class Captioned(Dataset[Any]):
    """Entries as clip-benchmark's loop wants them."""

    def __init__(self, model: OpenClip, entries: Sequence[Entry]) -> None:
        self._model, self._entries = model, entries

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, list[str]]:
        entry = self._entries[index]
        image = Image.open(entry.image.path).convert("RGB")
        return self._model.transform(image), list(entry.captions)


def without_repeats(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries none of whose captions is written twice."""
    written = Counter(caption for entry in entries for caption in entry.captions)
    return [e for e in entries if all(written[caption] == 1 for caption in e.captions)]


def main() -> None:
    """Run both, and print seconds, memory and recalls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--captions", type=Path, required=True, help="A Karpathy file.")
    parser.add_argument("--data-root", type=Path, help="Of its images; by default its folder.")
    parser.add_argument("--model", default="openclip:ViT-B-32/untrained")
    parser.add_argument("--items", type=int, default=200)
    options = parser.parse_args()
    model: Any = load_model(options.model, LoadOptions())
    entries = read_captioned(options.captions.parent, options.captions.name)
    root = options.data_root or options.captions.parent
    entries = [
        with_root(e, root) for e in without_repeats(draw_clusters(entries, options.items, 0))
    ]
    engine(model, entries[:32])  # warm-up
    recalls, seconds = {}, {}
    for name, arm in (("engine", engine), ("clip-benchmark", clip_benchmark)):
        started = time.perf_counter()
        recalls[name] = arm(model, entries)
        seconds[name] = time.perf_counter() - started
    n_captions = sum(len(entry.captions) for entry in entries)
    print(f"{len(entries)} images, {n_captions} captions, {torch.get_num_threads()} threads")
    for name, spent in seconds.items():
        print(f"  {name:<15} {spent:7.1f} s   {spent / seconds['engine']:.2f} x engine")
    for name, ours in recalls["engine"].items():
        n = len(entries) if name.startswith("i2t") else n_captions
        theirs = recalls["clip-benchmark"][name]
        print(f"  {name:<8} right: {round(ours * n)} and {round(theirs * n)} of {n}")


def with_root(entry: Entry, root: Path) -> Entry:
    """Return the entry with its image under another root."""
    return replace(entry, image=replace(entry.image, path=root / entry.cluster))


if __name__ == "__main__":
    main()
