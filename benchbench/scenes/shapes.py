"""Define vector shapes, and rasterise them exactly.

Drawings are in design units: x to the right, y down, the longer side 100 long. Vertices are rounded
to a sixteenth of a master pixel and filled in integer arithmetic, so that every platform gets the
same masks, whatever its libm or SIMD width.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from benchbench.types.arrays import Flags, Ints

Point = tuple[float, float]
Ring = tuple[Point, ...]
Mask = Flags

SUBPIXELS = 16


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour that may depend on the object's own: ``rgb + tint · shade / 255``."""

    shade: int = 0
    rgb: tuple[int, int, int] = (0, 0, 0)
    opacity: int = 255


@dataclass(frozen=True, slots=True)
class Shape:
    """Rings filled as one, in one paint; a point is inside if it is inside any ring."""

    rings: tuple[Ring, ...]
    paint: Paint
    lined: bool = False
    """True for a dark line of its own around the shape, where it lies on other shapes."""
    solid: bool = True
    """True for a part of the object: of its mask, its box and its outline. Shadows are not solid.
    """


def body(shade: float = 1.0) -> Paint:
    """Return a paint of the object's own colour, darkened to ``shade``."""
    return Paint(shade=round(255 * shade))


def ink(colour: str, opacity: float = 1.0) -> Paint:
    """Return a paint of a fixed colour, ``#rrggbb``, independent of the object's own."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return Paint(rgb=(red, green, blue), opacity=round(255 * opacity))


def outline(shape: Shape) -> Shape:
    """Return the shape with a dark line around it."""
    return replace(shape, lined=True)


def poly(paint: Paint, *points: Point) -> Shape:
    """Return a polygon."""
    return Shape((points,), paint)


def rect(
    paint: Paint, left: float, top: float, right: float, bottom: float, radius: float = 0.0
) -> Shape:
    """Return a rectangle; a positive ``radius`` rounds its corners."""
    if radius == 0.0:
        return poly(paint, (left, top), (right, top), (right, bottom), (left, bottom))
    ring: list[Point] = []
    corners = (
        (right - radius, top + radius, -90),
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
    )
    for x, y, start in corners:
        ring += [_on_circle(x, y, radius, start + step) for step in range(0, 91, 15)]
    return Shape((tuple(ring),), paint)


def oval(
    paint: Paint, x: float, y: float, across: float, down: float = 0.0, tilt: float = 0.0
) -> Shape:
    """Return an ellipse by its centre and radii, turned clockwise by ``tilt`` degrees.

    ``down=0`` makes a circle.
    """
    down = down or across
    turn, points = math.radians(tilt), []
    for step in range(0, 360, 10):
        u, v = across * math.cos(math.radians(step)), down * math.sin(math.radians(step))
        dx, dy = u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)
        points.append((x + dx, y + dy))
    return Shape((tuple(points),), paint)


def blob(paint: Paint, *points: Point) -> Shape:
    """Return a smooth closed curve through the points (uniform Catmull-Rom)."""
    n, ring = len(points), []
    for i in range(n):
        a, b, c, d = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        ring += [_between(a, b, c, d, step / 6) for step in range(6)]
    return Shape((tuple(ring),), paint)


def bar(paint: Paint, start: Point, end: Point, width: float, end_width: float = 0.0) -> Shape:
    """Return a limb with round ends, tapering from ``width`` to ``end_width`` (0 keeps it even)."""
    return Shape((_limb(start, end, width / 2, (end_width or width) / 2),), paint)


def stroke(paint: Paint, width: float, *points: Point) -> Shape:
    """Return a line of even width through the points, with round joints."""
    pairs = itertools.pairwise(points)
    return Shape(tuple(_limb(a, b, width / 2, width / 2) for a, b in pairs), paint)


def path(paint: Paint, width: float, *points: Point) -> Shape:
    """Return a line like ``stroke``, but smooth through the points."""
    padded = (points[0], *points, points[-1])
    fine: list[Point] = []
    for i in range(len(points) - 1):
        a, b, c, d = padded[i : i + 4]
        fine += [_between(a, b, c, d, step / 5) for step in range(5)]
    return stroke(paint, width, *fine, points[-1])


def wheel(x: float, y: float, radius: float, hub: str = "#c9ced6") -> list[Shape]:
    """Return a tyre with a hub."""
    return [oval(ink("#26262b"), x, y, radius), oval(ink(hub), x, y, radius * 0.48)]


def ring(paint: Paint, x: float, y: float, radius: float, width: float) -> Shape:
    """Return the line of a circle, as of a bicycle wheel."""
    points = [_on_circle(x, y, radius, step) for step in range(0, 361, 12)]
    return stroke(paint, width, *points)


def shadow(x: float, y: float, across: float, down: float = 3.0) -> Shape:
    """Return the soft dark patch on the ground under an object."""
    return replace(oval(ink("#101418", 0.25), x, y, across, down), solid=False)


def move(shape: Shape, dx: float, dy: float) -> Shape:
    """Return the shape shifted."""
    rings = tuple(tuple((x + dx, y + dy) for x, y in ring) for ring in shape.rings)
    return replace(shape, rings=rings)


def turn(shape: Shape, degrees: float, about: Point) -> Shape:
    """Return the shape turned clockwise about a point."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    ax, ay = about

    def turn(point: Point) -> Point:
        x, y = point[0] - ax, point[1] - ay
        return (ax + x * cos - y * sin, ay + x * sin + y * cos)

    return replace(shape, rings=tuple(tuple(turn(p) for p in ring) for ring in shape.rings))


