"""Small things for tables, hands and heads."""

from __future__ import annotations

from dataclasses import replace

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
)
from tools.art.drawing import Drawing

DARK, SHINE, PAPER = ink("#2e2e34"), ink("#ffffff", 0.5), ink("#faf6ea")


def cup(front: bool = False) -> Drawing:
    """Draw a mug with a handle."""
    shapes = [] if front else [shadow(40, 93, 32), ring(body(0.8), 76, 48, 16, 8)]
    shapes += [
        blob(body(), (6, 18), (8, 50), (12, 84), (22, 93), (40, 94), (58, 93), (68, 84), (72, 50),
             (74, 18), (40, 25)),
        bar(SHINE, (18, 36), (21, 72), 6),
    ]  # fmt: skip
    if not front:
        shapes += [oval(body(0.72), 40, 17, 34, 9), oval(ink("#5b3a24"), 40, 18.5, 28, 6.2)]
    return Drawing(
        98,
        98,
        tuple(shapes),
        _rests(40, 93, 40, 18) | {"inside": (40.0, 20.0), "grip": (84.0, 48.0)},
    )


def bottle() -> Drawing:
    """Draw a tall bottle with a label."""
    shapes = [
        shadow(18, 97, 14, 2.4), rect(ink("#d9b88a"), 13.5, 2, 22.5, 10, 1.5),
        blob(body(), (13, 9), (23, 9), (23, 26), (32, 38), (33, 70), (32, 94), (18, 97), (4, 94),
             (3, 70), (4, 38), (13, 26)),
        rect(PAPER, 4, 54, 32, 76), bar(ink("#a8a294"), (8, 61), (28, 61), 2),
        bar(ink("#a8a294"), (8, 68), (22, 68), 2), bar(SHINE, (9, 42), (9, 50), 4),
    ]  # fmt: skip
    return Drawing(36, 100, tuple(shapes), _rests(18, 96.5, 18, 3) | {"grip": (18.0, 50.0)})


def bowl(front: bool = False) -> Drawing:
    """Draw a wide bowl on a foot."""
    shapes = [] if front else [shadow(50, 60, 36)]
    shapes += [
        rect(body(0.7), 34, 52, 66, 60, 2),
        blob(body(), (2, 12), (8, 32), (24, 50), (50, 56), (76, 50), (92, 32), (98, 12), (50, 21)),
        path(SHINE, 4, (14, 28), (22, 40), (32, 46)),
    ]  # fmt: skip
    if not front:
        shapes += [oval(body(0.62), 50, 12, 48, 9), oval(body(0.45), 50, 13.5, 41, 6)]
    return Drawing(
        100,
        63,
        tuple(shapes),
        _rests(50, 60, 50, 12) | {"inside": (50.0, 14.0), "grip": (4.0, 24.0)},
    )


def book() -> Drawing:
    """Draw a closed book, lying at an angle that shows cover, spine and pages."""
    shapes = [
        shadow(50, 55, 46),
        poly(PAPER, (8, 40), (94, 40), (94, 52), (8, 52)),
        bar(ink("#c9c2ad"), (12, 44), (92, 44), 1.2), bar(ink("#c9c2ad"), (12, 48), (92, 48), 1.2),
        rect(body(0.7), 2, 50, 97, 56, 2), poly(body(0.6), (3, 38), (9, 38), (9, 54), (3, 54)),
        outline(poly(body(), (22, 4), (98, 4), (95, 41), (2, 41))),
        poly(PAPER, (36, 13), (80, 13), (78, 23), (33, 23)),
    ]  # fmt: skip
    return Drawing(100, 60, tuple(shapes), _rests(50, 56, 50, 22) | {"grip": (20.0, 36.0)})


def box(front: bool = False) -> Drawing:
    """Draw an open cardboard box with its flaps out."""
    shapes = [
        shadow(50, 84, 44),
        poly(body(0.5), (14, 22), (86, 22), (82, 32), (18, 32)),
        poly(body(0.85), (12, 24), (2, 10), (20, 8), (26, 24)),
        poly(body(0.85), (88, 24), (98, 10), (80, 8), (74, 24)),
    ]
    shapes = [] if front else shapes
    shapes += [
        rect(body(), 10, 24, 90, 84, 1.5), rect(body(0.72), 10, 24, 90, 28),
        rect(ink("#e2cf9f", 0.85), 43, 28, 57, 84), bar(DARK, (66, 72), (80, 72), 2.4),
    ]  # fmt: skip
    return Drawing(
        100,
        88,
        tuple(shapes),
        _rests(50, 84, 50, 24) | {"inside": (50.0, 26.0), "grip": (14.0, 62.0)},
    )


