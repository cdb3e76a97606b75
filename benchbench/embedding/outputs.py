"""Check a model's outputs before anything is computed from them; keep vectors by their inputs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from benchbench.errors import ModelError

if TYPE_CHECKING:
    from typing import NoReturn

    import numpy.typing as npt
    from torch import Tensor

    from benchbench.types.arrays import Floats, Singles

    Logs = Floats
    Vectors = Singles

Key = TypeVar("Key", bound=Hashable)

TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2, "bf16": 5e-2}
"""The largest allowed difference of the same input's output in another batch, relative to its
length (of a vector) or to its absolute value, if above 1 (of a score)."""


SAMPLE_SIZE = 4
"""The number of stored inputs that are encoded again, to check whether their outputs are the
same."""


class OutputChecker:
    """The checks of one model's outputs in one evaluation: one dimension, finite, one per input."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._dim: int | None = None
        """The dimension of all embeddings, after the first."""

    def vectors(self, output: Any, n: int) -> Singles:
        """Return embeddings as float32 on the CPU, of unit length where similarity is cosine.

        Args:
            output: the return value of ``encode_images`` or ``encode_texts``; [n, dim] is expected,
                on any device and of any float type.
            n: the number of inputs.

        Raises:
            ModelError: it is not a float tensor, has another shape or dimension, or is not finite.
        """
        tensor = self._tensor(output, f"{n} inputs", f"[{n}, dim]")
        if tensor.ndim != 2 or len(tensor) != n or not tensor.shape[1]:
            self._wrong(f"shape {tuple(tensor.shape)} for {n} inputs", f"[{n}, dim]")
        dim = tensor.shape[1]
        if self._dim is not None and dim != self._dim:
            self._wrong(
                f"embeddings of dimension {dim} after some of dimension {self._dim}",
                "one dimension for images and captions",
            )
        self._dim = dim
        vectors = self._finite(tensor, "embeddings")
        if self._model.similarity == "cosine":
            length = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.maximum(length, np.finfo(np.float32).tiny)
        return vectors

    def stored_vectors(self, array: npt.NDArray[Any], n: int) -> Singles | None:
        """Return embeddings read back from a file as they were saved; None where they are invalid.

        Args:
            array: [n, dim] of finite float32 is expected, with the dimension of other embeddings.
            n: the number of inputs.
        """
        if array.dtype != np.float32 or array.ndim != 2 or len(array) != n:
            return None
        if self._dim is not None and array.shape[1] != self._dim:
            return None
        return array if np.isfinite(array).all() else None

    def scores(self, output: Any, n: int) -> Singles:
        """Return a pair scorer's scores as float32 on the CPU: [n].

        Raises:
            ModelError: they are not a float tensor, have another shape, or are not finite.
        """
        tensor = self._tensor(output, f"{n} pairs", f"[{n}]")
        if tuple(tensor.shape) != (n,):
            self._wrong(f"shape {tuple(tensor.shape)} for {n} pairs", f"[{n}]")
        return self._finite(tensor, "scores")

    def log_probabilities(self, output: Any, shape: tuple[int, int]) -> Logs:
        """Return a relation scorer's log-probabilities as float64.

        Raises:
            ModelError: they are not a numeric array, have another shape, or are not finite.
        """
        try:
            logs = np.asarray(output, dtype=np.float64)
        except (TypeError, ValueError, RuntimeError):
            self._wrong(_kind(output), f"an array of shape {shape}")
        if logs.shape != shape:
            self._wrong(f"relation scores of shape {logs.shape}", f"shape {shape}")
        if not np.isfinite(logs).all():
            self._wrong("relation scores that are not finite", "logarithms of probabilities")
        return logs

    def images(self, tensors: Sequence[Any]) -> Tensor:
        """Return preprocessed images as one batch: [n, 3, height, width].

        Raises:
            ModelError: ``transform`` returned no tensors, or tensors of several shapes.
        """
        import torch

        for each in tensors:
            if not isinstance(each, torch.Tensor) or each.shape != tensors[0].shape:
                what = tuple(each.shape) if isinstance(each, torch.Tensor) else _kind(each)
                self._wrong(f"{what} from transform", "tensors of one shape [3, height, width]")
        return torch.stack(list(tensors))

    def token_ids(self, output: Any, n: int) -> list[tuple[int, ...]]:
        """Return the token ids of n captions.

        Raises:
            ModelError: there is not one sequence of integers for each caption.
        """
        try:
            ids = [tuple(map(int, row)) for row in output]
        except (TypeError, ValueError):
            self._wrong(f"{_kind(output)} from token_ids", "whole numbers for each caption")
        if len(ids) != n:
            self._wrong(f"token ids of {len(ids)} captions for {n}", "one sequence for each")
        return ids

    def features(self, output: Any, n: int) -> Sequence[Any]:
        """Return a pair scorer's features of n images.

        Raises:
            ModelError: there are not n of them.
        """
        try:
            found = len(output)
        except TypeError:
            self._wrong(f"{_kind(output)} from encode_images", f"features of {n} images")
        if found != n:
            self._wrong(f"features of {found} images for {n}", "one for each")
        features: Sequence[Any] = output
        return features

    def are_close(self, one: Singles, other: Singles) -> bool:
        """Return whether two outputs for the same inputs are equal up to ``TOLERANCE``.

        Args:
            one: embeddings [n, dim], or scores [n].
            other: the same from another batch.
        """
        if one.shape != other.shape:
            return False
        allowed = TOLERANCE.get(self._model.manifest.dtype, TOLERANCE["fp32"])
        if one.ndim == 1:
            return bool((np.abs(one - other) <= allowed * np.maximum(1, np.abs(other))).all())
        apart = np.linalg.norm(one - other, axis=1)
        return bool((apart <= allowed * np.linalg.norm(other, axis=1)).all())

    def _tensor(self, output: Any, inputs: str, expected: str) -> Tensor:
        import torch

        if not isinstance(output, torch.Tensor):
            self._wrong(f"{_kind(output)} for {inputs}", f"a tensor {expected}")
        if not output.is_floating_point() or output.layout != torch.strided:
            kind = str(output.dtype if output.layout == torch.strided else output.layout)
            self._wrong(f"a tensor of {kind} for {inputs}", f"a dense float tensor {expected}")
        if output.device.type == "meta":
            self._wrong(f"a tensor without values (meta) for {inputs}", f"a tensor {expected}")
        return output

    def _finite(self, tensor: Tensor, what: str) -> Singles:
        values: Singles = tensor.detach().float().cpu().numpy()
        if not np.isfinite(values).all():
            manifest = self._model.manifest
            raise ModelError(
                f"{manifest.name} returned {what} that are not finite (dtype {manifest.dtype}). "
                "Try --precision fp32."
            )
        return values

    def _wrong(self, found: str, expected: str) -> NoReturn:
        raise ModelError(
            f"{self._model.manifest.name} returned {found}; expected {expected}."
        ) from None


def _kind(thing: object) -> str:
    return "None" if thing is None else f"an object of class {type(thing).__name__}"


@dataclass(frozen=True, slots=True)
class EmbeddingTable(Generic[Key]):
    """A table of vectors with a key for each row."""

    rows: Mapping[Key, int]
    vectors: Vectors
    """[distinct inputs, dim]: one row per input."""

    def take(self, keys: Sequence[Key]) -> Vectors:
        """Return the vectors of these inputs: [keys, dim]."""
        return self.vectors[[self.rows[key] for key in keys]]
