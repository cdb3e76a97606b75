"""Read batches by step number from a pack.

On a CPU a batch equals ``BatchBuilder``'s to the bit. On other devices the columns that a variant
needs are moved to the device once, whole, and batches have fixed shapes: no step waits for data.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.errors import UsageError
from benchbench.training.columns import SWAPS, VIEW_COLUMNS, Assembly
from benchbench.training.order import ENDLESS, Order
from benchbench.variants.texts import PADDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    from torch import Tensor

    from benchbench.training.packs import Pack
    from benchbench.variants.variant import Batch, Variant

ROWS_AT_ONCE = 16_384
"""Rows that are brought to a device in one go."""


@dataclass(frozen=True)
class PackedBatches:
    """Batch k out of a pack."""

    pack: Pack
    assembly: Assembly
    size: int
    """Examples of a batch."""
    device: str
    order: Order = ENDLESS

    def batches(self, first: int, stop: int, workers: int) -> Iterator[Batch]:
        """Return the batches of these steps, on the device.

        Args:
            first: the first step.
            stop: one past the last.
            workers: unused; there is nothing to prepare.

        Raises:
            UsageError: the pack has fewer examples.
        """
        self.check(stop)
        columns = {name: self.pack.columns[name] for name in self.assembly.names()}
        for step in range(first, stop):
            rows = self.order.numbers(step * self.size, (step + 1) * self.size)
            part = {
                name: torch.from_numpy(np.array(column[rows])).to(self.device)
                for name, column in columns.items()
            }
            yield self.assembly.batch(part)

    def check(self, stop: int) -> None:
        """Refuse to train on more than there is.

        Raises:
            UsageError: the pack has fewer examples than so many steps need.
        """
        wanted = self.order.pool or stop * self.size
        if wanted > self.pack.there:
            raise UsageError(
                f"{stop:,} steps of {self.size} need {wanted:,} examples, and the pack "
                f"holds {self.pack.there:,} so far. Make a larger one, take fewer steps, or show "
                "them again and again: a pool of so many."
            )


@dataclass(frozen=True)
class ResidentBatches(PackedBatches):
    """The same, with all columns on the device and fixed shapes."""

    columns: dict[str, Tensor] = field(default_factory=dict)

    def batches(self, first: int, stop: int, workers: int) -> Iterator[Batch]:
        """Return the batches of these steps; the host waits for nothing.

        Args:
            first: the first step.
            stop: one past the last.
            workers: unused.

        Raises:
            UsageError: the pack has fewer examples.
        """
        for rows in self.rows(first, stop):
            yield self.gathered(rows)

    def rows(self, first: int, stop: int) -> Iterator[Tensor]:
        """Return which examples these steps show, [size] int64 each, on the device.

        Raises:
            UsageError: the pack has fewer examples.
        """
        self.check(stop)
        some = 256  # steps whose numbers are brought to the device together
        for start in range(first, stop, some):
            end = min(start + some, stop)
            numbers = self.order.numbers(start * self.size, end * self.size)
            table = torch.from_numpy(numbers.reshape(-1, self.size)).to(self.device)
            yield from table.unbind()

    def gathered(self, rows: Tensor) -> Batch:
        """Return a batch of these examples, [size]."""
        part = {name: column.index_select(0, rows) for name, column in self.columns.items()}
        return self.assembly.batch(part)

    def bytes_each(self) -> int:
        """Return what an example takes on the device."""
        return sum(each[0].numel() * each.element_size() for each in self.columns.values())


def load_on_device(feed: PackedBatches) -> ResidentBatches:
    """Return the feed with its columns on its device, each as wide as its longest row."""
    count = feed.order.pool or feed.pack.there
    columns = {
        name: _brought(feed.pack.columns[name][:count], name, feed.device)
        for name in feed.assembly.names()
    }
    fixed = replace(feed.assembly, fixed=True)
    return ResidentBatches(feed.pack, fixed, feed.size, feed.device, feed.order, columns)


def _brought(column: npt.NDArray[Any], name: str, device: str) -> Tensor:
    """Return a column on the device, lot by lot; of ids, the columns that are used."""
    lots = [column[start : start + ROWS_AT_ONCE] for start in range(0, len(column), ROWS_AT_ONCE)]
    if name.endswith(("ids", "triples")):
        used = max((np.flatnonzero((lot != PADDING).reshape(-1, lot.shape[-1]).any(axis=0)).max(
            initial=0) for lot in lots), default=0)  # fmt: skip
        lots = [lot[..., : int(used) + 1] for lot in lots]
    whole = torch.empty(
        (len(column), *lots[0].shape[1:]), dtype=torch.from_numpy(lots[0][:0].copy()).dtype,
        device=device,
    )  # fmt: skip
    for number, lot in enumerate(lots):
        whole[number * ROWS_AT_ONCE : number * ROWS_AT_ONCE + len(lot)] = torch.from_numpy(
            np.array(lot)
        )
    return whole


def holds(pack: Pack, variant: Variant, assembly: Assembly, seed: int, size: int) -> bool:
    """Return whether a pack holds the examples of a variant.

    Args:
        pack: the pack.
        variant: says what it is shown.
        assembly: says which columns that takes.
        seed: the seed of the examples.
        size: pixels along an image's side.
    """
    recipe = pack.recipe
    if not set(variant.views) <= set(VIEW_COLUMNS):
        return False
    kept = SWAPS.get(variant.negatives, 1)
    swaps = variant.swaps in (1, kept) if variant.negatives == "random" else variant.swaps <= kept
    named = assembly.reader.with_triples or assembly.reader.with_spans
    told: Mapping[str, object] = {
        "seed": seed, "size": size, "twins": variant.twins, "dense_percent": variant.dense_percent,
    }  # fmt: skip
    return (
        all(getattr(recipe, name) == value for name, value in told.items())
        and tuple(variant.splits) == ("train",)
        and set(assembly.names()) <= set(pack.columns)
        and (swaps or variant.negatives == "none")
        # Names of views are kept as ids alone.
        and not (named and {"action", "object", "relation"} & set(variant.views))
    )
