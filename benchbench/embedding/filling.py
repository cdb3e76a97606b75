"""The rows that a batch is filled up to, so that an encoding is the same to the bit in every batch.

On a CPU, float32 products of 16 or more rows do not depend on a batch's other rows where a trial
finds it so (``products``), nor does what convolutions add up. Elsewhere, and for bf16, batches have
a multiple of 16 rows; on other devices all batches are whole, as their libraries choose algorithms
by the shape.
"""

from __future__ import annotations

from typing import NamedTuple

from benchbench.products import LEAST, products_are_invariant


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
