"""Outdoor scenarios: riding and cycling, boats and boards, snow and rain."""

from __future__ import annotations

from itertools import product

from benchbench.scenes.scenario import FIRST, OUTDOORS, SECOND, TOWN, Role, Scenario


def with_each(subjects: tuple[str, ...], objects: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return subjects × objects, in the order of the objects."""
    return tuple((s, o) for o, s in product(objects, subjects) if s != o)


HAT = ("hat",)


def rider() -> Role:
    """Return the role of the first principal astride the role that is placed first."""
    return Role(FIRST, "ride", 0, "back", "seat")


def hat(parent: int, chance: int) -> Role:
    """Return a hat's role: on the head of the role ``parent``, in ``chance`` percent of scenes."""
    return Role(HAT, parent=parent, at="head", by="brim", smaller=3, chance=chance)


OUTINGS: tuple[Scenario, ...] = (
    Scenario(
        "riding animals",
        (Role(SECOND, at_least=9), rider(), hat(1, 35)),
        ((1, "riding", 0), (0, "carrying", 1), (1, "wearing", 2)),
        with_each(("person",), ("horse", "elephant", "cow", "giraffe")),
        OUTDOORS,
        weight=6,
    ),
    Scenario(
        "cycling",
        (Role(SECOND), rider(), hat(1, 20)),
        ((1, "riding", 0), (1, "wearing", 2)),
        with_each(("person",), ("bike", "motorcycle")),
        (*TOWN, "park"),
        weight=5,
    ),
    Scenario(
        "skateboarding",
        (Role(SECOND), Role(FIRST, "balance", 0, "top", "foot", rise=(0, 4)), hat(1, 25)),
        ((1, "riding", 0), (1, "wearing", 2)),
        (("person", "skateboard"),),
        TOWN,
        weight=4,
    ),
    Scenario(
        "surfing",
        (Role(SECOND, at_least=9), Role(FIRST, "balance", 0, "top", "foot", rise=(2, 6))),
        ((1, "riding", 0),),
        (("person", "surfboard"), ("person", "surfboard"), ("dog", "surfboard")),
        ("sea",),
        zone="water",
        weight=4,
    ),
    Scenario(
        "sailing",
        (
            Role(SECOND, at_least=10),
            Role(FIRST, "stand", 0, "inside", "foot", shift=(-20, 10), smaller=3),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0),),
        (("person", "boat"), ("dog", "boat"), ("cat", "boat")),
        ("sea",),
        zone="water",
        weight=5,
    ),
    Scenario(
        "sledding",
        (
            Role(SECOND),
            Role(FIRST, "sit", 0, "back", "seat", smaller=0),
            Role(("dog", "horse"), "run", 0, "right", "left", shift=(86, 86), layer=0),
            Role(
                ("rope",),
                parent=2,
                at="left",
                by="right",
                shift=(14, 14),
                rise=(-30, -30),
                layer=-9,
            ),
            hat(1, 50),
        ),
        ((1, "sitting on", 0), (2, "pulling", 0), (1, "wearing", 4)),
        (("person", "sled"),),
        ("snow",),
        weight=4,
    ),
    Scenario(
        "pulling a cart",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="right", by="left", shift=(-4, 8), layer=0),
            Role(
                ("box", "bag", "rock", "dog", "sheep"),
                parent=0,
                at="inside",
                by="sunk",
                rise=(-6, 2),
                shift=(-12, 12),
                smaller=3,
                chance=60,
            ),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "pulling", 0), (2, "in", 0)),
        with_each(("horse", "cow", "dog"), ("cart",)),
        ("grass", "desert", "road"),
        weight=4,
    ),
    Scenario(
        "kite flying",
        (
            Role(FIRST, "reach", smaller=None),
            Role(("string",), parent=0, at="hand", by="foot", layer=-2),
            Role(SECOND, parent=1, at="top", by="grip", layer=2, shift=(-4, 4)),
        ),
        ((0, "holding", 2), (2, "over", 0)),
        (("person", "kite"),),
        ("grass", "park", "beach"),
        weight=4,
    ),
    Scenario(
        "walking in the rain",
        (Role(FIRST, "reach"), Role(SECOND, parent=0, at="hand", by="grip", layer=-1)),
        ((0, "holding", 1), (1, "over", 0)),
        (("person", "umbrella"),),
        (*TOWN, "park", "grass"),
        weight=4,
    ),
)
