"""Vehicles on wheels, on water and in the air. The paintwork is tinted."""

from __future__ import annotations

from benchbench.scenes.shapes import (
    Shape,
    bar,
    blob,
    body,
    ink,
    outline,
    oval,
    path,
    poly,
    rect,
    ring,
    shadow,
    stroke,
    wheel,
)
from tools.art.drawing import Drawing

GLASS, SHINE, DARK, STEEL = ink("#bfe3f2"), ink("#ffffff", 0.55), ink("#2e2e34"), ink("#b8bec8")


def car() -> Drawing:
    """Draw a family car, bonnet to the right."""
    shapes = [
        shadow(50, 45, 46),
        blob(body(), (3, 36), (4, 24), (14, 20), (26, 6), (40, 3), (58, 4), (71, 18), (90, 22),
             (97, 29), (96, 39), (50, 40), (6, 40)),
        poly(GLASS, (23, 19), (31, 8.5), (44, 7), (44, 19)),
        poly(GLASS, (48, 19), (48, 7), (57, 8), (67, 19)),
        poly(SHINE, (27, 19), (34, 9), (37, 9), (30, 19)),
        bar(body(0.6), (46, 21), (46, 37), 1.2),
        bar(body(0.65), (8, 37.5), (92, 37.5), 3),
        bar(body(0.5), (50, 24), (55, 24), 2),
        oval(ink("#fff3b0"), 94, 29, 2.8, 3.4), oval(ink("#d8322c"), 5, 27, 2.2, 3.4),
        *wheel(24, 38, 9), *wheel(76, 38, 9),
    ]  # fmt: skip
    return Drawing(100, 49, tuple(shapes), _meets(50, 46, 4, 50))


def bus() -> Drawing:
    """Draw a bus: a long box of windows."""
    shapes = [shadow(50, 53, 47), rect(body(), 2, 5, 98, 48, 5)]
    shapes += [rect(GLASS, x, 11, x + 11.5, 25, 1.5) for x in (7, 21, 35, 49)]
    shapes += [rect(GLASS, 64, 11, 75, 46, 1.5), rect(GLASS, 80, 10, 97, 27, 2)]
    shapes += [
        bar(ink("#9fb6c2"), (69.5, 12), (69.5, 46), 1.2),
        rect(ink("#ffffff", 0.85), 3, 29, 62, 32),
        oval(ink("#fff3b0"), 95.5, 40, 2.4, 3), oval(ink("#d8322c"), 3.8, 40, 1.8, 3),
        rect(DARK, 84, 6, 96, 9, 1),
        *wheel(21, 46, 8), *wheel(84, 46, 8),
    ]  # fmt: skip
    return Drawing(100, 57, tuple(shapes), _meets(50, 54, 5, 50))


def truck() -> Drawing:
    """Draw a lorry, the load box behind, the cab in front."""
    shapes = [
        shadow(50, 57, 47),
        rect(ink("#4a4a52"), 4, 43, 96, 50, 2),
        rect(body(), 2, 4, 62, 45, 2),
        bar(body(0.62), (17, 7), (17, 42), 1.4), bar(body(0.62), (32, 7), (32, 42), 1.4),
        bar(body(0.62), (47, 7), (47, 42), 1.4),
        blob(body(0.84), (66, 46), (66, 17), (72, 14), (86, 15), (90, 28), (97, 33), (97, 48),
             (80, 49)),
        poly(GLASS, (72, 19), (84, 19), (88, 30), (72, 30)),
        bar(body(0.5), (70, 34), (75, 34), 2),
        oval(ink("#fff3b0"), 95, 40, 2.4, 3.2), rect(STEEL, 91, 46, 99, 50, 1),
        *wheel(15, 50, 8), *wheel(32, 50, 8), *wheel(81, 50, 8),
    ]  # fmt: skip
    return Drawing(100, 61, tuple(shapes), _meets(50, 58, 4, 32))


def train() -> Drawing:
    """Draw a steam engine."""
    shapes: list[Shape] = [shadow(50, 67, 46), oval(ink("#eef0f3", 0.85), 66, 7, 7, 5)]
    shapes += [
        oval(ink("#eef0f3", 0.85), 54, 5, 6, 4),
        rect(ink("#6b3a2c"), 2, 15, 40, 21, 2),
        rect(body(), 5, 20, 37, 55), rect(GLASS, 11, 25, 22, 38, 1), rect(GLASS, 25, 25, 33, 38, 1),
        rect(body(), 33, 29, 88, 55, 9),
        poly(DARK, (72, 30), (70, 15), (82, 15), (80, 30)), rect(DARK, 68, 12, 84, 17, 1.5),
        blob(ink("#d9a62e"), (52, 30), (52, 24), (57, 21), (62, 24), (62, 30)),
        bar(body(0.55), (47, 31), (47, 53), 2), bar(body(0.55), (66, 31), (66, 53), 2),
        rect(ink("#3a3a42"), 4, 54, 90, 59),
        poly(ink("#c23b2e"), (86, 54), (99, 65), (86, 65)),
        *wheel(16, 59, 8, "#c23b2e"), *wheel(36, 59, 8, "#c23b2e"),
        *wheel(56, 60.5, 6.5, "#c23b2e"), *wheel(73, 60.5, 6.5, "#c23b2e"),
        bar(STEEL, (16, 60), (56, 60), 2),
        oval(ink("#fff3b0"), 89, 38, 3),
    ]  # fmt: skip
    return Drawing(100, 70, tuple(shapes), _meets(48, 67, 5, 20))


