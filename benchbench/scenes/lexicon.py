"""The words of captions, each with its Penn part-of-speech tag, as numbers.

A token is a word with a tag, so that captions can be shuffled by tag without a tagger.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.backgrounds import BACKGROUNDS
from benchbench.scenes.vocabulary import CATEGORIES, COLOURS, PATTERNS, PREDICATES, SIZES

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Ints

NONE = -1
"""No token; captions skip it."""

TOKENS: list[tuple[str, str]] = []
"""(word, tag) by number."""
_NUMBER: dict[tuple[str, str], int] = {}


def token(word: str, tag: str) -> int:
    """Return the number of a word with a tag; a new word gets the next number."""
    if (word, tag) not in _NUMBER:
        _NUMBER[word, tag] = len(TOKENS)
        TOKENS.append((word, tag))
    return _NUMBER[word, tag]


def phrase(text: str) -> list[int]:
    """Return the numbers of ``word/TAG word/TAG …``."""
    pairs = [part.rsplit("/", 1) for part in text.split()]
    return [token(word, tag) for word, tag in pairs]


_POSITIONS = {
    "to the left of": "to/IN the/DT left/NN of/IN",
    "to the right of": "to/IN the/DT right/NN of/IN",
    "above": "above/IN",
    "under": "under/IN",
    "in front of": "in/IN front/NN of/IN",
    "behind": "behind/IN",
    "on": "on/IN",
    "in": "in/IN",
    "near": "near/IN",
    "over": "over/IN",
}
"""The words of positions; "can be seen" makes a sentence of them."""

_DEEDS = {
    "riding": ("riding/VBG", "rides/VBZ", "ridden/VBN"),
    "carrying": ("carrying/VBG", "carries/VBZ", "carried/VBN"),
    "chasing": ("chasing/VBG", "chases/VBZ", "chased/VBN"),
    "looking at": ("looking/VBG at/IN", "looks/VBZ at/IN", "watched/VBN"),
    "pulling": ("pulling/VBG", "pulls/VBZ", "pulled/VBN"),
    "leaning on": ("leaning/VBG on/IN", "leans/VBZ on/IN", ""),
    "wearing": ("wearing/VBG", "wears/VBZ", "worn/VBN"),
    "holding": ("holding/VBG", "holds/VBZ", "held/VBN"),
    "sitting on": ("sitting/VBG on/IN", "sits/VBZ on/IN", ""),
    "standing on": ("standing/VBG on/IN", "stands/VBZ on/IN", ""),
    "lying on": ("lying/VBG on/IN", "lies/VBZ on/IN", ""),
    "playing": ("playing/VBG", "plays/VBZ", "played/VBN"),
    "using": ("using/VBG", "uses/VBZ", "used/VBN"),
}
"""Participle, finite form, and passive participle, which is empty where there is none."""

_PLACES = {
    "grass": "on/IN the/DT grass/NN",
    "park": "in/IN a/DT park/NN",
    "beach": "on/IN the/DT beach/NN",
    "snow": "in/IN the/DT snow/NN",
    "desert": "in/IN the/DT desert/NN",
    "road": "on/IN a/DT road/NN",
    "city": "in/IN the/DT city/NN",
    "room": "in/IN a/DT room/NN",
    "kitchen": "in/IN a/DT kitchen/NN",
    "sea": "at/IN sea/NN",
    "sky": "in/IN the/DT sky/NN",
}

A, AN, TWO = token("a", "DT"), token("an", "DT"), token("two", "CD")
AND, COMMA, IN, SHIRT = token("and", "CC"), token(",", ","), token("in", "IN"), token("shirt", "NN")
NOUNS = np.array([token(category.name, "NN") for category in CATEGORIES])
PLURALS = np.array([token(c.plural, "NN" if c.plural == c.name else "NNS") for c in CATEGORIES])
COLOUR_WORDS = np.array([token(colour.name, "JJ") for colour in COLOURS])
PATTERN_WORDS = np.array([NONE, *(token(name, "JJ") for name in PATTERNS[1:])])
SIZE_WORDS = np.array([NONE, *(token(name, "JJ") for name in SIZES[1:])])


def table(texts: list[str]) -> Ints:
    """Return phrases as rows, [phrases, longest], padded with ``NONE``."""
    rows = [phrase(text) for text in texts]
    longest = max(len(row) for row in rows)
    return np.array([row + [NONE] * (longest - len(row)) for row in rows], dtype=np.int64)


PARTICIPLES = table([_POSITIONS.get(p.name) or _DEEDS[p.name][0] for p in PREDICATES])
"""[predicates, longest]: the form after a noun: "a dog chasing", "a cup to the left of"."""
FINITE = table(
    [
        f"can/MD be/VB seen/VBN {_POSITIONS[p.name]}" if p.name in _POSITIONS else _DEEDS[p.name][1]
        for p in PREDICATES
    ]
)
"""[predicates, longest]: the form that makes a sentence: "a dog chases"."""
PASSIVES = table(
    [
        f"being/VBG {done} by/IN" if (done := _DEEDS.get(p.name, ("", "", ""))[2]) else ""
        for p in PREDICATES
    ]
)
"""[predicates, longest]: the form with the object first; all ``NONE`` where there is none."""
PLACES = table([_PLACES[name] for name in BACKGROUNDS])
"""[backgrounds, longest]"""


@lru_cache(maxsize=1)
def before_vowel() -> Flags:
    """Return whether "an" goes before each word, [tokens].

    Every "u" in these words sounds as in "umbrella".
    """
    return np.array([word[0] in "aeiou" for word, _ in TOKENS])
