"""Parse the drawn world's captions by their exact grammar.

``benchbench.scenes.captions`` has a dozen phrasings and a dense one. All consist of noun phrases
("a small red dog", "a person in a striped shirt", "two trees"), of the lexicon's forms of a
predicate, and of a few fixed words. The place belongs to the whole scene, so that it is not an
object's relation. "with … nearby" states only that something is there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from benchbench.scenegraph.graph import Draft
from benchbench.scenes import lexicon
from benchbench.scenes.lexicon import NONE, TOKENS
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATES

if TYPE_CHECKING:
    from benchbench.scenegraph.graph import Graph
    from benchbench.scenegraph.wording import Span
    from benchbench.types.arrays import Ints

WITH = "with"

_FIXED: tuple[tuple[str, Kind], ...] = (
    ("there is", "filler"), ("here is", "filler"), ("we see", "filler"),
    ("a picture of", "filler"), ("and nothing else", "filler"),
    ("while", "break"), ("and", "break"), (",", "break"),
    ("with", "with"), ("nearby", "nearby"), ("it", "it"),
)  # fmt: skip

Kind = Literal["filler", "break", "active", "passive", "with", "nearby", "it"]


class _Phrase(NamedTuple):
    words: tuple[str, ...]
    kind: Kind
    predicate: str


class _Lexicon(NamedTuple):
    phrases: dict[str, list[_Phrase]]
    """By first word, the longest first."""
    nouns: frozenset[str]
    looks: frozenset[str]


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    """Return the drawn world's phrases by their words."""
    found = [_Phrase(tuple(text.split()), kind, text) for text, kind in _FIXED]
    found += [_Phrase(row, "filler", "") for row in _rows(lexicon.PLACES)]
    forms: tuple[tuple[Ints, Kind], ...] = (
        (lexicon.PARTICIPLES, "active"), (lexicon.FINITE, "active"), (lexicon.PASSIVES, "passive"),
    )  # fmt: skip
    for table, kind in forms:
        for row, predicate in zip(_rows(table), PREDICATES, strict=True):
            found += [_Phrase(row, kind, predicate.name)] if row else []
    phrases: dict[str, list[_Phrase]] = {}
    for phrase in sorted(found, key=lambda p: -len(p.words)):
        phrases.setdefault(phrase.words[0], []).append(phrase)
    looks = (*lexicon.COLOUR_WORDS, *lexicon.PATTERN_WORDS, *lexicon.SIZE_WORDS)
    nouns = {name for c in CATEGORIES for name in (c.name, c.plural)}
    return _Lexicon(phrases, frozenset(nouns), frozenset(TOKENS[t][0] for t in looks if t != NONE))


def _rows(table: Ints) -> list[tuple[str, ...]]:
    return [tuple(TOKENS[t][0] for t in row if t != NONE) for row in table.tolist()]


@lru_cache(maxsize=1)
def _tags() -> dict[str, str]:
    return dict(TOKENS)


def tagged(words: tuple[str, ...]) -> list[tuple[str, str]] | None:
    """Return the drawn world's words with their Penn tags from its lexicon; no tagger is needed.

    None means that a word is not in the lexicon.

    >>> tagged(("a", "red", "dog")), tagged(("a", "platypus"))
    ([('a', 'DT'), ('red', 'JJ'), ('dog', 'NN')], None)
    """
    tags = _tags()
    return [(word, tags[word]) for word in words] if all(word in tags for word in words) else None


def read(words: tuple[str, ...]) -> Graph | None:
    """Return the graph of a caption in the drawn world's form; None for any other caption."""
    parser = _DrawnCaptionParser(words)
    while parser.at < len(words):
        if not (parser.phrase() or parser.noun()):
            return None
    return parser.draft.graph() if parser.draft.objects and parser.pending is None else None


class _DrawnCaptionParser:
    """One pass over a caption."""

    __slots__ = ("at", "draft", "lexicon", "pending", "recent")

    def __init__(self, words: tuple[str, ...]) -> None:
        self.draft, self.at, self.lexicon = Draft(words), 0, _lexicon()
        self.recent: int | None = None
        """The object read last, as long as the caption may still say more of it."""
        self.pending: tuple[str, bool, Span] | None = None
        """A predicate without its object yet, whether it is passive, and its words."""

    def phrase(self) -> bool:
        """Read one fixed phrase; return false where none begins here."""
        words, at = self.draft.words, self.at
        for phrase in self.lexicon.phrases.get(words[at], ()):
            end = at + len(phrase.words)
            if words[at:end] == phrase.words and self._taken(phrase, (at, end)):
                self.at = end
                return True
        return False

    def _taken(self, phrase: _Phrase, span: Span) -> bool:
        """Apply a phrase; return false where it is not allowed here."""
        kind = phrase.kind
        if kind == "it":
            return self._turned_round()
        if self.pending is not None:
            return False
        if kind == "filler":
            return True
        if self.recent is None:
            return False
        if kind == "break":
            self.recent = None
        elif kind == "nearby":
            relations = self.draft.relations
            if not relations or relations[-1].predicate != WITH:
                return False
            relations.pop()
        else:
            self.pending = phrase.predicate, kind == "passive", span
        return True

    def _turned_round(self) -> bool:
        """Read "a table with a cup on it": the cup is on the table."""
        relations = self.draft.relations
        if self.pending is None or not relations or relations[-1].predicate != WITH:
            return False
        held, (predicate, _, span) = relations.pop(), self.pending
        self.draft.add_relation(held.object, predicate, held.subject, (span[0], self.at + 1))
        self.pending = None
        return True

    def noun(self) -> bool:
        """Read a noun phrase, with its bearer's clothes; return false where none begins here."""
        number = self._named(self.at, self.lexicon.nouns)
        if number is None or (self.recent is not None and self.pending is None):
            return False
        if self.pending is not None and self.recent is not None:
            predicate, passive, span = self.pending
            ends = (number, self.recent) if passive else (self.recent, number)
            self.draft.add_relation(ends[0], predicate, ends[1], span)
        self.recent, self.pending = number, None
        start = self.at
        if self.draft.words[start : start + 1] == ("in",):
            garment = self._named(start + 1, _SHIRT)
            if garment is not None:
                self.draft.add_wearing(number, garment, (start, start + 1))
        return True

    def _named(self, start: int, nouns: frozenset[str]) -> int | None:
        """Read an object that begins at a word and is one of ``nouns``, and move past it.

        Returns:
            The object's number; None where no such object begins here.
        """
        words = self.draft.words
        if words[start : start + 1] not in _DETERMINERS:
            return None
        at = start + 1
        while at < len(words) and words[at] in self.lexicon.looks:
            at += 1
        if at == len(words) or words[at] not in nouns:
            return None
        self.at = at + 1
        looks = [(i, i + 1) for i in range(start + 1, at)]
        return self.draft.add_object((start, at + 1), (at, at + 1), looks)


_DETERMINERS = frozenset({("a",), ("an",), ("two",)})
_SHIRT = frozenset({"shirt"})
