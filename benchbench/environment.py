"""The environment of a run: versions and machine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from benchbench.version import VERSION

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


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
