"""Captions of scenes, in the manner of COCO's: what annotators might have typed, always true.

Five per scene, each in another of a dozen phrasings, and a dense one that tells all. They are put
together as arrays of tokens, whole batches at a time. None of them has the form of a test item
("the x is r the y", "the a x and the b y"): objects are introduced by "a", and a preposition is
never tied to its subject by "is".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchbench.scenes import lexicon
from benchbench.scenes.dice import Dice, dice
from benchbench.scenes.lexicon import NONE, TOKENS, phrase
from benchbench.scenes.templates import ROLES
from benchbench.scenes.vocabulary import CATEGORY
from benchbench.scenes.world import VERSION, Flags, Scenes

if TYPE_CHECKING:
    from collections.abc import Callable

Ints = npt.NDArray[np.int64]

PER_SCENE = 5
DENSE_FACTS = 8


@dataclass(frozen=True, slots=True)
class Captions:
    """n × k captions as token numbers."""

    tokens: Ints
    """[n, k, longest]: into ``lexicon.TOKENS``; −1 fills up."""

    def words(self, row: int, column: int) -> list[str]:
        """One caption's words."""
        return [word for word, _ in self.tagged(row, column)]

    def tagged(self, row: int, column: int) -> list[tuple[str, str]]:
        """One caption's words with their Penn tags."""
        return [TOKENS[t] for t in self.tokens[row, column].tolist() if t != NONE]

    def texts(self) -> list[list[str]]:
        """All captions as strings, commas set close. Returns n lists of k."""
        words = [word for word, _ in TOKENS]
        return [
            [" ".join([words[t] for t in line if t != NONE]).replace(" ,", ",") for line in row]
            for row in self.tokens.tolist()
        ]


def captions(scenes: Scenes, first: int = 0) -> Captions:
    """Five captions per scene, of five different phrasings.

    Args:
        scenes: n of them.
        first: the number of the first caption; those from 5 are phrased otherwise than 0 to 4.
    """
    roll = dice(f"{VERSION}/{scenes.split}/captions", scenes.index)
    start = roll.below("start", len(PHRASINGS))
    stride = np.array([1, 5, 7, 11])[roll.below("stride", 4)]
    lines = []
    for number in range(first, first + PER_SCENE):
        own = Dice(roll.words(f"caption {number}"))
        lines.append(_phrased(scenes, own, (start + number * stride) % len(PHRASINGS)))
    longest = max(line.shape[1] for line in lines)
    padded = [np.pad(x, ((0, 0), (0, longest - x.shape[1])), constant_values=NONE) for x in lines]
    return Captions(np.stack(padded, axis=1))


def pair_captions(
    scenes: Scenes, who: Ints, whom: Ints, stream: str, bare: Flags | None = None
) -> Captions:
    """One caption per scene that tells one annotated relation, and of nobody else.

    Args:
        scenes: n of them.
        who: [n], the slot of the subject.
        whom: [n], the slot of the object; from ``who`` to ``whom`` a predicate is annotated.
        stream: names the dice; another name, other words.
        bare: [n]: captions that say nothing of looks; None leaves that to the dice.
    """
    roll = dice(f"{VERSION}/{scenes.split}/captions of pairs/{stream}", scenes.index)
    phrasing = roll.below("phrasing", len(ABOUT_ONE))
    return Captions(_phrased(scenes, roll, phrasing, ABOUT_ONE, (who, whom), bare)[:, None])


def dense_captions(scenes: Scenes) -> Captions:
    """One long caption per scene: the place, then up to eight facts, then who else is there."""
    roll = dice(f"{VERSION}/{scenes.split}/dense", scenes.index)
    teller = Teller(scenes, roll)
    subjects, things, told = _facts_in_order(scenes)
    parts = [teller.place(), _fixed(teller, "there/EX is/VBZ")]
    silent = scenes.present.copy()
    for number in range(told.shape[1]):
        who, whom, there = subjects[:, number], things[:, number], told[:, number]
        subject, thing = teller.noun(who, f"s{number}", True), teller.noun(whom, f"o{number}", True)
        parts.append(_listed([subject, teller.deed(who, whom), thing], there, first=number == 0))
        hit = np.flatnonzero(there)
        silent[hit, who[hit]] = silent[hit, whom[hit]] = False
    for slot in range(scenes.category.shape[1]):
        noun = teller.noun(np.full(len(scenes), slot), f"rest {slot}", True)
        parts.append(_listed([noun], silent[:, slot], first=False))
    return Captions(_closed_up(np.concatenate(parts, axis=1))[:, None])


