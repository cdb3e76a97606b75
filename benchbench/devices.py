"""The device that a model runs on: its choice, arithmetic, random state, memory, and record."""

from __future__ import annotations

import os
import platform
import random
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from benchbench.errors import OutOfMemory, UsageError
from benchbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KINDS = ("cpu", "cuda", "mps", "xpu")
NO_MEMORY = "can't allocate memory"
"""Text of torch's error if the machine's own memory runs out."""
NO_DEVICE_MEMORY = ("MPS backend out of memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")
"""Texts of errors that torch does not raise as its ``OutOfMemoryError``."""

PACKAGES = (
    "torch",
    "torchvision",
    "open_clip_torch",
    "timm",
    "transformers",
    "tokenizers",
    "huggingface_hub",
    "pillow",
    "numpy",
)
"""The packages whose versions a run records."""


def choose_device(device: str) -> str:
    """Return the device to use: ``auto`` is ``cuda`` if available, otherwise ``cpu``.

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
def preserve_random_state() -> Iterator[None]:
    """Restore the states of all random generators afterwards, and disable autocast inside."""
    import numpy as np
    import torch

    cuda: Any = torch.cuda
    states: Mapping[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002 - the global one is the caller's
        "torch": torch.get_rng_state(),
        "cuda": cuda.get_rng_state_all() if cuda.is_initialized() else [],
    }
    try:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        random.setstate(states["python"])
        np.random.set_state(states["numpy"])  # noqa: NPY002
        torch.set_rng_state(states["torch"])
        if states["cuda"]:
            cuda.set_rng_state_all(states["cuda"])


@contextmanager
def memory_errors(advice: str) -> Iterator[None]:
    """Raise an OutOfMemory with advice if the accelerator or the machine runs out of memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_memory_error(error):
            raise
        what = "machine" if NO_MEMORY in str(error) else "device"
        raise OutOfMemory(f"The {what} is out of memory. {advice}") from error


def is_memory_error(error: BaseException) -> bool:
    """Return whether an error means that the accelerator's or the machine's memory ran out."""
    import torch

    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError)
        and any(text in str(error) for text in (NO_MEMORY, *NO_DEVICE_MEMORY))
    )


def free_memory(device: str) -> int:
    """Return the bytes of a CUDA device that this process can still take.

    What torch's allocator keeps for itself and does not use is among them.
    """
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def peak_memory(device: str, call: Callable[[], object]) -> int:
    """Return the bytes of a CUDA device that a call takes at most, beyond those taken before."""
    import torch

    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def describe_environment(device: str) -> dict[str, str | int]:
    """Return the versions of everything that computed the numbers, and the machine."""
    import torch

    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else ""
    return {
        "benchbench": VERSION,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        **{name: _version(name) for name in PACKAGES},
    }


def processor_of(environment: Mapping[str, Any]) -> str:
    """Return what computed something, by its environment.

    >>> processor_of({"gpu": "", "processor": "x86_64"})
    'CPU (x86_64)'
    """
    return str(environment.get("gpu") or f"CPU ({environment['processor']})")


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
