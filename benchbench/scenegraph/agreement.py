"""Find the relations of free text whose ends cannot change places without a mistake in grammar.

The swap of "two men are riding a horse" is "a horse are riding two men"; that of "a girl brushing
her hair" has "her" before the girl. Whether such a caption is false can be told without the image.

- Number: a finite verb agrees with its subject. The subject is taken to be the first of the two
  noun phrases, and the verb the first one after it in its clause ("a man on skis is posing"), or
  the one before it in "there is a man". Past tenses other than "was" and "were" agree with all.
- Possessives ("his", "her", "their") stay after the noun that they refer to.

The drawn world and ARO's templates are left as they are: their relations are never fixed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.scenegraph.word_classes import (
    CLAUSE_ENDS,
    EITHER_NUMBER,
    PLURAL_NOUNS,
    PLURAL_VERBS,
    POSSESSIVES,
    SINGULAR_VERBS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.scenegraph.graph import Graph, Object, Relation

Numbers = frozenset[str]
"""The grammatical numbers that a noun phrase may have, or that a verb needs; empty for no verb."""
_ONE: Numbers = frozenset({"singular"})
_MANY: Numbers = frozenset({"plural"})
_NONE: Numbers = frozenset()

_NEEDED_BY_WORD = dict.fromkeys(SINGULAR_VERBS, _ONE) | dict.fromkeys(PLURAL_VERBS, _MANY)
_NEEDED_BY_TAG = dict.fromkeys(("VBZ", "VVZ", "VHZ", "VDZ"), _ONE) | dict.fromkeys(
    ("VBP", "VVB", "VBB", "VHB", "VDB"), _MANY
)
_BASE_TAGS = frozenset({"VB", "VVI"})
"""Tags of the infinitive; taggers give it to plurals too ("men sit"). After "to" or "can" the verb
agrees with all."""
_BEFORE_BASES = frozenset({"TO", "TO0", "MD", "VM0"})
_PLURAL_NOUN_TAGS = frozenset({"NNS", "NNPS"})


def with_fixed(graph: Graph, tags: Sequence[str]) -> Graph:
    """Return the graph of a caption of free text, with ``fixed`` true of such relations.

    Args:
        graph: as it was read.
        tags: [words], Penn's or the BNC's.
    """
    if not graph.relations:
        return graph
    verbs = [_needed(graph.words, tags, place) for place in range(len(tags))]
    ahead = _ahead(graph.words, verbs)
    numbers = [_numbers(graph.words, tags, each) for each in graph.objects]

    def fixed(relation: Relation) -> bool:
        one, other = sorted((relation.subject, relation.object))
        first = graph.objects[one].phrase
        introduced = first[0] > 1 and graph.words[first[0] - 2] in ("there", "here")
        needed = [ahead[first[1]], *(verbs[first[0] - 1 : first[0]] if introduced else ())]
        clash = any(number & numbers[one] != number & numbers[other] for number in needed)
        return clash or any(_is_possessed(graph, graph.objects[i]) for i in (one, other))

    relations = tuple(replace(each, fixed=fixed(each)) for each in graph.relations)
    return replace(graph, relations=relations)


def _needed(words: tuple[str, ...], tags: Sequence[str], place: int) -> Numbers:
    """Return the number of its subject that a word needs; empty where it agrees with all."""
    word, tag, before = words[place], tags[place], slice(max(0, place - 2), place)
    if tag in _BASE_TAGS and word not in _NEEDED_BY_WORD:
        infinitive = "to" in words[before] or not _BEFORE_BASES.isdisjoint(tags[before])
        return _NONE if infinitive else _MANY
    return _NEEDED_BY_WORD.get(word) or _NEEDED_BY_TAG.get(tag, _NONE)


def _ahead(words: tuple[str, ...], verbs: list[Numbers]) -> list[Numbers]:
    """Return what the first such verb at or after each place needs, to the end of the clause."""
    ahead = [_NONE]
    for word, needed in zip(reversed(words), reversed(verbs), strict=True):
        ahead.append(_NONE if word in CLAUSE_ENDS else needed or ahead[-1])
    return ahead[::-1]


def _numbers(words: tuple[str, ...], tags: Sequence[str], thing: Object) -> Numbers:
    """Return the numbers of a noun phrase; "a group of dogs" has both."""
    before = words[thing.phrase[0] : thing.span[0]]
    if "of" in before:
        measure = thing.phrase[0] + before.index("of") - 1
        return _MANY if tags[measure] in _PLURAL_NOUN_TAGS else _ONE | _MANY
    noun = words[thing.span[1] - 1]
    if noun in EITHER_NUMBER:
        return _ONE | _MANY
    plural = noun in PLURAL_NOUNS or tags[thing.span[1] - 1] in _PLURAL_NOUN_TAGS
    return _MANY if plural else _ONE


def _is_possessed(graph: Graph, thing: Object) -> bool:
    return not POSSESSIVES.isdisjoint(graph.words[thing.phrase[0] : thing.span[0]])
