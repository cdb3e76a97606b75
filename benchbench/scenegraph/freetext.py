"""Parse free text into scene graphs by words and tags: noun phrases, and the words between two.

The grammar is modest on purpose. A noun phrase is a determiner, adjectives and nouns. Two noun
phrases are related where only verbs, adverbs and prepositions stand between them. The subject of a
preposition is the noun before it. The subject of a verb is the noun that its chain of prepositions
began with ("a man in a field flying a kite", "a man sitting on a bench reading a book": it is the
man). Clothes are not a subject of a verb ("a man wearing a hat rides a horse": the man rides).

The grammar cannot read:

- clauses ("that", "as");
- the common subject in "a man and a woman" (only the nearer noun is the subject), and lists;
- predicative adjectives ("the dog is brown");
- whether a place belongs to the verb or to its object ("playing baseball on a field");
- pronouns;
- the active voice of predicates that the drawn world lacks ("chased by" becomes "chasing" with its
  ends turned; "surrounded by" stays).

"A photo of" and "a close up of" are not objects.

A wrong tag gives a wrong graph. In 60 captions of COCO with HanTa's tags it found 94 relations; 73
were right when read by eye, and most of the others had the right words and the wrong subject.

Nouns, adjectives and verbs are recognised by tag, Penn's or the BNC's as in
``benchbench.data.tagging``. Function words are recognised by themselves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from benchbench.data.order import ADJECTIVES, NOUNS
from benchbench.scenegraph.agreement import with_fixed
from benchbench.scenegraph.graph import Draft
from benchbench.scenegraph.word_classes import (
    AUXILIARIES,
    CLOTHES,
    DETERMINERS,
    IMAGES,
    MEASURES,
    PREPOSITIONS,
)
from benchbench.scenes import lexicon
from benchbench.scenes.lexicon import NONE, TOKENS
from benchbench.scenes.vocabulary import PREDICATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.scenegraph.graph import Graph
    from benchbench.scenegraph.wording import Span

_PHRASAL = tuple(
    tuple(text.split())
    for text in (
        "to the left of", "to the right of", "on the side of", "on the back of", "on the edge of",
        "in the middle of", "in the back of", "at the end of", "at the edge of", "in front of",
        "on top of", "on the top of", "in back of", "next to", "close to", "out of", "adjacent to",
        "across from", "in between", "full of",
    )
)  # fmt: skip


def read(tagged: Sequence[tuple[str, str]]) -> Graph:
    """Return the graph of a tagged caption.

    >>> read([("A", "DT"), ("man", "NN"), ("rides", "VBZ"), ("old", "JJ"), ("bikes", "NNS")]).text
    'a man rides old bikes'
    """
    words, tags = tuple(word.lower() for word, _ in tagged), [tag for _, tag in tagged]
    parser = _FreeTextParser(words, _kinds(words, tags))
    for phrase in parser.noun_phrases():
        parser.take(phrase)
    return with_fixed(parser.draft.graph(), tags)


def _kinds(words: tuple[str, ...], tags: list[str]) -> str:
    """Return one letter per word.

    The letters are d(eterminer), j (adjective), n(oun), v(erb), p(reposition), r (adverb), c ("and"
    or a comma) and x (any other).
    """
    marks: list[str] = []
    for place, (word, tag) in enumerate(zip(words, tags, strict=True)):
        if _close_up(words, place):
            marks.append("x")
        elif word in AUXILIARIES or (tag[:1] == "V" and word not in PREPOSITIONS):
            marks.append("v")
        elif word in DETERMINERS:
            marks.append("d")
        elif word in PREPOSITIONS:
            marks.append("p")
        elif word in ("and", ","):
            marks.append("c")
        elif tag in NOUNS:
            marks.append("n")
        elif tag in ADJECTIVES:
            marks.append("j")
        else:
            marks.append("r" if tag in ("RB", "AV0", "AVP", "RP") else "x")
    return "".join(marks)


def _close_up(words: tuple[str, ...], place: int) -> bool:
    """Return whether a word is the "close" of "a close up of" or "a close up view"."""
    if words[place : place + 2] != ("close", "up"):
        return False
    after = words[place + 2 : place + 3]
    return after == ("of",) or not IMAGES.isdisjoint(after)


class _FreeTextParser:
    """One pass over the noun phrases of a caption."""

    __slots__ = ("chain", "draft", "end", "kinds", "last", "opening")

    def __init__(self, words: tuple[str, ...], kinds: str) -> None:
        self.draft, self.kinds = Draft(words), kinds
        self.end = 0
        """One past the noun phrase read last."""
        self.last: int | None = None
        """The object of the noun phrase read last."""
        self.opening: int | None = None
        """The start of "a group of", if it stands before the next noun phrase."""
        self.chain: int | None = None
        """The object that the chain of prepositions up to here began with."""

    def noun_phrases(self) -> Iterator[tuple[int, int, int]]:
        """Yield (start, first word of the name, end) of each noun phrase."""
        at, kinds = 0, self.kinds
        searched = 0
        """Words before this one are known to begin no adjectives: each is looked at once."""
        while at < len(kinds):
            start, name = at, _after(kinds, at, "d")
            if name < len(kinds) and (phrasal := self._phrasal(at)):
                at += phrasal
                continue
            if name >= searched:
                name, searched = self._past_looks(name)
            end = _after(kinds, name, "n")
            if end > name:
                yield start, name, end
            at = max(end, start + 1)

    def _past_looks(self, at: int) -> tuple[int, int]:
        """Return the position after adverbs and adjectives, and one up to which none follow.

        "and"s and commas between two adjectives are skipped too.
        """
        kinds, end = self.kinds, at
        while at < len(kinds) and kinds[at] in "rjc":
            at += 1
            if kinds[at - 1] == "j":
                end = at
            elif kinds[at - 1] == "c" and end == at - 1 and kinds[at - 2 : at - 1] != "j":
                break
        return end, at

    def take(self, phrase: tuple[int, int, int]) -> None:
        """Add a noun phrase, and its relation to the noun phrase before."""
        start, name, end = phrase
        words = self.draft.words
        if words[end : end + 1] == ("of",) and self._only_opens(words[end - 1], start, end):
            return
        start, self.opening = self.opening if self.opening is not None else start, None
        looks = [(i, i + 1) for i in range(start, name) if self.kinds[i] == "j"]
        number = self.draft.add_object((start, end), (name, end), looks)
        self._hang(number, (self.end, start))
        self.end = end

    def _only_opens(self, word: str, start: int, end: int) -> bool:
        """Return whether the object is the noun after "of".

        It is after words like "a group of" and "a photo of".
        """
        if word in MEASURES:
            self.opening = start if self.opening is None else self.opening
        elif word in IMAGES:
            self.last = self.chain = self.opening = None
            self.end = end
        return word in MEASURES or word in IMAGES

    def _hang(self, number: int, gap: Span) -> None:
        """Relate an object to the object before it by the words between them."""
        before, self.last = self.last, number
        link = self._link(gap)
        if link is None or before is None or self.chain is None:
            self.chain = number
            return
        predicate, verbal, turned = link
        if predicate == "in" and self._is_worn(number):
            self.draft.add_wearing(before, number, gap)
            self.last = before
            return
        subject = self.chain if verbal else before
        ends = (number, subject) if turned else (subject, number)
        self.draft.add_relation(ends[0], predicate, ends[1], gap)
        transitive = verbal and predicate.split()[-1] not in PREPOSITIONS
        acts = transitive and not self._is_worn(number)
        self.chain = number if acts or predicate == "with" else self.chain

    def _is_worn(self, number: int) -> bool:
        return self.draft.words[self.draft.objects[number].span[1] - 1] in CLOTHES

    def _link(self, gap: Span) -> tuple[str, bool, bool] | None:
        """Return the meaning of the words between two noun phrases.

        Returns:
            The predicate, whether it is a verb's, and whether its ends are turned; None where the
            words state no relation.
        """
        kinds = self._kinds_of_gap(gap)
        if not set(kinds) <= set("vpr"):
            return None
        words = zip(self.draft.words[gap[0] : gap[1]], kinds, strict=True)
        kept = [w for w, kind in words if kind != "r" and w not in AUXILIARIES]
        if not kept:
            return None
        told, known = " ".join(kept), _known()
        name, turned = known.get(told) or (told, False)
        return name, kept[0] not in PREPOSITIONS, turned

    def _kinds_of_gap(self, gap: Span) -> str:
        """Return the letters of the words between two noun phrases.

        The words of "in front of" and the like count as prepositions.
        """
        marks, at = "", gap[0]
        while at < gap[1]:
            size = self._phrasal(at) or 1
            marks += "p" * size if size > 1 else self.kinds[at]
            at += size
        return marks

    def _phrasal(self, at: int) -> int:
        """Return the number of words of a phrasal preposition that begins here; 0 if none does."""
        words = self.draft.words
        return next((len(p) for p in _PHRASAL if words[at : at + len(p)] == p), 0)


def _after(kinds: str, at: int, kind: str) -> int:
    while at < len(kinds) and kinds[at] == kind:
        at += 1
    return at


@lru_cache(maxsize=1)
def _known() -> dict[str, tuple[str, bool]]:
    """Return the drawn world's finite verbs and passives as (predicate, ends turned)."""
    known = {}
    for table, turned in ((lexicon.FINITE, False), (lexicon.PASSIVES, True)):
        for row, predicate in zip(table.tolist(), PREDICATES, strict=True):
            words = [TOKENS[t][0] for t in row if t != NONE]
            told = " ".join(w for w in words if w not in AUXILIARIES)
            known[told] = predicate.name, turned
    return known
