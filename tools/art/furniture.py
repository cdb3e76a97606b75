"""Furniture, and objects of houses and gardens. Wood, cloth and foliage are tinted."""

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
    shadow,
    stroke,
)
from tools.art.drawing import Drawing

GLASS, DARK, WOOD = ink("#bfe3f2"), ink("#2e2e34"), ink("#7a5433")


def table() -> Drawing:
    """Draw a plain table, seen from the side and a little from above."""
    shapes = [shadow(50, 61, 46)]
    shapes += [bar(body(0.62), (22, 20), (22, 54), 5), bar(body(0.62), (78, 20), (78, 54), 5)]
    shapes += [
        rect(body(0.8), 5, 14, 95, 24, 2),
        bar(body(0.88), (10, 20), (9, 60), 6.5), bar(body(0.88), (90, 20), (91, 60), 6.5),
        poly(body(), (12, 3), (88, 3), (99, 16), (1, 16)),
        rect(body(0.72), 1, 15, 99, 19, 1.5),
    ]  # fmt: skip
    return Drawing(100, 65, tuple(shapes), {"foot": (50.0, 62.0), "top": (50.0, 11.0)})


def chair() -> Drawing:
    """Draw a kitchen chair, its back to the left."""
    shapes = [
        shadow(28, 97, 24),
        bar(body(0.65), (18, 58), (18, 92), 5), bar(body(0.65), (46, 58), (46, 92), 5),
        bar(body(0.9), (9, 8), (9, 96), 6.5), bar(body(0.9), (50, 62), (50, 96), 6),
        rect(body(), 6, 6, 19, 52, 4), rect(body(0.7), 10, 14, 15, 44, 2),
        poly(body(), (8, 54), (50, 54), (55, 62), (6, 62)), rect(body(0.75), 5, 61, 55, 66, 2),
    ]  # fmt: skip
    anchors = {"foot": (29.0, 97.0), "top": (31.0, 58.0), "back": (28.0, 58.0)}
    return Drawing(58, 100, tuple(shapes), anchors)


def bench() -> Drawing:
    """Draw a park bench of slats on iron legs."""
    shapes = [shadow(50, 54, 46)]
    shapes += [bar(ink("#45454d"), (14, 6), (14, 53), 4), bar(ink("#45454d"), (86, 6), (86, 53), 4)]
    shapes += [bar(ink("#45454d"), (8, 36), (8, 53), 4), bar(ink("#45454d"), (92, 36), (92, 53), 4)]
    shapes += [rect(body(0.95 - 0.05 * i), 3, y, 97, y + 7, 2) for i, y in enumerate((3, 13, 23))]
    shapes += [
        poly(body(), (7, 33), (93, 33), (98, 40), (2, 40)),
        rect(body(0.72), 2, 39, 98, 43, 2),
    ]
    anchors = {"foot": (50.0, 54.0), "top": (50.0, 36.0), "back": (50.0, 37.0)}
    return Drawing(100, 58, tuple(shapes), anchors)


def bed() -> Drawing:
    """Draw a bed with a headboard to the left, a pillow and a tinted blanket."""
    shapes = [
        shadow(50, 55, 47),
        rect(WOOD, 2, 4, 9, 54, 2), rect(WOOD, 91, 24, 98, 54, 2),
        rect(ink("#6a4629"), 6, 42, 94, 49),
        rect(ink("#f3efe6"), 8, 28, 92, 43, 3),
        outline(blob(ink("#ffffff"), (10, 28), (11, 20), (22, 18), (33, 21), (33, 29), (20, 31))),
        blob(body(), (34, 25), (44, 22), (70, 23), (91, 23), (93, 34), (92, 46), (60, 47), (36, 46),
             (31, 36)),
        path(body(0.68), 2, (40, 24), (37, 34), (40, 45)),
    ]  # fmt: skip
    anchors = {"foot": (50.0, 54.0), "top": (60.0, 24.0), "back": (56.0, 25.0)}
    return Drawing(100, 58, tuple(shapes), anchors)


def lamp() -> Drawing:
    """Draw a standing lamp with a wide shade."""
    shapes = [
        shadow(25, 96, 18),
        bar(ink("#6b6f7a"), (25, 36), (25, 92), 4), oval(ink("#6b6f7a"), 25, 94, 14, 3.6),
        poly(body(), (14, 4), (36, 4), (48, 40), (2, 40)),
        oval(ink("#fff0a8"), 25, 40, 21, 3.2), bar(body(0.7), (14, 5), (36, 5), 2),
    ]  # fmt: skip
    return Drawing(50, 100, tuple(shapes), {"foot": (25.0, 96.0), "top": (25.0, 4.0)})


