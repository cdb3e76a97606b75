"""What makes one device faster, part by part: ratios within one run.

- ``prefixes``: the text tower with ``--share-prefixes`` beside the plain one, each in its own
  batches of the task's distinct captions; CPU time a token, on a random sample of batches.
- ``forms``: the image tower compiled, with channels last, and in bf16, beside the plain one; CPU
  time a batch, and how far unit embeddings move.
- ``overlap``: a device and 16 decoding threads that wait instead of computing: the time of both
  beside that of the slower alone, where 64 files are decoded ahead, or two batches.

Times of ``prefixes`` and ``forms`` are the best of three, interleaved, in CPU seconds, as machines
are shared.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch.nn.functional import normalize

from benchbench.devices import inference
from benchbench.editions import resolve_edition
from benchbench.embedding.decoding import decode_ahead
from benchbench.registry import load_model, load_task
from benchbench.types import DualEncoder, ImageRef, LoadOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CAPTIONS, IMAGES = 128, 16
"""Rows of a batch on a CPU: captions by default, and images at the end of a task."""
ROUNDS = 3


def main() -> None:
    """Print one part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("part", choices=["prefixes", "forms", "overlap"])
    parser.add_argument("--model", default="openclip:ViT-B-32/untrained")
    parser.add_argument("--task", default="coco-order")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--batches", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with inference():
        if options.part == "prefixes":
            compare_prefixes(options.model, options.task, options.data_root, options.batches)
        elif options.part == "forms":
            compare_forms(options.model)
        else:
            compare_overlap()


def compare_prefixes(name: str, task_name: str, root: Path | None, n: int) -> None:
    """Print CPU microseconds a token, plain and with shared prefixes."""
    task = load_task(task_name)
    where = root or resolve_edition(task.info, None, None).root
    texts = list(dict.fromkeys(text for item in task.items(where) for text in item.captions))
    plain, sharing = (dual(name, LoadOptions(share_prefixes=share)) for share in (False, True))
    ids = dict(zip(texts, plain.token_ids(texts), strict=True))
    of_length = defaultdict(list)
    for text in texts:
        of_length[len(ids[text])].append(text)
    draw = random.Random(0)
    whole = [batch for same in of_length.values() for batch in chunks(same) if len(batch) % 16 == 0]
    sampled = {
        "plain": (plain, draw.choices(whole, [len(batch) for batch in whole], k=n)),
        "shared": (sharing, draw.sample(chunks(sorted(texts, key=ids.__getitem__)), n)),
    }
    cost = {}
    for kind, (model, batches) in sampled.items():
        seconds = best([partial(encode_captions, model, batch) for batch in batches])
        cost[kind] = 1e6 * seconds / sum(len(ids[text]) for batch in batches for text in batch)
    starts = {ids[text][:k] for text in texts for k in range(1, len(ids[text]))}
    nodes = (len(starts) + len(texts)) / sum(map(len, ids.values()))
    print(f"{task_name}: {len(texts):,} distinct captions; nodes are {nodes:.2f} of all tokens")
    print(f"plain   {cost['plain']:6.0f} us of CPU a token")
    print(f"shared  {cost['shared']:6.0f} us  {cost['plain'] / cost['shared']:.2f} x")


def encode_captions(model: DualEncoder, texts: Sequence[str]) -> None:
    """Tokenise and encode a batch."""
    model.encode_texts(model.tokenize(texts), "scene")


def dual(name: str, options: LoadOptions) -> DualEncoder:
    """Load a model that embeds images and captions apart."""
    model = load_model(name, options)
    assert isinstance(model, DualEncoder), "a model that embeds images and captions apart"
    return model


def chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    """Return captions by batches."""
    return [texts[i : i + CAPTIONS] for i in range(0, len(texts), CAPTIONS)]


def best(calls: Sequence[Callable[[], Any]]) -> float:
    """Return the CPU seconds of all calls, each the best of some rounds."""
    least = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for i, call in enumerate(calls):
            started = time.process_time()
            call()
            least[i] = min(least[i], time.process_time() - started)
    return sum(least)


def compare_forms(name: str) -> None:
    """Print CPU seconds a batch of each form of the image tower."""
    forms: dict[str, LoadOptions] = {
        "plain": LoadOptions(),
        "compiled": LoadOptions(compile=True),
        "channels last": LoadOptions(channels_last=True),
        "both": LoadOptions(compile=True, channels_last=True),
        "bf16": LoadOptions(precision="bf16"),
    }
    draw = torch.Generator().manual_seed(0)
    models = {form: dual(name, how) for form, how in forms.items()}
    image = models["plain"].transform(Image.new("RGB", (64, 64)))
    batch = torch.randn(IMAGES, *image.shape, generator=draw)
    wanted = None
    for form, model in models.items():
        started = time.perf_counter()
        found = normalize(model.encode_images(batch, "scene").float(), dim=-1)
        first = time.perf_counter() - started
        wanted = found if wanted is None else wanted
        seconds = best([partial(model.encode_images, batch, "scene")])
        beside = best([partial(models["plain"].encode_images, batch, "scene")])
        print(
            f"{form:14} {seconds:6.2f} s of CPU, {beside / seconds:.2f} x; "
            f"first call {first:.0f} s; embeddings apart {float((found - wanted).abs().max()):.1g}",
            flush=True,
        )


def compare_overlap() -> None:
    """Print how long decoding and encoding take beside the slower of the two alone."""
    batch, workers, n = 256, 16, 1536
    with TemporaryDirectory() as place:
        path = Path(place) / "image.png"
        Image.new("RGB", (8, 8)).save(path)
        refs = [ImageRef(path, (0, 0, 8, 8 + i)) for i in range(n)]
        files = [(path, [ref]) for ref in refs]  # as if each were a file of its own
        for device in (0.25, 0.5, 1.0):
            for decoder in (0.25, 0.5):  # seconds a batch takes on all threads
                pause = decoder * workers / batch
                slower = max(device, decoder) * n / batch
                times = [
                    _overlapped(files, pause, device, batch, workers, ahead)
                    for ahead in (4 * workers, 2 * batch)
                ]
                print(
                    f"device {device:.2f} s a batch, decoders {decoder:.2f} s: "
                    f"{times[0] / slower:.2f} of the slower alone with {4 * workers} files ahead, "
                    f"{times[1] / slower:.2f} with two batches"
                )


def _overlapped(
    files: Any, pause: float, device: float, batch: int, workers: int, ahead: int
) -> float:
    def transform(image: Image.Image) -> int:
        time.sleep(pause)
        return 1

    started = time.perf_counter()
    waiting = 0
    for file in decode_ahead(transform, files, workers, ahead):
        waiting += len(file.images)
        if waiting >= batch:
            time.sleep(device)
            waiting -= batch
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
