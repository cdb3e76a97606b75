"""Write captions of scenes in the style of COCO's, always true.

Each scene has five captions in five of a dozen phrasings, and a dense caption that mentions every
object. Captions are arrays of tokens, built a batch at a time. None of them has the form of a test
item ("the x is r the y", "the a x and the b y"): objects are introduced by "a", and no "is"
connects a preposition to its subject.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes import lexicon
from benchbench.scenes.dice import Dice, dice
from benchbench.scenes.lexicon import NONE, TOKENS, phrase
from benchbench.scenes.templates import ROLES
from benchbench.scenes.vocabulary import CATEGORY
from benchbench.scenes.world import VERSION, Scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.types.arrays import Flags, Ints


PER_SCENE = 5
DENSE_FACTS = 8


@dataclass(frozen=True, slots=True)
class SceneCaptions:
    """The captions of some scenes as token numbers."""

    tokens: Ints
    """[scenes, captions, longest]: index into ``lexicon.TOKENS``; −1 is padding."""

    def words(self, row: int, column: int) -> list[str]:
        """Return the words of one caption."""
        return [word for word, _ in self.tagged(row, column)]

    def tagged(self, row: int, column: int) -> list[tuple[str, str]]:
        """Return the words of one caption with their Penn tags."""
        return [TOKENS[t] for t in self.tokens[row, column].tolist() if t != NONE]

    def texts(self) -> list[list[str]]:
        """Return all captions as strings: for each scene, a list of captions.

        A comma follows its word without a space.
        """
        words = [word for word, _ in TOKENS]
        return [
            [" ".join([words[t] for t in line if t != NONE]).replace(" ,", ",") for line in row]
            for row in self.tokens.tolist()
        ]


def captions(scenes: Scenes, first: int = 0) -> SceneCaptions:
    """Return five captions per scene, of five different phrasings.

    Args:
        scenes: the scenes.
        first: the number of the first caption. Captions from 5 on differ in phrasing from 0 to 4.
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
    return SceneCaptions(np.stack(padded, axis=1))


def pair_captions(
    scenes: Scenes, who: Ints, whom: Ints, stream: str, bare: Flags | None = None
) -> SceneCaptions:
    """Return one caption per scene that states one annotated relation and mentions no other object.

    Args:
        scenes: the scenes.
        who: [scenes], the slot of the subject.
        whom: [scenes], the slot of the object. A predicate is annotated from ``who`` to ``whom``.
        stream: the name of the dice; another name gives other words.
        bare: [scenes], true for captions without attributes. None leaves that to the dice.
    """
    roll = dice(f"{VERSION}/{scenes.split}/captions of pairs/{stream}", scenes.index)
    phrasing = roll.below("phrasing", len(ABOUT_ONE))
    return SceneCaptions(_phrased(scenes, roll, phrasing, ABOUT_ONE, (who, whom), bare)[:, None])


def dense_captions(scenes: Scenes) -> SceneCaptions:
    """Return one long caption per scene: the place, up to eight facts, then the other objects."""
    roll = dice(f"{VERSION}/{scenes.split}/dense", scenes.index)
    builder = CaptionBuilder(scenes, roll)
    subjects, things, stated = _facts_in_order(scenes)
    parts = [builder.place(), _fixed(builder, "there/EX is/VBZ")]
    silent = scenes.present.copy()
    for number in range(stated.shape[1]):
        who, whom, there = subjects[:, number], things[:, number], stated[:, number]
        subject, thing = (
            builder.noun(who, f"s{number}", True),
            builder.noun(whom, f"o{number}", True),
        )
        parts.append(
            _listed([subject, builder.participle(who, whom), thing], there, first=number == 0)
        )
        hit = np.flatnonzero(there)
        silent[hit, who[hit]] = silent[hit, whom[hit]] = False
    for slot in range(scenes.category.shape[1]):
        noun = builder.noun(np.full(len(scenes), slot), f"rest {slot}", True)
        parts.append(_listed([noun], silent[:, slot], first=False))
    return SceneCaptions(_closed_up(np.concatenate(parts, axis=1))[:, None])


def _listed(parts: list[Ints], there: Flags, first: bool) -> Ints:
    """Return a list entry, with the comma that separates it from the entry before."""
    comma = np.full((len(there), 1), NONE if first else lexicon.COMMA)
    return np.where(there[:, None], np.concatenate([comma, *parts], axis=1), NONE)


