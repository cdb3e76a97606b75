"""The keys of a batch's inputs beside images and captions, each with the type of its value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.variants.pairs import PairTargets, Regions
    from benchbench.variants.variant import Facts, NamedImages

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Input(Generic[T]):
    """The key of one kind of input; its parameter is the type of what the key holds."""

    name: str

    def of(self, value: T) -> Inputs:
        """Return inputs that hold this value alone."""
        return Inputs({self: value})


class Inputs(Mapping[Input[Any], Any]):
    """Values by key. They are never changed; ``|`` joins two."""

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[Input[Any], Any] | None = None) -> None:
        self._found = dict(found or {})

    def __getitem__(self, key: Input[T]) -> T:
        value: T = self._found[key]
        return value

    def get(self, key: Input[T]) -> T | None:  # type: ignore[override]
        """Return what a key holds; None where nothing is there."""
        return self._found.get(key)

    def __iter__(self) -> Iterator[Input[Any]]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __or__(self, other: Inputs) -> Inputs:
        return Inputs(self._found | other._found)


ACTION: Input[NamedImages] = Input("action")
OBJECT: Input[NamedImages] = Input("object")
RELATION: Input[NamedImages] = Input("relation")
FACTS: Input[Facts] = Input("facts")
MASKS: Input[Tensor] = Input("masks")
"""[n, entities, cells, cells]: the share of each cell that each entity covers."""
REGIONS: Input[Regions] = Input("regions")
PAIR_TARGETS: Input[PairTargets] = Input("pair targets")
