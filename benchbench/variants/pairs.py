"""Pairs of boxes in whole images: a relation scorer's inputs and targets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.variants.texts import Texts

UNRELATED, NO_PAIR = -1, -2
"""Values in place of a predicate's number."""


@dataclass(slots=True)
class Regions:
    """n images of at most k boxes, p ordered pairs of them in question."""

    images: Tensor
    """[n, 3, side, side]: whole images, normalised."""
    boxes: Tensor
    """[n, k, 4]: left, top, right, bottom as shares of the image; anything where none is."""
    there: Tensor
    """[n, k] bool: rows that hold a box."""
    labels: Tensor
    """[n, k] int64: into names; 0 where none is."""
    ends: Tensor
    """[n, p, 2] int64: rows of subject and object."""

    def to(self, device: Any) -> Regions:
        """Return the same on a device."""
        return Regions(**_moved(self, device))


@dataclass(slots=True)
class PairTargets:
    """The annotations of those pairs, as numbers and as phrases."""

    predicates: Tensor
    """[n, p] int64: into phrases; or UNRELATED, or NO_PAIR where the row only fills up."""
    weight: Tensor
    """[n, p]: for how many pairs of the image each stands; 1 where they are related."""
    names: Texts
    """The names of all objects."""
    phrases: Texts
    """The phrases of all predicates."""
    subject_phrases: Texts
    """Distinct ones, "dog chasing"."""
    object_phrases: Texts
    """Distinct ones, "chasing cat"."""
    spoken: Tensor
    """[n, r, 2] int64: numbers of both phrases of each of the first r pairs; 0 where unrelated."""
    alike: Tensor
    """[predicates, predicates] bool: each with itself and its synonyms."""
    vague: Tensor
    """[predicates] bool: those that say too little to be wrong."""

    def to(self, device: Any) -> PairTargets:
        """Return the same on a device."""
        return PairTargets(**_moved(self, device))


def _moved(them: Any, device: Any) -> dict[str, Any]:
    return {each.name: getattr(them, each.name).to(device) for each in fields(them)}
