"""Digest weights, files and values, to identify what computes a model's outputs."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.data.records import file_sha256
from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from torch import Tensor, nn

_digested: MutableMapping[nn.Module, tuple[list[int], str]] = weakref.WeakKeyDictionary()
"""Module → a checksum of each of its tensors when it was digested, and the digest."""


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


def module_sha256(module: nn.Module) -> str:
    """Return ``weights_sha256`` of a module's state dict; computed again only if it changed.

    Checksums tell whether it did, in a tenth of the time: torch's own counts of writes leave out
    those to ``parameter.data``.
    """
    state = module.state_dict()
    sums = _checksums(state)
    known = _digested.get(module)
    if known is None or known[0] != sums:
        known = _digested[module] = sums, weights_sha256(state)
    return known[1]


def _checksums(state: Mapping[str, Tensor]) -> list[int]:
    """Return the sum of each tensor's bits, as whole numbers."""
    import torch

    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32}
    sums = [
        tensor.detach().view(kinds.get(tensor.dtype.itemsize, torch.int64)).sum(dtype=torch.int64)
        for tensor in state.values()
    ]
    return [int(each) for each in torch.stack([each.cpu() for each in sums])] if sums else []


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
