"""The split of a plan among workers, by digests: it depends on no order and no random seed.

Whole models come first. Where there are at least as many models as workers, each model is one
worker's. Otherwise each model has several workers, each of which encodes a part of its inputs.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SHARDS = 100_000
RANK, WORLD_SIZE = "RANK", "WORLD_SIZE"
"""The variables by which torchrun and accelerate number their processes."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One worker of several."""

    number: int
    """From 0."""
    count: int

    def __str__(self) -> str:
        """Return what is typed."""
        return f"{self.number}/{self.count}"


@dataclass(frozen=True, slots=True)
class Portion:
    """A worker's portion of a model."""

    model: str
    part: int
    """From 0."""
    parts: int
    """1 where the model is one worker's."""


def parse_shard(text: str | None) -> Shard:
    """Return the shard that is typed, or that a launcher of processes names, or the only one.

    Raises:
        UsageError: it is not a shard.

    >>> parse_shard("3/8")
    Shard(number=3, count=8)
    """
    if text is None:
        text, origin = _launched()
    else:
        origin = "--shard"
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
    if not found or not int(found[1]) < int(found[2]) <= MAX_SHARDS:
        raise UsageError(
            f"{origin} is {text!r}. Type the shard's number, from 0, and how many there are: "
            "--shard 0/4 to --shard 3/4"
        )
    return Shard(int(found[1]), int(found[2]))


def _launched() -> tuple[str, str]:
    """Return the shard that a launcher's variables name, and their names."""
    rank, size = os.environ.get(RANK), os.environ.get(WORLD_SIZE)
    if rank is None and size is None:
        return "0/1", ""
    return f"{rank}/{size}", f"{RANK}/{WORLD_SIZE}"


def deal(models: Iterable[str], shard: Shard) -> list[Portion]:
    """Return the portions of a worker.

    Models are sorted by a digest of their names, and dealt to the workers in turn; workers that are
    left over join in the same order.

    >>> [deal(["a", "b"], Shard(i, 3)) for i in range(3)]  # doctest: +NORMALIZE_WHITESPACE
    [[Portion(model='b', part=0, parts=2)],
     [Portion(model='a', part=0, parts=1)],
     [Portion(model='b', part=1, parts=2)]]
    """
    ordered = sorted(models, key=lambda name: hashlib.sha256(name.encode()).digest())
    if shard.count <= len(ordered):
        return [Portion(name, 0, 1) for name in ordered[shard.number :: shard.count]]
    place, part = shard.number % len(ordered), shard.number // len(ordered)
    parts = len(range(place, shard.count, len(ordered)))
    return [Portion(ordered[place], part, parts)]


def holders(models: Sequence[str], count: int) -> dict[str, list[int]]:
    """Return the numbers of each model's shards, by part, where there are ``count`` in all."""
    found: dict[str, list[int]] = {}
    for number in range(count):
        for portion in deal(models, Shard(number, count)):
            found.setdefault(portion.model, []).append(number)
    return found


def array_expression(numbers: Iterable[int]) -> str:
    """Return numbers as Slurm's ``--array`` takes them.

    >>> array_expression([9, 3, 7, 8])
    '3,7-9'
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
