"""Scenarios: who takes part, in which pose, where each stands to another, and what that is called.

A scenario has two principals, drawn from ``pairs``. Where it is ``swappable`` every pair can be
drawn both ways round, and is, equally often: relation items come from these alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from typing import Literal

Span = tuple[int, int]
Zone = Literal["ground", "air", "wall", "water"]

FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Role:
    """One part in a scenario. Roles are placed in order; everything faces right, then all is
    mirrored in half of the scenes."""

    cast: str | tuple[str, ...]
    """A principal, or the categories (and props) to choose from."""
    pose: str = "stand"
    """Where a category has no such pose, its ordinary one."""
    parent: int | None = None
    """The role that it is placed by; None starts the group."""
    at: str = "right"
    """The parent's anchor …"""
    by: str = "foot"
    """… on which this anchor of its own comes to lie."""
    shift: Span = (0, 0)
    """Then moved right by so many scene units."""
    rise: Span = (0, 0)
    """And down by so many."""
    layer: int = 1
    """Painted so much after (or before) its parent."""
    smaller: int | None = None
    """At least so many levels smaller than its parent."""
    at_least: int = 0
    """The smallest level it may have."""
    chance: int = 100
    """Present in so many of a hundred scenes."""
    owned: bool = False
    """The front of its parent's own drawing: same size, place and colour; a prop."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of scene; its name is the action label."""

    name: str
    roles: tuple[Role, ...]
    relations: tuple[tuple[int, str, int], ...]
    """(role, predicate, role): what is annotated, one predicate for each ordered pair."""
    pairs: tuple[tuple[str, str], ...]
    """(first, second), the commonest first."""
    backgrounds: tuple[str, ...]
    swappable: bool = False
    zone: Zone = "ground"
    weight: int = 4
    sizes: bool = False
    """Principals may be small or large."""


OUTDOORS = ("grass", "park", "beach", "snow", "desert")
TOWN = ("road", "city")
INDOORS = ("room", "kitchen")

RUNNERS = ("dog", "cat", "horse", "cow", "sheep", "elephant", "giraffe", "person")
WATCHERS = ("dog", "cat", "horse", "cow", "sheep", "elephant", "giraffe", "person")
MOUNTS = ("dog", "cat", "horse", "cow", "sheep", "elephant")
TOWERS = ("car", "bus", "truck", "motorcycle", "horse", "cow", "elephant", "dog")
STACKS = ("box", "book", "cake", "bag", "rock", "pizza", "cup", "ball", "vase")
HOLLOWS = ("box", "bowl", "cup", "bag", "cart")
LEANERS = ("guitar", "surfboard", "skateboard", "sign", "lamp")
SKY = ("kite", "bird", "airplane")
ON_WALL = ("clock", "hat", "kite", "umbrella", "surfboard", "skateboard")
BULKY = (
    "car", "bus", "truck", "train", "horse", "cow", "elephant", "house", "tree", "bench", "fence",
    "motorcycle", "bike",
)  # fmt: skip
HOUSEHOLD = (
    "cup", "bottle", "bowl", "book", "box", "bag", "ball", "hat", "cake", "apple", "banana",
    "laptop", "phone", "vase", "guitar", "lamp", "chair", "table", "cat", "dog", "clock", "umbrella",
)  # fmt: skip
IN_THE_OPEN = (
    "dog", "cat", "horse", "cow", "sheep", "car", "bike", "motorcycle", "tree", "flower", "rock",
    "fence", "bench", "sign", "ball", "kite", "umbrella", "person", "house", "cart", "truck", "chair",
)  # fmt: skip


