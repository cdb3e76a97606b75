"""The number of images a forward pass, where the user names none.

On a CPU it is 32, as larger batches are not faster there. On a GPU of CUDA it is found by trying:
a few images and captions tell the memory that one takes, and the free memory how many of them fit.
Only powers of two are tried, so that the size is the same from run to run: the bits of an encoding
depend on it (``batch_rows``). Elsewhere it is 256. Where memory runs out all the same, an
evaluation goes on with half of it (``halve``).
"""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING, TypeVar

from benchbench.devices import (
    free_memory,
    inference,
    is_memory_error,
    memory_errors,
    peak_memory,
)
from benchbench.errors import OutOfMemory
from benchbench.failures import foreign_code
from benchbench.types import DualEncoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.types import Model

Result = TypeVar("Result")

ON_CPU, ELSEWHERE = 32, 256
MOST = 512
"""The largest size that is found: a GPU is busy with it, and small tasks are not filled up much."""
PROBED = 16
"""The number of inputs by which memory is measured."""
SHARE = 0.8
"""The share of free memory that a batch may take, by that measurement."""
PHOTOGRAPH = (640, 480)
WORDS = 77
"""The length of the captions by which memory is measured, where the context is not shorter."""

_known: dict[tuple[str, str], int] = {}
"""Fingerprint and device → the size that this process found, or went down to."""


def default_batch_size(device: str) -> int:
    """Return the size where none is looked for: for workers that share a model."""
    return ON_CPU if device == "cpu" else ELSEWHERE


def find_batch_size(model: Model) -> int:
    """Return the size for a model on its device: a power of two.

    Call it under ``inference``.

    Raises:
        RuntimeError: the memory is too small for a single image.
    """
    key = _key(model)
    if key not in _known:
        if isinstance(model, DualEncoder) and model.device.startswith("cuda"):
            _known[key] = _measured(model)
        else:
            _known[key] = default_batch_size(model.device)
    return _known[key]


def within_memory(attempt: Callable[[int], Result], model: Model, size: int | None) -> Result:
    """Return the result of an attempt with a batch size.

    Args:
        attempt: computes with so many images a pass, and raises an OutOfMemory if they are too
            many. It is called again with half of them. Then scores of pairs come from the store,
            and encodings do not: on a GPU their last bits depend on the size (``batch_rows``), and
            the run would differ from one that begins with the half.
        model: the model that computes.
        size: the user's size, which is not changed; None to find one.

    Raises:
        OutOfMemory: the user's size, or a single image, is too large.
    """
    if size is not None:
        return attempt(size)
    name = model.manifest.name
    with inference(), memory_errors("Try another device, or --precision bf16."), foreign_code(name):
        size = find_batch_size(model)
    while True:
        try:
            return attempt(size)
        except OutOfMemory:
            if size == 1:
                raise
        size = halve(model, size)  # outside of the handler: the error holds what filled the memory


def halve(model: Model, size: int) -> int:
    """Return half of a size that was too large, with a warning; free what memory there is."""
    import torch

    half = size // 2
    _known[_key(model)] = half
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    warnings.warn(
        f"The memory of {model.device} does not hold {size} images a pass: going on with {half}. "
        f"Begin there: --batch-size {half}",
        stacklevel=2,
    )
    return half


def _key(model: Model) -> tuple[str, str]:
    return model.manifest.fingerprint, model.device


def _measured(model: DualEncoder) -> int:
    """Return the size by the device's free memory and what some inputs take of it."""
    for encode in (_images, _captions):  # what is loaded at the first pass stays, and is not theirs
        encode(model, 1)
    taken = max(_bytes_each(model, encode) for encode in (_images, _captions))
    room = SHARE * free_memory(model.device)
    size = MOST
    while size > 1 and size * taken > room:
        size //= 2
    return size


def _bytes_each(model: DualEncoder, encode: Callable[[DualEncoder, int], None]) -> float:
    """Return the memory that an input takes in a batch."""
    rows = PROBED
    while True:
        try:
            return peak_memory(model.device, lambda: encode(model, rows)) / rows  # noqa: B023
        except RuntimeError as error:
            if rows == 1 or not is_memory_error(error):
                raise
        rows //= 2


def _images(model: DualEncoder, rows: int) -> None:
    import torch
    from PIL.Image import new

    image = model.transform(new("RGB", PHOTOGRAPH))
    model.encode_images(torch.stack([image] * rows), "scene")


def _captions(model: DualEncoder, rows: int) -> None:
    caption = "a " * min(WORDS, model.manifest.context_length)
    model.encode_texts(model.tokenize([caption] * rows), "scene")
