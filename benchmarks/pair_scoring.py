"""Time the scoring of images with captions, in pairs, by models of random weights.

- ``engine``: each image decoded and encoded once, its keys and values computed once, pairs in
  batches of similar length; of a LLaVA (``--model llava``), the beginning of an image's prompts is
  read once a batch.
- ``whole``: the same, each prompt of a LLaVA read from its beginning.
- ``loop``: the plain library, one pair a forward pass, as its documentation shows: the image is
  opened, preprocessed and encoded anew for every caption.

All arms share one process and one set of weights. ``--captions`` gives every image that many
captions, as a gallery does; 0 asks VG-Relation's own pairs. Each arm is run in turn, ``--repeats``
times over; the table shows the best of each, and the scores are compared pair by pair.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from benchbench.adapters import vqascore
from benchbench.data.images import crop
from benchbench.devices import cpu_workers, inference
from benchbench.embedding import score_pairs
from benchbench.registry import load_model, load_task
from benchbench.subsets import draw_clusters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchbench.types import ImageRef, Item, PairScorer

    Blocks = Sequence[tuple[Sequence[ImageRef], Sequence[str]]]

transformers: Any = import_module("transformers")
"""Untyped here: much of it is, there."""

BATCH = 32


def save_blip(folder: Path, texts: Sequence[str], options: argparse.Namespace) -> None:
    """Save a BLIP of some size with random weights, and a tokenizer with the captions' words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = sorted({word for text in texts for word in text.lower().split()})
    tokens = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])
    inner = Tokenizer(models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token="[UNK]"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", model_max_length=512
    )
    shape = {
        "hidden_size": options.width,
        "intermediate_size": 4 * options.width,
        "num_hidden_layers": options.layers,
        "num_attention_heads": options.width // 64,
    }
    text = {"vocab_size": len(tokens) + 2, "encoder_hidden_size": options.width}
    vision = {"image_size": options.size, "patch_size": 16}
    config = transformers.BlipConfig(
        text_config={**shape, **text}, vision_config={**shape, **vision}
    )
    transformers.BlipForImageTextRetrieval(config).save_pretrained(folder)
    size = {"height": options.size, "width": options.size}
    transformers.BlipProcessor(
        transformers.BlipImageProcessor(size=size), tokenizer
    ).save_pretrained(folder)


def save_llava(folder: Path, texts: Sequence[str], options: argparse.Namespace) -> None:
    """Save a LLaVA of some size with random weights: a CLIP of patches of 14 pixels, half as wide,
    before a Llama."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = " ".join([*texts, vqascore.QUESTION, vqascore.ANSWER])
    split = pre_tokenizers.Whitespace()
    known = sorted({word for word, _ in split.pre_tokenize_str(words)})
    tokens = dict.fromkeys(["<pad>", "<unk>", "<image>", *known])
    inner = Tokenizer(models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token="<unk>"))
    inner.pre_tokenizer = split
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
    vision, text = (
        {
            "hidden_size": width,
            "intermediate_size": 4 * width,
            "num_hidden_layers": options.layers,
            "num_attention_heads": width // 64,
        }
        for width in (options.width // 2, options.width)
    )
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(
            **vision, image_size=options.size, patch_size=14
        ),
        text_config=transformers.LlamaConfig(**text, vocab_size=len(tokens), pad_token_id=0),
        image_token_id=2,
        vision_feature_layer=-1,
    )
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    side = {"height": options.size, "width": options.size}
    images = transformers.CLIPImageProcessor(size={"shortest_edge": options.size}, crop_size=side)
    transformers.LlavaProcessor(
        images, tokenizer, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip


def engine(model: PairScorer, blocks: Blocks) -> list[float]:
    """Score the blocks by this engine, from paths to scores, in their order."""
    with inference():
        scored = score_pairs(model, blocks, batch_size=BATCH, workers=cpu_workers())
    return [float(s) for refs, texts in blocks for s in scored.take(refs, texts).ravel()]


def loop(ask: Callable[[Image.Image, str], float], blocks: Blocks) -> list[float]:
    """Score pair by pair with the plain library."""
    found = []
    for refs, texts in blocks:
        for ref in refs:
            for text in texts:
                with Image.open(ref.path) as whole:
                    image = crop(whole.convert("RGB"), ref)
                with inference():
                    found.append(ask(image, text))
    return found


def score_blip(place: str) -> Callable[[Image.Image, str], float]:
    """Return log-odds by the library's matching head."""
    library = transformers.BlipForImageTextRetrieval.from_pretrained(place).eval()
    processor = transformers.AutoProcessor.from_pretrained(place)
    first = library.config.text_config.vocab_size - 1

    def ask(image: Image.Image, text: str) -> float:
        inputs = processor(images=image, text=text, return_tensors="pt")
        inputs["input_ids"][:, 0] = first
        logits = library(**inputs).itm_score[0]
        return float(logits[1] - logits[0])

    return ask