def both_ways(*groups: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """All ordered pairs of different categories inside each group, once."""
    pairs = [pair for group in groups for pair in permutations(group, 2)]
    return tuple(dict.fromkeys(pairs))


def with_each(subjects: tuple[str, ...], objects: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Subjects × objects, in the order of the objects."""
    return tuple((s, o) for o, s in product(objects, subjects) if s != o)


_HAT = ("hat",)


def _rider() -> Role:
    return Role(FIRST, "ride", 0, "back", "seat")


def _hat(parent: int, chance: int) -> Role:
    return Role(_HAT, parent=parent, at="head", by="brim", smaller=3, chance=chance)


SWAPPABLE: tuple[Scenario, ...] = (
    Scenario(
        "side by side indoors",
        (Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(20, 120), layer=0)),
        ((0, "to the left of", 1), (1, "to the right of", 0)),
        both_ways(HOUSEHOLD), INDOORS, swappable=True, weight=6, sizes=True,
    ),
    Scenario(
        "side by side outdoors",
        (Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(20, 110), layer=0)),
        ((0, "to the left of", 1), (1, "to the right of", 0)),
        both_ways(IN_THE_OPEN), (*OUTDOORS, *TOWN), swappable=True, weight=6, sizes=True,
    ),
    Scenario(
        "one before the other",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="right", by="foot", shift=(-50, 5), rise=(22, 44), layer=400),
        ),
        ((1, "in front of", 0), (0, "behind", 1)),
        both_ways(BULKY), (*OUTDOORS, *TOWN), swappable=True, weight=9,
    ),
    Scenario(
        "flying",
        (Role(SECOND), Role(FIRST, parent=0, at="crown", by="base", shift=(-30, 30), rise=(-90, -25))),
        ((1, "above", 0), (0, "under", 1)),
        both_ways(SKY), ("sky", "sea", "park", "beach"), swappable=True, zone="air", weight=5,
    ),
    Scenario(
        "hanging on a wall",
        (Role(SECOND), Role(FIRST, parent=0, at="crown", by="base", shift=(-20, 20), rise=(-70, -25))),
        ((1, "above", 0), (0, "under", 1)),
        both_ways(ON_WALL), INDOORS, swappable=True, zone="wall", weight=5,
    ),
    Scenario(
        "stacking",
        (
            Role(SECOND, at_least=6),
            Role(FIRST, parent=0, at="top", by="foot", shift=(-8, 8), rise=(-3, 3), smaller=1),
        ),
        ((1, "on", 0), (0, "under", 1)),
        both_ways(STACKS), (*INDOORS, "grass"), swappable=True, weight=9,
    ),
    Scenario(
        "packing",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="inside", by="middle", shift=(-6, 6), rise=(-16, -6), smaller=4),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0),),
        both_ways(HOLLOWS), (*INDOORS, "grass", "road"), swappable=True, weight=9,
    ),
    Scenario(
        "animals riding",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="back", by="foot", shift=(-6, 6), rise=(0, 6), smaller=2),
        ),
        ((1, "riding", 0), (0, "carrying", 1)),
        both_ways(MOUNTS), (*OUTDOORS, "road"), swappable=True, weight=9,
    ),
    Scenario(
        "chasing",
        (
            Role(FIRST, "run"),
            Role(SECOND, "run", parent=0, at="right", by="left", shift=(10, 60), rise=(-8, 8), layer=0),
        ),
        ((0, "chasing", 1),),
        both_ways(RUNNERS), (*OUTDOORS, *TOWN), swappable=True, weight=9,
    ),
    Scenario(
        "watching",
        (Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(30, 90), layer=0)),
        ((0, "looking at", 1),),
        both_ways(WATCHERS), (*OUTDOORS, *TOWN), swappable=True, weight=9,
    ),
    Scenario(
        "towing",
        (
            Role(FIRST),
            Role(SECOND, parent=0, at="left", by="right", shift=(-86, -86), layer=0),
            Role(("rope",), parent=0, at="left", by="nose", shift=(14, 14), rise=(-52, -52), layer=-9),
        ),
        ((0, "pulling", 1),),
        both_ways(TOWERS), (*TOWN, "grass", "desert", "snow"), swappable=True, weight=9,
    ),
    Scenario(
        "leaning",
        (
            Role(SECOND, "upright"),
            Role(FIRST, "tilted", parent=0, at="left", by="right", shift=(4, 10), layer=1),
        ),
        ((1, "leaning on", 0),),
        both_ways(LEANERS), (*INDOORS, "grass", "beach"), swappable=True, weight=7,
    ),
)  # fmt: skip

FIXED: tuple[Scenario, ...] = (
    Scenario(
        "riding animals", (Role(SECOND, at_least=9), _rider(), _hat(1, 35)), 
        ((1, "riding", 0), (0, "carrying", 1), (1, "wearing", 2)),
        with_each(("person",), ("horse", "elephant", "cow", "giraffe")), OUTDOORS, weight=6,
    ),
    Scenario(
        "cycling", (Role(SECOND), _rider(), _hat(1, 20)), ((1, "riding", 0), (1, "wearing", 2)),
        with_each(("person",), ("bike", "motorcycle")), (*TOWN, "park"), weight=5,
    ),
    Scenario(
        "skateboarding",
        (Role(SECOND), Role(FIRST, "balance", 0, "top", "foot", rise=(0, 4)), _hat(1, 25)),
        ((1, "riding", 0), (1, "wearing", 2)),
        (("person", "skateboard"),), TOWN, weight=4,
    ),
    Scenario(
        "surfing",
        (Role(SECOND, at_least=9), Role(FIRST, "balance", 0, "top", "foot", rise=(2, 6))),
        ((1, "riding", 0),),
        (("person", "surfboard"), ("person", "surfboard"), ("dog", "surfboard")),
        ("sea",), zone="water", weight=4,
    ),
    Scenario(
        "sailing",
        (
            Role(SECOND, at_least=10),
            Role(FIRST, "stand", 0, "inside", "foot", shift=(-20, 10), smaller=3),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0),),
        (("person", "boat"), ("dog", "boat"), ("cat", "boat")), ("sea",), zone="water", weight=5,
    ),
    Scenario(
        "sledding",
        (
            Role(SECOND), Role(FIRST, "sit", 0, "back", "seat", smaller=0),
            Role(("dog", "horse"), "run", 0, "right", "left", shift=(86, 86), layer=0),
            Role(("rope",), parent=2, at="left", by="nose", shift=(14, 14), rise=(-30, -30), layer=-9),
            _hat(1, 50),
        ),
        ((1, "sitting on", 0), (2, "pulling", 0), (1, "wearing", 4)),
        (("person", "sled"),), ("snow",), weight=4,
    ),
    Scenario(
        "pulling a cart",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="right", by="left", shift=(-4, 8), layer=0),
            Role(("box", "bag", "rock", "dog", "sheep"), parent=0, at="inside", by="middle", rise=(-14, -6), shift=(-12, 12),
                 smaller=3, chance=60),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "pulling", 0), (2, "in", 0)),
        with_each(("horse", "cow", "dog"), ("cart",)), ("grass", "desert", "road"), weight=4,
    ),
    Scenario(
        "kite flying",
        (
            Role(FIRST, "reach", smaller=None),
            Role(("string",), parent=0, at="hand", by="foot", layer=-2),
            Role(SECOND, parent=1, at="top", by="grip", layer=2, shift=(-4, 4)),
        ),
        ((0, "holding", 2), (2, "over", 0)),
        (("person", "kite"),), ("grass", "park", "beach"), weight=4,
    ),
    Scenario(
        "walking in the rain",
        (Role(FIRST, "reach"), Role(SECOND, parent=0, at="hand", by="grip", layer=-1)),
        ((0, "holding", 1), (1, "over", 0)),
        (("person", "umbrella"),), (*TOWN, "park", "grass"), weight=4,
    ),
    Scenario(
        "reading",
        (
            Role(("chair", "bench", "bed"), at_least=8), Role(FIRST, "sit", 0, "back", "seat"),
            Role(SECOND, parent=1, at="hand", by="grip", smaller=4),
        ),
        ((1, "sitting on", 0), (1, "holding", 2)),
        (("person", "book"),), (*INDOORS, "park"), weight=4,
    ),
    Scenario(
        "playing music",
        (Role(FIRST, "play"), Role(SECOND, "tilted", 0, "hand", "grip", smaller=1), _hat(0, 30)),
        ((0, "playing", 1), (0, "wearing", 2)),
        (("person", "guitar"),), (*INDOORS, "city", "grass"), weight=4,
    ),
    Scenario(
        "working",
        (
            Role(("chair",), at_least=8), Role(FIRST, "sit", 0, "back", "seat"),
            Role(("table",), parent=0, at="right", by="left", shift=(24, 34), layer=0),
            Role(SECOND, parent=2, at="top", by="foot", smaller=3, shift=(-30, 10)),
        ),
        ((1, "sitting on", 0), (1, "using", 3), (3, "on", 2)),
        (("person", "laptop"),), INDOORS, weight=4,
    ),
    Scenario(
        "phoning", (Role(FIRST, "hold"), Role(SECOND, parent=0, at="hand", by="grip", smaller=5)),
        ((0, "using", 1),), (("person", "phone"),), (*TOWN, *INDOORS), weight=3,
    ),
    Scenario(
        "dining",
        (
            Role(SECOND, at_least=10), Role(FIRST, "stand", 0, "left", "right", shift=(-14, -2), layer=0),
            Role(("pizza", "cake", "bowl", "cup"), parent=0, at="top", by="foot", shift=(-70, -40), smaller=4),
            Role(("bottle", "vase", "apple", "banana"), parent=0, at="top", by="foot", shift=(30, 70), smaller=4,
                 chance=70),
        ),
        ((1, "near", 0), (2, "on", 0), (3, "on", 0)),
        (("person", "table"),), INDOORS, weight=5,
    ),
    Scenario(
        "breakfast",
        (
            Role(SECOND, at_least=10),
            Role(FIRST, parent=0, at="top", by="foot", shift=(-90, -60), smaller=4),
            Role(("banana", "apple", "book"), parent=0, at="top", by="foot", shift=(-6, 10), smaller=5),
            Role(("bottle", "vase", "phone"), parent=0, at="top", by="foot", shift=(66, 90), smaller=4, chance=60),
        ),
        ((1, "on", 0), (2, "on", 0), (3, "on", 0)),
        with_each(("cup", "bowl", "cake"), ("table",)), ("kitchen", "room"), weight=4,
    ),
    Scenario(
        "picnic",
        (
            Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(10, 40), layer=0),
            Role(("bottle", "bowl", "cake"), parent=1, at="right", by="left", shift=(8, 30), layer=0),
        ),
        ((0, "near", 1), (2, "near", 1)),
        with_each(("person",), ("bag", "bench", "pizza")), ("grass", "park", "beach"), weight=4,
    ),
    Scenario(
        "birthday",
        (
            Role(("table",), at_least=9), Role(SECOND, parent=0, at="top", by="foot", smaller=3),
            Role(FIRST, parent=0, at="left", by="right", shift=(-20, -6), layer=0), _hat(2, 100),
        ),
        ((1, "on", 0), (2, "looking at", 1), (2, "wearing", 3)),
        with_each(("person", "dog", "cat"), ("cake",)), INDOORS, weight=4,
    ),
    Scenario(
        "sleeping in", (Role(SECOND, at_least=10), Role(FIRST, "lie", parent=0, at="top", by="foot", smaller=3, rise=(4, 10))),
        ((1, "lying on", 0),), with_each(("cat", "dog"), ("bed",)), ("room",), weight=3,
    ),
    Scenario(
        "resting on a seat",
        (Role(SECOND, at_least=9), Role(FIRST, parent=0, at="back", by="foot", smaller=3, rise=(0, 4))),
        ((1, "standing on", 0),), with_each(("cat", "dog", "bird"), ("bench", "chair", "table")),
        (*INDOORS, "park"), weight=3,
    ),
    Scenario(
        "sitting down", (Role(SECOND, at_least=8), Role(FIRST, "sit", 0, "back", "seat"), _hat(1, 30)),
        ((1, "sitting on", 0), (1, "wearing", 2)),
        with_each(("person",), ("bench", "chair", "rock")), ("park", "beach", "city", "room"), weight=4,
    ),
    Scenario(
        "shopping",
        (Role(FIRST, "hold"), Role(SECOND, parent=0, at="hand", by="grip", smaller=3), _hat(0, 20)),
        ((0, "carrying", 1), (0, "wearing", 2)),
        (("person", "bag"), ("person", "bag"), ("person", "bottle"), ("person", "umbrella")), (*TOWN,), weight=3,
    ),
    Scenario(
        "moving house", (Role(FIRST, "carry"), Role(SECOND, parent=0, at="hand", by="foot", smaller=3, shift=(0, 8))),
        ((0, "carrying", 1),),
        with_each(("person",), ("box", "vase", "cake", "laptop", "ball")), (*TOWN, "room"), weight=4,
    ),
    Scenario(
        "traffic",
        (
            Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(14, 40), layer=0),
            Role(("person",), "walk", 1, "right", "left", shift=(10, 30), layer=0, chance=40),
        ),
        ((0, "near", 1), (2, "near", 1)),
        with_each(("car", "bus", "truck", "bike"), ("sign", "tree")), TOWN, weight=4,
    ),
    Scenario(
        "farming",
        (
            Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(30, 80), layer=0),
            Role(("fence",), parent=1, at="left", by="foot", rise=(-30, -20), shift=(-30, 30), layer=-400,
                 chance=40),
        ),
        ((0, "looking at", 1), (2, "behind", 1)),
        with_each(("person",), ("sheep", "cow", "horse")), ("grass", "park"), weight=4,
    ),
    Scenario(
        "playing with a ball",
        (
            Role(FIRST, "run"),
            Role(SECOND, parent=0, at="right", by="left", shift=(10, 70), rise=(-30, 0), layer=0),
        ),
        ((0, "chasing", 1),), with_each(("dog", "cat", "person"), ("ball",)), ("grass", "park", "beach", "snow"),
        weight=4,
    ),
    Scenario(
        "dressing up",
        (Role(FIRST, at_least=9), Role(SECOND, parent=0, at="head", by="brim", smaller=4)),
        ((0, "wearing", 1),),
        with_each(("person", "dog", "cat", "cow", "sheep", "horse", "elephant", "giraffe"), ("hat",)),
        (*OUTDOORS, "room"), weight=5,
    ),
    Scenario(
        "gardening",
        (
            Role(FIRST, "hold"), Role(SECOND, parent=0, at="hand", by="grip", smaller=3),
            Role(("house", "tree", "fence"), parent=0, at="left", by="right", shift=(-60, -20), layer=-9, chance=60),
        ),
        ((0, "holding", 1), (0, "near", 2)), (("person", "flower"),), ("grass", "park"), weight=3,
    ),
    Scenario(
        "bird watching",
        (
            Role(FIRST), Role(SECOND, parent=0, at="right", by="base", shift=(20, 90), rise=(-330, -270), smaller=2),
        ),
        ((0, "looking at", 1),), with_each(("person", "cat"), ("bird", "airplane", "kite")), ("park", "beach", "grass"),
        weight=3,
    ),
    Scenario(
        "flying over",
        (Role(SECOND), Role(FIRST, parent=0, at="crown", by="base", shift=(-40, 40), rise=(-70, -20), smaller=1)),
        ((1, "over", 0),), with_each(("bird", "airplane", "kite"), ("house", "tree", "bus")),
        ("park", "grass", "city"), weight=4,
    ),
    Scenario(
        "hiding",
        (
            Role(SECOND, at_least=9), Role(FIRST, parent=0, at="inside", by="middle", rise=(-24, -14), smaller=3),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0),), with_each(("cat", "dog"), ("box", "bag", "cart")), (*INDOORS, "grass"), weight=4,
    ),
    Scenario(
        "fruit in a bowl",
        (
            Role(SECOND, at_least=9), Role(FIRST, parent=0, at="inside", by="middle", shift=(-40, -20), rise=(-14, -6), smaller=4),
            Role(("apple", "banana"), parent=0, at="inside", by="middle", shift=(20, 36), rise=(-14, -6), smaller=4, chance=50),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0), (2, "in", 0)), with_each(("apple", "banana"), ("bowl",)), INDOORS, weight=3,
    ),
)  # fmt: skip

SCENARIOS: tuple[Scenario, ...] = SWAPPABLE + FIXED

ROLES = max(len(scenario.roles) for scenario in SCENARIOS)

EXTRAS: dict[str, tuple[str, ...]] = {
    "grass": ("tree", "flower", "rock", "dog", "sheep", "cow", "ball", "fence", "bench", "cat", "horse"),
    "park": ("tree", "bench", "flower", "dog", "ball", "bike", "lamp", "cat", "sign"),
    "beach": ("umbrella", "ball", "chair", "surfboard", "bag", "bottle", "dog", "person", "rock"),
    "snow": ("tree", "sled", "rock", "dog", "house", "hat", "fence", "person"),
    "desert": ("rock", "cart", "flower", "sign", "horse", "truck", "bag"),
    "road": ("car", "sign", "bus", "truck", "motorcycle", "bike", "tree", "person", "skateboard"),
    "city": ("car", "bike", "sign", "lamp", "person", "bench", "bag", "motorcycle", "dog", "bus", "skateboard"),
    "room": ("chair", "lamp", "book", "vase", "box", "ball", "cat", "bag", "guitar", "phone", "clock", "table"),
    "kitchen": ("cup", "bottle", "bowl", "chair", "apple", "banana", "vase", "box", "cat", "cake", "pizza", "bag"),
    "sea": ("boat", "bird", "surfboard", "boat"),
    "sky": ("bird", "kite", "airplane"),
}  # fmt: skip
"""Who else may be about, the commonest first."""
