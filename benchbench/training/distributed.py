"""Data-parallel training by several processes, as torchrun starts them::

    torchrun --nproc-per-node 2 -m benchbench train structclip

Each process makes its own share of every batch, and all compute the loss of the whole batch
(``contrast``): the gradients are those of one process with the whole batch. Only the first process
validates, writes and prints; the others wait for it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_WAIT = timedelta(hours=3)
"""For the others, while the first one validates. Whatever ends one process, torchrun ends all."""


@dataclass(frozen=True, slots=True)
class TrainingProcess:
    """One process among those that train together."""

    rank: int = 0
    world: int = 1
    """The number of processes."""
    local: int = 0
    """The number of this process on its machine."""
    per_machine: int = 1
    """The number of processes on its machine."""

    @property
    def leads(self) -> bool:
        """Return whether this process validates, writes and prints."""
        return self.rank == 0

    def device(self, chosen: str) -> str:
        """Return the device: one accelerator per process, where a kind was chosen."""
        return f"cuda:{self.local}" if chosen == "cuda" and self.world > 1 else chosen

    def check_batch(self, batch: int) -> None:
        """Refuse a batch that cannot be divided evenly.

        Raises:
            UsageError: it is not a multiple of the number of processes.
        """
        if batch % self.world:
            raise UsageError(
                f"A batch of {batch} is not shared out evenly among {self.world} processes. "
                f"Take {max(batch // self.world, 1) * self.world}: --batch-size."
            )


def current_process() -> TrainingProcess:
    """Return this process by torchrun's environment; without one, a single process.

    Raises:
        UsageError: the environment is incomplete, or has something else than numbers.
    """
    if _number("WORLD_SIZE", "1") == 1:
        return TrainingProcess()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    missing = [n for n in (*names, "MASTER_ADDR", "MASTER_PORT") if n not in os.environ]
    if missing:
        raise UsageError(
            f"WORLD_SIZE is set for several processes, but there is no {', '.join(missing)}. Start "
            "them by torchrun: torchrun --nproc-per-node 2 -m benchbench train …"
        )
    return TrainingProcess(*map(_number, names))


def _number(name: str, otherwise: str = "") -> int:
    """Return a variable of the environment that torchrun sets.

    Raises:
        UsageError: it is not a number.
    """
    value = os.environ.get(name, otherwise)
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise UsageError(
            f"The variable {name} should be a number, as torchrun sets it, not '{value:.40}'. "
            "To train in one process, remove it."
        )
    return int(value)


@contextmanager
def join(here: TrainingProcess, device: str) -> Iterator[None]:
    """Join the others for as long as this lasts; nothing to do for a process by itself."""
    import torch
    import torch.distributed as dist

    if here.world == 1:
        yield
        return
    if cuda := device.startswith("cuda"):
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo", timeout=MAX_WAIT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def agree(value: int, device: str) -> int:
    """Return the first process's value in all of them; the others wait for it."""
    import torch
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return value
    word = torch.tensor([int(value)], device=device)
    dist.broadcast(word, src=0)
    return int(word)
