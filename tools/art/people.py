"""People, in the poses that relations need. The clothes on the upper body are tinted."""

from __future__ import annotations

from benchbench.scenes.shapes import (
    Point,
    Shape,
    bar,
    blob,
    body,
    ink,
    move,
    outline,
    oval,
    rect,
    shadow,
)
from tools.art.drawing import Drawing

SKIN, HAIR, TROUSERS, SHOE = ink("#f0c39c"), ink("#5a3a22"), ink("#3d4a68"), ink("#2b2b30")
LEFT_SHOULDER, RIGHT_SHOULDER = (16.0, 33.0), (30.0, 33.0)


def stand() -> Drawing:
    """Draw a person upright, arms down."""
    shapes = [shadow(23, 97, 18), *_legs((19, 60), (18, 92), (28, 60), (29, 92))]
    shapes += [*_arm(LEFT_SHOULDER, (9, 46), (9, 57)), *_torso(), *_head()]
    shapes += _arm(RIGHT_SHOULDER, (37, 46), (37, 57))
    anchors = {"foot": (23.0, 97.0), "head": (23.0, 7.0), "hand": (38.0, 57.0)}
    return Drawing(46, 100, tuple(shapes), anchors)


def run() -> Drawing:
    """Draw a person in mid-stride, leaning forwards, arms bent."""
    shapes = [shadow(28, 97, 22), *_stride()]
    shapes += [*_arm((22, 33), (12, 43), (17, 53)), *(move(s, 4, 0) for s in _torso())]
    shapes += [*(move(s, 7, 1) for s in _head()), *_arm((32, 34), (37, 47), (48, 42))]
    anchors = {"foot": (28.0, 97.0), "head": (30.0, 8.0), "hand": (48.0, 42.0)}
    return Drawing(56, 100, tuple(shapes), anchors)


def _stride() -> list[Shape]:
    """Draw the legs of a runner: the back leg raised behind, the front leg forwards."""
    back = [bar(TROUSERS, (24, 62), (15, 76), 10, 9), bar(TROUSERS, (15, 76), (4, 82), 9, 8)]
    front = [bar(TROUSERS, (30, 62), (41, 74), 10, 9), bar(TROUSERS, (41, 74), (42, 92), 9, 8)]
    hips = rect(TROUSERS, 18.5, 58, 36, 66, 3)
    return [*back, oval(SHOE, 2.5, 86, 3.4, 6), hips, *front, _shoe((42, 92))]


def hold() -> Drawing:
    """Draw a person with one arm out in front, to hold something."""
    shapes = [shadow(23, 97, 18), *_legs((19, 60), (18, 92), (28, 60), (29, 92))]
    shapes += [*_arm(LEFT_SHOULDER, (9, 46), (9, 57)), *_torso(), *_head()]
    shapes += _arm(RIGHT_SHOULDER, (38, 42), (50, 40))
    anchors = {"foot": (23.0, 97.0), "head": (23.0, 7.0), "hand": (51.0, 40.0)}
    return Drawing(56, 100, tuple(shapes), anchors)


def carry() -> Drawing:
    """Draw a person with both arms in front, to carry a load."""
    shapes = [shadow(23, 97, 18), *_legs((19, 60), (16, 92), (28, 60), (32, 92))]
    shapes += [*_arm(LEFT_SHOULDER, (28, 50), (48, 50)), *_torso(), *_head()]
    shapes += _arm(RIGHT_SHOULDER, (33, 50), (50, 54))
    anchors = {"foot": (24.0, 97.0), "head": (23.0, 7.0), "hand": (47.0, 54.0)}
    return Drawing(56, 100, tuple(shapes), anchors)


def reach() -> Drawing:
    """Draw a person with one arm up, to hold an umbrella's stick or a kite's line."""
    shapes = [shadow(23, 97, 18), *_legs((19, 60), (18, 92), (28, 60), (29, 92))]
    shapes += [*_arm(LEFT_SHOULDER, (9, 46), (9, 57)), *_torso(), *_head()]
    shapes += _arm(RIGHT_SHOULDER, (40, 36), (42, 20))
    anchors = {"foot": (23.0, 97.0), "head": (23.0, 7.0), "hand": (42.0, 19.0)}
    return Drawing(50, 100, tuple(shapes), anchors)


