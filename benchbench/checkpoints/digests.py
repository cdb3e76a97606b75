"""Digest weights, files and values, to identify what computes a model's outputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.data.records import file_sha256
from benchbench.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


def weights_sha256(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and bytes of a state dict, in order of names."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat: Any = tensor.reshape(-1).view(torch.uint8).numpy()
        digest.update(flat)
    return digest.hexdigest()


def model_digest(*parts: object) -> str:
    """Return one SHA-256 over everything that computes a model's outputs, for its manifest.

    >>> model_digest("bag of words", {"size": 8}) == model_digest("bag of words", {"size": 8})
    True

    Args:
        parts: in an order of your choice: ``torch.nn.Module`` (parameters and buffers), a state
            dict, a tensor, a numpy array, a ``pathlib.Path`` (the file's bytes; ``Path(__file__)``
            is the code itself), or values that JSON takes.

    Raises:
        UsageError: there is no part, or one of another kind.
        DataError: a file cannot be read.
    """
    if not parts:
        raise UsageError("model_digest() has nothing to digest. Give it the module or its files.")
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{_digest_part(part)}\n".encode())
    return digest.hexdigest()


def _digest_part(part: object) -> str:
    """Return the kind of a part, and the digest of what it holds."""
    if isinstance(part, Path):
        return f"file {file_sha256(part)}"
    if (state := tensors_of(part)) is not None:
        return f"tensors {weights_sha256(state)}"
    try:
        text = json.dumps(part, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"model_digest() cannot digest an object of class {type(part).__name__} ({error}). "
            "Give it modules, state dicts, tensors, arrays, paths, or values that JSON takes."
        ) from error
    return f"value {hashlib.sha256(text.encode()).hexdigest()}"


def tensors_of(part: object) -> dict[str, Tensor] | None:
    """Return an object's tensors by name; None for an object of another kind.

    A module has its parameters and all buffers, a mapping of tensors itself.
    """
    import numpy as np
    import torch

    if isinstance(part, torch.nn.Module):
        return {**dict(part.named_parameters()), **dict(part.named_buffers())}
    if isinstance(part, torch.Tensor):
        return {"": part}
    if isinstance(part, np.ndarray) and part.dtype.kind in "biufc":
        return {"": torch.from_numpy(np.array(part, order="C"))}
    state = dict(part) if isinstance(part, Mapping) else {}
    if state and all(isinstance(each, torch.Tensor) for each in state.values()):
        return {str(name): tensor for name, tensor in state.items()}
    return None
