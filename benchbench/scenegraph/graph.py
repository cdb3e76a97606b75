"""The scene graph of a caption over its words, its builder, and its knowledge triples.

Objects are mentions: a caption that mentions one dog twice has two objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from benchbench.scenegraph.wording import Span, joined

Triple = tuple[str, str, str]
"""Head, relation, tail."""

MAX_TRIPLES = 6
"""The number of triples that Structure-CLIP's knowledge encoder takes of a caption."""


@dataclass(frozen=True, slots=True)
class Object:
    """One mention of a thing in a caption."""

    name: str
    """Its noun or nouns, as written: "fire hydrant"; "two dogs" has the name "dogs"."""
    span: Span
    """The words of the name."""
    phrase: Span
    """The whole noun phrase, from its article to the clothes of its bearer: the words that move in
    a swap."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that a caption gives to an object."""

    object: int
    """Index into the graph's objects."""
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that a caption states between two objects, in the active voice."""

    subject: int
    """Index into the graph's objects."""
    predicate: str
    """The form after "the X is": "riding" for both "rides" and "being ridden by"."""
    object: int
    """Index into the graph's objects."""
    span: Span
    """The words that express it: "can be seen on"."""
    fixed: bool = False
    """Whether its ends must not change places, since the caption's grammar would then be wrong
    (``agreement``)."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A caption's scene graph."""

    words: tuple[str, ...] = ()
    """The caption's words in lower case; punctuation marks are words. All spans index it."""
    objects: tuple[Object, ...] = ()
    """In the order of their names."""
    attributes: tuple[Attribute, ...] = ()
    """In the order of the words."""
    relations: tuple[Relation, ...] = ()
    """In the order of the words, then the relations of wearing."""

    @property
    def text(self) -> str:
        """Return the caption in the form of negatives: lower case, single spaces."""
        return joined(self.words)


def triples(graph: Graph, most: int = MAX_TRIPLES) -> tuple[Triple, ...]:
    """Return knowledge triples: (subject, predicate, object), then (noun, "is", adjective).

    None is repeated. Source: Structure-CLIP (Huang et al., AAAI 2024), section on the
    Knowledge-Enhanced Encoder.

    Args:
        graph: the scene graph of a caption.
        most: the number of triples kept, from the first.

    >>> from benchbench.scenegraph import parse
    >>> triples(parse("a red ball being held by a person"))
    (('person', 'holding', 'ball'), ('ball', 'is', 'red'))
    """
    names = [each.name for each in graph.objects]
    told = [(names[r.subject], r.predicate, names[r.object]) for r in graph.relations]
    told += [(names[a.object], "is", a.name) for a in graph.attributes]
    return tuple(dict.fromkeys(told))[:most]


WEARING = "wearing"


@dataclass(slots=True)
class Draft:
    """A graph under construction, while a parser reads a caption from left to right."""

    words: tuple[str, ...]
    objects: list[Object] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    worn: list[Relation] = field(default_factory=list)
    """The relations of wearing. They come last, since they matter least in a caption."""

    def add_object(self, phrase: Span, name: Span, attributes: list[Span]) -> int:
        """Add an object and its attributes, and return its number."""
        number = len(self.objects)
        self.objects.append(Object(self.text_of(name), name, phrase))
        for span in attributes:
            self.attributes.append(Attribute(number, self.text_of(span), span))
        return number

    def text_of(self, span: Span) -> str:
        """Return the words of a span as one string."""
        start, end = span
        return self.words[start] if end == start + 1 else " ".join(self.words[start:end])

    def add_relation(self, subject: int, predicate: str, thing: int, span: Span) -> None:
        """Add a relation."""
        self.relations.append(Relation(subject, predicate, thing, span))

    def add_wearing(self, wearer: int, garment: int, span: Span) -> None:
        """Add a relation of wearing; the wearer's phrase now ends with the clothes."""
        self.worn.append(Relation(wearer, WEARING, garment, span))
        start, end = self.objects[wearer].phrase[0], self.objects[garment].phrase[1]
        self.objects[wearer] = replace(self.objects[wearer], phrase=(start, end))

    def graph(self) -> Graph:
        """Return the complete graph."""
        relations = (*self.relations, *self.worn)
        return Graph(self.words, tuple(self.objects), tuple(self.attributes), relations)