def ride() -> Drawing:
    """Draw a person astride, a hand at reins or handlebar, seen from the side."""
    shapes = [*_torso(), *_head(), *_bent_leg((21, 61), (36, 66), (31, 87))]
    shapes += _arm((23, 35), (32, 48), (45, 47))
    anchors = {
        "foot": (22.0, 92.0),
        "seat": (20.0, 66.0),
        "head": (23.0, 7.0),
        "hand": (46.0, 47.0),
    }
    return Drawing(52, 94, tuple(shapes), anchors)


def sit() -> Drawing:
    """Draw a person on a seat, facing right."""
    shapes = [*_torso(), *_head(), *_bent_leg((20, 61), (40, 62), (41, 90))]
    shapes += _arm((23, 35), (29, 49), (42, 50))
    anchors = {
        "foot": (24.0, 95.0),
        "seat": (20.0, 66.0),
        "head": (23.0, 7.0),
        "hand": (43.0, 50.0),
    }
    return Drawing(54, 98, tuple(shapes), anchors)


def balance() -> Drawing:
    """Draw a person on a board, knees bent, arms spread."""
    shapes = [*_legs((24, 60), (11, 90), (31, 60), (44, 90))]
    shapes += [*_arm((20, 33), (10, 37), (1, 31)), *(move(s, 4, 0) for s in [*_torso(), *_head()])]
    shapes += _arm((34, 34), (44, 38), (54, 33))
    anchors = {"foot": (28.0, 95.0), "head": (27.0, 7.0), "hand": (55.0, 33.0)}
    return Drawing(58, 97, tuple(shapes), anchors)


def play() -> Drawing:
    """Draw a person standing, hands on an instrument or a screen in front of the chest."""
    shapes = [shadow(23, 97, 18), *_legs((19, 60), (18, 92), (28, 60), (29, 92))]
    shapes += [*_torso(), *_head(), *_arm(LEFT_SHOULDER, (10, 47), (25, 52))]
    shapes += _arm(RIGHT_SHOULDER, (40, 46), (42, 34))
    anchors = {"foot": (23.0, 97.0), "head": (23.0, 7.0), "hand": (27.0, 51.0)}
    return Drawing(50, 100, tuple(shapes), anchors)


def _head() -> list[Shape]:
    return [
        bar(SKIN, (23, 22), (23, 28), 7),
        oval(SKIN, 23, 15, 10, 11),
        oval(SKIN, 33, 16.5, 2.2),
        blob(HAIR, (12, 19), (11, 8), (21, 2), (32, 5), (34, 11), (25, 9.5), (17, 11), (15.5, 19)),
        oval(ink("#2a1d16"), 29.3, 13.8, 1.5, 1.9),
        bar(ink("#b0563f"), (28, 20.5), (31, 20), 1.5),
    ]


def _torso() -> list[Shape]:
    return [
        blob(body(), (15, 29), (23, 26.5), (31, 29), (34, 36), (32, 48), (33, 62), (23, 64),
             (13, 62), (14, 48), (12, 36)),
        bar(ink("#2f3850"), (14.5, 62), (31.5, 62), 3.5),
    ]  # fmt: skip


def _arm(shoulder: Point, elbow: Point, hand: Point) -> list[Shape]:
    """Draw an arm: a short sleeve in the object's colour, the rest bare."""
    return [
        bar(SKIN, elbow, hand, 5.5, 5),
        oval(SKIN, *hand, 3.6),
        outline(bar(body(0.86), shoulder, elbow, 8.5, 7.5)),
    ]


def _legs(hip: Point, foot: Point, other_hip: Point, other_foot: Point) -> list[Shape]:
    shapes: list[Shape] = [rect(TROUSERS, 14.5, 58, 32, 66, 3)]
    for top, end in ((hip, foot), (other_hip, other_foot)):
        shapes += [bar(TROUSERS, top, end, 10, 8), _shoe(end)]
    return shapes


def _bent_leg(hip: Point, knee: Point, foot: Point) -> list[Shape]:
    return [
        outline(bar(TROUSERS, hip, knee, 12, 10)),
        outline(bar(TROUSERS, knee, foot, 9.5, 8)),
        _shoe(foot),
    ]


def _shoe(end: Point) -> Shape:
    return oval(SHOE, end[0] + 2, end[1] + 2.5, 6, 3.4)
