"""Scenarios whose principals are drawn in both orders, equally often.

Relation items come from these scenarios alone, except for left and right, which hold between any
two objects.
"""

from __future__ import annotations

from itertools import permutations

from benchbench.scenes.scenario import FIRST, INDOORS, OUTDOORS, SECOND, TOWN, Role, Scenario

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
    "laptop", "phone", "vase", "guitar", "lamp", "chair", "table", "cat", "dog", "clock",
    "umbrella",
)  # fmt: skip
IN_THE_OPEN = (
    "dog", "cat", "horse", "cow", "sheep", "car", "bike", "motorcycle", "tree", "flower", "rock",
    "fence", "bench", "sign", "ball", "kite", "umbrella", "person", "house", "cart", "truck",
    "chair",
)  # fmt: skip


def ordered_pairs(*groups: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return all ordered pairs of different categories inside each group, once each."""
    pairs = [pair for group in groups for pair in permutations(group, 2)]
    return tuple(dict.fromkeys(pairs))


SWAPPABLE: tuple[Scenario, ...] = (
    Scenario(
        "side by side indoors",
        (Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(20, 120), layer=0)),
        ((0, "to the left of", 1), (1, "to the right of", 0)),
        ordered_pairs(HOUSEHOLD),
        INDOORS,
        swappable=True,
        weight=6,
        sizes=True,
    ),
    Scenario(
        "side by side outdoors",
        (Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(20, 110), layer=0)),
        ((0, "to the left of", 1), (1, "to the right of", 0)),
        ordered_pairs(IN_THE_OPEN),
        (*OUTDOORS, *TOWN),
        swappable=True,
        weight=6,
        sizes=True,
    ),
    Scenario(
        "one before the other",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="right", by="foot", shift=(-50, 5), rise=(22, 44), layer=400),
        ),
        ((1, "in front of", 0), (0, "behind", 1)),
        ordered_pairs(BULKY),
        (*OUTDOORS, *TOWN),
        swappable=True,
        weight=9,
    ),
    Scenario(
        "flying",
        (
            Role(SECOND),
            Role(FIRST, parent=0, at="crown", by="base", shift=(-30, 30), rise=(-90, -25)),
        ),
        ((1, "above", 0), (0, "under", 1)),
        ordered_pairs(SKY),
        ("sky", "sea", "park", "beach"),
        swappable=True,
        zone="air",
        weight=5,
    ),
    Scenario(
        "hanging on a wall",
        (
            Role(SECOND),
            Role(FIRST, parent=0, at="crown", by="base", shift=(-20, 20), rise=(-70, -25)),
        ),
        ((1, "above", 0), (0, "under", 1)),
        ordered_pairs(ON_WALL),
        INDOORS,
        swappable=True,
        zone="wall",
        weight=5,
    ),
    Scenario(
        "stacking",
        (
            Role(SECOND, at_least=6),
            Role(FIRST, parent=0, at="top", by="foot", shift=(-8, 8), rise=(-3, 3), smaller=1),
        ),
        ((1, "on", 0), (0, "under", 1)),
        ordered_pairs(STACKS),
        (*INDOORS, "grass"),
        swappable=True,
        weight=9,
    ),
    Scenario(
        "packing",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="inside", by="sunk", shift=(-6, 6), rise=(-6, 4), smaller=3),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0),),
        ordered_pairs(HOLLOWS),
        (*INDOORS, "grass", "road"),
        swappable=True,
        weight=9,
    ),
    Scenario(
        "animals riding",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="back", by="foot", shift=(-6, 6), rise=(0, 6), smaller=2),
        ),
        ((1, "riding", 0), (0, "carrying", 1)),
        ordered_pairs(MOUNTS),
        (*OUTDOORS, "road"),
        swappable=True,
        weight=9,
    ),
    Scenario(
        "chasing",
        (
            Role(FIRST, "run"),
            Role(
                SECOND,
                "run",
                parent=0,
                at="right",
                by="left",
                shift=(10, 60),
                rise=(-8, 8),
                layer=0,
            ),
        ),
        ((0, "chasing", 1),),
        ordered_pairs(RUNNERS),
        (*OUTDOORS, *TOWN),
        swappable=True,
        weight=9,
    ),
    Scenario(
        "watching",
        (Role(FIRST), Role(SECOND, parent=0, at="right", by="left", shift=(30, 90), layer=0)),
        ((0, "looking at", 1),),
        ordered_pairs(WATCHERS),
        (*OUTDOORS, *TOWN),
        swappable=True,
        weight=9,
    ),
    Scenario(
        "towing",
        (
            Role(FIRST),
            Role(SECOND, parent=0, at="left", by="right", shift=(-86, -86), layer=0),
            Role(
                ("rope",),
                parent=0,
                at="left",
                by="right",
                shift=(14, 14),
                rise=(-52, -52),
                layer=-9,
            ),
        ),
        ((0, "pulling", 1),),
        ordered_pairs(TOWERS),
        (*TOWN, "grass", "desert", "snow"),
        swappable=True,
        weight=9,
    ),
    Scenario(
        "leaning",
        (
            Role(SECOND, "upright"),
            Role(FIRST, "tilted", parent=0, at="left", by="right", shift=(4, 10), layer=1),
        ),
        ((1, "leaning on", 0),),
        ordered_pairs(LEANERS),
        (*INDOORS, "grass", "beach"),
        swappable=True,
        weight=7,
    ),
)
