"""Make semantic negatives: false captions by moving words of true captions.

These are Structure-CLIP's semantic negatives (Huang et al., AAAI 2024; arXiv 2305.06152): subject
and object of a relation change places, or two objects exchange their attributes. A relation's ends
move as whole noun phrases, with all their attributes and clothes. The relation alone is then false,
as in ARO's VG-Relation, and not the binding of attributes. In Structure-CLIP's released data, a
caption without a relation has the negative of the caption before it; here it has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from benchbench.scenegraph.symmetric import symmetric
from benchbench.scenegraph.wording import MOST_WORDS, agree, exchanged, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.scenegraph.graph import Graph, Object, Relation
    from benchbench.scenegraph.wording import Span

    AttributesByObject = list[frozenset[str]]
    """The attributes of each object."""

Kind = Literal["relation swap", "attribute swap"]


@dataclass(frozen=True, slots=True)
class Negative:
    """A caption that has the same words and another meaning."""

    kind: Kind
    words: tuple[str, ...]
    """Its words up to ``MOST_WORDS``, in lower case."""
    rest: tuple[str, ...] = ()
    """The words after those, which are the true caption's."""

    @property
    def caption(self) -> str:
        """Return it in lower case with single spaces, as ``Graph.text`` writes the true caption.

        It is written each time: of a long caption's many negatives, mostly one is wanted.
        """
        return joined((*self.words, *self.rest))


def negatives(graph: Graph) -> tuple[Negative, ...]:
    """Return all semantic negatives of a caption: relation swaps, then attribute swaps.

    None is repeated, and none is the caption itself. A swap is left out where the caption alone
    does not make it surely false:

    - Symmetric relations, and "of".
    - Relations of free text whose ends cannot change places without a mistake in grammar
      (``agreement``).
    - A relation between ends of one name, if the one has all attributes of the other ("a cup behind
      a red cup").
    - Attributes exchanged between objects of one name.
    - Attributes exchanged where the one's are all among the other's ("a red cup and a striped red
      box": the cup may be striped too).
    - Attributes exchanged between a person and that person's clothes.

    Swaps that only the image can exclude are kept: where the image has another dog on the other
    side of the cat, "a dog to the left of a cat" is true in both directions. Words after
    ``MOST_WORDS`` stay where they are.

    Args:
        graph: the graph of the caption. Compare its ``text`` with the negatives, which are in lower
            case.

    >>> from benchbench.scenegraph import parse
    >>> for each in negatives(parse("An orange cat chasing a red dog")):
    ...     print(each.kind, "→", each.caption)
    relation swap → a red dog chasing an orange cat
    attribute swap → a red cat chasing an orange dog
    >>> negatives(parse("a red cup near a red box"))
    ()
    """
    head, rest = graph.words[:MOST_WORDS], graph.words[MOST_WORDS:]
    found: dict[tuple[str, ...], Kind] = {}
    looks = _attributes_by_object(graph)
    for ends in _relation_swaps(graph, looks):
        found.setdefault(tuple(exchanged(head, *ends)[0]), "relation swap")
    for runs in _attribute_swaps(graph, looks):
        words, starts = exchanged(head, *runs)
        agree(words, starts)
        found.setdefault(tuple(words), "attribute swap")
    found.pop(head, None)
    return tuple(Negative(kind, words, rest) for words, kind in found.items())


def _relation_swaps(graph: Graph, looks: AttributesByObject) -> Iterator[tuple[Span, Span]]:
    """Yield the phrases of the ends of each relation, if they may change places."""
    for relation in graph.relations:
        one, other = (graph.objects[i].phrase for i in (relation.subject, relation.object))
        if relation.fixed or max(one[1], other[1]) > MOST_WORDS:
            continue
        moot = relation.predicate == "of" or symmetric(relation.predicate)
        if not moot and _differ(graph, relation, looks):
            yield one, other


def _differ(graph: Graph, relation: Relation, looks: AttributesByObject) -> bool:
    """Return whether a relation's ends are two objects that the caption distinguishes."""
    one, other = (graph.objects[i] for i in (relation.subject, relation.object))
    named = one.name != other.name
    return _apart(one, other) and (
        named or _exclude(looks[relation.subject], looks[relation.object])
    )


def _attribute_swaps(graph: Graph, looks: AttributesByObject) -> Iterator[tuple[Span, Span]]:
    """Yield the adjectives of two objects each, if they may be exchanged."""
    runs = {i: run for i, run in _runs(graph).items() if run[1] <= MOST_WORDS}
    for i, k in combinations(runs, 2):
        one, other = graph.objects[i], graph.objects[k]
        if one.name != other.name and _apart(one, other) and _exclude(looks[i], looks[k]):
            yield runs[i], runs[k]


def _apart(one: Object, other: Object) -> bool:
    """Return whether neither object is part of the other's phrase, as clothes are."""
    return one.phrase[1] <= other.phrase[0] or other.phrase[1] <= one.phrase[0]


def _exclude(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether each of two objects has an attribute that the other lacks."""
    return not (one <= other or other <= one)


def _attributes_by_object(graph: Graph) -> AttributesByObject:
    """Return the attributes of each object."""
    looks: list[set[str]] = [set() for _ in graph.objects]
    for attribute in graph.attributes:
        looks[attribute.object].add(attribute.name)
    return [frozenset(each) for each in looks]


def _runs(graph: Graph) -> dict[int, Span]:
    """Return the words from an object's first attribute to its last, by object."""
    runs: dict[int, Span] = {}
    for attribute in graph.attributes:
        start = runs.get(attribute.object, attribute.span)[0]
        runs[attribute.object] = start, attribute.span[1]
    return runs
