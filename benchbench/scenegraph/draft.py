"""A graph while it is read from a caption's words, from left to right."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from benchbench.scenegraph.graph import Attribute, Graph, Object, Relation

if TYPE_CHECKING:
    from benchbench.scenegraph.wording import Span

WEARING = "wearing"


@dataclass(slots=True)
class Draft:
    """The part of a graph that is read already."""

    words: tuple[str, ...]
    objects: list[Object] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    worn: list[Relation] = field(default_factory=list)
    """The relations of wearing. They come last, since they matter least in a caption."""

    def add_object(self, phrase: Span, name: Span, looks: list[Span]) -> int:
        """Add an object and its attributes, and return its number."""
        number = len(self.objects)
        self.objects.append(Object(self.said(name), name, phrase))
        for span in looks:
            self.attributes.append(Attribute(number, self.said(span), span))
        return number

    def said(self, span: Span) -> str:
        """Return the words of a span; most spans are one word."""
        start, end = span
        return self.words[start] if end == start + 1 else " ".join(self.words[start:end])

    def relate(self, subject: int, predicate: str, thing: int, span: Span) -> None:
        """Add a relation."""
        self.relations.append(Relation(subject, predicate, thing, span))

    def dress(self, wearer: int, garment: int, span: Span) -> None:
        """Add a relation of wearing; the wearer's phrase now ends with the clothes."""
        self.worn.append(Relation(wearer, WEARING, garment, span))
        clad, start = self.objects[wearer], self.objects[wearer].phrase[0]
        self.objects[wearer] = replace(clad, phrase=(start, self.objects[garment].phrase[1]))

    def graph(self) -> Graph:
        """Return the whole graph."""
        told = (*self.relations, *self.worn)
        return Graph(self.words, tuple(self.objects), tuple(self.attributes), told)
