"""The choice of a device, and float32 arithmetic without TF32 on it."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("cpu", "cuda", "mps", "xpu")
NO_MEMORY = "can't allocate memory"
"""Text of torch's error where the machine's own memory runs out."""


def choose_device(device: str) -> str:
    """Return the device to use: ``auto`` is ``cuda`` where available, otherwise ``cpu``.

    Other devices are tried out.

    Raises:
        UsageError: the device is unknown, or this machine lacks it.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if kind not in KINDS or not (number.isdecimal() or device == kind):
        raise UsageError(
            f"Unknown device '{device}'. Devices: auto, {', '.join(KINDS)}; with a number: cuda:1."
        )
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(
            f"This machine, with this build of torch, has no device '{device}'. Try --device auto."
        ) from error
    return device


def cpu_workers() -> int:
    """Return the number of decoding threads: the CPUs that this process may use, at most 16."""
    usable = getattr(os, "sched_getaffinity", None)
    return min(16, len(usable(0)) if usable else os.cpu_count() or 1)


def cpu_instructions() -> str:
    """Return the instruction set that torch computes with on this CPU: ``AVX2``, ``AVX512``."""
    import torch

    return torch.backends.cpu.get_cpu_capability()


@contextmanager
def inference() -> Iterator[None]:
    """Disable gradients, and compute float32 products and convolutions in float32, not TF32."""
    import torch

    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        for switch in _precision_switches(torch.backends):
            stack.callback(setattr, switch, "fp32_precision", switch.fp32_precision)
            switch.fp32_precision = "ieee"
        if not hasattr(torch.backends, "fp32_precision"):
            stack.enter_context(_legacy_precision())
        yield


def _precision_switches(backends: Any) -> list[Any]:
    """Return torch's settings (from 2.9) of float32 precision, one per kind of operation."""
    kinds = [
        (backends.cuda, "matmul"),
        (backends.cudnn, "conv"),
        (backends.cudnn, "rnn"),
        (getattr(backends, "mkldnn", None), "matmul"),
        (getattr(backends, "mkldnn", None), "conv"),
    ]
    found = [getattr(backend, name, None) for backend, name in kinds]
    return [switch for switch in found if hasattr(switch, "fp32_precision")]


@contextmanager
def _legacy_precision() -> Iterator[None]:
    import torch

    convolutions, products = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = convolutions
        torch.set_float32_matmul_precision(products)


@contextmanager
def memory_errors(advice: str) -> Iterator[None]:
    """Raise a ModelError with advice where the accelerator or the machine runs out of memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_memory_error(error):
            raise
        what = "machine" if NO_MEMORY in str(error) else "device"
        raise ModelError(f"The {what} is out of memory. {advice}") from error


def is_memory_error(error: BaseException) -> bool:
    """Return whether an error means that the accelerator's or the machine's memory ran out."""
    import torch

    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and NO_MEMORY in str(error)
    )
