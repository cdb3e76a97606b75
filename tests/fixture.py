"""A small data set in ARO's format: two coloured shapes a picture, drawn here.

For the tests, and for ``make eval`` where no real photographs are at hand.
Usage: python tests/fixture.py FOLDER
"""

from __future__ import annotations

import json
import sys
from itertools import permutations
from pathlib import Path

from PIL import Image, ImageDraw

COLOURS = {"red": (200, 40, 40), "green": (40, 150, 60), "blue": (50, 80, 200)}
SHAPES = ("square", "circle", "bar")
SIZE = 96


def draw(folder: Path) -> Path:
    """Write 36 pictures and 72 items under ``folder``; return it."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    records = []
    for one, other in permutations(COLOURS, 2):
        for shape, other_shape in permutations(SHAPES, 2):
            name = f"{one}-{shape}-{other}-{other_shape}.png"
            things = (f"{one} {shape}", f"{other} {other_shape}")
            _picture(things).save(folder / "images" / name)
            records += [
                _record(name, things, "to the left of"),
                _record(name, things[::-1], "to the right of"),
            ]
    text = json.dumps(records, indent=0)
    (folder / "visual_genome_relation.json").write_text(text, encoding="utf-8")
    return folder


def _picture(things: tuple[str, str]) -> Image.Image:
    picture = Image.new("RGB", (SIZE, SIZE), (235, 232, 225))
    canvas = ImageDraw.Draw(picture)
    for thing, left in zip(things, (8, 56), strict=True):
        colour, shape = thing.split()
        fill = COLOURS[colour]
        if shape == "square":
            canvas.rectangle((left, 32, left + 31, 63), fill=fill)
        elif shape == "circle":
            canvas.ellipse((left, 32, left + 31, 63), fill=fill)
        else:
            canvas.rectangle((left + 12, 16, left + 20, 79), fill=fill)
    return picture


def _record(name: str, things: tuple[str, str], relation: str) -> dict[str, object]:
    subject, object_ = things
    return {
        "image_id": name,
        "image_path": name,
        "relation_name": relation,
        "true_caption": f"the {subject} is {relation} the {object_}",
        "false_caption": f"the {object_} is {relation} the {subject}",
        "bbox_x": 4,
        "bbox_y": 8,
        "bbox_w": 88,
        "bbox_h": 80,
    }


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
