"""Embeddings by their inputs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from benchbench.types.arrays import Singles

    Vectors = Singles

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Embedded(Generic[Key]):
    """A table of vectors with a key for each row."""

    rows: Mapping[Key, int]
    vectors: Vectors
    """[distinct inputs, dim]: one row per input."""

    def take(self, keys: Sequence[Key]) -> Vectors:
        """Return the vectors of these inputs: [keys, dim]."""
        return self.vectors[[self.rows[key] for key in keys]]
