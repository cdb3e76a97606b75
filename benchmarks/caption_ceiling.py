"""Count the captions of the drawn test images that are certainly true of other images, too.

Captions that tell one relation of two things (with the place, perhaps) are parsed and asked of
every image's closed graph; so are dense captions, each of their facts for itself. What a perfect
reader would score: own images over all that a caption is true of, a mean over captions.

Usage: python benchmarks/caption_ceiling.py
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes import lexicon
from benchbench.scenes.captions import PER_SCENE, captions, dense_captions
from benchbench.scenes.graph import closure
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES, CATEGORY, COLOUR, PATTERNS, SIZES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchbench.types.arrays import Flags, Ints


def phrases(table: Ints) -> dict[str, int]:
    """Return the phrases of a table's rows: words → row."""
    rows = enumerate(table.tolist())
    return {" ".join(lexicon.TOKENS[t][0] for t in row if t >= 0): i for i, row in rows}


def _one_of(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


PLACES = phrases(lexicon.PLACES)
RELATIONS = phrases(lexicon.PARTICIPLES) | phrases(lexicon.FINITE)


def _noun(i: int) -> str:
    """Return the pattern of a noun phrase: "a large striped red dog", "a person in a striped red
    shirt"."""
    looks = rf"(?:(?P<p{{0}}>{_one_of(PATTERNS[1:])}) )?(?:(?P<c{{0}}>{_one_of(COLOUR)}) )?"
    size, before, after = rf"(?:(?P<s{i}>{_one_of(SIZES[1:])}) )?", looks, looks
    head = rf"an? {size}{before.format(i)}(?P<n{i}>{_one_of(c.name for c in CATEGORIES)})"
    return head + rf"(?: in an? {after.format(i + 2)}shirt)?"


ALONE = re.compile(_noun(1))
FACT = re.compile(f"{_noun(1)} (?P<r>{_one_of(RELATIONS)}) {_noun(2)}")
SIMPLE = re.compile(
    rf"(?:there is |a picture of |we see |(?P<before>{_one_of(PLACES)}) )?{FACT.pattern}"
    rf"(?: (?P<after>{_one_of(PLACES)}))?"
)


class World:
    """The first test images, and what is certain of each."""

    def __init__(self, n: int) -> None:
        self.scenes = sample("test", np.arange(n))

    @cached_property
    def certain(self) -> Flags:
        """[n, predicates, w, w]"""
        return closure(self.scenes).certain

    @cached_property
    def visible(self) -> Flags:
        """[n, w]"""
        return np.asarray(measure_visible(self.scenes, 224).pixels > 0)

    def named(self, said: re.Match[str], i: int) -> Flags:
        """Return which objects a noun phrase fits: [n, w]."""
        word, scenes = said.groupdict(), self.scenes
        fits = self.visible & (scenes.category == CATEGORY[word[f"n{i}"]])
        for j in (i, i + 2):
            if pattern := word[f"p{j}"]:
                fits = fits & (scenes.pattern == PATTERNS.index(pattern))
            if colour := word[f"c{j}"]:
                fits = fits & (scenes.colour == COLOUR[colour])
        if size := word[f"s{i}"]:
            fits = fits & (scenes.size == SIZES.index(size))
        return np.asarray(fits)

    def holds(self, said: re.Match[str]) -> Flags:
        """Return the images in which a fact is certain: [n]."""
        plane = self.certain[:, RELATIONS[said["r"]]]
        who, whom = self.named(said, 1), self.named(said, 2)
        return np.asarray((plane & who[:, :, None] & whom[:, None, :]).any(axis=(1, 2)))

    def simple(self, text: str) -> Flags | None:
        """Return the images of which a simple caption is true: [n]; None for a caption of another
        form."""
        said = SIMPLE.fullmatch(text)
        if said is None:
            return None
        true = self.holds(said)
        for place in filter(None, (said["before"], said["after"])):
            true = true & (self.scenes.background == PLACES[place])
        return true

    def dense(self, text: str) -> Flags:
        """Return the images of which each entry of a dense caption is true: [n]."""
        place, _, rest = text.partition(" there is ")
        true = np.asarray(self.scenes.background == PLACES[place])
        for entry in rest.split(", "):
            if said := FACT.fullmatch(entry):
                true = true & self.holds(said)
            elif said := ALONE.fullmatch(entry):
                true = true & self.named(said, 1).any(axis=1)
            else:
                raise ValueError(f"Not understood: {entry}")
        return true


def report(name: str, world: World, texts: list[list[str]]) -> None:
    """Print a line of the table."""
    own: dict[str, set[int]] = defaultdict(set)
    for i, row in enumerate(texts):
        for text in row:
            own[text].add(i)
    share = []
    for text, mine in own.items():
        true = world.dense(text) if name == "dense" else world.simple(text)
        if true is not None:
            every = set(np.flatnonzero(true).tolist())
            assert mine <= every, f"Not true of its own image: {text}"
            share.append(len(mine) / len(every))
    more = sum(each < 1 for each in share)
    print(
        f"{name}: {len(share):,} of {len(own):,} captions asked; {more:,} "
        f"({100 * more / len(share):.1f} %) true of others, too; ceiling {100 * np.mean(share):.1f}"
    )


def main() -> None:
    """Print the table of the three files of captions."""
    world, first = World(1000), World(200)
    report("coco-retrieval", world, captions(world.scenes).texts())
    report("flickr30k-retrieval", first, captions(first.scenes, PER_SCENE).texts())
    report("dense", world, dense_captions(world.scenes).texts())


if __name__ == "__main__":
    main()
