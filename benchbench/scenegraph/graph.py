"""What a caption says, as a graph over its words; and that graph as knowledge triples.

Objects are mentions: a caption that speaks of one dog twice has two of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.scenegraph.wording import Span, joined

Triple = tuple[str, str, str]
"""Head, relation, tail."""

MOST_TRIPLES = 6
"""What Structure-CLIP's knowledge encoder takes of a caption."""


@dataclass(frozen=True, slots=True)
class Object:
    """Something that a caption mentions."""

    name: str
    """Its noun or nouns, as written: "fire hydrant", "two dogs" are "dogs"."""
    span: Span
    """The words of the name."""
    phrase: Span
    """The whole noun phrase, from its article to what its bearer wears: what moves in a swap."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """What an object is said to be."""

    object: int
    """Into the graph's objects."""
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Relation:
    """What one object is said to be to another, in the active voice."""

    subject: int
    """Into the graph's objects."""
    predicate: str
    """As after "the X is": "riding" for "rides" and for "being ridden by" alike."""
    object: int
    """Into the graph's objects."""
    span: Span
    """The words that say it: "can be seen on"."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A caption's scene graph."""

    words: tuple[str, ...] = ()
    """The caption in lower case, marks as words; all spans index it."""
    objects: tuple[Object, ...] = ()
    """In the order of their names."""
    attributes: tuple[Attribute, ...] = ()
    """In the order of the words."""
    relations: tuple[Relation, ...] = ()
    """In the order of the words, then who wears what."""

    @property
    def text(self) -> str:
        """The caption as negatives are written: lower case, single spaces."""
        return joined(self.words)


def triples(graph: Graph, most: int = MOST_TRIPLES) -> tuple[Triple, ...]:
    """Knowledge triples: (subject, predicate, object), then (noun, "is", adjective).

    None comes twice. Source: Structure-CLIP (Huang et al., AAAI 2024), section on the
    Knowledge-Enhanced Encoder.

    Args:
        graph: of a caption.
        most: how many are kept, the first ones.

    >>> from benchbench.scenegraph import parse
    >>> triples(parse("a red ball being held by a person"))
    (('person', 'holding', 'ball'), ('ball', 'is', 'red'))
    """
    names = [each.name for each in graph.objects]
    told = [(names[r.subject], r.predicate, names[r.object]) for r in graph.relations]
    told += [(names[a.object], "is", a.name) for a in graph.attributes]
    return tuple(dict.fromkeys(told))[:most]
