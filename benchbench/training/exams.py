"""How the best checkpoint is chosen, by what a variant is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from benchbench.training import (
    alignment_exam,
    facts,
    relation_exam,
    scenarios,
    validation,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.variants.texts import Reader


class Marked(Protocol):
    """What a model can be examined on."""

    def marks(self, model: Any, reader: Reader, device: str) -> dict[str, float]:
        """Marks in percent by name, and ``mean`` of them."""
        ...


ASIDE = (relation_exam.ASIDE, alignment_exam.MATCHED)
"""Marks that stand beside the others and do not count."""

EXAMS: dict[str, Callable[..., Marked]] = {
    "alignment": alignment_exam.exam,
    "facts": facts.exam,
    "structure": validation.exam,
    "scenario": scenarios.exam,
    "relations": relation_exam.exam,
}
"""From a transform, PIL picture → [3, size, size], to an exam, by names of ``Variant.exam``.

Each takes a number of ``scenes``, too, for a smaller one."""