def clock() -> Drawing:
    """Draw a round clock with a tinted rim."""
    shapes = [oval(body(), 50, 50, 47), oval(ink("#fdfcf6"), 50, 50, 33)]
    marks = ((50, 21, 50, 27), (50, 73, 50, 79), (21, 50, 27, 50), (73, 50, 79, 50))
    shapes += [bar(DARK, (a, b), (c, d), 4.5) for a, b, c, d in marks]
    shapes += [bar(DARK, (50, 50), (50, 30), 5), bar(DARK, (50, 50), (64, 58), 5)]
    shapes += [oval(ink("#d63a32"), 50, 50, 4)]
    return Drawing(100, 100, tuple(shapes), {"foot": (50.0, 97.0), "grip": (50.0, 5.0)})


def sign() -> Drawing:
    """Draw a road sign: a tinted plate with an arrow, on a post."""
    shapes = [
        shadow(35, 97, 16, 2.5),
        bar(ink("#8f959f"), (35, 40), (35, 96), 6),
        rect(ink("#fafafa"), 2, 3, 68, 50, 6), rect(body(), 5.5, 6.5, 64.5, 46.5, 4),
        poly(ink("#fafafa"), (16, 22), (38, 22), (38, 14), (55, 26.5), (38, 39), (38, 31),
             (16, 31)),
    ]  # fmt: skip
    return Drawing(70, 100, tuple(shapes), {"foot": (35.0, 97.0), "top": (35.0, 4.0)})


def fence() -> Drawing:
    """Draw a fence of pointed boards on two rails."""
    shapes: list[Shape] = [shadow(50, 52, 48, 2.5)]
    shapes += [rect(body(0.72), 1, 20, 99, 26), rect(body(0.72), 1, 38, 99, 44)]
    for i, x in enumerate(range(3, 95, 15)):
        board = ((x, 52), (x, 10), (x + 5, 3), (x + 10, 10), (x + 10, 52))
        shapes.append(outline(poly(body(1.0 if i % 2 else 0.92), *board)))
    return Drawing(100, 55, tuple(shapes), {"foot": (50.0, 52.0), "top": (50.0, 6.0)})


def house() -> Drawing:
    """Draw a house with tinted walls under a dark roof, with door and windows."""
    shapes = [
        shadow(50, 93, 44),
        rect(ink("#8a4a3a"), 70, 12, 80, 36),
        rect(body(), 12, 40, 88, 92),
        poly(ink("#5b3f3a"), (50, 5), (98, 44), (2, 44)),
        poly(ink("#75524b"), (50, 10), (88, 41), (12, 41)),
        rect(ink("#6b4527"), 43, 62, 59, 92), oval(ink("#e8c65a"), 56, 78, 1.6),
    ]  # fmt: skip
    for x in (19, 66):
        shapes += [rect(ink("#fdfdfa"), x, 54, x + 17, 72, 1), rect(GLASS, x + 2, 56, x + 15, 70)]
        shapes += [bar(ink("#fdfdfa"), (x + 8.5, 56), (x + 8.5, 70), 1.6)]
        shapes += [bar(ink("#fdfdfa"), (x + 2, 63), (x + 15, 63), 1.6)]
    return Drawing(100, 97, tuple(shapes), {"foot": (50.0, 92.0), "top": (50.0, 6.0)})


def tree() -> Drawing:
    """Draw a trunk under a round tinted crown."""
    shapes = [
        shadow(36, 97, 20),
        poly(ink("#6e4a2c"), (30, 58), (43, 58), (47, 97), (27, 97)),
        bar(ink("#5a3b22"), (36, 62), (24, 50), 4), bar(ink("#5a3b22"), (37, 64), (50, 50), 4),
    ]  # fmt: skip
    crown = ((22, 46, 19), (52, 45, 19), (20, 28, 17), (54, 27, 17), (37, 19, 17), (37, 38, 24))
    shapes += [oval(body(0.88), x, y, r) for x, y, r in crown[:2]]
    shapes += [oval(body(), x, y, r) for x, y, r in crown[2:]]
    shapes += [oval(body(0.8), x, y, 3.4) for x, y in ((24, 52), (49, 50), (60, 34), (16, 34))]
    shapes += [oval(body(0.84), x, y, 2.6) for x, y in ((34, 22), (44, 36), (29, 38))]
    return Drawing(74, 100, tuple(shapes), {"foot": (37.0, 96.0), "top": (37.0, 4.0)})


