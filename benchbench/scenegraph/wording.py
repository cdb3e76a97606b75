"""Captions as words and back, and whether "a" or "an" goes before one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[int, int]
"""Words of a caption: the first one's number, and one past the last one's."""

_WORD = re.compile(r"[^\W_]+(?:['’./&-][^\W_]+)*|[^\w\s]")
_CLOSE = frozenset({",", ".", ";", ":", "!", "?", ")", "'s", "n't", "'re", "'ll", "'"})
_SAID_AS_YOU = re.compile(r"u(?:ni(?!n|m)|s[aeiu]|t[ei]|k[aeu]|r[aei])|eu|ewe|one\b|once\b")
_SILENT_H = re.compile(r"h(?:our|onest|ono[u]?r|eir)")


def words_of(caption: str) -> tuple[str, ...]:
    """The words of a caption in lower case; marks are words of their own.

    >>> words_of("A  T-shirt, and the dog's bowl.")
    ('a', 't-shirt', ',', 'and', 'the', "dog's", 'bowl', '.')
    """
    return tuple(_WORD.findall(caption.lower()))


def joined(words: Sequence[str]) -> str:
    """Words as one text, marks set close.

    >>> joined(["a", "dog", ",", "a", "cat"])
    'a dog, a cat'
    """
    text = " ".join(words)
    if _CLOSE.isdisjoint(words):
        return text
    for mark in _CLOSE.intersection(words):
        text = re.sub(rf" {re.escape(mark)}(?=\W|$)", mark, text)
    return text


def article(word: str) -> str:
    """ "a" or "an", by how the word begins to sound: spelling, and the commonest exceptions.

    >>> [article(word) for word in ("cup", "orange", "hour", "umbrella", "uniform", "used")]
    ['a', 'an', 'an', 'an', 'a', 'a']
    """
    if _SILENT_H.match(word):
        return "an"
    return "an" if word[:1] in "aeiou" and word and not _SAID_AS_YOU.match(word) else "a"


def agree(words: list[str], places: Iterable[int]) -> None:
    """Put the articles right that stand just before some places, in the list itself."""
    for place in places:
        if place and words[place - 1] in ("a", "an"):
            words[place - 1] = article(words[place])


def exchanged(words: Sequence[str], one: Span, other: Span) -> tuple[list[str], tuple[int, int]]:
    """Words with two runs of them in each other's place, and where the two now begin.

    Args:
        words: of a caption.
        one: a run of them.
        other: another, disjoint from the first; in either order.

    >>> exchanged(["the", "big", "dog", "sees", "cats"], (0, 3), (4, 5))
    (['cats', 'sees', 'the', 'big', 'dog'], (0, 2))
    """
    (a, b), (c, d) = sorted((one, other))
    moved = [*words[:a], *words[c:d], *words[b:c], *words[a:b], *words[d:]]
    return moved, (a, a + (d - c) + (c - b))