def score_llava(place: str) -> Callable[[Image.Image, str], float]:
    """Return the library's log P(Yes)."""
    library = transformers.LlavaForConditionalGeneration.from_pretrained(place).eval()
    processor = transformers.AutoProcessor.from_pretrained(place)
    yes = processor.tokenizer.convert_tokens_to_ids(vqascore.ANSWER)

    def ask(image: Image.Image, text: str) -> float:
        prompt = f"<image>\n{vqascore.QUESTION.format(text)}"
        inputs = processor(images=image, text=prompt, return_tensors="pt")
        return float(library(**inputs).logits[0, -1].log_softmax(dim=-1)[yes])

    return ask


KINDS: dict[str, tuple[str, Any, Any]] = {
    "blip": ("itm", save_blip, score_blip),
    "llava": ("vqascore", save_llava, score_llava),
}


def select_blocks(items: Sequence[Item], captions: int) -> Blocks:
    """Return the items' own pairs, or every image with the first so many captions."""
    if not captions:
        return [(item.images, item.captions) for item in items]
    texts = list(dict.fromkeys(text for item in items for text in item.captions))[:captions]
    return [(list(dict.fromkeys(ref for item in items for ref in item.images)), texts)]


def main() -> None:
    """Run the arms in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--model", choices=list(KINDS), default="blip")
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--captions", type=int, default=0)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    items = draw_clusters(load_task("vg-relation").items(options.data_root), options.items, 0)
    blocks = select_blocks(items, options.captions)
    with tempfile.TemporaryDirectory() as place:
        texts = [text for _, captions in blocks for text in captions]
        KINDS[options.model][1](Path(place), texts, options)
        compare(options.model, place, blocks, options.repeats)


def compare(kind: str, place: str, blocks: Blocks, repeats: int) -> None:
    """Time the arms on a folder's model, and compare their scores."""
    family, _, asks = KINDS[kind]
    model: Any = load_model(f"{family}:{place}")
    ask = asks(place)
    arms: dict[str, Callable[[], list[float]]] = {"engine": lambda: engine(model, blocks)}
    if getattr(model, "by_image", False):
        whole: Any = load_model(f"{family}:{place}")
        whole.by_image = False
        arms["whole"] = lambda: engine(whole, blocks)
    arms["loop"] = lambda: loop(ask, blocks)
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    scores: dict[str, list[float]] = {}
    for _ in range(repeats):
        for name, call in arms.items():
            start = time.perf_counter()
            scores[name] = call()
            seconds[name].append(time.perf_counter() - start)
    best = {name: min(times) for name, times in seconds.items()}
    n = len(scores["loop"])
    apart = max(np.abs(np.subtract(each, scores["loop"])).max() for each in scores.values())
    print(f"\n{n} pairs, {torch.get_num_threads()} threads, best of {repeats}")
    for name, spent in best.items():
        print(f"  {name:<7} {spent:7.1f} s   {spent / best['engine']:.1f} x engine")
    print(f"largest difference of scores: {apart:.1e}")


if __name__ == "__main__":
    main()