def flower() -> Drawing:
    """Draw one blossom on a stalk with two leaves."""
    shapes = [
        shadow(30, 97, 12, 2.4), path(ink("#3f8a3c"), 5, (30, 96), (31, 70), (30, 36)),
        blob(ink("#4c9c46"), (30, 84), (14, 80), (6, 68), (20, 68)),
        blob(ink("#4c9c46"), (31, 76), (46, 74), (55, 62), (40, 61)),
    ]  # fmt: skip
    petals = ((30, 14), (43.5, 21.5), (43.5, 36.5), (30, 44), (16.5, 36.5), (16.5, 21.5))
    shapes += [
        outline(oval(body(1.0 if i % 2 else 0.9), x, y, 11)) for i, (x, y) in enumerate(petals)
    ]
    shapes += [oval(ink("#f4c330"), 30, 29, 8.5), oval(ink("#c98a1a"), 31, 31, 4)]
    return Drawing(60, 100, tuple(shapes), {"foot": (30.0, 96.0), "grip": (30.0, 80.0)})


def rock() -> Drawing:
    """Draw a boulder with facets."""
    shapes = [
        shadow(50, 60, 46),
        poly(body(0.8), (4, 58), (8, 34), (26, 12), (52, 4), (78, 16), (94, 38), (97, 58), (70, 63),
             (26, 63)),
        poly(body(), (26, 12), (52, 4), (78, 16), (58, 30), (34, 28)),
        poly(body(0.9), (8, 34), (26, 12), (34, 28), (28, 48), (6, 50)),
        path(ink("#20242a", 0.45), 2, (58, 30), (62, 44), (56, 56)),
        path(ink("#20242a", 0.45), 2, (34, 28), (30, 40)),
    ]  # fmt: skip
    return Drawing(100, 66, tuple(shapes), {"foot": (50.0, 61.0), "top": (50.0, 8.0)})


def kite() -> Drawing:
    """Draw a kite: a diamond with a cross of spars and a tail of bows."""
    shapes = [
        path(ink("#4a4a55"), 1.8, (30, 60), (24, 72), (34, 84), (28, 97)),
        poly(body(), (30, 2), (57, 25), (30, 62), (3, 25)),
        poly(body(0.78), (30, 2), (57, 25), (30, 62)),
        bar(ink("#4a3a2c"), (30, 3), (30, 61), 1.8),
        bar(ink("#4a3a2c"), (4, 25), (56, 25), 1.8),
    ]
    for x, y in ((25, 72), (33, 84), (28, 95)):
        shapes += [poly(ink("#f5f0e6"), (x - 7, y - 4), (x, y), (x - 7, y + 4))]
        shapes += [poly(ink("#f5f0e6"), (x + 7, y - 4), (x, y), (x + 7, y + 4))]
    return Drawing(60, 100, tuple(shapes), {"foot": (30.0, 62.0), "grip": (30.0, 61.0)})


def umbrella() -> Drawing:
    """Draw an open umbrella with a scalloped edge and a hooked stick."""
    shapes = [
        path(ink("#5a3b22"), 4, (50, 40), (50, 88), (54, 96), (61, 94), (62, 88)),
        bar(DARK, (50, 6), (50, 1.5), 3),
        Shape(
            ((*_arc(50, 46, 48, 42), *_scallop(98, 74), *_scallop(74, 50), *_scallop(50, 26),
              *_scallop(26, 2)),), body(),
        ),
        blob(body(0.8), (50, 4), (66, 22), (74, 45), (62, 42), (50, 46)),
        blob(body(0.8), (50, 4), (30, 20), (2, 46), (14, 41), (26, 45)),
    ]  # fmt: skip
    anchors = {"foot": (52.0, 96.0), "grip": (51.0, 82.0), "inside": (50.0, 46.0)}
    return Drawing(100, 100, tuple(shapes), anchors)


def _arc(x: float, y: float, across: float, down: float) -> list[tuple[float, float]]:
    """Return the upper half of an ellipse, left to right."""
    whole = oval(body(), x, y, across, down).rings[0]
    return [*list(whole[18:]), whole[0]]


def _scallop(start: float, end: float) -> list[tuple[float, float]]:
    middle = (start + end) / 2
    return [(start, 46), ((start + middle) / 2, 42.5), (middle, 41), ((end + middle) / 2, 42.5)]


def guitar() -> Drawing:
    """Draw an upright guitar with a tinted waist and a dark neck."""
    shapes = [
        shadow(20, 97, 14, 2.4),
        rect(ink("#4a2f22"), 17, 10, 23, 56), rect(ink("#33201a"), 14.5, 2, 25.5, 13, 2),
        blob(body(), (20, 48), (30, 50), (32, 58), (28, 66), (36, 75), (36, 88), (27, 96), (20, 97),
             (13, 96), (4, 88), (4, 75), (12, 66), (8, 58), (10, 50)),
        oval(ink("#2a1a14"), 20, 69, 6), rect(ink("#2a1a14"), 13, 84, 27, 88, 1),
        stroke(ink("#efe9da"), 1.2, (20, 12), (20, 85)),
    ]  # fmt: skip
    return Drawing(40, 100, tuple(shapes), {"foot": (20.0, 96.5), "grip": (20.0, 66.0)})
