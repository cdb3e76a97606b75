"""Write a contact sheet: images with their captions under them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchbench.errors import UsageError
from benchbench.scenes.captions import captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.sampling import sample
from benchbench.scenes.templates import SCENARIOS

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Pixels

_PAPER, _INK, _FAINT = (252, 250, 245), (45, 42, 50), (132, 126, 120)
_TELLING = ("JJ", "VBG", "VBZ")
_GAP, _LINE, _LINES = 16, 17, 4


def write_gallery(
    path: Path,
    split: str = "test",
    count: int = 24,
    size: int = 224,
    columns: int = 6,
    start: int = 0,
) -> Path:
    """Write a PNG of scenes with their action label and one caption each.

    Scenarios alternate, so that a sheet shows many of them.

    Args:
        path: the file to write; parent folders are created.
        split: the split of the scenes.
        count: the number of images.
        size: pixels along each image's side.
        columns: images in a row.
        start: the number of the first scene to choose from.

    Raises:
        UsageError: the count, the size or the number of columns makes no sheet.
    """
    if count < 1 or columns < 1 or start < 0:
        raise UsageError("A gallery takes at least one image and one column, from scene 0 on.")
    scenes = _varied(split, count, start)
    sheet = _sheet(draw(scenes, size), _labels(scenes, size), columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, format="PNG")
    return path


def _varied(split: str, count: int, start: int) -> Scenes:
    """Choose scenes; no scenario repeats before all others have come."""
    pool = sample(split, np.arange(start, start + 40 * count))
    earlier = np.zeros(len(pool), dtype=np.int64)
    for number in range(len(SCENARIOS)):
        rows = np.flatnonzero(pool.scenario == number)
        earlier[rows] = np.arange(len(rows))
    return pool.take(np.sort(np.argsort(earlier, kind="stable")[:count]))


def _labels(scenes: Scenes, size: int) -> list[tuple[str, str]]:
    """Return each scene's action, and the most informative caption that fits."""
    stated, out = captions(scenes), []
    for row, texts in enumerate(stated.texts()):
        fitting = [i for i, text in enumerate(texts) if len(_wrapped(text, size)) <= _LINES] or [0]
        best = max(fitting, key=lambda i: sum(tag in _TELLING for _, tag in stated.tagged(row, i)))
        out.append((SCENARIOS[scenes.scenario[row]].name, texts[best]))
    return out


def _wrapped(text: str, size: int) -> list[str]:
    """Return the text in lines that are no wider than an image."""
    return textwrap.wrap(text, max(size // 7, 12))


def _sheet(images: Pixels, labels: list[tuple[str, str]], columns: int) -> Image.Image:
    size = images.shape[1]
    width, height = size + _GAP, size + _GAP + _LINE * (_LINES + 1) + 6
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (image, (action, text)) in enumerate(zip(images, labels, strict=True)):
        left, top = _GAP + number % columns * width, _GAP + number // columns * height
        sheet.paste(Image.fromarray(image), (left, top))
        pen.text((left, top + size + 4), action, fill=_FAINT, font=font)
        for line, words in enumerate(_wrapped(text, size)[:_LINES]):
            pen.text((left, top + size + 4 + _LINE * (line + 1)), words, fill=_INK, font=font)
    return sheet
