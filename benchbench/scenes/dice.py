"""Draw random numbers as a function of a counter: scene i never depends on scene i − 1.

A draw hashes (version, split, index) with the name of the draw. The hash is splitmix64's finaliser
(Steele, Lea & Flood 2014), in wrapping 64-bit integers, so that it is the same on every platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Ints

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Dice:
    """One independent set of draws per key; each draw has a name."""

    keys: Words
    """[keys]"""

    def words(self, name: str) -> Words:
        """Return uniform 64-bit words, [keys]."""
        return mix(self.keys ^ _name_word(name))

    def below(self, name: str, bound: int | Ints) -> Ints:
        """Draw uniform integers in 0 … bound − 1, [keys].

        ``bound`` is one number or [keys], at most 2³¹.
        """
        high = self.words(name) >> _HALF
        return ((high * np.asarray(bound, dtype=np.uint64)) >> _HALF).astype(np.int64)

    def between(self, name: str, low: int | Ints, high: int | Ints) -> Ints:
        """Draw uniform integers in low … high, both included, [keys].

        Raises:
            ValueError: some high is below its low, so that its range is empty.
        """
        span = np.asarray(high, dtype=np.int64) - low + 1
        if (span < 1).any():
            raise ValueError(f"nothing to draw for '{name}': some range is empty")
        return np.asarray(low + self.below(name, span), dtype=np.int64)

    def chance(self, name: str, percent: int | Ints) -> Flags:
        """Draw booleans, [keys], that are true in ``percent`` of a hundred cases."""
        return np.asarray(self.below(name, 100) < percent)

    def weighted(self, name: str, cumulative: Ints) -> Ints:
        """Draw positions in a table of cumulative weights, [keys]."""
        drawn = self.below(name, int(cumulative[-1]))
        return np.searchsorted(cumulative, drawn, side="right").astype(np.int64)


def dice(stream: str, index: Ints) -> Dice:
    """Return the dice of each index in a stream: ``dice("scenes-v1/train", np.arange(8))``."""
    return Dice(mix(_name_word(stream) + index.astype(np.uint64) * _GOLDEN))


def mix(words: Words) -> Words:
    """Return words hashed by splitmix64's finaliser: a bijection of 64-bit words.

    Every bit of a word affects all bits of the result.
    """
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return np.asarray(words ^ (words >> np.uint64(31)), dtype=np.uint64)


def name_hash(name: str) -> int:
    """Return a stable 64-bit hash of a name (FNV-1a, then mixed)."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return int(mix(np.array([value], dtype=np.uint64))[0])


@cache
def _name_word(name: str) -> np.uint64:
    return np.uint64(name_hash(name))
