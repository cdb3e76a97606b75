"""Similarities of blocks of embeddings: fast products with a bound on their error, exact scores.

The score of a pair is the sum of the exact products of its float32 elements, correctly rounded to
float64 and then to float32. It depends on the two vectors alone: neither on their place in a
matrix, nor on the library, the number of threads or the device that multiplies matrices. Such a
product only tells which scores are certainly above or below a bound; the few others are computed
by ``exact_scores``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchbench.types.arrays import Floats, Indices, Ints, Singles

    Similarities = npt.NDArray[Any]
    """float32 or float64."""

PAIRS = 4096
"""Pairs whose exact scores are computed at once: 33 MB for 512 dimensions."""
LARGEST = 1e18
"""The largest length of vectors that are multiplied in float32; others are in float64."""
UNITS = {"float32": 2.0**-24, "float64": 2.0**-53}
"""The relative error of one rounding."""
LEAST = 2.0**-126
"""More than the error of a product below the normal numbers of float32, even if it becomes 0."""


Shape = tuple[int, int]


class Products(Protocol):
    """The products of one block of queries and one of candidates, [queries, candidates]."""

    shape: Shape
    """The queries and candidates whose products are best computed at once."""

    def multiply(self, queries: Similarities, candidates: Similarities) -> None:
        """Compute the products of [queries, dim] and [candidates, dim] in place of the last."""
        ...

    def split(self, low: Floats, high: Floats) -> tuple[Ints, Indices, Indices]:
        """Count the products above ``high``, and find those from ``low`` to it.

        Both are [queries], or bounds of the first of them alone.

        Returns:
            For each query the number above; rows and columns of products from low to high.
        """
        ...

    def largest(self, k: int) -> Floats:
        """Return the k-th largest product of each query: [queries]."""
        ...


class CpuProducts:
    """Products by numpy."""

    shape = 256, 4096
    """A megabyte for each mask: they stay in the processor's cache."""

    def __init__(self) -> None:
        self._products: Similarities = np.zeros((0, 0), dtype=np.float32)
        self._masks = np.zeros((2, 0), dtype=bool)

    def multiply(self, queries: Similarities, candidates: Similarities) -> None:
        """Compute products."""
        shape = len(queries), len(candidates)
        if self._products.shape != shape or self._products.dtype != queries.dtype:
            self._products = np.empty(shape, dtype=queries.dtype)
            self._masks = np.empty((2, *shape), dtype=bool)
        np.matmul(queries, candidates.T, out=self._products)

    def split(self, low: Floats, high: Floats) -> tuple[Ints, Indices, Indices]:
        """Count the products above, and find those between."""
        n, kind = len(low), self._products.dtype
        products, above, between = self._products[:n], self._masks[0, :n], self._masks[1, :n]
        np.greater(products, _upward(high, kind)[:, None], out=above)
        np.greater_equal(products, -_upward(-low, kind)[:, None], out=between)
        np.logical_xor(above, between, out=between)
        counts = np.array([np.count_nonzero(row) for row in above], dtype=np.int64)
        rows, columns = np.divmod(np.flatnonzero(between), products.shape[1])
        return counts, rows, columns

    def largest(self, k: int) -> Floats:
        """Return the k-th largest product of each query."""
        place = self._products.shape[1] - k
        return np.partition(self._products, place, axis=1)[:, place].astype(np.float64)