def scale(shape: Shape, factor: float) -> Shape:
    """Return the shape scaled about the origin."""
    rings = tuple(tuple((x * factor, y * factor) for x, y in ring) for ring in shape.rings)
    return replace(shape, rings=rings)


def fill(shape: Shape, height: int, width: int, per_unit: float) -> Mask:
    """Return the pixels whose centres lie inside the shape.

    Args:
        shape: the shape to fill, in design units.
        height: rows of the raster.
        width: columns of the raster.
        per_unit: pixels per design unit.

    Returns:
        [height, width]
    """
    mask = np.zeros((height, width), dtype=np.bool_)
    rows, columns, inside = fill_box(shape, height, width, per_unit)
    mask[rows, columns] = inside
    return mask


def fill_box(shape: Shape, height: int, width: int, per_unit: float) -> tuple[slice, slice, Mask]:
    """Return a box of the raster around the shape: its rows, its columns, [rows, columns].

    The arguments are those of ``fill``.
    """
    size, unit = (width, height), per_unit * SUBPIXELS
    rings = [np.array(ring, dtype=np.float64) * unit for ring in shape.rings]
    fixed = [np.floor(ring + 0.5).astype(np.int64) for ring in rings]  # sixteenths of a pixel
    starts = [np.clip(ring.min(axis=0) // SUBPIXELS, 0, size) for ring in fixed]
    ends = [np.clip(ring.max(axis=0) // SUBPIXELS + 1, 0, size) for ring in fixed]
    left, top = np.min(starts, axis=0).tolist()
    right, bottom = np.max(ends, axis=0).tolist()
    inside = np.zeros((bottom - top, right - left), dtype=np.bool_)
    for ring, (x, y), (stop_x, stop_y) in zip(fixed, starts, ends, strict=True):
        part = inside[y - top : stop_y - top, x - left : stop_x - left]
        part |= _filled(ring - np.array([x, y]) * SUBPIXELS, *part.shape)
    return slice(top, bottom), slice(left, right), inside


def _filled(start: Ints, height: int, width: int) -> Mask:
    """Fill a polygon by even-odd scan conversion, [height, width].

    Toggle at each crossing of a row's centre line, then accumulate.
    """
    end = np.roll(start, -1, axis=0)
    rising = start[:, 1] > end[:, 1]
    low, high = np.where(rising[:, None], end, start), np.where(rising[:, None], start, end)
    first = -((SUBPIXELS // 2 - low[:, 1]) // SUBPIXELS)  # first row centre at or below the top
    last = -((SUBPIXELS // 2 - high[:, 1]) // SUBPIXELS)  # first row centre past the bottom
    first, last = np.clip(first, 0, height), np.clip(last, 0, height)
    spans = last - first
    edge = np.repeat(np.arange(len(start)), spans)
    row = np.arange(spans.sum()) - np.repeat(np.cumsum(spans) - spans, spans) + first[edge]
    rise = row * SUBPIXELS + SUBPIXELS // 2 - low[edge, 1]
    run, drop = (high - low)[edge].T
    crossing = low[edge, 0] + rise * run // drop
    column = np.clip(-((SUBPIXELS // 2 - crossing) // SUBPIXELS), 0, width)
    toggles = np.bincount(row * (width + 1) + column, minlength=height * (width + 1))
    inside = np.cumsum(toggles.reshape(height, width + 1), axis=1) % 2
    return inside[:, :width].astype(np.bool_)


def dilate(mask: Mask, radius: int) -> Mask:
    """Return the mask dilated by (nearly) a disc: a square, then a diamond, make an octagon."""
    square = radius * 4 // 10
    for axis in (0, 1):
        mask = _smeared(mask, axis, square)
    for _ in range(radius - square):
        mask = mask | _shifted(mask)
    return mask


def _smeared(mask: Mask, axis: int, reach: int) -> Mask:
    """Return the mask dilated along one axis by ``reach`` on both sides."""
    out = mask.copy()
    lines = np.moveaxis(mask, axis, 0)
    target = np.moveaxis(out, axis, 0)
    for step in range(1, reach + 1):
        target[step:] |= lines[:-step]
        target[:-step] |= lines[step:]
    return out


def _shifted(mask: Mask) -> Mask:
    """Return the union of the mask's four neighbours."""
    out = np.zeros_like(mask)
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    out[:, 1:] |= mask[:, :-1]
    out[:, :-1] |= mask[:, 1:]
    return out


def _on_circle(x: float, y: float, radius: float, degrees: float) -> Point:
    angle = math.radians(degrees)
    return (x + radius * math.cos(angle), y + radius * math.sin(angle))


def _between(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    """Return a Catmull-Rom spline's point between b and c."""

    def along(p: float, q: float, r: float, s: float) -> float:
        bend = t * (2 * p - 5 * q + 4 * r - s + t * (3 * q - p - 3 * r + s))
        return 0.5 * (2 * q + t * (r - p + bend))

    return (along(a[0], b[0], c[0], d[0]), along(a[1], b[1], c[1], d[1]))


def _limb(start: Point, end: Point, first: float, last: float) -> Ring:
    """Return a capsule's ring, by its two ends and radii."""
    heading = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
    back = [_on_circle(*start, first, heading + 90 + step) for step in range(0, 181, 20)]
    front = [_on_circle(*end, last, heading - 90 + step) for step in range(0, 181, 20)]
    return tuple(back + front)
