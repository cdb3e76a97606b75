"""The rows that a batch is filled up to, so that an encoding is the same to the bit in every batch.

A float32 product on a CPU may compute a row otherwise where it comes with few others: by 2 threads,
MKL adds up 2,048 columns in another order below 257 rows. Intel's strict mode of reproducible
results rules that out, at no cost in time (``MKL_CBWR``, which ``benchbench`` sets when it is
imported); its documentation promises the same bits for any number of threads. What convolutions
add up still depends on the rows, below 16. Where a trial finds no such products, and for bf16,
batches have a multiple of 16 rows; on other devices all batches are whole, as their libraries
choose algorithms by the shape.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

LEAST = 16
"""Rows that no batch on a CPU has fewer of (``tests/embedding/test_invariance.py``)."""
TRIED = ((512, 512, (1, 3, 15)), (2048, 512, (64, 256)))
"""Products by which the trial tells: columns that are added up, columns of the result, and numbers
of rows, each compared with ``TRIED_ROWS``. Without the strict mode MKL differs in the first by one
thread, in both by two."""
TRIED_ROWS = 400


class BatchRows(NamedTuple):
    """The numbers of rows that batches may have."""

    least: int
    multiple: int

    def filled(self, n: int) -> int:
        """Return the number of rows of a batch of n inputs, which repeated inputs fill up.

        >>> BatchRows(16, 1).filled(19), BatchRows(16, 16).filled(19), BatchRows(16, 1).filled(3)
        (19, 32, 16)
        """
        return max(self.least, -(-n // self.multiple) * self.multiple)

    def __str__(self) -> str:
        """Return the rule, as the store's spaces record it: ``16 or more``, ``multiples of 16``."""
        return f"{self.least} or more" if self.multiple == 1 else f"multiples of {self.multiple}"


ANY = BatchRows(1, 1)
"""Batches are not filled up."""


def batch_rows(device: str, batch_size: int, dtype: str) -> BatchRows:
    """Return the numbers of rows that batches are filled up to.

    Args:
        device: the model's device.
        batch_size: the largest number of inputs in a batch.
        dtype: the arithmetic of the model: ``fp32``.

    >>> batch_rows("cuda:0", 256, "fp32"), batch_rows("cpu", 24, "bf16")
    (BatchRows(least=256, multiple=256), BatchRows(least=24, multiple=24))
    """
    if device != "cpu":
        return BatchRows(batch_size, batch_size)
    if dtype == "fp32" and products_are_invariant():
        return BatchRows(min(LEAST, batch_size), 1)
    rows = LEAST if batch_size % LEAST == 0 else batch_size
    return BatchRows(rows, rows)


@cache
def products_are_invariant() -> bool:
    """Return whether a row of a float32 product has the same bits whatever rows it comes with."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for inner, outer, numbers in TRIED:
            weights = torch.randn(outer, inner, generator=generator)
            rows = torch.randn(TRIED_ROWS, inner, generator=generator)
            products = torch.nn.functional.linear(rows, weights)
            for n in numbers:
                if not torch.equal(torch.nn.functional.linear(rows[:n], weights), products[:n]):
                    return False
    return True
