"""Symmetric predicates, which hold both ways: swapping their ends makes no false caption."""

from __future__ import annotations

from functools import lru_cache

from benchbench.scenes.vocabulary import PREDICATES

LISTED = frozenset({
    "attached to", "between", "by", "facing", "hugging", "in between", "mixed with",
    "on the other side of", "parked by", "playing with", "sitting by", "talking to", "touching",
    "walking by", "with",
})  # fmt: skip
"""Symmetric and arguably symmetric relations among those that ARO drops (``aro.dropped_relations``,
which has rare relations as well), except for those of ``ENDINGS``."""

FURTHER = frozenset({
    "across from", "and", "among", "dancing with", "fighting", "kissing", "looking like", "meeting",
    "opposite", "standing by", "standing with", "sitting with", "walking with",
    "shaking hands with", "talking with",
})  # fmt: skip
"""Further symmetric relations of free text."""

_FINITE = {
    "hugging": "hug hugs hugged", "facing": "face faces faced", "playing": "play plays played",
    "sitting": "sit sits sat", "talking": "talk talks talked", "walking": "walk walks walked",
    "touching": "touch touches touched", "dancing": "dance dances danced",
    "fighting": "fight fights fought", "kissing": "kiss kisses kissed",
    "looking": "look looks looked", "meeting": "meet meets met",
    "standing": "stand stands stood", "shaking": "shake shakes shook",
}  # fmt: skip
"""Other forms of those verbs: "talks to" is as symmetric as "talking to"."""
_PARTICIPLES = {form: told for told, forms in _FINITE.items() for form in forms.split()}

ENDINGS = ("near", "next to", "beside", "besides", "close to", "alongside", "adjacent to")
"""Endings of mutual nearness: whatever the verb before it ("standing next to"), the relation is
symmetric."""


@lru_cache(maxsize=4096)
def symmetric(predicate: str) -> bool:
    """Return whether the predicate, where it holds, also holds from object to subject.

    >>> symmetric("near"), symmetric("stands next to"), symmetric("filled with")
    (True, True, False)
    >>> symmetric("talks to"), symmetric("walks on")
    (True, False)
    """
    first, _, rest = predicate.partition(" ")
    if first in _PARTICIPLES:
        predicate = f"{_PARTICIPLES[first]} {rest}".rstrip()
    drawn = any(each.name == predicate and each.symmetric for each in PREDICATES)
    near = any(predicate == end or predicate.endswith(f" {end}") for end in ENDINGS)
    return drawn or near or predicate in LISTED or predicate in FURTHER


_CONVERSES = {
    "to the right of": "to the left of",
    "right of": "left of",
    "on the right of": "on the left of",
    "behind": "in front of",
    "under": "above",
    "below": "above",
    "beneath": "above",
    "underneath": "above",
}


def oriented(triple: tuple[str, str, str]) -> tuple[str, str, str]:
    """Return a triple in one fixed direction of the two that mean the same.

    >>> oriented(("dog", "to the right of", "cat")), oriented(("dog", "riding", "cat"))
    (('cat', 'to the left of', 'dog'), ('dog', 'riding', 'cat'))
    """
    head, relation, tail = triple
    converse = _CONVERSES.get(relation)
    return (tail, converse, head) if converse else triple