def bag(front: bool = False) -> Drawing:
    """Draw a shopping bag with two handles."""
    handle = path(body(0.6), 5, (26, 36), (26, 12), (40, 5), (54, 12), (54, 36))
    shapes = [] if front else [shadow(40, 96, 34), handle]
    shapes += [
        poly(body(), (10, 32), (70, 32), (77, 95), (3, 95)),
        poly(body(0.75), (10, 32), (70, 32), (71, 40), (9, 40)),
        oval(ink("#fffaf0", 0.9), 40, 66, 10), path(body(0.7), 2.5, (35, 66), (39, 70), (46, 61)),
    ]  # fmt: skip
    return Drawing(
        80,
        99,
        tuple(shapes),
        _rests(40, 95.5, 40, 33) | {"inside": (40.0, 35.0), "grip": (40.0, 6.0)},
    )


def ball() -> Drawing:
    """Draw a beach ball with three seams."""
    shapes = [
        shadow(50, 96, 34), oval(body(), 50, 50, 46),
        path(ink("#ffffff", 0.9), 6, (50, 5), (34, 30), (34, 70), (50, 95)),
        path(ink("#ffffff", 0.9), 6, (6, 42), (34, 52), (66, 52), (94, 42)),
        oval(SHINE, 66, 26, 9, 6, 35),
    ]  # fmt: skip
    return Drawing(100, 99, tuple(shapes), _rests(50, 96, 50, 6) | {"grip": (8.0, 62.0)})


def hat() -> Drawing:
    """Draw a brimmed hat with a ribbon."""
    shapes = [
        blob(
            body(0.85),
            (2, 46),
            (18, 40),
            (50, 42),
            (82, 40),
            (98, 46),
            (82, 55),
            (50, 58),
            (18, 55),
        ),
        blob(body(), (22, 46), (24, 18), (36, 5), (50, 8), (64, 5), (76, 18), (78, 46), (50, 50)),
        poly(ink("#3a2c3a"), (23, 35), (77, 35), (78, 46), (50, 49), (22, 46)),
    ]
    return Drawing(
        100, 60, tuple(shapes), _rests(50, 55, 50, 8) | {"grip": (86.0, 48.0), "brim": (50.0, 50.0)}
    )


def pizza() -> Drawing:
    """Draw a whole pizza on a tinted plate."""
    shapes = [
        oval(body(), 50, 28, 48, 24), oval(body(0.8), 50, 29, 40, 19),
        oval(ink("#c98736"), 50, 25, 37, 18), oval(ink("#f6cf55"), 50, 24, 31, 14.5),
    ]  # fmt: skip
    shapes += [
        oval(ink("#c93a2b"), x, y, 5.5, 3.4)
        for x, y in ((38, 18), (56, 15), (68, 24), (50, 27), (33, 28), (58, 34))
    ]
    shapes += [oval(ink("#4c8a3a"), x, y, 2.4, 1.8) for x, y in ((46, 21), (62, 29), (42, 33))]
    return Drawing(100, 54, tuple(shapes), _rests(50, 49, 50, 24) | {"grip": (4.0, 30.0)})


def cake() -> Drawing:
    """Draw a round cake with tinted icing, cream and a candle."""
    shapes = [
        shadow(50, 93, 44), oval(ink("#e9edf0"), 50, 88, 46, 7),
        rect(body(), 12, 48, 88, 86, 6), oval(body(), 50, 48, 38, 11),
        path(ink("#fff6e6"), 7, (13, 50), (22, 60), (31, 51), (40, 62), (50, 52), (60, 62),
             (69, 51), (78, 60), (87, 50)),
        path(ink("#fff6e6"), 6, (14, 82), (50, 87), (86, 82)),
        bar(ink("#f7f3ff"), (50, 22), (50, 46), 6), bar(ink("#d64a6a"), (48, 32), (52, 29), 2.5),
        bar(ink("#d64a6a"), (48, 40), (52, 37), 2.5),
        blob(ink("#ffb52e"), (50, 3), (55, 13), (50, 20), (45, 13)),
    ]  # fmt: skip
    return Drawing(100, 97, tuple(shapes), _rests(50, 92, 50, 46) | {"grip": (10.0, 86.0)})


def apple() -> Drawing:
    """Draw an apple with stalk and leaf."""
    shapes = [
        shadow(46, 95, 30), path(ink("#5a3b22"), 5, (46, 28), (46, 14), (52, 5)),
        blob(body(), (46, 26), (62, 20), (82, 30), (87, 54), (76, 84), (58, 95), (46, 91), (34, 95),
             (16, 84), (5, 54), (10, 30), (30, 20)),
        blob(ink("#4c9c46"), (50, 16), (60, 4), (78, 6), (66, 17)), oval(SHINE, 25, 44, 6, 11, 15),
    ]  # fmt: skip
    return Drawing(92, 98, tuple(shapes), _rests(46, 94, 46, 24) | {"grip": (12.0, 60.0)})


