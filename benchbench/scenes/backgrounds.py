"""Backgrounds: sky and ground with texture, and small distractors that no caption mentions.

The things in a background (clouds, hills, tufts, tiles, skirting boards, far towers) are never one
of the categories.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchbench.scenes.dice import Dice, dice
from benchbench.scenes.shapes import Shape, bar, blob, fill_box, ink, oval, path, poly, rect

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.scenes.shapes import Mask, Paint
    from benchbench.types.arrays import Ints, Pixels

Colour = tuple[int, int, int]

VARIANTS = 6


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A background before it is drawn, on a canvas of 100 × 100 units."""

    upper: tuple[Colour, Colour]
    """Colours at the top and at the horizon."""
    lower: tuple[Colour, Colour]
    """Colours just below the horizon and at the bottom."""
    horizon: int
    """The height of the horizon, in units from the top."""
    shapes: list[Shape]
    grain: tuple[int, int] = (3, 8)
    """Strength of the texture above and below the horizon."""


def grass(roll: Dice) -> Backdrop:
    """Draw a meadow with tufts under a blue sky."""
    tufts = [
        bar(ink("#7fa35c"), (x + i, y), (x + 1.6 * i, y - 2.6), 0.7)
        for x, y in _scattered(roll, 14, 50, 98)
        for i in (-1, 0, 1)
    ]
    upper, lower = ((176, 212, 238), (222, 236, 240)), ((168, 200, 130), (146, 184, 108))
    return Backdrop(upper, lower, 47, [*_clouds(roll), *_hills(roll, "#b3cf9e", 47), *tufts])


def park(roll: Dice) -> Backdrop:
    """Draw lawns and a winding path."""
    x = _number(roll, "path", 20, 70)
    way = poly(ink("#dccfae"), (x, 46), (x + 4, 46), (x + 34, 100), (x - 6, 100))
    dots = [oval(ink("#8fb36a", 0.7), x, y, 1.4, 0.7) for x, y in _scattered(roll, 12, 50, 98)]
    upper, lower = ((190, 218, 232), (228, 236, 226)), ((178, 206, 140), (158, 194, 118))
    return Backdrop(upper, lower, 46, [*_clouds(roll), *_hills(roll, "#a6c291", 46), way, *dots])


def beach(roll: Dice) -> Backdrop:
    """Draw sand, a strip of sea, and shells."""
    shells = [oval(ink("#fbf3e4"), x, y, 0.9, 0.7) for x, y in _scattered(roll, 12, 62, 98)]
    foam = ((-2, 55.0), (20, 56.0), (45, 54.5), (70, 56.0), (102, 55.0))
    sea = [rect(ink("#8fc4d4"), 0, 44, 100, 55), path(ink("#f4fbfb"), 1.6, *foam)]
    upper, lower = ((182, 220, 240), (230, 240, 240)), ((236, 220, 178), (226, 204, 158))
    return Backdrop(upper, lower, 44, [*_clouds(roll), *sea, *shells], (3, 9))


def snow(roll: Dice) -> Backdrop:
    """Draw a white field with blue shadows and flakes."""
    drifts = [oval(ink("#c9d8e6", 0.8), x, y, 7, 1.2) for x, y in _scattered(roll, 7, 52, 98)]
    flakes = [oval(ink("#ffffff"), x, y, 0.8) for x, y in _scattered(roll, 22, 2, 60, "flake")]
    upper, lower = ((168, 186, 206), (206, 218, 230)), ((224, 232, 240), (214, 224, 236))
    return Backdrop(upper, lower, 45, [*_hills(roll, "#dbe5ef", 45), *drifts, *flakes], (3, 5))


def desert(roll: Dice) -> Backdrop:
    """Draw dunes under a pale sky."""
    ripples = [
        path(ink("#cfa56c", 0.7), 0.9, (x - 5, y), (x, y - 0.9), (x + 5, y))
        for x, y in _scattered(roll, 12, 52, 98)
    ]
    sun = oval(ink("#fff3c4"), _number(roll, "sun", 10, 90), 12, 5)
    upper, lower = ((206, 222, 232), (244, 232, 206)), ((232, 198, 146), (220, 178, 122))
    return Backdrop(upper, lower, 46, [sun, *_hills(roll, "#e8c796", 46), *ripples], (3, 9))


def road(roll: Dice) -> Backdrop:
    """Draw tarmac with a broken line, and a verge."""
    start = _number(roll, "dash", 0, 14)
    dashes = [rect(ink("#efe9d4"), x, 79, x + 9, 81) for x in range(start - 18, 100, 18)]
    shapes = [rect(ink("#b9cfa0"), 0, 45, 100, 53), rect(ink("#d3cfc6"), 0, 53, 100, 57)]
    upper, lower = ((186, 210, 228), (222, 230, 232)), ((166, 168, 172), (152, 154, 160))
    return Backdrop(
        upper, lower, 45, [*_clouds(roll), *_hills(roll, "#b4c7a6", 45), *shapes, *dashes]
    )


