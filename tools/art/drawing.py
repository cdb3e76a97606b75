"""The drawing type: layered shapes, and the anchors at which objects meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchbench.scenes.shapes import Point, Shape, move, scale, turn

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Drawing:
    """A sprite in design units, facing right; its shapes are painted first to last."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    anchors: Mapping[str, Point] = field(default_factory=dict)
    """The points at which objects meet: ``foot``, ``back``, ``seat``, ``hand``, ``head``, ``grip``,
    ``top``, …"""


def tilt(drawing: Drawing, degrees: float) -> Drawing:
    """Return the drawing turned clockwise, without its shadow, fitted to 100 units again."""
    middle = (drawing.width / 2, drawing.height / 2)
    shapes = [turn(shape, degrees, middle) for shape in drawing.shapes if shape.solid]
    points = [p for shape in shapes for ring in shape.rings for p in ring]
    left, top = (min(p[axis] for p in points) - 2.5 for axis in (0, 1))
    width, height = (
        max(p[axis] for p in points) + 2.5 - edge for axis, edge in ((0, left), (1, top))
    )
    factor = 100 / max(width, height)
    fitted = tuple(scale(move(shape, -left, -top), factor) for shape in shapes)
    grip = turn(
        Shape((((drawing.anchors.get("grip", middle)),),), shapes[0].paint), degrees, middle
    )
    anchors = {
        "foot": (width * factor / 2, height * factor - 2.0),
        "grip": scale(move(grip, -left, -top), factor).rings[0][0],
    }
    return Drawing(width * factor, height * factor, fitted, anchors)
