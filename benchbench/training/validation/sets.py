"""Validation sets by name: a variant names the one that chooses its best checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from benchbench.training.validation import alignment, facts, relations, scenarios, structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.variants.texts import CaptionReader


class ValidationSet(Protocol):
    """Items of the validation split, and the metrics of a model on them."""

    def metrics(self, model: Any, reader: CaptionReader, device: str) -> dict[str, float]:
        """Return metrics in percent by name, and ``mean``, by which a checkpoint is chosen."""
        ...


OUTSIDE_MEAN = (relations.OUTSIDE_MEAN, alignment.MATCHED)
"""Metrics that are reported and do not count in ``mean``."""

VALIDATION_SETS: dict[str, Callable[..., ValidationSet]] = {
    "alignment": alignment.build,
    "facts": facts.build,
    "structure": structure.build,
    "scenario": scenarios.build,
    "relations": relations.build,
}
"""By names of ``Variant.validation``: (transform, ``scenes``) → a validation set.

The transform takes a PIL image to [3, size, size]; a number of ``scenes`` makes a smaller set.
"""
