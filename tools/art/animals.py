"""Animals: one four-legged frame, and the features of each kind. The coat is tinted."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.scenes.shapes import (
    Paint,
    Point,
    Shape,
    bar,
    blob,
    body,
    ink,
    outline,
    oval,
    path,
    poly,
    shadow,
)
from tools.art.drawing import Drawing

EYE, NOSE, IVORY = ink("#1d1a1a"), ink("#2a2326"), ink("#efe6cf")


@dataclass(frozen=True, slots=True)
class Frame:
    """The positions and the measures of a four-legged animal's legs."""

    rear: float
    front: float
    hip: float
    ground: float
    thick: float
    paint: Paint
    hoof: Paint


def _legs(frame: Frame, running: bool) -> list[Shape]:
    """Draw the legs: the far pair darker than the near pair, both stretched when running."""
    shapes: list[Shape] = []
    reach = (frame.ground - frame.hip) * 0.75
    far = Paint(round(frame.paint.shade * 0.72), _dim(frame.paint.rgb))
    for paint, shift in ((far, frame.thick * 0.95), (frame.paint, 0.0)):
        for hip_x, side in ((frame.rear, -1), (frame.front, 1)):
            foot_x = hip_x + shift * -side
            foot_y = frame.ground
            if running:
                foot_x += side * reach * (1.0 if shift == 0 else 0.55)
                foot_y -= reach * (0.42 if shift == 0 else 0.2)
            hip = (hip_x + shift * -side, frame.hip)
            shapes.append(bar(paint, hip, (foot_x, foot_y), frame.thick * 1.25, frame.thick * 0.9))
            shapes.append(oval(frame.hoof, foot_x + 0.8, foot_y, frame.thick * 0.62, 2.4))
    return shapes


def _paws(ground: float) -> list[Shape]:
    """Draw legs folded under a lying body."""
    front = bar(body(0.85), (52, ground - 6), (76, ground), 8, 7)
    return [front, bar(body(0.85), (22, ground - 5), (36, ground), 9, 7)]


