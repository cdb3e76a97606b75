"""Read and write variants' weights as safetensors files, with a JSON record in the header.

The record is the header's entry ``benchbench``: the variant, its settings, the towers'
architecture and preprocessing, and how it was trained. Nothing is unpickled. Bundled files hold
float16.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, WeightsUnavailable
from benchbench.files import parse_json, require_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

KEY = "benchbench"
SUFFIX = ".safetensors"
TOWERS = "clip."
"""Prefix of the names of towers' weights inside a variant."""


def write(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> Path:
    """Write a safetensors file atomically, and return its path.

    Raises:
        ModelError: the disk is full.
        OSError: the folder cannot be written to.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    flat = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=SUFFIX)
    os.close(handle)
    try:
        save_file(flat, name, {KEY: json.dumps(record, sort_keys=True)})
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except SafetensorError as error:  # a full disk
        raise ModelError(f"{path} cannot be written: {error}.") from error
    finally:
        Path(name).unlink(missing_ok=True)
    return path


def tower_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without the prefix ``clip.`` if all have it; otherwise as they are."""
    if all(name.startswith(TOWERS) for name in tensors):
        return {name.removeprefix(TOWERS): tensor for name, tensor in tensors.items()}
    return dict(tensors)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors by name, and the record; tower weights get the prefix ``clip.``.

    Raises:
        WeightsUnavailable: there is no such file.
        ModelError: the file is not safetensors, truncated, without a record, or has weights that
            are not finite.
    """
    from safetensors import SafetensorError, safe_open

    try:
        require_regular(path)
    except OSError as error:
        raise WeightsUnavailable(f"There are no weights at {path}: {error.strerror}.") from error
    try:
        with safe_open(path, framework="pt") as file:
            record = (file.metadata() or {}).get(KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ModelError(f"{path} is not a complete safetensors file: {reason}.") from error
    if record is None:
        raise ModelError(
            f"{path} holds tensors, but its header does not name their variant: it was not "
            "written by benchbench train."
        )
    if not any(name.startswith(TOWERS) for name in tensors) and "logit_scale" in tensors:
        tensors = {TOWERS + name: tensor for name, tensor in tensors.items()}
    try:
        said = parse_json(record)
    except ValueError as error:
        raise ModelError(f"The header of {path} is damaged: {error}.") from error
    if not isinstance(said, dict):
        raise ModelError(f"The header of {path} is damaged: it is not a JSON object.")
    if broken := [name for name, tensor in tensors.items() if not _finite(tensor)]:
        raise ModelError(
            f"{path} is damaged: {len(broken):,} of its {len(tensors):,} weights, the first of "
            f"them {broken[0]}, hold NaN or infinite values."
        )
    return tensors, said


def _finite(tensor: Tensor) -> bool:
    """Return whether all values are finite, by numpy, which starts no threads for it."""
    import numpy as np
    import torch

    if not tensor.is_floating_point():
        return True
    if tensor.dtype not in (torch.float16, torch.float32, torch.float64):  # unknown to numpy
        tensor = tensor.float()
    return bool(np.isfinite(tensor.numpy()).all())
