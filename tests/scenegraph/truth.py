"""Is what a graph says true of a scene? Judged by the scene's closure, not by the parser's words.

A graph is true where its mentions can be found among the scene's objects so that all it says of
them holds together. Two mentions may be of one object.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from benchbench.scenegraph import Graph
from benchbench.scenes.graph import closure
from benchbench.scenes.vocabulary import CATEGORIES, CATEGORY, MENTION, PREDICATE, SIZES
from benchbench.scenes.world import Scenes
from benchbench.types.arrays import Flags

PLURAL = {category.plural: category.name for category in CATEGORIES}


@dataclass(frozen=True)
class Truth:
    """What holds, and what might, in a batch of scenes."""

    scenes: Scenes
    certain: Flags
    possible: Flags
    has: Flags
    may_have: Flags

    @classmethod
    def of(cls, scenes: Scenes) -> Truth:
        graph = closure(scenes)
        return cls(scenes, graph.certain, graph.possible, graph.has, graph.may_have)

    def holds(self, row: int, graph: Graph, *, arguably: bool = False) -> bool:
        """Whether the whole graph is true of a scene, or might be."""
        facts = (self.possible if arguably else self.certain)[row]
        looks = (self.may_have if arguably else self.has)[row]
        wearer = {
            r.object: r.subject for r in graph.relations if graph.objects[r.object].name == "shirt"
        }
        choices = [self._slots(row, graph, i, looks, wearer) for i in range(len(graph.objects))]
        told = [r for r in graph.relations if r.object not in wearer]
        linked = sorted({end for r in told for end in (r.subject, r.object)})
        if not all(choices):
            return False
        return _fits([(r.subject, r.predicate, r.object) for r in told], linked, choices, facts)

    def _slots(
        self, row: int, graph: Graph, number: int, looks: Flags, wearer: dict[int, int]
    ) -> list[int]:
        """Slots that a mention may be of: of its name, looking as it and its clothes are said."""
        each = graph.objects[number]
        name = graph.objects[wearer[number]].name if number in wearer else each.name
        clothes = [g for g, w in wearer.items() if w == number]
        said = [a.name for a in graph.attributes if a.object in (number, *clothes)]
        kind = CATEGORY[PLURAL.get(name, name)]
        slots = np.flatnonzero(self.scenes.category[row] == kind).tolist()
        if graph.words[each.phrase[0]] == "two" and len(slots) < 2:
            return []
        return [s for s in slots if all(self._is(row, s, a, looks) for a in said)]

    def _is(self, row: int, slot: int, attribute: str, looks: Flags) -> bool:
        if attribute in MENTION:
            return bool(looks[slot, MENTION[attribute]])
        return bool(SIZES[self.scenes.size[row, slot]] == attribute)


def _fits(
    told: list[tuple[int, str, int]], linked: list[int], choices: list[list[int]], facts: Flags
) -> bool:
    """Whether some choice of slots makes all relations hold: part by connected part."""
    while linked:
        part = {linked[0]}
        while grown := {e for s, _, o in told if {s, o} & part for e in (s, o)} - part:
            part |= grown
        inside = [t for t in told if t[0] in part]
        order = sorted(part)
        if not any(
            _all_hold(inside, dict(zip(order, slots, strict=True)), facts)
            for slots in product(*(choices[i] for i in order))
        ):
            return False
        linked = [i for i in linked if i not in part]
    return True


def _all_hold(told: list[tuple[int, str, int]], at: dict[int, int], facts: Flags) -> bool:
    return all(
        at[s] != at[o] if predicate == "with" else bool(facts[PREDICATE[predicate], at[s], at[o]])
        for s, predicate, o in told
    )