class DeviceProducts:
    """Products by torch on a device; float32 there must be IEEE's (``devices.inference``)."""

    shape = 8192, 8192
    """About 500 MB with masks."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._products: Any = None
        self._known: tuple[Any, Any] = (None, None)

    def multiply(self, queries: Similarities, candidates: Similarities) -> None:
        """Compute products; candidates are sent once for all queries that follow."""
        import torch

        if self._known[0] is not candidates:
            self._known = candidates, torch.from_numpy(candidates).to(self._device)
        self._products = torch.from_numpy(queries).to(self._device) @ self._known[1].T

    def split(self, low: Floats, high: Floats) -> tuple[Ints, Indices, Indices]:
        """Count the products above, and find those between."""
        import torch

        n, kind = len(low), np.dtype(str(self._products.dtype).removeprefix("torch."))
        least = torch.from_numpy(-_upward(-low, kind)).to(self._device)[:, None]
        most = torch.from_numpy(_upward(high, kind)).to(self._device)[:, None]
        products = self._products[:n]
        above = products > most
        found = torch.nonzero(above ^ (products >= least)).cpu().numpy()
        counts = above.sum(dim=1).cpu().numpy()
        return counts.astype(np.int64), found[:, 0], found[:, 1]

    def largest(self, k: int) -> Floats:
        """Return the k-th largest product of each query."""
        found: Floats = self._products.topk(k, dim=1).values[:, -1].double().cpu().numpy()
        return found


def products_on(device: str) -> Products:
    """Return the products of a device."""
    return CpuProducts() if device == "cpu" else DeviceProducts(device)


def lengths(vectors: Similarities) -> Floats:
    """Return the length of each vector: [vectors]."""
    wide = vectors.astype(np.float64)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", wide, wide)))


def error_bound(dim: int, kind: str) -> float:
    r"""Return the largest error of a product of two vectors of length 1, in any order of summation.

    .. math:: \gamma_n = \frac{n u}{1 - n u}

    (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, §3.1; by Cauchy and Schwarz the
    products' absolute values add up to 1 at most.)
    """
    spread = dim * UNITS[kind]
    return spread / (1 - spread)


def exact_scores(queries: Singles, candidates: Singles) -> Singles:
    """Return the score of each pair: [pairs, dim] twice → [pairs]."""
    found = np.empty(len(queries), dtype=np.float32)
    for start in range(0, len(found), PAIRS):
        left = queries[start : start + PAIRS].astype(np.float64)
        right = candidates[start : start + PAIRS].astype(np.float64)
        sums, sizes = np.einsum("ij,ij->i", left, right), lengths(left) * lengths(right)
        rows = np.arange(len(left))
        found[start : start + PAIRS] = _settled(sums, sizes, left, right, rows, rows)
    return found


def exact_matrix(queries: Singles, candidates: Singles) -> Singles:
    """Return the scores of a block: [queries, dim], [candidates, dim] → [queries, candidates]."""
    left, right = queries.astype(np.float64), candidates.astype(np.float64)
    sums, sizes = left @ right.T, lengths(left)[:, None] * lengths(right)
    rows, columns = np.divmod(np.arange(sums.size), len(right))
    found = _settled(sums.ravel(), sizes.ravel(), left, right, rows, columns)
    return found.reshape(sums.shape)


def _settled(
    sums: Floats, sizes: Floats, left: Floats, right: Floats, rows: Indices, columns: Indices
) -> Singles:
    """Return exact scores, [pairs], given sums with an error of their own.

    Where that error could move the score, the products are added without any (``math.fsum``).

    Args:
        sums: [pairs].
        sizes: [pairs], the product of both lengths.
        left: the first vectors, in float64.
        right: the second ones.
        rows: [pairs], each pair's row of ``left``.
        columns: [pairs], its row of ``right``.
    """
    error = 1.01 * error_bound(left.shape[1], "float64") * sizes
    known: dict[tuple[bytes, bytes], float] = {}
    with np.errstate(over="ignore"):
        found = sums.astype(np.float32)
        unsure = (sums - error).astype(np.float32) != (sums + error).astype(np.float32)
        for pair in np.flatnonzero(unsure).tolist():
            one, two = left[rows[pair]], right[columns[pair]]
            key = one.tobytes(), two.tobytes()
            if key not in known:
                known[key] = math.fsum((one * two).tolist())
            found[pair] = known[key]
    return found


def _upward(bounds: Floats, kind: npt.DTypeLike) -> Similarities:
    """Return the least numbers of a type that are no less: [bounds]."""
    with np.errstate(over="ignore"):
        found = bounds.astype(kind)
    return np.where(found < bounds, np.nextafter(found, found.dtype.type(np.inf)), found)
