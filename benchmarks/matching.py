"""Time one list of items of a matching task: this engine, two peers, and the floor.

    python -m benchmarks.matching --data-root VRD --task vg-relation
    python -m benchmarks.matching --data-root FLICKR --task flickr30k-order

- ``engine``: what ``benchbench eval`` does between loading the model and writing the run.
- ``engine, prefixes``: the same with ``--share-prefixes``.
- ``aro loop``: batches of 16 items; each item's crop and each of its captions is encoded anew,
  captions padded to the full context, decoding in line (ARO's ``get_retrieval_scores_batched``).
- ``clip-benchmark``: its own ``image_caption_selection.evaluate`` over a DataLoader, AMP off so
  that all arms compute in fp32; given worker processes for decoding.
- ``floor``: the towers' forward passes over the distinct inputs, already decoded and trimmed.

All arms share one process, one model, and one number of threads. Each is run in turn, ``--repeats``
times over; the table shows the best of each, and the decisions are compared item by item.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import normalize
from torch.utils.data import DataLoader, Dataset

from benchbench.devices import cpu_workers, inference
from benchbench.embedding import batch_rows, encode_captions, encode_images
from benchbench.embedding.encoder import CAPTIONS_PER_IMAGE
from benchbench.protocols.matching import judge, match
from benchbench.registry import load_model, load_task
from benchbench.subsets import draw_clusters
from benchbench.types import Item, LoadOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchbench.adapters.openclip import OpenClip

    Margins = np.ndarray[Any, np.dtype[np.float64]]

BATCH = 32


def engine(model: OpenClip, items: Sequence[Item]) -> Margins:
    """Return each item's margin of the true caption, by this engine from paths to scores."""
    with inference():
        images = encode_images(
            model,
            list(dict.fromkeys(ref for item in items for ref in item.images)),
            batch_size=BATCH,
            workers=cpu_workers(),
            rows=batch_rows("cpu", BATCH),
        )
        captions = encode_captions(
            model,
            list(dict.fromkeys(text for item in items for text in item.captions)),
            batch_size=BATCH * CAPTIONS_PER_IMAGE,
            rows=batch_rows("cpu", BATCH),
        )
    outcomes = match(items, images, captions.embedded, captions.token_ids)
    judge(outcomes, "wrong")
    return np.array([o.scores[0, 0] - o.scores[0, 1:].max() for o in outcomes], dtype=np.float64)


def aro_loop(model: OpenClip, items: Sequence[Item]) -> Margins:
    """Return the same by ARO's own loop: each item's crop and captions anew, batch by batch."""
    margins = []
    with torch.no_grad():
        for start in range(0, len(items), 16):
            batch = items[start : start + 16]
            pixels = torch.stack([model.transform(open_crop(item)) for item in batch])
            images = normalize(model.clip.encode_image(pixels), dim=-1)
            scores = []
            for column in range(len(batch[0].captions)):
                ids = model.tokenizer([item.captions[column] for item in batch])
                texts = normalize(model.clip.encode_text(ids), dim=-1)
                scores.append((images * texts).sum(dim=-1))
            margins.append(scores[0] - torch.stack(scores[1:]).amax(dim=0))
    return torch.cat(margins).double().numpy()


def clip_benchmark(model: OpenClip, items: Sequence[Item]) -> None:
    """Run clip-benchmark's own evaluation, which keeps no scores per item."""
    from clip_benchmark.metrics.image_caption_selection import evaluate

    loader = DataLoader(
        Crops(model, items),
        batch_size=64,
        num_workers=cpu_workers(),
        collate_fn=lambda rows: (torch.stack([r[0] for r in rows]), [r[1] for r in rows]),
    )
    evaluate(model.clip, loader, model.tokenizer, "cpu", amp=False)


def floor(model: OpenClip, items: Sequence[Item]) -> Callable[[], None]:
    """Decode and tokenise beforehand; return a call that runs the towers alone."""
    crops = {item.images[0]: item for item in items}
    pixels = [model.transform(open_crop(item)) for item in crops.values()]
    texts = list(dict.fromkeys(text for item in items for text in item.captions))
    texts.sort(key=lambda text: len(model.token_ids([text])[0]))
    step = BATCH * CAPTIONS_PER_IMAGE
    tokens = [model.tokenize(texts[i : i + step]) for i in range(0, len(texts), step)]
    batches = [torch.stack(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]

    def run() -> None:
        with inference():
            for batch in batches:
                model.encode_images(batch, "scene")
            for ids in tokens:
                model.encode_texts(ids, "scene")

    return run


class Crops(Dataset[Any]):
    """Items as clip-benchmark's loop wants them."""

    def __init__(self, model: OpenClip, items: Sequence[Item]) -> None:
        self._model, self._items = model, items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, list[str]]:
        item = self._items[index]
        return self._model.transform(open_crop(item))[None], list(item.captions)


def open_crop(item: Item) -> Image.Image:
    """Read an item's crop plainly, without the engine."""
    ref = item.images[0]
    return Image.open(ref.path).convert("RGB").crop(ref.box)


def time_call(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of a call, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main() -> None:
    """Run the arms in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--task", default="vg-relation")
    parser.add_argument("--model", default="openclip:ViT-B-32/untrained")
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    model: Any = load_model(options.model, LoadOptions())
    sharing: Any = load_model(options.model, LoadOptions(share_prefixes=True))
    items = draw_clusters(load_task(options.task).items(options.data_root), options.items, 0)
    towers = floor(model, items)
    arms: dict[str, Callable[[], Any]] = {
        "floor": towers,
        "engine": lambda: engine(model, items),
        "engine, prefixes": lambda: engine(sharing, items),
        "aro loop": lambda: aro_loop(model, items),
        "clip-benchmark": lambda: clip_benchmark(model, items),
    }
    towers()  # warm-up
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    margins: dict[str, Margins] = {}
    for _ in range(options.repeats):
        for name, call in arms.items():
            spent, result = time_call(call)
            seconds[name].append(spent)
            if result is not None:
                margins[name] = result
            print(f"  {name}: {spent:.1f} s", flush=True)
    report(len(items), seconds, margins)


def report(n: int, seconds: dict[str, list[float]], margins: dict[str, Margins]) -> None:
    """Print the table, and how far the decisions agree."""
    best = {name: min(times) for name, times in seconds.items()}
    print(f"\n{n} items, {torch.get_num_threads()} threads, best of {len(seconds['floor'])}")
    for name, spent in best.items():
        against = f"{spent / best['engine']:.2f} x engine, {spent / best['floor']:.2f} x floor"
        print(f"  {name:<16} {spent:7.1f} s   {against}")
    for name in ("engine", "engine, prefixes"):
        ours, theirs = margins[name], margins["aro loop"]
        differing = (ours > 0) != (theirs > 0)
        apart = np.abs(ours - theirs).max()
        print(f"{name}: margins differ by {apart:.1e} at most, {differing.sum()} of {n} decisions")


if __name__ == "__main__":
    main()