def bike() -> Drawing:
    """Draw a bicycle with two thin wheels and a thick tinted frame."""
    tyre = ink("#2c2c32")
    shapes = [shadow(50, 66, 44)]
    for x in (21, 79):
        shapes += [ring(tyre, x, 46, 18, 2.6), oval(STEEL, x, 46, 2)]
    shapes += [
        stroke(body(), 5.5, (21, 46), (46, 48), (69, 21), (36, 21), (21, 46)),
        stroke(body(), 5, (46, 48), (34, 16)),
        stroke(body(), 5, (67, 13), (79, 46)),
        path(DARK, 4, (66, 8), (74, 7), (79, 12)),
        bar(ink("#4a2f22"), (26, 14), (41, 14), 6),
        oval(DARK, 46, 48, 5),
        bar(DARK, (46, 48), (52, 57), 2.6),
    ]
    anchors = _meets(50, 65, 4, 34) | {"back": (35.0, 14.0), "top": (35.0, 12.0)}
    return Drawing(100, 69, tuple(shapes), anchors)


def motorcycle() -> Drawing:
    """Draw a motorcycle with fat wheels, tank, seat and fork."""
    shapes: list[Shape] = [shadow(50, 63, 46), *wheel(19, 46, 16), *wheel(81, 46, 16)]
    shapes += [
        stroke(STEEL, 4.5, (81, 46), (70, 16)),
        stroke(ink("#55555e"), 6, (19, 46), (44, 48), (62, 46)),
        rect(ink("#6a6a74"), 38, 34, 62, 54, 4),
        rect(STEEL, 42, 38, 58, 42),
        rect(STEEL, 42, 45, 58, 49),
        blob(body(), (6, 30), (14, 23), (34, 24), (44, 28), (40, 38), (24, 32), (10, 35)),
        outline(blob(body(), (38, 30), (42, 20), (58, 16), (70, 20), (68, 30), (54, 36), (42, 36))),
        blob(DARK, (16, 24), (20, 18), (38, 19), (44, 25), (32, 28)),
        path(DARK, 4, (58, 9), (67, 10), (71, 17)),
        oval(ink("#fff3b0"), 76, 18, 4, 5),
        path(body(), 5, (68, 31), (80, 27), (93, 34)),
        bar(STEEL, (30, 53), (4, 51), 4.5),
    ]
    anchors = _meets(50, 62, 6, 30) | {"back": (30.0, 21.0), "top": (30.0, 18.0)}
    return Drawing(100, 67, tuple(shapes), anchors)


def boat(front: bool = False) -> Drawing:
    """Draw a sailing boat under white sails; the hull is tinted."""
    shapes = [
        bar(ink("#7a5230"), (48, 74), (48, 3), 3.4),
        blob(ink("#fbf8ee"), (52, 6), (72, 34), (84, 62), (66, 64), (52, 63), (52, 34)),
        poly(ink("#f1ead7"), (44, 12), (44, 63), (16, 63)),
        bar(ink("#c9c2ad"), (53, 34), (70, 34), 1),
        bar(ink("#c9c2ad"), (53, 50), (78, 50), 1),
        poly(ink("#e0483e"), (48, 2), (62, 6), (48, 10)),
    ]
    shapes = [] if front else shapes
    shapes += [
        blob(body(), (3, 68), (30, 70), (70, 70), (97, 66), (90, 82), (80, 92), (50, 94), (20, 92),
             (9, 82)),
        path(body(0.62), 3, (5, 71), (40, 73), (70, 73), (94, 70)),
    ]  # fmt: skip
    anchors = _meets(50, 88, 6, 50) | {"inside": (38.0, 82.0), "top": (50.0, 70.0)}
    return Drawing(100, 96, tuple(shapes), anchors)


def airplane() -> Drawing:
    """Draw an airliner, nose to the right."""
    shapes = [
        poly(body(0.7), (48, 20), (36, 2), (44, 2), (62, 20)),
        poly(body(0.85), (8, 24), (2, 4), (12, 4), (26, 20)),
        blob(body(), (4, 24), (18, 18), (50, 16), (80, 17), (94, 23), (98, 29), (90, 35), (60, 38),
             (26, 35)),
        poly(body(0.72), (8, 27), (1, 21), (7, 20), (22, 27)),
        *(oval(GLASS, x, 24, 1.8, 2.1) for x in (30, 37, 44, 51, 58, 65, 72)),
        poly(GLASS, (84, 19.5), (91, 22.5), (88, 25), (82, 24)),
        outline(poly(body(0.8), (44, 29), (66, 29), (42, 56), (30, 56))),
        outline(oval(ink("#70757f"), 49, 45, 6, 3.2)),
    ]  # fmt: skip
    return Drawing(100, 58, tuple(shapes), _meets(50, 50, 4, 50))