def _dim(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = rgb
    return (red * 7 // 10, green * 7 // 10, blue * 7 // 10)


def _eye(x: float, y: float, size: float = 1.9) -> list[Shape]:
    return [oval(ink("#ffffff"), x, y, size + 1.0), oval(EYE, x + 0.5, y, size)]


def dog(running: bool = False, lying: bool = False) -> Drawing:
    """Draw a dog with a floppy ear, a raised tail, a collar, and its tongue out."""
    frame = Frame(24, 56, 52, 80, 8.5, body(0.95), body(0.7))
    shapes = [path(body(0.9), 6.5, (16, 46), (8, 36), (7, 22))]
    shapes += _paws(62) if lying else [shadow(42, 83, 34), *_legs(frame, running)]
    shapes += [
        blob(body(), (14, 44), (22, 38), (42, 40), (58, 36), (66, 42), (65, 54), (56, 60), (40, 57),
             (24, 61), (15, 55)),
        blob(body(), (54, 46), (58, 26), (66, 18), (76, 17), (80, 25), (75, 34), (68, 52)),
        oval(body(), 70, 25, 12, 11.5),
        blob(body(0.92), (74, 24), (84, 25), (93, 28), (93, 34), (84, 37), (74, 36)),
        oval(NOSE, 92, 28, 3.4, 2.8),
        blob(ink("#e8647c"), (82, 35), (87, 35), (88, 43), (83, 43)),
        outline(blob(body(0.55), (60, 17), (66, 17), (67, 30), (64, 41), (57, 39), (56, 27))),
        *_eye(75.5, 22.5),
        bar(ink("#d93a3a"), (57, 44), (68, 49), 4),
    ]  # fmt: skip
    return Drawing(
        98,
        70 if lying else 86,
        tuple(shapes),
        _meets(42, 63 if lying else 81, 38, 40, 66, 15),
    )


def cat(running: bool = False, lying: bool = False) -> Drawing:
    """Draw a cat with pointed ears, whiskers and a long curled tail."""
    frame = Frame(26, 56, 54, 80, 7.0, body(0.95), body(0.75))
    shapes = [path(body(0.9), 6, (20, 50), (9, 42), (7, 26), (14, 15), (10, 8))]
    shapes += _paws(64) if lying else [shadow(42, 83, 32), *_legs(frame, running)]
    shapes += [
        blob(body(), (17, 50), (26, 42), (42, 45), (58, 40), (66, 46), (64, 58), (54, 62), (40, 60),
             (26, 63), (18, 59)),
        poly(body(), (56, 28), (56, 8), (69, 20)),
        poly(body(), (72, 20), (85, 8), (85, 28)),
        poly(ink("#f2a3ad"), (59, 22), (59, 14), (65, 20)),
        poly(ink("#f2a3ad"), (77, 20), (83, 14), (83, 22)),
        outline(oval(body(), 70.5, 31, 16.5, 14.5)),
        oval(ink("#f7f7f2", 0.85), 72, 39, 8, 5),
        oval(ink("#8fd14f"), 65, 29, 3.2, 3.8), oval(EYE, 65.6, 29, 1.3, 3.3),
        oval(ink("#8fd14f"), 78, 29, 3.2, 3.8), oval(EYE, 78.6, 29, 1.3, 3.3),
        poly(ink("#e0607a"), (69.5, 35), (74.5, 35), (72, 38)),
        bar(ink("#4a4040"), (80, 37), (93, 34), 0.9), bar(ink("#4a4040"), (80, 39), (93, 41), 0.9),
        bar(ink("#4a4040"), (62, 37), (51, 34), 0.9), bar(ink("#4a4040"), (62, 39), (51, 41), 0.9),
    ]  # fmt: skip
    return Drawing(
        96,
        72 if lying else 86,
        tuple(shapes),
        _meets(42, 65 if lying else 81, 40, 45, 70, 14),
    )


def horse(running: bool = False) -> Drawing:
    """Draw a horse with long legs, an arched neck, a mane and a tail."""
    frame = Frame(27, 60, 58, 93, 8.0, body(0.95), ink("#33291f"))
    hair = body(0.42)
    shapes = [shadow(43, 96, 34), path(hair, 8, (14, 40), (6, 48), (6, 66))]
    shapes += _legs(frame, running)
    shapes += [
        blob(body(), (13, 42), (24, 36), (42, 40), (58, 38), (69, 44), (68, 58), (56, 64), (40, 62),
             (24, 64), (14, 56)),
        blob(body(), (54, 46), (62, 24), (70, 8), (80, 7), (82, 18), (76, 32), (70, 54)),
        blob(body(), (68, 12), (76, 7), (84, 13), (94, 25), (94, 32), (88, 34), (78, 27), (70, 24)),
        poly(body(0.85), (72, 9), (74, 0.5), (79, 8)),
        path(hair, 7.5, (72, 6), (64, 15), (59, 28), (55, 40)),
        bar(hair, (75, 6), (80, 12), 5),
        oval(body(0.6), 91.5, 29.5, 3.6, 4.2), oval(NOSE, 92.3, 28, 1.1),
        *_eye(80.5, 16.5, 1.7),
    ]  # fmt: skip
    return Drawing(99, 99, tuple(shapes), _meets(43, 94, 42, 40, 76, 5))


def cow(running: bool = False) -> Drawing:
    """Draw a heavy cow with horns, a pink muzzle and an udder."""
    frame = Frame(23, 58, 56, 84, 9.0, body(0.92), ink("#2f2a28"))
    shapes = [shadow(42, 87, 38), path(body(0.85), 3.4, (10, 36), (4, 48), (6, 60))]
    shapes += [oval(ink("#3a3030"), 6, 62, 3, 4.5), oval(ink("#f0a6a6"), 34, 63, 8, 6.5)]
    shapes += _legs(frame, running)
    shapes += [
        blob(body(), (9, 36), (18, 30), (40, 32), (62, 30), (70, 38), (68, 56), (56, 63), (36, 61),
             (18, 63), (9, 54)),
        blob(body(), (58, 36), (66, 24), (78, 20), (84, 30), (80, 46), (66, 54)),
        path(IVORY, 4, (70, 20), (66, 13), (69, 6)),
        path(IVORY, 4, (82, 19), (88, 14), (87, 6)),
        blob(body(0.8), (67, 22), (58, 20), (56, 26), (66, 29)),
        outline(blob(body(), (68, 20), (77, 16), (86, 20), (89, 34), (88, 44), (76, 45), (70, 36))),
        outline(oval(ink("#f0b5ae"), 82, 42, 9, 6.5)),
        oval(NOSE, 79, 41, 1.3), oval(NOSE, 86, 41, 1.3),
        *_eye(78.5, 27, 1.8),
    ]  # fmt: skip
    return Drawing(96, 90, tuple(shapes), _meets(42, 85, 38, 32, 77, 15))


def sheep(running: bool = False) -> Drawing:
    """Draw a sheep as a ball of wool with a dark face and dark legs."""
    dark = ink("#3b3536")
    frame = Frame(30, 54, 60, 82, 7.0, dark, ink("#1f1b1c"))
    shapes = [shadow(42, 85, 32), *_legs(frame, running)]
    puffs: tuple[Point, ...] = (
        (20, 40), (30, 32), (42, 29), (54, 31), (64, 39), (66, 50), (58, 60), (44, 63), (30, 61),
        (19, 53),
    )  # fmt: skip
    shapes += [oval(body(), 42, 46, 27, 20)]
    shapes += [oval(body(0.9 if i % 2 else 1.0), x, y, 9.5) for i, (x, y) in enumerate(puffs)]
    shapes += [oval(body(0.94), 36, 44, 9), oval(body(), 48, 46, 10), oval(body(), 12, 46, 6)]
    shapes += [
        blob(dark, (64, 30), (56, 30), (55, 35), (66, 37)),
        outline(blob(dark, (66, 26), (76, 24), (86, 31), (91, 42), (86, 48), (76, 46), (67, 38))),
        oval(body(), 69, 24, 8),
        oval(body(0.92), 75, 22, 6.5),
        *_eye(78, 34, 1.7),
        oval(ink("#6d6264"), 88, 43, 2),
    ]
    return Drawing(95, 88, tuple(shapes), _meets(42, 83, 42, 29, 73, 16))


def elephant(running: bool = False) -> Drawing:
    """Draw an elephant with a trunk, a tusk and one huge ear."""
    frame = Frame(22, 52, 56, 84, 13.5, body(0.92), body(0.6))
    shapes = [shadow(40, 88, 40), path(body(0.8), 3, (7, 36), (3, 46), (4, 57))]
    shapes += _legs(frame, running)
    shapes += [
        blob(body(), (6, 40), (14, 22), (34, 15), (54, 18), (66, 30), (66, 54), (54, 64), (34, 62),
             (14, 64), (6, 54)),
        oval(body(), 69, 29, 16, 17),
        path(body(), 12, (79, 32), (87, 46), (87, 60), (85, 72)),
        path(body(), 9, (86, 66), (87, 76), (94, 79)),
        path(IVORY, 4.5, (77, 45), (82, 53), (91, 52)),
        outline(blob(body(0.78), (62, 12), (50, 12), (42, 24), (45, 42), (56, 50), (64, 42),
                   (67, 26))),
        *_eye(76, 24, 1.9),
    ]  # fmt: skip
    return Drawing(99, 92, tuple(shapes), _meets(40, 86, 30, 16, 69, 12))


def giraffe(running: bool = False) -> Drawing:
    """Draw a giraffe with a very long neck on long legs."""
    frame = Frame(20, 42, 66, 95, 6.5, body(0.95), ink("#40342a"))
    shapes = [shadow(32, 97, 26), path(body(0.8), 2.6, (12, 54), (6, 62), (7, 72))]
    shapes += [oval(ink("#40342a"), 7, 73, 2.4, 4), *_legs(frame, running)]
    shapes += [
        blob(body(), (10, 56), (20, 51), (40, 46), (50, 50), (49, 62), (40, 70), (22, 71),
             (11, 66)),
        blob(body(), (37, 54), (45, 32), (50, 10), (57, 10), (56, 32), (51, 58)),
        path(body(0.5), 3, (51, 9), (47, 24), (42, 40), (37, 49)),
        bar(body(0.6), (55, 8), (54, 2.5), 2.6), bar(body(0.6), (60, 8), (60, 2.5), 2.6),
        oval(ink("#40342a"), 54, 2.6, 2), oval(ink("#40342a"), 60, 2.6, 2),
        poly(body(0.75), (51, 10), (44, 8), (49, 14)),
        blob(body(), (50, 8), (58, 6), (66, 11), (73, 17), (72, 22), (64, 21), (52, 17)),
        oval(body(0.7), 71, 19, 3, 3.2),
        *_eye(60, 11.5, 1.5),
    ]  # fmt: skip
    return Drawing(78, 100, tuple(shapes), _meets(32, 96, 30, 49, 57, 4))


def bird(running: bool = False) -> Drawing:
    """Draw a bird on the wing; it is the same in flight, on a perch and running."""
    lift = 3 if running else 0
    shapes = [
        poly(body(0.7), (22, 44), (2, 38), (1, 50), (6, 56), (24, 54)),
        blob(body(0.72), (44, 40), (40, 20 + lift), (50, 3), (60, 10), (62, 28), (58, 42)),
        blob(body(), (14, 48), (28, 38), (50, 34), (70, 30), (78, 38), (72, 52), (54, 62),
             (30, 60)),
        oval(body(), 75, 34, 12.5, 11.5),
        outline(blob(body(0.82), (34, 46), (22, 24 + lift), (16, 6), (32, 7), (50, 22), (60, 44))),
        poly(ink("#f2a01e"), (85, 30), (99, 36), (85, 41)),
        oval(ink("#fff7ea", 0.5), 60, 55, 11, 4.5, -14),
        bar(ink("#c9781a"), (44, 61), (40, 68), 2.6), bar(ink("#c9781a"), (52, 60), (50, 68), 2.6),
        *_eye(78.5, 31, 2.2),
    ]  # fmt: skip
    return Drawing(100, 71, tuple(shapes), _meets(47, 69, 44, 38, 75, 23))


def _meets(
    x: float, ground: float, back_x: float, back_y: float, head_x: float, head_y: float
) -> dict[str, Point]:
    """Return the anchors of an animal: its feet, its back and its head."""
    return {"foot": (x, ground), "back": (back_x, back_y + 1.0), "head": (head_x, head_y)}
