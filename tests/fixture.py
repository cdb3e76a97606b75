"""Small data sets in official formats: two coloured shapes an image, drawn here."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

from PIL import Image, ImageDraw

COLOURS = {"red": (200, 40, 40), "green": (40, 150, 60), "blue": (50, 80, 200)}
SHAPES = ("square", "circle", "bar")
SIZE = 96
CROP = {"bbox_x": 4, "bbox_y": 8, "bbox_w": 88, "bbox_h": 80}


def draw(folder: Path) -> Path:
    """Write 36 images, 72 VG-Relation and 36 VG-Attribution items under ``folder``; return it."""
    relations, attributions = [], []
    for name, things in _draw_images(folder / "images").items():
        relations += [
            _relation(name, things, "to the left of"),
            _relation(name, things[::-1], "to the right of"),
        ]
        attributions.append(_attribution(name, things))
    _write(folder / "visual_genome_relation.json", relations)
    _write(folder / "visual_genome_attribution.json", attributions)
    return folder


def draw_sugarcrepe(folder: Path) -> Path:
    """Write the seven files of SugarCrepe, with ids that leave gaps, and their images."""
    images = list(_draw_images(folder / "val2017").items())
    subsets = "add_att add_obj replace_att replace_obj replace_rel swap_att swap_obj".split()
    for n, subset in enumerate(subsets):
        _write(
            folder / f"{subset}.json",
            {
                str(3 * i): {
                    "filename": name,
                    "caption": f"a {one} beside a {other}",
                    "negative_caption": f"a {other} inside a {one}",
                }
                for i, (name, (one, other)) in enumerate(images[n : n + 4])
            },
        )
    return folder


def draw_winoground(folder: Path) -> Path:
    """Write 18 pairs of images with mirrored captions in Winoground's format."""
    images = _draw_images(folder / "images")
    lines: list[str] = []
    for name, (one, other) in images.items():
        mirrored = _name((other, one))
        if name < mirrored:
            record = {
                "id": len(lines),
                "image_0": name.removesuffix(".png"),
                "image_1": mirrored.removesuffix(".png"),
                "caption_0": f"the {one} is to the left of the {other}",
                "caption_1": f"the {other} is to the left of the {one}",
                "collapsed_tag": "Object",
            }
            lines.append(json.dumps(record))
    (folder / "examples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _draw_images(folder: Path) -> dict[str, tuple[str, str]]:
    """Draw every pair of things; file name → the things from left to right."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for colours in permutations(COLOURS, 2):
        for shapes in permutations(SHAPES, 2):
            things = (f"{colours[0]} {shapes[0]}", f"{colours[1]} {shapes[1]}")
            _image(things).save(folder / _name(things))
            drawn[_name(things)] = things
    return drawn


def _name(things: tuple[str, str]) -> str:
    return "-".join(things).replace(" ", "-") + ".png"


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=0), encoding="utf-8")


def _image(things: tuple[str, str]) -> Image.Image:
    image = Image.new("RGB", (SIZE, SIZE), (235, 232, 225))
    canvas = ImageDraw.Draw(image)
    for thing, left in zip(things, (8, 56), strict=True):
        colour, shape = thing.split()
        fill = COLOURS[colour]
        if shape == "square":
            canvas.rectangle((left, 32, left + 31, 63), fill=fill)
        elif shape == "circle":
            canvas.ellipse((left, 32, left + 31, 63), fill=fill)
        else:
            canvas.rectangle((left + 12, 16, left + 20, 79), fill=fill)
    return image


def _relation(name: str, things: tuple[str, str], relation: str) -> dict[str, object]:
    subject, object_ = things
    return {
        "image_path": name,
        "relation_name": relation,
        "true_caption": f"the {subject} is {relation} the {object_}",
        "false_caption": f"the {object_} is {relation} the {subject}",
        **CROP,
    }


def _attribution(name: str, things: tuple[str, str]) -> dict[str, object]:
    (one, this), (other, that) = (thing.split() for thing in things)
    return {
        "image_path": name,
        "attributes": [one, other],
        "true_caption": f"the {one} {this} and the {other} {that}",
        "false_caption": f"the {other} {this} and the {one} {that}",
        **CROP,
    }
