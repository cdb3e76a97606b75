"""Where a model runs, and how to keep float32 meaning float32 there."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from benchbench.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def choose_device(device: str) -> str:
    """``auto`` becomes ``cuda`` where there is one, else ``cpu``; others are checked.

    Raises:
        UsageError: torch knows no such device, or this machine has none.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"Device '{device}' is not to be had here: {reason} Try --device auto or cpu."
        ) from error
    return device


def cpu_workers() -> int:
    """Threads for decoding: as many as this process may use, at most 16."""
    usable = getattr(os, "sched_getaffinity", None)
    return min(16, len(usable(0)) if usable else os.cpu_count() or 1)


@contextmanager
def inference() -> Iterator[None]:
    """Without gradients, and with float32 convolutions and products in float32, never in TF32."""
    import torch

    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        if torch.cuda.is_available():
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
            before = torch.get_float32_matmul_precision()
            torch.set_float32_matmul_precision("highest")
            stack.callback(torch.set_float32_matmul_precision, before)
        yield


@contextmanager
def memory_errors(batch_size: int) -> Iterator[None]:
    """Turn running out of accelerator memory into advice."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"Out of memory with batches of {batch_size} images. "
            f"Try --batch-size {max(1, batch_size // 2)}."
        ) from error