def _listed(parts: list[Ints], there: npt.NDArray[np.bool_], first: bool) -> Ints:
    """An entry of a list, with the comma that parts it from what stands before."""
    comma = np.full((len(there), 1), NONE if first else lexicon.COMMA)
    return np.where(there[:, None], np.concatenate([comma, *parts], axis=1), NONE)


@dataclass(frozen=True, slots=True)
class Teller:
    """Says parts of captions about a batch of scenes; each method returns [n, some] tokens."""

    scenes: Scenes
    roll: Dice
    told: tuple[Ints, Ints] | None = None
    """Slots of the one fact to be told of each scene; None leaves the choice to the dice."""
    bare: Flags | None = None
    """[n]: where nothing is said of looks; None leaves that to the dice."""
    rows: Ints = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", np.arange(len(self.scenes)))

    def noun(self, slot: Ints, name: str, full: bool = False) -> Ints:
        """An object with some attributes: "a small red dog", "a person in a striped shirt"."""
        at = self.rows, slot
        scenes, kind = self.scenes, np.maximum(self.scenes.category[at], 0)
        mode = (
            np.full(len(slot), 3)
            if full
            else np.array([0, 1, 1, 2, 2, 3])[self.roll.below(name, 6)]
        )
        if self.bare is not None:
            mode = np.where(self.bare, 0, mode)
        person = kind == CATEGORY["person"]
        colour = np.where(mode > 0, lexicon.COLOUR_WORDS[scenes.colour[at]], NONE)
        pattern = np.where(mode > 1, lexicon.PATTERN_WORDS[scenes.pattern[at]], NONE)
        size = np.where(mode > 2, lexicon.SIZE_WORDS[scenes.size[at]], NONE)
        looks = np.stack([pattern, colour], axis=1)
        dressed = person & (mode > 0)
        before = np.where(person[:, None], NONE, looks)
        after = np.where(dressed[:, None], looks, NONE)
        head = _with_article(
            np.concatenate([size[:, None], before, lexicon.NOUNS[kind][:, None]], axis=1)
        )
        shirt = _with_article(
            np.concatenate([after, np.full((len(kind), 1), lexicon.SHIRT)], axis=1)
        )
        tail = np.concatenate([np.full((len(kind), 1), lexicon.IN), shirt], axis=1)
        return np.concatenate([head, np.where(dressed[:, None], tail, NONE)], axis=1)

    def predicate(self, who: Ints, whom: Ints) -> Ints:
        """[n]: what is annotated from one slot to another."""
        return np.maximum(self.scenes.predicate[self.rows, who, whom], 0)

    def deed(self, who: Ints, whom: Ints) -> Ints:
        """The relation as it follows a noun: "chasing"."""
        return lexicon.PARTICIPLES[self.predicate(who, whom)]

    def finite(self, who: Ints, whom: Ints) -> Ints:
        """The relation as a sentence has it: "chases"."""
        return lexicon.FINITE[self.predicate(who, whom)]

    def place(self) -> Ints:
        """Where it all is: "on the grass"."""
        return lexicon.PLACES[self.scenes.background]

    def fact(self, name: str, main: bool) -> tuple[Ints, Ints]:
        """Slots of an annotated relation's subject and object; of a scenario's own if ``main``."""
        if self.told is not None:
            return self.told
        told = self.scenes.predicate >= 0
        if main:
            told = told.copy()
            told[:, ROLES:] = told[:, :, ROLES:] = False
        flat = told.reshape(len(told), -1)
        rank = self.roll.below(name, np.maximum(flat.sum(axis=1), 1))
        found = np.argmax(np.cumsum(flat, axis=1) > rank[:, None], axis=1)
        return np.divmod(found, told.shape[1])

    def other(self, *but: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Some object besides these, and whether there is one."""
        there = self.scenes.present.copy()
        for slot in but:
            there[self.rows, slot] = False
        rank = self.roll.below("other", np.maximum(there.sum(axis=1), 1))
        found = np.argmax(np.cumsum(there, axis=1) > rank[:, None], axis=1)
        return found, np.asarray(there.any(axis=1))


def _plain(teller: Teller) -> list[Ints]:
    who, whom = teller.fact("fact", True)
    return [teller.noun(who, "s"), teller.deed(who, whom), teller.noun(whom, "o")]


def _there_is(teller: Teller) -> list[Ints]:
    return [_fixed(teller, "there/EX is/VBZ"), *_any_fact(teller)]


def _sentence(teller: Teller) -> list[Ints]:
    who, whom = teller.fact("fact", True)
    return [teller.noun(who, "s"), teller.finite(who, whom), teller.noun(whom, "o")]


def _passive(teller: Teller) -> list[Ints]:
    """ "a cat being chased by a dog", or, where no passive is, "a table with a cup on it"."""
    who, whom = teller.fact("fact", True)
    subject, thing = teller.noun(who, "s"), teller.noun(whom, "o")
    passive = lexicon.PASSIVES[teller.predicate(who, whom)]
    has = passive[:, :1] != NONE
    turned = np.concatenate([passive, subject], axis=1)
    held = [_fixed(teller, "with/IN"), subject, teller.deed(who, whom), _fixed(teller, "it/PRP")]
    around = np.concatenate(held, axis=1)
    return [thing, np.where(has, turned, NONE), np.where(has, NONE, around)]


def _placed(teller: Teller) -> list[Ints]:
    return [*_plain(teller), teller.place()]


def _picture(teller: Teller) -> list[Ints]:
    return [_fixed(teller, "a/DT picture/NN of/IN"), *_any_fact(teller)]


def _two_facts(teller: Teller) -> list[Ints]:
    """The same fact is not told twice; where there is but one, it stands alone."""
    who, whom = teller.fact("fact", True)
    third, fourth = teller.fact("second", False)
    same = ((who == third) & (whom == fourth)) | ((who == fourth) & (whom == third))
    more = [
        _fixed(teller, "while/IN"),
        teller.noun(third, "s2"),
        teller.finite(third, fourth),
        teller.noun(fourth, "o2"),
    ]
    first = [teller.noun(who, "s"), teller.finite(who, whom), teller.noun(whom, "o")]
    told_twice = same[:, None]
    return [
        *first,
        np.where(told_twice, NONE, np.concatenate(more, axis=1)),
        np.where(told_twice, teller.place(), NONE),
    ]


def _and_nearby(teller: Teller) -> list[Ints]:
    who, whom = teller.fact("fact", True)
    other, there = teller.other(who, whom)
    more = np.concatenate(
        [_fixed(teller, "with/IN"), teller.noun(other, "x"), _fixed(teller, "nearby/RB")], axis=1
    )
    first = [teller.noun(who, "s"), teller.deed(who, whom), teller.noun(whom, "o")]
    alone = _fixed(teller, "and/CC nothing/NN else/RB")
    return [*first, np.where(there[:, None], more, NONE), np.where(there[:, None], NONE, alone)]


def _place_first(teller: Teller) -> list[Ints]:
    who, whom = teller.fact("fact", False)
    start = [teller.place(), teller.noun(who, "s")]
    return [*start, teller.finite(who, whom), teller.noun(whom, "o")]


def _with(teller: Teller) -> list[Ints]:
    who, whom = teller.fact("fact", False)
    both = [teller.noun(who, "s"), _fixed(teller, "with/IN"), teller.noun(whom, "o")]
    return [*both, teller.place()]


def _counted(teller: Teller) -> list[Ints]:
    """ "two trees and …" where two of a kind are there; else everything but the count."""
    category = teller.scenes.category
    same = (category[:, :, None] == category[:, None, :]) & (category >= 0)[:, :, None]
    double = same.sum(axis=2) == 2
    kind = category[teller.rows, np.argmax(double, axis=1)]
    words = np.stack(
        [
            np.full(len(kind), lexicon.TWO),
            lexicon.PLURALS[np.maximum(kind, 0)],
            np.full(len(kind), lexicon.AND),
        ],
        axis=1,
    )
    some = double.any(axis=1)[:, None]
    here = np.where(some, NONE, _fixed(teller, "here/RB is/VBZ"))
    return [np.where(some, words, NONE), here, *_any_fact(teller)]


def _we_see(teller: Teller) -> list[Ints]:
    return [_fixed(teller, "we/PRP see/VBP"), *_any_fact(teller), teller.place()]


def _any_fact(teller: Teller) -> list[Ints]:
    who, whom = teller.fact("fact", False)
    return [teller.noun(who, "s"), teller.deed(who, whom), teller.noun(whom, "o")]


PHRASINGS: tuple[Callable[[Teller], list[Ints]], ...] = (
    _plain, _there_is, _sentence, _passive, _placed, _picture, _two_facts, _and_nearby,
    _place_first, _with, _counted, _we_see,
)  # fmt: skip


ABOUT_ONE = (_plain, _there_is, _sentence, _passive, _placed, _picture, _with, _we_see)
"""Phrasings that speak of two objects and nobody else."""


def _phrased(
    scenes: Scenes,
    roll: Dice,
    phrasing: Ints,
    phrasings: tuple[Callable[[Teller], list[Ints]], ...] = PHRASINGS,
    told: tuple[Ints, Ints] | None = None,
    bare: Flags | None = None,
) -> Ints:
    """Each scene by its own phrasing. Returns [n, longest]."""
    lines = []
    for number, say in enumerate(phrasings):
        rows = np.flatnonzero(phrasing == number)
        fact = None if told is None else (told[0][rows], told[1][rows])
        quiet = None if bare is None else bare[rows]
        teller = Teller(scenes.take(rows), Dice(roll.keys[rows]), fact, quiet)
        parts = say(teller) if len(rows) else []
        lines.append((rows, _closed_up(np.concatenate(parts, axis=1)) if parts else None))
    longest = max(line.shape[1] for _, line in lines if line is not None) if len(scenes) else 0
    out = np.full((len(scenes), longest), NONE, dtype=np.int64)
    for rows, line in lines:
        if line is not None:
            out[rows, : line.shape[1]] = line
    return out


def _facts_in_order(scenes: Scenes) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """The first facts, one direction of each pair: subjects, objects, and whether; [n, k] each."""
    told = scenes.predicate >= 0
    backward = np.tril(np.ones(told.shape[1:], dtype=np.bool_)) & told.swapaxes(1, 2)
    flat = (told & ~backward).reshape(len(told), -1)
    order = np.argsort(~flat, axis=1, kind="stable")[:, :DENSE_FACTS]
    subjects, things = np.divmod(order, told.shape[1])
    return subjects, things, np.take_along_axis(flat, order, axis=1)


def _with_article(tokens: Ints) -> Ints:
    """ "a" or "an" before the first word of each row."""
    first = tokens[np.arange(len(tokens)), np.argmax(tokens != NONE, axis=1)]
    article = np.where(lexicon.before_vowel()[first], lexicon.AN, lexicon.A)
    return np.concatenate([article[:, None], tokens], axis=1)


def _fixed(teller: Teller, text: str) -> Ints:
    return np.tile(np.array(phrase(text)), (len(teller.rows), 1))


def _closed_up(tokens: Ints) -> Ints:
    """Gaps moved to the end, and cut off where all rows have them."""
    gap = tokens == NONE
    order = np.argsort(gap, axis=1, kind="stable")
    longest = int((~gap).sum(axis=1).max(initial=0))
    return np.take_along_axis(tokens, order, axis=1)[:, :longest]
