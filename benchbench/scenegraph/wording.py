"""Split captions into words, join them again, and choose between "a" and "an"."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[int, int]
"""Words of a caption: the first word's number, and one past the last word's."""

MOST_WORDS = 300
"""How many words of a caption, from the first, may move to make a negative.

All pairs of objects are looked at, so that the work grows with the square of the words. Text towers
read 77 tokens, and the longest 248 (Long-CLIP): they would not see what moves further on. The
longest caption of COCO's Karpathy test split has 50 words; of the drawn world, about a hundred.
"""

_WORD = re.compile(r"[^\W_]+(?:['’./&-][^\W_]+)*|[^\w\s]")
_CLOSE = frozenset({",", ".", ";", ":", "!", "?", ")", "'s", "n't", "'re", "'ll", "'"})
_SAID_AS_YOU = re.compile(r"u(?:ni(?!n|m)|s[aeiu]|t[ei]|k[aeu]|r[aei])|eu|ewe|one\b|once\b")
_SILENT_H = re.compile(r"h(?:our|onest|ono[u]?r|eir)")


def words_of(caption: str) -> tuple[str, ...]:
    """Return the words of a caption in lower case; punctuation marks are words of their own.

    The text is in Unicode's normal form C. Marks that combine belong to the letter, or to the sign,
    that they follow.

    >>> words_of("A  T-shirt, and the dog's bowl.")
    ('a', 't-shirt', ',', 'and', 'the', "dog's", 'bowl', '.')
    """
    text = unicodedata.normalize("NFC", caption.lower())
    return tuple((_WORD if text.isascii() else _marked_word()).findall(text))


@cache
def _marked_word() -> re.Pattern[str]:
    """Return the pattern of a word in which marks that combine may stand."""
    letters = map(chr, range(0x300, 0xE0200))  # before and beyond them, there are no such marks
    marks = "".join(each for each in letters if unicodedata.category(each).startswith("M"))
    word = rf"(?:[^\W_][{marks}]*)+"
    return re.compile(rf"{word}(?:['’./&-]{word})*|[^\w\s][{marks}]*")


def joined(words: Sequence[str]) -> str:
    """Join words into one text; punctuation marks follow their word without a space.

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
    """Return "a" or "an" by the first sound of a word: by spelling, and the commonest exceptions.

    >>> [article(word) for word in ("cup", "orange", "hour", "umbrella", "uniform", "used")]
    ['a', 'an', 'an', 'an', 'a', 'a']
    """
    if _SILENT_H.match(word):
        return "an"
    return "an" if word[:1] in "aeiou" and word and not _SAID_AS_YOU.match(word) else "a"


def agree(words: list[str], places: Iterable[int]) -> None:
    """Correct the articles that stand just before some positions, in place."""
    for place in places:
        if place and words[place - 1] in ("a", "an"):
            words[place - 1] = article(words[place])


def exchanged(words: Sequence[str], one: Span, other: Span) -> tuple[list[str], tuple[int, int]]:
    """Exchange two runs of words, and return the words and where the two runs now begin.

    Args:
        words: the words of a caption.
        one: a run of them.
        other: another run, disjoint from the first; in either order.

    >>> exchanged(["the", "big", "dog", "sees", "cats"], (0, 3), (4, 5))
    (['cats', 'sees', 'the', 'big', 'dog'], (0, 2))
    """
    (a, b), (c, d) = sorted((one, other))
    moved = [*words[:a], *words[c:d], *words[b:c], *words[a:b], *words[d:]]
    return moved, (a, a + (d - c) + (c - b))
