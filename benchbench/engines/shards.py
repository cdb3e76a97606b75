"""The split of a plan among workers, by costs and digests: no order and no random seed decides.

Whole models come first. Where there are more workers than models, or a model costs more than a
worker's fair share, it has several workers, each of which encodes a part of its inputs.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_SHARDS = 100_000
MAX_FURTHER = 200
"""How many further cuts are tried at most."""
SMALL_GAIN = 1.05
"""A further cut is made only where the last worker ends sooner by this factor."""
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


def deal(costs: Mapping[str, float], shard: Shard) -> list[Portion]:
    """Return the portions of a worker; ``deal_all`` describes them."""
    return deal_all(costs, shard.count)[shard.number]


def deal_all(costs: Mapping[str, float], count: int) -> list[list[Portion]]:
    """Return the portions of each of ``count`` workers.

    Models stay whole as far as that is good: they are halved, cut in three, and so on, the largest
    first, while there are fewer portions than workers, and further if the last worker then ends at
    least 5 % sooner. The largest portion goes to the worker with the least to do, and so on
    (LPT scheduling); no worker has two portions of a model. Equal ones go by a digest of the name.

    Args:
        costs: model → what it costs, in any unit, more than 0.
        count: the number of workers.

    >>> deal_all({"a": 2, "b": 1}, 3)  # doctest: +NORMALIZE_WHITESPACE
    [[Portion(model='b', part=0, parts=1)],
     [Portion(model='a', part=0, parts=2)],
     [Portion(model='a', part=1, parts=2)]]
    >>> [[portion.model for portion in own] for own in deal_all({"a": 8, "b": 4, "c": 4}, 2)]
    [['a'], ['c', 'b']]
    """
    given = dict(sorted(costs.items(), key=lambda pair: _digest(pair[0])))
    target = sum(given.values()) / count
    parts = dict.fromkeys(given, 1)
    queue = [(-cost, rank, name) for rank, (name, cost) in enumerate(given.items())]
    heapq.heapify(queue)

    def split() -> None:
        _, rank, name = heapq.heappop(queue)
        parts[name] += 1
        heapq.heappush(queue, (-given[name] / parts[name], rank, name))

    for _ in range(count - len(given)):
        split()
    best = _scheduled(given, parts, count)
    end = _end(given, best)
    for _ in range(min(count, MAX_FURTHER)):
        if end <= SMALL_GAIN * target or parts[queue[0][2]] == count:
            break
        split()
        found = _scheduled(given, parts, count)
        if _end(given, found) <= end / SMALL_GAIN:
            best, end = found, _end(given, found)
    return best


def _scheduled(
    costs: Mapping[str, float], parts: Mapping[str, int], count: int
) -> list[list[Portion]]:
    """Return each worker's portions: the largest to the worker with the least, one by one."""
    portions = [
        (-costs[name] / parts[name], part, rank, Portion(name, part, parts[name]))
        for rank, name in enumerate(costs)
        for part in range(parts[name])
    ]
    workers: list[list[Portion]] = [[] for _ in range(count)]
    idle = [(0.0, number) for number in range(count)]
    for cost, _, _, portion in sorted(portions):
        passed = []
        load, number = heapq.heappop(idle)
        while any(each.model == portion.model for each in workers[number]):
            passed.append((load, number))
            load, number = heapq.heappop(idle)
        workers[number].append(portion)
        for each in (*passed, (load - cost, number)):
            heapq.heappush(idle, each)
    return workers


def _end(costs: Mapping[str, float], workers: Sequence[Sequence[Portion]]) -> float:
    return max(sum(costs[each.model] / each.parts for each in own) for own in workers)


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


def holders(costs: Mapping[str, float], count: int) -> dict[str, list[int]]:
    """Return the numbers of each model's workers, by part, where there are ``count`` in all."""
    found: dict[str, dict[int, int]] = {}
    for number, portions in enumerate(deal_all(costs, count)):
        for portion in portions:
            found.setdefault(portion.model, {})[portion.part] = number
    return {model: [of[part] for part in sorted(of)] for model, of in found.items()}


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
