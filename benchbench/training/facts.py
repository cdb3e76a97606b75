"""The view "facts": relations and attributes of the two objects in a part of an image.

A fact is a category as the subject or as the object of a predicate that certainly holds (position
included, whether or not it is annotated), or a category with a colour or a pattern.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.scenes.graph import closure
from benchbench.scenes.vocabulary import CATEGORIES, COLOURS, MENTIONED, PREDICATES
from benchbench.variants import inputs
from benchbench.variants.variant import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.training.examples import Examples
    from benchbench.training.visibility import Visibility
    from benchbench.types.arrays import Flags, Ints, Pixels
    from benchbench.variants.inputs import Inputs
    from benchbench.variants.texts import CaptionReader


KINDS = ("roles", "looks")
"""The properties that two objects can exchange."""
_ROLES = 2 * len(PREDICATES) * len(CATEGORIES)
FACTS = _ROLES + len(CATEGORIES) * len(MENTIONED)
"""How many there are."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two objects of each scene, and what holds between them."""

    category: Ints
    """[n, 2]"""
    holds: Flags
    """[n, 2, predicates]: from the first to the second, and back."""
    colour: Ints
    """[n, 2]"""
    pattern: Ints
    """[n, 2]"""

    def stated(self) -> Pixels:
        """Return the facts, [n, facts] of 0 and 1."""
        rows = np.arange(len(self.category))
        roles = np.zeros((len(rows), 2, len(PREDICATES), len(CATEGORIES)), dtype=np.uint8)
        looks = np.zeros((len(rows), len(CATEGORIES), len(MENTIONED)), dtype=np.uint8)
        for side in (0, 1):
            for role, whose in ((0, side), (1, 1 - side)):
                row, predicate = np.nonzero(self.holds[:, side])
                roles[row, role, predicate, self.category[row, whose]] = 1
            looks[rows, self.category[:, side], self.colour[:, side]] = 1
            told = np.flatnonzero(self.pattern[:, side])
            pattern = len(COLOURS) + self.pattern[told, side] - 1
            looks[told, self.category[told, side], pattern] = 1
        flat = roles.reshape(len(rows), -1), looks.reshape(len(rows), -1)
        return np.concatenate(flat, axis=1)

    def exchanged(self, kind: str) -> _Pair:
        """Return the pair with roles or attributes exchanged."""
        if kind == "roles":
            return replace(self, holds=self.holds[:, ::-1])
        return replace(self, colour=self.colour[:, ::-1], pattern=self.pattern[:, ::-1])


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """Facts of n examples; they need no images."""

    facts: Facts

    def render(self, images: Tensor, size: int) -> StatedFacts:
        """Return the same: the example's own part of the image is enough."""
        return self

    def inputs(self, device: str, preprocessing: Mapping[str, Any]) -> Inputs:
        """Return the facts on the device."""
        return inputs.FACTS.of(self.facts.to(device))


class FactsView:
    """All facts of the two objects that a caption is about, and two false sets."""

    def choose(self, found: Examples, visibility: Visibility, reader: CaptionReader) -> StatedFacts:
        """Compute the facts."""
        return StatedFacts(facts_of(found))


def facts_of(found: Examples) -> Facts:
    """Return the facts of each example's two objects, true ones and exchanged ones."""
    scenes, told = found.scenes, found.pair
    if scenes is None or told is None:
        raise RuntimeError("only drawn scenes say what is true of them")
    rows, certain = np.arange(len(scenes)), closure(scenes).certain
    slots = np.stack(told, axis=1)  # [n, 2]
    there = certain[rows, :, slots[:, 0], slots[:, 1]], certain[rows, :, slots[:, 1], slots[:, 0]]
    at = rows[:, None], slots
    pair = _Pair(
        np.maximum(scenes.category[at], 0), np.stack(there, axis=1), scenes.colour[at],
        scenes.pattern[at],
    )  # fmt: skip
    true = pair.stated()
    false = np.stack([pair.exchanged(kind).stated() for kind in KINDS], axis=1)
    apart = pair.category[:, 0] != pair.category[:, 1]
    differ = (false != true[:, None]).any(axis=2) & apart[:, None]
    tensors = torch.from_numpy(true), torch.from_numpy(false), torch.from_numpy(differ)
    return Facts(*tensors, KINDS)
