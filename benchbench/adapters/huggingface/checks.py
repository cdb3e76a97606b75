"""Check a loaded checkpoint on a few images and captions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchbench.adapters.trimming import SAMPLE_CAPTIONS, TRIM_TOLERANCE
from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from benchbench.types import DualEncoder, Precision

SHAPES = ((64, 48), (48, 64))
"""Width and height of images that a transform must resize to one size."""

ROUNDING = 1e-5
"""Largest difference per coordinate of unit vectors by rounding."""


def check_images(model: DualEncoder, name: str) -> int:
    """Run the image processor and tower on grey images; return the embeddings' dimension.

    Raises:
        ModelError: the processor's images have several sizes, or the tower refuses them.
    """
    import torch
    from PIL import Image

    with _running(f"{name}: its image processor breaks"):
        pixels = [model.transform(Image.new("RGB", shape, "grey")) for shape in SHAPES]
        shapes = sorted({tuple(each.shape) for each in pixels})
        if len(shapes) > 1 or len(shapes[0]) != 3:
            raise ModelError(
                f"{name}: its image processor returns images of the shapes {shapes}, not all "
                "[3, height, width] of one size. Set its size and crop in "
                "preprocessor_config.json."
            )
    with _running(f"{name}: its image tower takes no images of the shape {shapes[0]}"):
        return _dimension(model.encode_images(torch.stack(pixels), "scene"), len(pixels), name)


def check_captions(model: DualEncoder, name: str, vocabulary: int | None, dimension: int) -> None:
    """Run tokenizer and text tower on captions.

    Args:
        model: as loaded.
        name: its specification, for errors.
        vocabulary: rows of the tower's table of tokens, if known.
        dimension: the dimension of the images' embeddings.

    Raises:
        ModelError: ids beyond the vocabulary, captions that embed alike, or another dimension.
    """
    ids = model.token_ids(SAMPLE_CAPTIONS)
    largest = max(max(row, default=0) for row in ids)
    if vocabulary is not None and largest >= vocabulary:
        raise ModelError(
            f"{name}: its tokenizer gives the id {largest}, its text tower has {vocabulary}: the "
            "tokenizer is another model's. Copy that of the checkpoint it was trained from."
        )
    with _running(f"{name}: its text tower breaks"):
        embedded = model.encode_texts(model.tokenize(SAMPLE_CAPTIONS), "scene")
        found = _dimension(embedded, len(SAMPLE_CAPTIONS), name)
    if found != dimension:
        raise ModelError(
            f"{name} embeds images in {dimension} numbers, captions in {found}: it is not a dual "
            "encoder."
        )
    units = _unit(embedded)
    if len(set(ids)) < len(SAMPLE_CAPTIONS) or float((units - units[:1]).abs().max()) < ROUNDING:
        raise ModelError(
            f"{name} embeds different captions alike: its tokenizer, or the end-of-text token that "
            "config.json names (eos_token_id), is not what it was trained with."
        )


def trims_exactly(model: Any, precision: Precision) -> bool:
    """Return whether captions embed alike at their own length and padded to the whole context.

    ``model.whole_context`` must be True, and is so again afterwards.
    """
    full = _unit(model.encode_texts(model.tokenize(SAMPLE_CAPTIONS), "scene"))
    model.whole_context = False
    try:
        short = [
            _unit(model.encode_texts(model.tokenize([text]), "scene")) for text in SAMPLE_CAPTIONS
        ]
    finally:
        model.whole_context = True
    apart = max(float((one - all_).abs().max()) for one, all_ in zip(short, full, strict=True))
    return apart <= TRIM_TOLERANCE[precision]


def _dimension(embedded: Tensor, count: int, name: str) -> int:
    if embedded.ndim != 2 or len(embedded) != count:
        raise ModelError(
            f"{name} returns {tuple(embedded.shape)} for {count} inputs, not a vector for each: "
            "it is not a dual encoder."
        )
    return int(embedded.shape[1])


def _unit(vectors: Tensor) -> Tensor:
    from torch.nn.functional import normalize

    return normalize(vectors.float(), dim=-1)


@contextmanager
def _running(what: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ModelError(f"{what}: {error}") from error
