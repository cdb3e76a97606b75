"""Products whose bits depend neither on threads nor on other rows.

A float32 product on a CPU may compute a row otherwise where it comes with few others. On Intel's
processors MKL adds up 2,048 columns in another order below 257 rows, by 2 threads. Its strict mode
of reproducible results rules that out there, with the same bits for any number of threads (oneMKL
developer guide, "Reproducibility Conditions"), and takes no more time: on ViT-B/32 it computes the
bits that large batches had before. On AMD's the mode is without effect, and few rows alone differ:
up to 11 by 2 threads, and up to 27 by 16, but for multiples of 4.
"""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

VARIABLE, STRICT = "MKL_CBWR", "AUTO,STRICT"
INTEL = "GenuineIntel"
CPU = Path("/proc/cpuinfo")
LEAST = 16
"""The rows that a smaller batch is filled up to, unless the batch size is smaller still
(``embedding.filling``)."""
TRIED = ((512, 512, (17, 18, 19, 27, 31)), (2048, 512, (17, 27, 64, 256)))
"""Products by which a trial tells: columns that are added up, columns of the result, and numbers of
rows, each compared with ``TRIED_ROWS``."""
TRIED_ROWS = 400


def request_strict_products() -> None:
    """Set MKL's strict mode, on Intel's processors, unless the user has set a mode.

    MKL reads it when it computes first.
    """
    if VARIABLE not in os.environ and INTEL in _processor():
        os.environ[VARIABLE] = STRICT


def _processor() -> str:
    """Return a text that names the processor's maker, if the system tells it."""
    try:
        with CPU.open(encoding="utf-8") as file:
            return file.read(80)
    except OSError:
        return platform.processor()


@cache
def products_are_invariant() -> bool:
    """Return whether a row of a float32 product has the same bits whatever rows it comes with.

    Products of fewer than ``LEAST`` rows are not tried.
    """
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
