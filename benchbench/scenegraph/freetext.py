"""Scene graphs of free text, from words and tags: noun phrases, and what stands between two.

Modest on purpose. A noun phrase is a determiner, adjectives and nouns; two of them are related
where nothing but verbs, adverbs and prepositions stands between. A preposition belongs to the noun
before it, a verb to the noun that its chain of prepositions began with ("a man in a field flying a
kite", "a man sitting on a bench reading a book": it is the man). What is worn does nothing ("a man
wearing a hat rides a horse": the man does).

What that cannot see: clauses ("that", "as"), what both of "a man and a woman" do (only the nearer
does it) and lists, predicative adjectives ("the dog is brown"), whether a place belongs to the verb
or to its object ("playing baseball on a field"), pronouns, and the active voice of what the drawn
world does not say ("chased by" becomes "chasing" with its ends turned; "surrounded by" stays). A
wrong tag gives a wrong graph. Of the 94 relations it told of 60 captions of COCO with HanTa's tags,
73 were right when read by eye; most of the others had the right words and the wrong subject.

Nouns, adjectives and verbs are told by tag, Penn's or the BNC's as ``benchbench.data.tagging`` has
them; the small words are told by themselves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from benchbench.data.order import ADJECTIVES, NOUNS
from benchbench.scenegraph import closed
from benchbench.scenegraph.draft import Draft
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
    """The graph of a tagged caption.

    >>> read([("A", "DT"), ("man", "NN"), ("rides", "VBZ"), ("old", "JJ"), ("bikes", "NNS")]).text
    'a man rides old bikes'
    """
    words = tuple(word.lower() for word, _ in tagged)
    reader = _Reader(words, _kinds(words, [tag for _, tag in tagged]))
    for phrase in reader.noun_phrases():
        reader.take(phrase)
    return reader.draft.graph()


def _kinds(words: tuple[str, ...], tags: list[str]) -> str:
    """One letter per word: d(eterminer), j (adjective), n(oun), v(erb), p(reposition), r (adverb),
    c ("and" or a comma), x."""
    marks = []
    for word, tag in zip(words, tags, strict=True):
        if word in closed.AUXILIARIES or (tag[:1] == "V" and word not in closed.PREPOSITIONS):
            marks.append("v")
        elif word in closed.DETERMINERS:
            marks.append("d")
        elif word in closed.PREPOSITIONS:
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


class _Reader:
    """One pass over the noun phrases of a caption."""

    __slots__ = ("chain", "draft", "end", "kinds", "last", "opening")

    def __init__(self, words: tuple[str, ...], kinds: str) -> None:
        self.draft, self.kinds = Draft(words), kinds
        self.end = 0
        """One past the noun phrase read last."""
        self.last: int | None = None
        """The object that it was."""
        self.opening: int | None = None
        """Where "a group of" began, if it stands before the next."""
        self.chain: int | None = None
        """The object that the chain of prepositions up to it began with."""

    def noun_phrases(self) -> Iterator[tuple[int, int, int]]:
        """(start, first word of the name, end) of each noun phrase."""
        at, kinds = 0, self.kinds
        while at < len(kinds):
            start, name = at, _after(kinds, at, "d")
            if name < len(kinds) and (phrasal := self._phrasal(at)):
                at += phrasal
                continue
            name = self._past_looks(name)
            end = _after(kinds, name, "n")
            if end > name:
                yield start, name, end
            at = max(end, start + 1)

    def _past_looks(self, at: int) -> int:
        """Past adverbs and adjectives, and "and"s and commas between two adjectives."""
        kinds, end = self.kinds, at
        while at < len(kinds) and kinds[at] in "rjc":
            at += 1
            if kinds[at - 1] == "j":
                end = at
            elif kinds[at - 1] == "c" and end == at - 1 and kinds[at - 2 : at - 1] != "j":
                break
        return end

    def take(self, phrase: tuple[int, int, int]) -> None:
        """Take down a noun phrase and how it hangs on the one before."""
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
        """Whether the noun after "of" is what is there: "a group of", "a picture of"."""
        if word in closed.MEASURES:
            self.opening = start if self.opening is None else self.opening
        elif word in closed.PICTURES:
            self.last = self.chain = self.opening = None
            self.end = end
        return word in closed.MEASURES or word in closed.PICTURES

    def _hang(self, number: int, gap: Span) -> None:
        """Relate an object to the one before it by what stands between."""
        before, self.last = self.last, number
        link = self._link(gap)
        if link is None or before is None or self.chain is None:
            self.chain = number
            return
        predicate, verbal, turned = link
        if predicate == "in" and self._is_worn(number):
            self.draft.dress(before, number, gap)
            self.last = before
            return
        subject = self.chain if verbal else before
        ends = (number, subject) if turned else (subject, number)
        self.draft.relate(ends[0], predicate, ends[1], gap)
        transitive = verbal and predicate.split()[-1] not in closed.PREPOSITIONS
        acts = transitive and not self._is_worn(number)
        self.chain = number if acts or predicate == "with" else self.chain

    def _is_worn(self, number: int) -> bool:
        return self.draft.words[self.draft.objects[number].span[1] - 1] in closed.CLOTHES

    def _link(self, gap: Span) -> tuple[str, bool, bool] | None:
        """What the words between two noun phrases say: predicate, by a verb, ends turned."""
        kinds = self._kinds_of_gap(gap)
        if not set(kinds) <= set("vpr"):
            return None
        words = zip(self.draft.words[gap[0] : gap[1]], kinds, strict=True)
        kept = [w for w, kind in words if kind != "r" and w not in closed.AUXILIARIES]
        if not kept:
            return None
        told, known = " ".join(kept), _known()
        name, turned = known.get(told) or (told, False)
        return name, kept[0] not in closed.PREPOSITIONS, turned

    def _kinds_of_gap(self, gap: Span) -> str:
        """Letters of the words between, those of "in front of" and its like as prepositions."""
        marks, at = "", gap[0]
        while at < gap[1]:
            size = self._phrasal(at) or 1
            marks += "p" * size if size > 1 else self.kinds[at]
            at += size
        return marks

    def _phrasal(self, at: int) -> int:
        """How many words of a preposition of several begin here; 0 is none."""
        words = self.draft.words
        return next((len(p) for p in _PHRASAL if words[at : at + len(p)] == p), 0)


def _after(kinds: str, at: int, kind: str) -> int:
    while at < len(kinds) and kinds[at] == kind:
        at += 1
    return at


@lru_cache(maxsize=1)
def _known() -> dict[str, tuple[str, bool]]:
    """The drawn world's finite verbs and passives, to (predicate, ends turned)."""
    known = {}
    for table, turned in ((lexicon.FINITE, False), (lexicon.PASSIVES, True)):
        for row, predicate in zip(table.tolist(), PREDICATES, strict=True):
            words = [TOKENS[t][0] for t in row if t != NONE]
            told = " ".join(w for w in words if w not in closed.AUXILIARIES)
            known[told] = predicate.name, turned
    return known
