"""Time one list of items of a matching task: this engine, three peers, and the floor.

    python -m benchmarks.matching --data-root VRD --task vg-relation
    python -m benchmarks.matching --data-root FLICKR --task flickr30k-order

- ``engine``: what ``benchbench eval`` does between loading the model and writing the run.
- ``engine, prefixes``: the same with ``--share-prefixes``.
- ``aro loop``: batches of 16 items; each item's crop and each of its captions is encoded anew,
  captions padded to the full context, decoding in line (ARO's ``get_retrieval_scores_batched``).
- ``clip-benchmark``: its own ``image_caption_selection.evaluate`` over a DataLoader, AMP off so
  that all arms compute in fp32; given worker processes for decoding.
- ``mteb``: the evaluator of its ARO tasks and its own wrapper of open_clip, on rows with those
  tasks' columns, written beforehand, which hold the same pixels. One process, its default: with
  more, rows are read and images transformed in the first one all the same.
- ``floor``: the towers' forward passes over the distinct inputs, already decoded and trimmed.

All arms share one process, one model, and one number of threads; the engine's and the floor reuse
memory (``benchbench.memory``), the peers have what glibc comes to by itself. Each is run in turn,
``--repeats`` times over; the table shows the best of each by seconds and by CPU seconds, those of
its processes included. Decisions are compared item by item, those of clip-benchmark, which keeps
none, by their number. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import normalize
from torch.utils.data import DataLoader, Dataset

from benchbench.devices import cpu_workers, inference
from benchbench.embedding import batch_rows, encode_captions, encode_images
from benchbench.embedding.encoder import CAPTIONS_PER_IMAGE
from benchbench.memory import reuse_memory
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
    with inference(), reuse_memory():
        images = encode_images(
            model,
            list(dict.fromkeys(ref for item in items for ref in item.images)),
            batch_size=BATCH,
            workers=cpu_workers(),
            rows=batch_rows("cpu", BATCH, "fp32"),
        )
        captions = encode_captions(
            model,
            list(dict.fromkeys(text for item in items for text in item.captions)),
            batch_size=BATCH * CAPTIONS_PER_IMAGE,
            rows=batch_rows("cpu", BATCH, "fp32"),
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


def clip_benchmark(model: OpenClip, items: Sequence[Item]) -> float:
    """Return the accuracy by clip-benchmark's own evaluation, which keeps no scores per item."""
    from clip_benchmark.metrics.image_caption_selection import evaluate

    loader = DataLoader(
        Crops(model, items),
        batch_size=64,
        num_workers=cpu_workers(),
        collate_fn=lambda rows: (torch.stack([r[0] for r in rows]), [r[1] for r in rows]),
    )
    return float(evaluate(model.clip, loader, model.tokenizer, "cpu", amp=False)["text_acc"])


def mteb(model: OpenClip, items: Sequence[Item]) -> Callable[[], Margins]:
    """Write the items as mteb's rows; return a call of its own evaluator, from rows to scores."""
    import datasets
    from mteb._evaluators import ImageTextPairClassificationEvaluator
    from mteb.tasks.image_text_pair_classification import AROCocoOrder, AROVisualRelation
    from mteb.timing import TimingStack

    task = {2: AROVisualRelation, 5: AROCocoOrder}[len(items[0].captions)]()
    (image,) = task.images_column_names
    columns = {image: [open_crop(item) for item in items]} | {
        name: [item.captions[column] for item in items]
        for column, name in enumerate(task.texts_column_names)
    }
    rows = datasets.Dataset.from_dict(columns).cast_column(image, datasets.Image())
    wrapped = mteb_model(model)

    def run() -> Margins:
        evaluator = ImageTextPairClassificationEvaluator(
            rows,
            images_column_names=task.images_column_names,
            texts_column_names=task.texts_column_names,
            num_images_per_sample=1,
            num_texts_per_sample=len(columns) - 1,
            task_metadata=task.metadata,
            hf_split="test",
            hf_subset="default",
            timer=TimingStack(),
        )
        arguments = {"batch_size": BATCH, "show_progress_bar": False}
        found = torch.cat(evaluator(wrapped, encode_kwargs=arguments)).double().numpy()
        margins: Margins = found[:, 0] - found[:, 1:].max(axis=1)
        return margins

    return run