def skateboard() -> Drawing:
    """Draw a deck with both ends up, on four little wheels, of which two show."""
    deck = path(body(), 8, (4, 5), (14, 10), (50, 11), (86, 10), (96, 5))
    wheels = [oval(ink("#f4efe2"), x, 20, 5.5) for x in (25, 75)]
    hubs = [oval(DARK, x, 20, 2) for x in (25, 75)]
    shapes = [shadow(50, 26, 42, 2.4), *wheels, *hubs, deck]
    anchors = _meets(50, 25.5, 4, 50) | {"back": (50.0, 8.0), "top": (50.0, 7.0)}
    return Drawing(100, 29, tuple(shapes), anchors)


def surfboard() -> Drawing:
    """Draw a long pointed board lying flat."""
    shapes = [
        blob(body(), (2, 11), (20, 5), (60, 3), (90, 6), (98, 10), (88, 15), (60, 18), (20, 17)),
        path(ink("#fffbe8", 0.8), 1.8, (8, 11), (50, 10), (92, 10)),
    ]
    anchors = _meets(50, 16, 4, 50) | {"back": (50.0, 9.0), "top": (50.0, 6.0)}
    return Drawing(100, 21, tuple(shapes), anchors)


def surfboard_upright() -> Drawing:
    """Draw a surfboard on its tail, deck towards the viewer."""
    shapes = [
        shadow(15, 97, 13, 2.5),
        blob(
            body(),
            (15, 2),
            (22, 14),
            (27, 40),
            (25, 76),
            (19, 97),
            (11, 97),
            (5, 76),
            (3, 40),
            (8, 14),
        ),
        bar(ink("#fffbe8", 0.85), (15, 8), (15, 93), 2.4),
    ]
    return Drawing(30, 100, tuple(shapes), {"foot": (15.0, 97.0)})


def skateboard_upright() -> Drawing:
    """Draw a skateboard on its tail, wheels to the left."""
    shapes = [
        shadow(16, 97, 12, 2.5),
        *(oval(ink("#f4efe2"), 6, y, 5) for y in (24, 76)),
        *(oval(DARK, 6, y, 1.8) for y in (24, 76)),
        path(body(), 9, (22, 5), (16, 15), (15, 50), (16, 85), (22, 95)),
    ]
    return Drawing(30, 100, tuple(shapes), {"foot": (18.0, 97.0)})


def cart(front: bool = False) -> Drawing:
    """Draw a wooden cart with a drawbar to the right."""
    drawbar = stroke(ink("#6d4a2a"), 4, (74, 40), (97, 31))
    shapes = [] if front else [shadow(42, 60, 36), drawbar]
    shapes += [poly(body(), (3, 14), (82, 14), (76, 43), (9, 43))]
    shapes += [bar(body(0.62), (5, 23), (80, 23), 1.5), bar(body(0.62), (7, 33), (78, 33), 1.5)]
    shapes += [rect(body(0.75), 1, 10, 84, 15, 2)]
    for x in (24, 62):
        shapes += [oval(ink("#4e3621"), x, 46, 13.5), oval(ink("#c79a62"), x, 46, 10)]
        shapes += [bar(ink("#4e3621"), (x - 10, 46), (x + 10, 46), 2.2)]
        shapes += [bar(ink("#4e3621"), (x, 36), (x, 56), 2.2), oval(ink("#4e3621"), x, 46, 3)]
    anchors = {
        "foot": (43.0, 59.0), "top": (42.0, 11.0), "inside": (42.0, 13.0), "back": (38.0, 18.0),
    }  # fmt: skip
    return Drawing(99, 63, tuple(shapes), anchors)


def sled() -> Drawing:
    """Draw a sled with runners, posts and a tinted deck."""
    shapes = [
        shadow(48, 35, 42, 2.6),
        path(ink("#6b6f7a"), 4, (4, 31), (50, 32), (82, 31), (95, 22), (92, 11)),
        bar(ink("#6d4a2a"), (20, 18), (18, 30), 4),
        bar(ink("#6d4a2a"), (66, 18), (68, 30), 4),
        rect(body(), 5, 9, 88, 19, 3),
        bar(body(0.6), (8, 14), (85, 14), 1.6),
    ]
    anchors = {
        "foot": (48.0, 33.0), "top": (46.0, 9.0), "back": (42.0, 10.0),
    }  # fmt: skip
    return Drawing(98, 38, tuple(shapes), anchors)


def _meets(x: float, ground: float, top: float, back_x: float) -> dict[str, tuple[float, float]]:
    """Return the anchors of a vehicle: the ground under its wheels, and its roof."""
    return {"foot": (x, ground), "top": (back_x, top), "back": (back_x, top)}
