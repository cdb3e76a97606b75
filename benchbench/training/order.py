"""The order of training examples: an endless stream, or a pool in shuffled epochs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.scenes.dice import dice

if TYPE_CHECKING:
    from benchbench.types.arrays import Ints

_LARGE = 2**31 - 1


@dataclass(frozen=True)
class Order:
    """Numbers of the examples that training shows first, second, ….

    A pool is shuffled anew for each round through it, two by two: the halves of twins (every odd
    example and the one before it) stay side by side.
    """

    pool: int = 0
    """How many examples there are; 0 for one after another without end."""
    seed: int = 0
    """The seed of the shuffles."""

    def __post_init__(self) -> None:
        if self.pool < 0 or self.pool % 2:
            raise UsageError(f"A pool holds an even number of examples, or 0; not {self.pool}.")

    def numbers(self, start: int, stop: int) -> Ints:
        """Return the examples at these places, [stop − start].

        Args:
            start: the first place, from 0.
            stop: one past the last.
        """
        places = np.arange(start, stop)
        if not self.pool:
            return places
        rounds, within = np.divmod(places, self.pool)
        lots = [
            _shuffled(self.pool, self.seed, number)[within[rounds == number]]
            for number in np.unique(rounds).tolist()
        ]
        return np.concatenate([*lots, places[:0]])


ENDLESS = Order()


@lru_cache(maxsize=2)
def _shuffled(pool: int, seed: int, number: int) -> Ints:
    """Return the order of a round through a pool: [pool]."""
    pairs = pool // 2
    roll = dice(f"pool/{seed}/{number}", np.arange(pairs)).below("order", _LARGE)
    order = np.argsort(roll, kind="stable")
    return np.stack([2 * order, 2 * order + 1], axis=1).reshape(-1)