def mteb_model(model: OpenClip) -> Any:
    """Return mteb's own wrapper of open_clip, around the model of this process, not a download."""
    import open_clip
    from mteb.models.model_implementations.openclip_models import openclip_loader

    ours: dict[str, Any] = {
        "create_model_and_transforms": lambda *_, **__: (model.clip, None, model.transform),
        "get_tokenizer": lambda *_, **__: model.tokenizer,
    }
    with patch.multiple(open_clip, **ours):
        return openclip_loader(model.manifest.name, revision="", device="cpu")


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
        with inference(), reuse_memory():
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


class Spent(NamedTuple):
    """What a call took."""

    seconds: float
    cpu: float
    """CPU seconds, with those of the processes that it started and waited for."""


def time_call(call: Callable[[], Any]) -> tuple[Spent, Any]:
    """Return what a call took, and its result."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    result = call()
    return Spent(time.perf_counter() - start, sum(os.times()[:4]) - before), result


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
    items = draw_clusters(load_task(options.task).items(options.data_root), options.items, 0)
    arms = prepare(model, items, options.model)
    arms["floor"]()  # warm-up
    spent: dict[str, list[Spent]] = {name: [] for name in arms}
    results: dict[str, Any] = {}
    for _ in range(options.repeats):
        for name, call in arms.items():
            took, results[name] = time_call(call)
            spent[name].append(took)
            print(f"  {name}: {took.seconds:.1f} s, CPU {took.cpu:.1f} s", flush=True)
    report_times(len(items), spent)
    report_decisions(results)


def prepare(model: Any, items: Sequence[Item], name: str) -> dict[str, Callable[[], Any]]:
    """Return the arms, ready to be timed; a line tells of peers that are not installed."""
    sharing: Any = load_model(name, LoadOptions(share_prefixes=True))
    arms: dict[str, Callable[[], Any]] = {
        "floor": floor(model, items),
        "engine": lambda: engine(model, items),
        "engine, prefixes": lambda: engine(sharing, items),
        "aro loop": lambda: aro_loop(model, items),
    }
    if installed("clip_benchmark", "pip install --no-deps clip-benchmark webdataset braceexpand"):
        arms["clip-benchmark"] = lambda: clip_benchmark(model, items)
    if installed("mteb", "pip install mteb"):
        arms["mteb"] = mteb(model, items)
    return arms


def installed(module: str, command: str) -> bool:
    """Return whether a peer is installed; if not, print the command that installs it."""
    if find_spec(module):
        return True
    print(f"{module} is left out: {command}")
    return False


def report_times(n: int, spent: dict[str, list[Spent]]) -> None:
    """Print seconds and CPU seconds, each the best of its arm's."""
    repeats, threads = len(spent["floor"]), torch.get_num_threads()
    print(f"\n{n} items, {threads} threads, best of {repeats}; ratios: to the engine, to the floor")
    for unit in Spent._fields:
        best = {name: min(getattr(took, unit) for took in times) for name, times in spent.items()}
        for name, least in best.items():
            against = f"{least / best['engine']:.2f} x, {least / best['floor']:.2f} x"
            print(f"  {name:<16} {unit:<7} {least:7.1f} s   {against}")


def report_decisions(results: dict[str, Any]) -> None:
    """Print how far the engine's decisions agree with each peer's."""
    for name in ("engine", "engine, prefixes"):
        ours = results[name]
        print(f"{name}: {(ours > 0).sum()} of {len(ours)} right, {(ours == 0).sum()} tied")
        for peer in ("aro loop", "mteb"):
            if peer in results:
                print(f"  {peer}: {compare(ours, results[peer])}")
    if "clip-benchmark" in results:
        right = round(results["clip-benchmark"] * len(results["engine"]))
        print(f"clip-benchmark: {right} right, where the first of equals counts")


def compare(ours: Margins, theirs: Margins) -> str:
    """Return how far two lists of margins differ; a tie is right for a peer, wrong for ours."""
    apart = np.abs(ours - theirs).max()
    differing = (ours > 0) != (theirs >= 0)
    tied = differing & ((ours == 0) | (theirs == 0))
    many = f"{differing.sum()} decisions, {tied.sum()} of them tied"
    return f"margins differ by {apart:.1e} at most, {many}"


if __name__ == "__main__":
    main()