@dataclass(frozen=True, slots=True)
class CaptionBuilder:
    """A builder of caption parts for a batch of scenes; most methods return [scenes, tokens]."""

    scenes: Scenes
    roll: Dice
    stated: tuple[Ints, Ints] | None = None
    """Slots of the one fact to state of each scene; None leaves the choice to the dice."""
    bare: Flags | None = None
    """[scenes]: true where no attributes are mentioned; None leaves that to the dice."""
    rows: Ints = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", np.arange(len(self.scenes)))

    def noun(self, slot: Ints, name: str, full: bool = False) -> Ints:
        """Return an object with some attributes.

        Examples are "a small red dog" and "a person in a striped shirt".
        """
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
        """Return the predicate annotated from one slot to another, [scenes]."""
        return np.maximum(self.scenes.predicate[self.rows, who, whom], 0)

    def participle(self, who: Ints, whom: Ints) -> Ints:
        """Return the relation in the form that follows a noun: "chasing"."""
        return lexicon.PARTICIPLES[self.predicate(who, whom)]

    def finite(self, who: Ints, whom: Ints) -> Ints:
        """Return the relation in the form that makes a sentence: "chases"."""
        return lexicon.FINITE[self.predicate(who, whom)]

    def place(self) -> Ints:
        """Return the place: "on the grass"."""
        return lexicon.PLACES[self.scenes.background]

    def fact(self, name: str, main: bool) -> tuple[Ints, Ints]:
        """Return the slots of an annotated relation's subject and object.

        If ``main`` is true, the relation is one of the scenario's own.
        """
        if self.stated is not None:
            return self.stated
        stated = self.scenes.predicate >= 0
        if main:
            stated = stated.copy()
            stated[:, ROLES:] = stated[:, :, ROLES:] = False
        flat = stated.reshape(len(stated), -1)
        rank = self.roll.below(name, np.maximum(flat.sum(axis=1), 1))
        found = np.argmax(np.cumsum(flat, axis=1) > rank[:, None], axis=1)
        return np.divmod(found, stated.shape[1])

    def other(self, *but: Ints) -> tuple[Ints, Flags]:
        """Return the slot of some object besides these, and whether there is one."""
        there = self.scenes.present.copy()
        for slot in but:
            there[self.rows, slot] = False
        rank = self.roll.below("other", np.maximum(there.sum(axis=1), 1))
        found = np.argmax(np.cumsum(there, axis=1) > rank[:, None], axis=1)
        return found, np.asarray(there.any(axis=1))


def _plain(builder: CaptionBuilder) -> list[Ints]:
    who, whom = builder.fact("fact", True)
    return [builder.noun(who, "s"), builder.participle(who, whom), builder.noun(whom, "o")]


def _there_is(builder: CaptionBuilder) -> list[Ints]:
    return [_fixed(builder, "there/EX is/VBZ"), *_any_fact(builder)]


def _sentence(builder: CaptionBuilder) -> list[Ints]:
    who, whom = builder.fact("fact", True)
    return [builder.noun(who, "s"), builder.finite(who, whom), builder.noun(whom, "o")]


def _passive(builder: CaptionBuilder) -> list[Ints]:
    """Return "a cat being chased by a dog".

    Where the predicate has no passive, the form is "a table with a cup on it".
    """
    who, whom = builder.fact("fact", True)
    subject, thing = builder.noun(who, "s"), builder.noun(whom, "o")
    passive = lexicon.PASSIVES[builder.predicate(who, whom)]
    has = passive[:, :1] != NONE
    turned = np.concatenate([passive, subject], axis=1)
    held = [
        _fixed(builder, "with/IN"),
        subject,
        builder.participle(who, whom),
        _fixed(builder, "it/PRP"),
    ]
    around = np.concatenate(held, axis=1)
    return [thing, np.where(has, turned, NONE), np.where(has, NONE, around)]


def _placed(builder: CaptionBuilder) -> list[Ints]:
    return [*_plain(builder), builder.place()]


def _picture(builder: CaptionBuilder) -> list[Ints]:
    return [_fixed(builder, "a/DT picture/NN of/IN"), *_any_fact(builder)]


def _two_facts(builder: CaptionBuilder) -> list[Ints]:
    """Return two facts; where there is only one, it stands alone and is not repeated."""
    who, whom = builder.fact("fact", True)
    third, fourth = builder.fact("second", False)
    same = ((who == third) & (whom == fourth)) | ((who == fourth) & (whom == third))
    more = [
        _fixed(builder, "while/IN"),
        builder.noun(third, "s2"),
        builder.finite(third, fourth),
        builder.noun(fourth, "o2"),
    ]
    first = [builder.noun(who, "s"), builder.finite(who, whom), builder.noun(whom, "o")]
    told_twice = same[:, None]
    return [
        *first,
        np.where(told_twice, NONE, np.concatenate(more, axis=1)),
        np.where(told_twice, builder.place(), NONE),
    ]


def _and_nearby(builder: CaptionBuilder) -> list[Ints]:
    who, whom = builder.fact("fact", True)
    other, there = builder.other(who, whom)
    more = np.concatenate(
        [_fixed(builder, "with/IN"), builder.noun(other, "x"), _fixed(builder, "nearby/RB")], axis=1
    )
    first = [builder.noun(who, "s"), builder.participle(who, whom), builder.noun(whom, "o")]
    alone = _fixed(builder, "and/CC nothing/NN else/RB")
    return [*first, np.where(there[:, None], more, NONE), np.where(there[:, None], NONE, alone)]


