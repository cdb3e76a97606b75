"""Distinct things, counted in eight bytes each: their digests are kept, not they themselves.

Two of n different things have the same 64-bit digest with a probability of at most n² / 2⁶⁵: 10⁻⁹
for 190,000 of them, as many as any official file has.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchbench.types.arrays import Ints

BYTES = 8


def digest(text: str) -> int:
    """Return the first 64 bits of a text's BLAKE2b.

    >>> digest("a dog") == digest("a dog"), digest("a dog") == digest("a cat")
    (True, False)
    """
    hashed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=BYTES)
    return int.from_bytes(hashed.digest(), "little")


class Things:
    """Things that were seen, in order."""

    def __init__(self) -> None:
        self._digests = array("Q")

    def add(self, text: str) -> None:
        """Add a thing by its name, or its content as text."""
        self._digests.append(digest(text))

    def __len__(self) -> int:
        """Return how many were added."""
        return len(self._digests)

    def distinct(self) -> int:
        """Return how many of them are distinct."""
        return len(self.counts())

    def counts(self) -> Ints:
        """Return how often each distinct one was added, in no particular order, [distinct]."""
        counts: Ints = np.unique(self._array(), return_counts=True)[1]
        return counts

    def found_in(self, others: Things) -> int:
        """Return how many of them, repeats included, are among others."""
        return int(np.isin(self._array(), others._array()).sum())

    def _array(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        return np.frombuffer(self._digests, np.uint64)
