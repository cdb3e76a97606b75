"""Scenarios whose roles cannot be swapped, as in life: people read books, cups stand on tables."""

from __future__ import annotations

from benchbench.scenes.outdoor_scenarios import hat, with_each
from benchbench.scenes.scenario import FIRST, INDOORS, OUTDOORS, SECOND, TOWN, Role, Scenario

EVERYDAY: tuple[Scenario, ...] = (
    Scenario(
        "reading",
        (
            Role(("chair", "bench", "bed"), at_least=8),
            Role(FIRST, "sit", 0, "back", "seat"),
            Role(SECOND, parent=1, at="hand", by="grip", smaller=4),
        ),
        ((1, "sitting on", 0), (1, "holding", 2)),
        (("person", "book"),),
        (*INDOORS, "park"),
        weight=4,
    ),
    Scenario(
        "playing music",
        (Role(FIRST, "play"), Role(SECOND, "tilted", 0, "hand", "grip", smaller=1), hat(0, 30)),
        ((0, "playing", 1), (0, "wearing", 2)),
        (("person", "guitar"),),
        (*INDOORS, "city", "grass"),
        weight=4,
    ),
    Scenario(
        "working",
        (
            Role(("chair",), at_least=8),
            Role(FIRST, "sit", 0, "back", "seat"),
            Role(("table",), parent=0, at="right", by="left", shift=(24, 34), layer=0),
            Role(SECOND, parent=2, at="top", by="foot", smaller=3, shift=(-30, 10)),
        ),
        ((1, "sitting on", 0), (1, "using", 3), (3, "on", 2)),
        (("person", "laptop"),),
        INDOORS,
        weight=4,
    ),
    Scenario(
        "phoning",
        (Role(FIRST, "hold"), Role(SECOND, parent=0, at="hand", by="grip", smaller=5)),
        ((0, "using", 1),),
        (("person", "phone"),),
        (*TOWN, *INDOORS),
        weight=3,
    ),
    Scenario(
        "dining",
        (
            Role(SECOND, at_least=10),
            Role(FIRST, "stand", 0, "left", "right", shift=(-14, -2), layer=0),
            Role(
                ("pizza", "cake", "bowl", "cup"),
                parent=0,
                at="top",
                by="foot",
                shift=(-70, -40),
                smaller=4,
            ),
            Role(
                ("bottle", "vase", "apple", "banana"),
                parent=0,
                at="top",
                by="foot",
                shift=(30, 70),
                smaller=4,
                chance=70,
            ),
        ),
        ((1, "near", 0), (2, "on", 0), (3, "on", 0)),
        (("person", "table"),),
        INDOORS,
        weight=5,
    ),
    Scenario(
        "breakfast",
        (
            Role(SECOND, at_least=10),
            Role(FIRST, parent=0, at="top", by="foot", shift=(-90, -60), smaller=4),
            Role(
                ("banana", "apple", "book"),
                parent=0,
                at="top",
                by="foot",
                shift=(-6, 10),
                smaller=5,
            ),
            Role(
                ("bottle", "vase", "phone"),
                parent=0,
                at="top",
                by="foot",
                shift=(66, 90),
                smaller=4,
                chance=60,
            ),
        ),
        ((1, "on", 0), (2, "on", 0), (3, "on", 0)),
        with_each(("cup", "bowl", "cake"), ("table",)),
        ("kitchen", "room"),
        weight=4,
    ),
    Scenario(
        "picnic",
        (
            Role(FIRST),
            Role(SECOND, parent=0, at="right", by="left", shift=(10, 40), layer=0),
            Role(
                ("bottle", "bowl", "cake"), parent=1, at="right", by="left", shift=(8, 30), layer=0
            ),
        ),
        ((0, "near", 1), (2, "near", 1)),
        with_each(("person",), ("bag", "bench", "pizza")),
        ("grass", "park", "beach"),
        weight=4,
    ),
    Scenario(
        "birthday",
        (
            Role(("table",), at_least=9),
            Role(SECOND, parent=0, at="top", by="foot", smaller=3),
            Role(FIRST, parent=0, at="left", by="right", shift=(-20, -6), layer=0),
            hat(2, 100),
        ),
        ((1, "on", 0), (2, "looking at", 1), (2, "wearing", 3)),
        with_each(("person", "dog", "cat"), ("cake",)),
        INDOORS,
        weight=4,
    ),
    Scenario(
        "sleeping in",
        (
            Role(SECOND, at_least=10),
            Role(FIRST, "lie", parent=0, at="top", by="foot", smaller=3, rise=(4, 10)),
        ),
        ((1, "lying on", 0),),
        with_each(("cat", "dog"), ("bed",)),
        ("room",),
        weight=3,
    ),
    Scenario(
        "resting on a seat",
        (
            Role(SECOND, at_least=10),
            Role(FIRST, parent=0, at="back", by="foot", smaller=3, rise=(0, 4)),
        ),
        ((1, "standing on", 0),),
        with_each(("cat", "dog", "bird"), ("bench", "chair", "table")),
        (*INDOORS, "park"),
        weight=3,
    ),
    Scenario(
        "sitting down",
        (Role(SECOND, at_least=8), Role(FIRST, "sit", 0, "back", "seat"), hat(1, 30)),
        ((1, "sitting on", 0), (1, "wearing", 2)),
        with_each(("person",), ("bench", "chair", "rock")),
        ("park", "beach", "city", "room"),
        weight=4,
    ),
    Scenario(
        "shopping",
        (Role(FIRST, "hold"), Role(SECOND, parent=0, at="hand", by="grip", smaller=3), hat(0, 20)),
        ((0, "carrying", 1), (0, "wearing", 2)),
        (("person", "bag"), ("person", "bag"), ("person", "bottle"), ("person", "umbrella")),
        (*TOWN,),
        weight=3,
    ),
    Scenario(
        "moving house",
        (
            Role(FIRST, "carry"),
            Role(SECOND, parent=0, at="hand", by="foot", smaller=3, shift=(0, 8)),
        ),
        ((0, "carrying", 1),),
        with_each(("person",), ("box", "vase", "cake", "laptop", "ball")),
        (*TOWN, "room"),
        weight=4,
    ),
    Scenario(
        "traffic",
        (
            Role(FIRST),
            Role(SECOND, parent=0, at="right", by="left", shift=(14, 40), layer=0),
            Role(("person",), "run", 1, "right", "left", shift=(10, 30), layer=0, chance=40),
        ),
        ((0, "near", 1), (2, "near", 1)),
        with_each(("car", "bus", "truck", "bike"), ("sign", "tree")),
        TOWN,
        weight=4,
    ),
    Scenario(
        "farming",
        (
            Role(FIRST),
            Role(SECOND, parent=0, at="right", by="left", shift=(30, 80), layer=0),
            Role(
                ("fence",),
                parent=1,
                at="left",
                by="foot",
                rise=(-30, -20),
                shift=(-30, 30),
                layer=-400,
                chance=40,
            ),
        ),
        ((0, "looking at", 1), (2, "behind", 1)),
        with_each(("person",), ("sheep", "cow", "horse")),
        ("grass", "park"),
        weight=4,
    ),
    Scenario(
        "playing with a ball",
        (
            Role(FIRST, "run"),
            Role(SECOND, parent=0, at="right", by="left", shift=(10, 70), rise=(-30, 0), layer=0),
        ),
        ((0, "chasing", 1),),
        with_each(("dog", "cat", "person"), ("ball",)),
        ("grass", "park", "beach", "snow"),
        weight=4,
    ),
    Scenario(
        "dressing up",
        (Role(FIRST, at_least=9), Role(SECOND, parent=0, at="head", by="brim", smaller=4)),
        ((0, "wearing", 1),),
        with_each(
            ("person", "dog", "cat", "cow", "sheep", "horse", "elephant", "giraffe"), ("hat",)
        ),
        (*OUTDOORS, "room"),
        weight=5,
    ),
    Scenario(
        "gardening",
        (
            Role(FIRST, "hold"),
            Role(SECOND, parent=0, at="hand", by="grip", smaller=3),
            Role(
                ("house", "tree", "fence"),
                parent=0,
                at="left",
                by="right",
                shift=(-60, -20),
                layer=-9,
                chance=60,
            ),
        ),
        ((0, "holding", 1), (0, "near", 2)),
        (("person", "flower"),),
        ("grass", "park"),
        weight=3,
    ),
    Scenario(
        "bird watching",
        (
            Role(FIRST),
            Role(
                SECOND,
                parent=0,
                at="right",
                by="base",
                shift=(20, 90),
                rise=(-330, -270),
                smaller=2,
            ),
        ),
        ((0, "looking at", 1),),
        with_each(("person", "cat"), ("bird", "airplane", "kite")),
        ("park", "beach", "grass"),
        weight=3,
    ),
    Scenario(
        "flying over",
        (
            Role(SECOND),
            Role(
                FIRST, parent=0, at="crown", by="base", shift=(-40, 40), rise=(-70, -20), smaller=1
            ),
        ),
        ((1, "over", 0),),
        with_each(("bird", "airplane", "kite"), ("house", "tree", "bus")),
        ("park", "grass", "city"),
        weight=4,
    ),
    Scenario(
        "hiding",
        (
            Role(SECOND, at_least=9),
            Role(FIRST, parent=0, at="inside", by="sunk", rise=(-10, 0), smaller=3),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0),),
        with_each(("cat", "dog"), ("box", "bag", "cart")),
        (*INDOORS, "grass"),
        weight=4,
    ),
    Scenario(
        "fruit in a bowl",
        (
            Role(SECOND, at_least=9),
            Role(
                FIRST, parent=0, at="inside", by="sunk", shift=(-40, -20), rise=(-6, 2), smaller=4
            ),
            Role(
                ("apple", "banana"),
                parent=0,
                at="inside",
                by="sunk",
                shift=(20, 36),
                rise=(-6, 2),
                smaller=4,
                chance=50,
            ),
            Role(SECOND, "front", parent=0, at="foot", layer=3, owned=True),
        ),
        ((1, "in", 0), (2, "in", 0)),
        with_each(("apple", "banana"), ("bowl",)),
        INDOORS,
        weight=3,
    ),
)