def _place_first(builder: CaptionBuilder) -> list[Ints]:
    who, whom = builder.fact("fact", False)
    start = [builder.place(), builder.noun(who, "s")]
    return [*start, builder.finite(who, whom), builder.noun(whom, "o")]


def _with(builder: CaptionBuilder) -> list[Ints]:
    who, whom = builder.fact("fact", False)
    both = [builder.noun(who, "s"), _fixed(builder, "with/IN"), builder.noun(whom, "o")]
    return [*both, builder.place()]


def _counted(builder: CaptionBuilder) -> list[Ints]:
    """Return "two trees and …" where the scene has two of a category; otherwise "here is …"."""
    category = builder.scenes.category
    same = (category[:, :, None] == category[:, None, :]) & (category >= 0)[:, :, None]
    double = same.sum(axis=2) == 2
    kind = category[builder.rows, np.argmax(double, axis=1)]
    words = np.stack(
        [
            np.full(len(kind), lexicon.TWO),
            lexicon.PLURALS[np.maximum(kind, 0)],
            np.full(len(kind), lexicon.AND),
        ],
        axis=1,
    )
    some = double.any(axis=1)[:, None]
    here = np.where(some, NONE, _fixed(builder, "here/RB is/VBZ"))
    return [np.where(some, words, NONE), here, *_any_fact(builder)]


def _we_see(builder: CaptionBuilder) -> list[Ints]:
    return [_fixed(builder, "we/PRP see/VBP"), *_any_fact(builder), builder.place()]


def _any_fact(builder: CaptionBuilder) -> list[Ints]:
    who, whom = builder.fact("fact", False)
    return [builder.noun(who, "s"), builder.participle(who, whom), builder.noun(whom, "o")]


PHRASINGS: tuple[Callable[[CaptionBuilder], list[Ints]], ...] = (
    _plain, _there_is, _sentence, _passive, _placed, _picture, _two_facts, _and_nearby,
    _place_first, _with, _counted, _we_see,
)  # fmt: skip


ABOUT_ONE = (_plain, _there_is, _sentence, _passive, _placed, _picture, _with, _we_see)
"""Phrasings that mention two objects and no other."""


def _phrased(
    scenes: Scenes,
    roll: Dice,
    phrasing: Ints,
    phrasings: tuple[Callable[[CaptionBuilder], list[Ints]], ...] = PHRASINGS,
    stated: tuple[Ints, Ints] | None = None,
    bare: Flags | None = None,
) -> Ints:
    """Build the captions, each scene in its own phrasing, [scenes, longest]."""
    lines = []
    for number, say in enumerate(phrasings):
        rows = np.flatnonzero(phrasing == number)
        fact = None if stated is None else (stated[0][rows], stated[1][rows])
        quiet = None if bare is None else bare[rows]
        builder = CaptionBuilder(scenes.take(rows), Dice(roll.keys[rows]), fact, quiet)
        parts = say(builder) if len(rows) else []
        lines.append((rows, _closed_up(np.concatenate(parts, axis=1)) if parts else None))
    longest = max(line.shape[1] for _, line in lines if line is not None) if len(scenes) else 0
    out = np.full((len(scenes), longest), NONE, dtype=np.int64)
    for rows, line in lines:
        if line is not None:
            out[rows, : line.shape[1]] = line
    return out


def _facts_in_order(scenes: Scenes) -> tuple[Ints, Ints, Flags]:
    """Return the first facts, one direction of each pair.

    Returns:
        Slots of the subjects, slots of the objects, and whether there is such a fact; [scenes,
        facts] each.
    """
    stated = scenes.predicate >= 0
    backward = np.tril(np.ones(stated.shape[1:], dtype=np.bool_)) & stated.swapaxes(1, 2)
    flat = (stated & ~backward).reshape(len(stated), -1)
    order = np.argsort(~flat, axis=1, kind="stable")[:, :DENSE_FACTS]
    subjects, things = np.divmod(order, stated.shape[1])
    return subjects, things, np.take_along_axis(flat, order, axis=1)


def _with_article(tokens: Ints) -> Ints:
    """Put "a" or "an" before the first word of each row."""
    first = tokens[np.arange(len(tokens)), np.argmax(tokens != NONE, axis=1)]
    article = np.where(lexicon.before_vowel()[first], lexicon.AN, lexicon.A)
    return np.concatenate([article[:, None], tokens], axis=1)


def _fixed(builder: CaptionBuilder, text: str) -> Ints:
    return np.tile(np.array(phrase(text)), (len(builder.rows), 1))


def _closed_up(tokens: Ints) -> Ints:
    """Move gaps to the end of each row, and cut off the columns that are gaps in all rows."""
    gap = tokens == NONE
    order = np.argsort(gap, axis=1, kind="stable")
    longest = int((~gap).sum(axis=1).max(initial=0))
    return np.take_along_axis(tokens, order, axis=1)[:, :longest]
