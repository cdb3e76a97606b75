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
    "and", "among", "amongst", "along with", "together with", "side by side with",
    "connected to", "connected with", "joined to", "joined with", "linked to", "intertwined with",
    "dancing with", "fighting", "fighting with", "kissing", "embracing", "cuddling", "snuggling",
    "looking like", "similar to", "meeting", "meeting with", "shaking hands with",
    "talking with", "speaking to", "speaking with", "chatting with", "interacting with",
    "on the opposite side of",
})  # fmt: skip
"""Further symmetric relations of free text."""

_FINITE = {
    "hugging": "hug hugs hugged", "facing": "face faces faced", "playing": "play plays played",
    "sitting": "sit sits sat", "talking": "talk talks talked", "walking": "walk walks walked",
    "touching": "touch touches touched", "dancing": "dance dances danced",
    "fighting": "fight fights fought", "kissing": "kiss kisses kissed",
    "looking": "look looks looked", "meeting": "meet meets met",
    "standing": "stand stands stood", "shaking": "shake shakes shook",
    "embracing": "embrace embraces embraced", "speaking": "speak speaks spoke",
    "chatting": "chat chats chatted", "interacting": "interact interacts interacted",
    "connected": "connect connects", "joined": "join joins", "linked": "link links",
    "lying": "lie lies", "laying": "lay lays", "seated": "seat seats",
    "sleeping": "sleep sleeps slept", "resting": "rest rests rested",
    "posing": "pose poses posed", "kneeling": "kneel kneels kneeled knelt",
    "crouching": "crouch crouches crouched", "squatting": "squat squats squatted",
    "snuggling": "snuggle snuggles snuggled", "cuddling": "cuddle cuddles cuddled",
    "relaxing": "relax relaxes relaxed", "lounging": "lounge lounges lounged",
    "parked": "park parks parking", "grazing": "graze grazes grazed",
    "running": "run runs ran", "jogging": "jog jogs jogged", "strolling": "stroll strolls strolled",
    "swimming": "swim swims swam", "marching": "march marches marched",
    "hiking": "hike hikes hiked", "roaming": "roam roams roamed", "racing": "race races raced",
    "riding": "ride rides rode", "flying": "fly flies flew",
    "traveling": "travel travels traveled travelling travelled",
    "driving": "drive drives drove",
}  # fmt: skip
"""Other forms of those verbs: "talks to" is as symmetric as "talking to"."""
_PARTICIPLES = {form: told for told, forms in _FINITE.items() for form in forms.split()}

POSTURES = frozenset({
    "standing", "sitting", "seated", "lying", "laying", "sleeping", "resting", "posing", "kneeling",
    "crouching", "squatting", "snuggling", "cuddling", "relaxing", "lounging", "parked", "grazing",
})  # fmt: skip
"""Verbs of staying somewhere."""

MOTIONS = frozenset({
    "walking", "running", "jogging", "strolling", "swimming", "marching", "hiking", "roaming",
    "racing", "riding", "flying", "traveling", "driving",
})  # fmt: skip
"""Verbs of going somewhere."""

_TOGETHER = frozenset({"with", "between", "in between", "among", "amongst"})
_PARTICLES = ("up ", "down ", "out ", "outside ", "along ", "together ")
"""Words that may stand between such a verb and its preposition: "sitting outside with"."""

ENDINGS = (
    "near", "near to", "nearby", "next to", "beside", "beside of", "besides", "close to",
    "close by", "alongside", "adjacent to", "across from", "opposite", "opposite of", "opposite to",
)  # fmt: skip
"""Endings of mutual nearness or of facing each other: whatever the verb before it ("standing next
to"), the relation is symmetric."""


@lru_cache(maxsize=4096)
def symmetric(predicate: str) -> bool:
    """Return whether the predicate, where it holds, also holds from object to subject.

    Where that is arguable, the answer is yes: a swap that may be true would teach something wrong,
    and a swap left out teaches nothing. So "with", "between" and "among" hold both ways after verbs
    of posture and of motion. "Riding with" is one of them: a dog that somebody rides with rides
    too, and a predicate does not say whether its object is a dog or a helmet. "By" holds both ways
    after postures; after motions it does not, since what a train goes by stays where it is, except
    in "walking by", which ARO drops.

    >>> symmetric("near"), symmetric("stands next to"), symmetric("filled with")
    (True, True, False)
    >>> symmetric("talks to"), symmetric("walks on")
    (True, False)
    >>> symmetric("sleeping with"), symmetric("lies by"), symmetric("flying by")
    (True, True, False)
    """
    first, _, rest = predicate.partition(" ")
    if first in _PARTICIPLES:
        first = _PARTICIPLES[first]
        predicate = f"{first} {rest}".rstrip()
    drawn = any(each.name == predicate and each.symmetric for each in PREDICATES)
    near = any(predicate == end or predicate.endswith(f" {end}") for end in ENDINGS)
    return drawn or near or predicate in LISTED or predicate in FURTHER or _mutual(first, rest)


def _mutual(verb: str, rest: str) -> bool:
    """Return whether words say that two things stay, or move, in one place."""
    for particle in _PARTICLES:
        rest = rest.removeprefix(particle)
    return (verb in POSTURES and rest in _TOGETHER | {"by"}) or (
        verb in MOTIONS and rest in _TOGETHER
    )


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
