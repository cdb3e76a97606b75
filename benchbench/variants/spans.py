"""Find the token spans of the entities and relations in a caption's scene graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

from benchbench.scenegraph import MAX_TRIPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from benchbench.scenegraph import Graph

    Row = Sequence[int]

MAX_ENTITIES = 6
MAX_RELATIONS = MAX_TRIPLES


@dataclass(frozen=True, slots=True)
class Spans:
    """Token spans of n captions, padded with zeros."""

    entities: Tensor
    """[n, MOST_ENTITIES, 2] int64: the first token of an entity's phrase (the name and the words
    before it), and one past its last. The start-of-text token is number 0."""
    relations: Tensor
    """[n, MOST_RELATIONS, 4] int64: subject and object as indices into the entities, then the
    first token of the relation's phrase, and one past its last."""

    def to(self, device: Any) -> Spans:
        """Return the same on a device."""
        entities, relations = (
            each.to(device, non_blocking=True) for each in (self.entities, self.relations)
        )
        return Spans(entities, relations)


def spans(
    graphs: Sequence[Graph], pieces: Sequence[Sequence[Row]], ids: Sequence[Row], most: int
) -> Spans:
    """Find the token spans of n captions.

    Args:
        graphs: each caption's scene graph.
        pieces: for each caption, the token ids of each word of its graph.
        ids: each caption's untruncated token ids, start and end of text included.
        most: the context length; spans that end beyond it are left out.
    """
    import torch

    found = [_of_one(*each, most) for each in zip(graphs, pieces, ids, strict=True)]
    return Spans(
        torch.tensor([entities for entities, _ in found], dtype=torch.int64),
        torch.tensor([relations for _, relations in found], dtype=torch.int64),
    )


def _of_one(
    graph: Graph, pieces: Sequence[Row], ids: Row, most: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int, int, int]]]:
    """Return one caption's spans; zeros where its words' tokens do not add up to its own."""
    entities, relations = [(0, 0)] * MAX_ENTITIES, [(0, 0, 0, 0)] * MAX_RELATIONS
    if (*chain.from_iterable(pieces),) != (*ids[1:-1],):
        return entities, relations
    edges = list(accumulate(map(len, pieces), initial=1))
    for number, thing in enumerate(graph.objects[:MAX_ENTITIES]):
        start, end = edges[thing.phrase[0]], edges[thing.span[1]]
        if start < end < most:
            entities[number] = (start, end)
    told = []
    for each in graph.relations:
        ends, (start, end) = (each.subject, each.object), (edges[i] for i in each.span)
        if start < end < most and all(i < MAX_ENTITIES and any(entities[i]) for i in ends):
            told.append((*ends, start, end))
    kept = told[:MAX_RELATIONS]
    relations[: len(kept)] = kept
    return entities, relations
