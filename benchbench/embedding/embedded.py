"""Embeddings by what they are of."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from benchbench.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from benchbench.types import DualEncoder

    Vectors = npt.NDArray[np.float32]

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Embedded(Generic[Key]):
    """A table of vectors with a name for each row."""

    rows: Mapping[Key, int]
    vectors: Vectors
    """[distinct inputs, dim]."""

    def take(self, keys: Sequence[Key]) -> Vectors:
        """The vectors of these inputs: [keys, dim]."""
        return self.vectors[[self.rows[key] for key in keys]]


def to_vectors(model: DualEncoder, output: Tensor, n: int) -> Vectors:
    """A model's output as float32 on the CPU, of unit length where its similarity is cosine.

    Args:
        model: whose output it is.
        output: [n, dim], any device and float type.
        n: how many inputs went in.

    Raises:
        ModelError: the shape is wrong or a value is not finite.
    """
    if output.ndim != 2 or len(output) != n:
        raise ModelError(
            f"{model.manifest.name} returned shape {tuple(output.shape)} for {n} inputs; "
            f"expected [{n}, dim]."
        )
    vectors: Vectors = output.float().cpu().numpy()
    if not np.isfinite(vectors).all():
        raise ModelError(
            f"{model.manifest.name} returned embeddings that are not finite "
            f"(dtype {model.manifest.dtype}). Try --precision fp32."
        )
    if model.similarity == "cosine":
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors / np.maximum(length, np.finfo(np.float32).tiny)
    return vectors