def city(roll: Dice) -> Backdrop:
    """Draw a pavement before a far skyline."""
    shapes: list[Shape] = []
    for i in range(9):
        top = _number(roll, f"tower {i}", 14, 36)
        shade = ("#b9c2cc", "#aab5c2", "#c4cbd2")[i % 3]
        shapes.append(rect(ink(shade), i * 11.5 - 2, top, i * 11.5 + 9, 48))
        windows = [(x, y) for x in (0, 3.4, 6.8) for y in range(top + 3, 46, 5)]
        shapes += [
            rect(ink("#d9e0e6"), i * 11.5 + x - 1, y, i * 11.5 + x + 0.8, y + 2) for x, y in windows
        ]
    slabs = [
        bar(ink("#b2aca2"), (x, 48), (50 + (x - 50) * 2.1, 100), 0.5) for x in range(0, 101, 14)
    ]
    slabs += [bar(ink("#b2aca2"), (0, y), (100, y), 0.5) for y in (56, 67, 82)]
    upper, lower = ((184, 200, 218), (222, 226, 228)), ((198, 192, 184), (186, 180, 172))
    return Backdrop(upper, lower, 47, [*shapes, *slabs])


def room(roll: Dice) -> Backdrop:
    """Draw a papered wall over floorboards."""
    tone = ("#e3d9c4", "#d5dfd6", "#dcd6e2", "#e4d3cc", "#d3dce4", "#e2dcb9")[
        _number(roll, "tone", 0, 5)
    ]
    wall = [rect(ink(tone), 0, 0, 100, 62)]
    wall += [
        rect(ink("#ffffff", 0.28), x, 0, x + 4, 62)
        for x in range(_number(roll, "band", 0, 9), 100, 12)
    ]
    floor = [rect(ink("#f4efe6"), 0, 61, 100, 65), bar(ink("#c9bfae"), (0, 65), (100, 65), 0.5)]
    floor += [bar(ink("#b08c66"), (0, y), (100, y), 0.5) for y in (70, 77, 85, 94)]
    seams = (
        (15, 65, 70),
        (60, 65, 70),
        (38, 70, 77),
        (80, 70, 77),
        (20, 77, 85),
        (66, 77, 85),
        (45, 85, 94),
    )
    floor += [bar(ink("#b08c66"), (x, top), (x, bottom), 0.5) for x, top, bottom in seams]
    return Backdrop(
        ((222, 214, 200),) * 2, ((204, 168, 128), (188, 150, 110)), 64, [*wall, *floor], (2, 4)
    )


def kitchen(roll: Dice) -> Backdrop:
    """Draw wall tiles over a checked floor."""
    tone = ("#d9e6e8", "#e9e3d2", "#dfe8d9", "#e6dbe2", "#d6dfea", "#ebe6e0")[
        _number(roll, "tone", 0, 5)
    ]
    shapes = [rect(ink(tone), 0, 0, 100, 62)]
    shapes += [bar(ink("#fbfbfa"), (x, 0), (x, 62), 0.6) for x in range(0, 101, 10)]
    shapes += [bar(ink("#fbfbfa"), (0, y), (100, y), 0.6) for y in range(2, 62, 10)]
    shapes += [rect(ink("#bda98c"), 0, 61, 100, 64)]
    for row, (top, bottom) in enumerate(((64, 71), (71, 81), (81, 100))):
        shapes += [
            rect(ink("#c2c6c4"), x, top, x + 14, bottom)
            for x in range(-14 + 14 * (row % 2), 100, 28)
        ]
    return Backdrop(((226, 230, 228),) * 2, ((220, 216, 206), (212, 208, 198)), 63, shapes, (2, 3))


def sea(roll: Dice) -> Backdrop:
    """Draw open water with wavelets."""
    waves = [
        path(ink("#d8eef2", 0.9), 0.9, (x - 4, y), (x - 1.5, y - 1.2), (x + 1.5, y), (x + 4, y - 1))
        for x, y in _scattered(roll, 26, 52, 98)
    ]
    upper, lower = ((186, 216, 236), (232, 238, 234)), ((128, 182, 204), (96, 154, 186))
    return Backdrop(upper, lower, 48, [*_clouds(roll), *waves], (3, 7))


def sky(roll: Dice) -> Backdrop:
    """Draw the sky high above low hills."""
    upper, lower = ((158, 200, 236), (214, 232, 242)), ((176, 204, 150), (158, 188, 128))
    return Backdrop(upper, lower, 88, [*_clouds(roll, 6), *_hills(roll, "#a9c59c", 88)])