def banana() -> Drawing:
    """Draw one banana, both ends up."""
    shapes = [
        shadow(48, 60, 34),
        blob(body(), (6, 12), (14, 10), (22, 26), (44, 38), (70, 34), (88, 16), (96, 18), (92, 38),
             (72, 56), (44, 60), (18, 44)),
        path(body(0.7), 2.5, (13, 22), (26, 40), (46, 48), (70, 44), (88, 26)),
        bar(ink("#4a3a1c"), (9, 11), (8, 5), 6), oval(ink("#4a3a1c"), 93, 17, 3.6),
    ]  # fmt: skip
    return Drawing(100, 64, tuple(shapes), _rests(48, 59, 48, 40) | {"grip": (12.0, 16.0)})


def laptop() -> Drawing:
    """Draw an open laptop; its case is tinted, the screen lit."""
    shapes = [
        shadow(50, 68, 47),
        rect(body(0.9), 14, 3, 86, 52, 4), rect(ink("#26303c"), 19, 8, 81, 47, 1.5),
        rect(ink("#8fc7e8"), 22, 11, 78, 44), bar(PAPER, (28, 19), (56, 19), 3.5),
        bar(PAPER, (28, 28), (66, 28), 3.5), bar(PAPER, (28, 37), (48, 37), 3.5),
        poly(body(), (13, 52), (87, 52), (98, 66), (2, 66)),
        poly(ink("#33363d"), (20, 54), (80, 54), (84, 60), (16, 60)),
        rect(body(0.7), 2, 65, 98, 69, 2),
    ]  # fmt: skip
    return Drawing(100, 72, tuple(shapes), _rests(50, 68, 50, 6) | {"grip": (8.0, 64.0)})


def phone() -> Drawing:
    """Draw a smartphone, its tinted case around the screen."""
    shapes = [
        rect(body(), 3, 3, 53, 97, 9),
        rect(ink("#1f242c"), 10, 13, 46, 84, 2),
        rect(ink("#7fb6dd"), 12, 15, 44, 82),
        oval(ink("#f4f4f4"), 28, 90.5, 3.6),
        *(rect(PAPER, x, y, x + 8, y + 8, 2) for x in (16, 31) for y in (22, 37, 52)),
        bar(DARK, (22, 8.5), (34, 8.5), 2.6),
    ]
    return Drawing(56, 100, tuple(shapes), _rests(28, 97, 28, 4) | {"grip": (28.0, 80.0)})


def vase() -> Drawing:
    """Draw a bellied vase."""
    shapes = [
        shadow(32, 97, 20),
        blob(body(), (20, 6), (44, 6), (42, 26), (58, 46), (56, 72), (46, 94), (32, 97), (18, 94),
             (8, 72), (6, 46), (22, 26)),
        oval(body(0.6), 32, 6, 13, 4), bar(SHINE, (15, 50), (16, 68), 5),
        path(body(0.66), 3, (21, 28), (32, 31), (43, 28)),
    ]  # fmt: skip
    return Drawing(
        64,
        100,
        tuple(shapes),
        _rests(32, 96.5, 32, 5) | {"inside": (32.0, 40.0), "grip": (8.0, 60.0)},
    )


def _rests(x: float, foot: float, top_x: float, top: float) -> dict[str, tuple[float, float]]:
    """Return the anchors of a thing: the point it stands on, and the point others stand on."""
    return {"foot": (x, foot), "top": (top_x, top)}


def string() -> Drawing:
    """Draw a kite's line, from a hand at the lower left up to the right; a prop, not a category."""
    line = path(ink("#fbf9f2"), 1.7, (3, 97), (24, 80), (42, 50), (54, 4))
    knots = [oval(ink("#fbf9f2"), x, y, 0.8) for x, y in ((3, 97), (54, 4))]
    shapes = [replace(line, solid=False), *knots]  # an outline would make it look like a cable
    return Drawing(58, 100, tuple(shapes), {"foot": (3.0, 97.0), "top": (54.0, 4.0)})


def rope() -> Drawing:
    """Draw a tow rope, taut from left to right; a prop, not a category."""
    shapes: list[Shape] = [path(ink("#b58a4a"), 7, (2, 6), (50, 9), (98, 6))]
    shapes += [bar(ink("#7a5a2c"), (x, 5), (x + 4, 11), 2) for x in range(6, 94, 10)]
    return Drawing(100, 15, tuple(shapes), {"foot": (50.0, 7.0)})