PLACES: dict[str, Callable[[Dice], Backdrop]] = {
    "grass": grass, "park": park, "beach": beach, "snow": snow, "desert": desert, "road": road,
    "city": city, "room": room, "kitchen": kitchen, "sea": sea, "sky": sky,
}  # fmt: skip

BACKGROUNDS: tuple[str, ...] = tuple(PLACES)


@lru_cache(maxsize=256)
def background(number: int, variant: int, size: int) -> Pixels:
    """Return a background's pixels, [size, size, 3], read-only."""
    roll = dice(f"background {BACKGROUNDS[number]}", np.array([variant]))
    place = PLACES[BACKGROUNDS[number]](roll)
    image = _gradients(place, 2 * size).astype(np.int32)
    for shape in place.shapes:
        rows, columns, inside = fill_box(shape, 2 * size, 2 * size, 2 * size / 100)
        _paint(image[rows, columns], inside, shape.paint)
    small = image.reshape(size, 2, size, 2, 3).sum(axis=(1, 3)) + 2 >> 2
    image = np.clip(small + _texture(roll, place, size)[..., None], 0, 255).astype(np.uint8)
    image.setflags(write=False)
    return np.asarray(image)


def _paint(image: npt.NDArray[np.int32], inside: Mask, paint: Paint) -> None:
    """Paint pixels of an image, [height, width, 3], in place; each share is rounded."""
    if paint.opacity == 255:
        image[inside] = paint.rgb
        return
    layer = np.array(paint.rgb) * paint.opacity
    image[inside] = (image[inside] * (255 - paint.opacity) + layer + 127) // 255


@lru_cache(maxsize=4)
def all_backgrounds(size: int) -> Pixels:
    """Return every variant of every background, [backgrounds · VARIANTS, size, size, 3]."""
    numbers = range(len(BACKGROUNDS))
    return np.stack([background(n, v, size) for n in numbers for v in range(VARIANTS)])


def _gradients(place: Backdrop, size: int) -> Ints:
    horizon = place.horizon * size // 100
    parts = ((place.upper, horizon), (place.lower, size - horizon))
    columns = [_ramp(np.array(a), np.array(b), rows) for (a, b), rows in parts]
    return np.repeat(np.concatenate(columns)[:, None], size, axis=1)


def _ramp(start: Ints, end: Ints, rows: int) -> Ints:
    step = np.arange(rows, dtype=np.int64)[:, None]
    return np.asarray(start + (end - start) * step // max(rows - 1, 1))


def _texture(roll: Dice, place: Backdrop, size: int) -> Ints:
    """Return smooth value noise and a little grain, weaker in the sky, [size, size]."""
    key = int(roll.words("texture")[0] >> np.uint64(1))
    coarse = dice(f"noise {key}", np.arange(17 * 17)).between("v", -255, 255).reshape(17, 17)
    place_in_grid = np.arange(size) * 16 * 256 // size
    cell, part = place_in_grid >> 8, place_in_grid & 255
    rows = coarse[cell] * (256 - part)[:, None] + coarse[cell + 1] * part[:, None]
    smooth = rows[:, cell] * (256 - part) + rows[:, cell + 1] * part >> 16
    fine = dice(f"grain {key}", np.arange(size * size)).between("v", -128, 128).reshape(size, size)
    upper, lower = place.grain
    strength = np.where(np.arange(size) * 100 < place.horizon * size, upper, lower)[:, None]
    return np.asarray((smooth + fine) * strength >> 8)


def _number(roll: Dice, name: str, low: int, high: int) -> int:
    return int(roll.between(name, low, high)[0])


def _scattered(
    roll: Dice, count: int, top: int, bottom: int, name: str = "spot"
) -> list[tuple[float, float]]:
    return [
        (
            _number(roll, f"{name} x{i}", 0, 1000) / 10,
            _number(roll, f"{name} y{i}", 10 * top, 10 * bottom) / 10,
        )
        for i in range(count)
    ]


def _clouds(roll: Dice, count: int = 3) -> list[Shape]:
    spots = _scattered(roll, count, 4, 26 if count < 5 else 70, "cloud")
    puffs = ((-5, 1, 4, 2.2), (0, -0.5, 5, 3.2), (5.5, 1, 4.4, 2.4))
    return [
        oval(ink("#ffffff", 0.6), x + dx, y + dy, a, b) for x, y in spots for dx, dy, a, b in puffs
    ]


def _hills(roll: Dice, colour: str, horizon: int) -> list[Shape]:
    tops = [horizon - _number(roll, f"hill {i}", 2, 9) for i in range(5)]
    crest = [(-10 + 30 * i, top) for i, top in enumerate(tops)]
    return [blob(ink(colour), (-12, horizon + 6), *crest, (112, horizon + 6), (50, horizon + 3))]
