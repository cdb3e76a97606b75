"""Pixels, masks and boxes against a slow renderer written from the formula; torch; digests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from benchbench.errors import UsageError
from benchbench.scenes.atlas import CANVAS, atlas
from benchbench.scenes.backgrounds import background
from benchbench.scenes.drawing import OPAQUE, SECOND_TINTS, TINTS, draw, label
from benchbench.scenes.drawing_torch import draw_torch
from benchbench.scenes.records import digest
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.world import Scenes
from benchbench.types.arrays import Pixels


def rounded(value: int) -> int:
    """Division by 255 to the nearest, for whole numbers."""
    return (2 * value + 255) // 510


def slowly(scenes: Scenes, row: int, size: int) -> tuple[Pixels, npt.NDArray[np.int8]]:
    """One scene, pixel by pixel: its image and its labels."""
    sheet = atlas(size)
    base = background(int(scenes.background[row]), int(scenes.variant[row]), size).astype(int)
    image = (base[:, ::-1] if scenes.mirrored[row] else base) * scenes.light[row] // 256
    labels = np.full((size, size), -1, dtype=np.int8)
    for slot in np.argsort(scenes.depth[row]):
        number, level = scenes.sprite[row, slot], scenes.level[row, slot]
        if number < 0:
            continue
        sprite = sheet.sprite(number, level).astype(int)
        pattern = sheet.pattern(scenes.pattern[row, slot], level).astype(int)
        left, top = scenes.x[row, slot] * size // CANVAS, scenes.y[row, slot] * size // CANVAS
        one, two = (t[scenes.colour[row, slot]].astype(int) for t in (TINTS, SECOND_TINTS))
        owner = scenes.owner[row, slot]
        height, width = sprite.shape[:2]
        for v in range(max(0, -top), min(height, size - top)):
            for u in range(max(0, -left), min(width, size - left)):
                source = width - 1 - u if scenes.flip[row, slot] else u
                coverage, shade, *fixed = sprite[v, source]
                for c in range(3):
                    share = pattern[v, source]
                    tint = rounded(one[c] * (255 - share) + two[c] * share)
                    below = image[top + v, left + u, c]
                    mixed = rounded(shade * tint) + rounded(below * (255 - coverage)) + fixed[c]
                    image[top + v, left + u, c] = min(mixed, 255)
                if coverage >= OPAQUE:
                    named = scenes.category[row, owner] >= 0
                    labels[top + v, left + u] = owner if named else -1
    return image.astype(np.uint8), labels


@pytest.mark.parametrize("split", ["test", "train-dense"])
def test_pixels_and_masks_follow_the_formula(split: str) -> None:
    scenes = sample(split, np.arange(40, 46))
    images, labels, visibility = draw(scenes, 64), label(scenes, 64), measure_visible(scenes, 64)
    for row in range(len(scenes)):
        image, expected = slowly(scenes, row, 64)
        assert np.array_equal(images[row], image)
        assert np.array_equal(labels[row], expected)
        for slot in range(scenes.category.shape[1]):
            rows, columns = np.nonzero(expected == slot)
            assert visibility.pixels[row, slot] == len(rows)
            assert np.array_equal(visibility.mask(row, slot), expected == slot)
            box = (
                [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                if len(rows)
                else [0] * 4
            )
            assert visibility.boxes[row, slot].tolist() == box


def test_what_is_alone_is_seen_whole() -> None:
    scenes = sample("val", np.arange(300))
    share = measure_visible(scenes, 96).share
    assert share.max() <= 1.0
    assert (share[scenes.present] == 1.0).mean() > 0.5
    assert (share[scenes.present] > 0.1).mean() > 0.98
    assert (share[~scenes.present] == 0).all()


@pytest.mark.parametrize(("split", "size"), [("val", 96), ("test-dense", 67)])
def test_torch_draws_the_same_pixels(split: str, size: int) -> None:
    scenes = sample(split, np.arange(48))
    assert np.array_equal(draw_torch(scenes, size).numpy(), draw(scenes, size))


def test_images_do_not_depend_on_the_batch() -> None:
    scenes = sample("train", np.arange(20))
    alone = draw(sample("train", np.array([13])), 96)
    assert np.array_equal(draw(scenes, 96)[13], alone[0])


@pytest.mark.parametrize("size", [31, 673])
def test_sizes_have_limits(size: int) -> None:
    with pytest.raises(UsageError, match="32 to 672"):
        draw(sample("train", np.arange(1)), size)


PINNED = {
    ("train", 96): "a675028dc81d1add91e97debff3ebcaa37107501bb73a3e7bd43706705991dd2",
    ("test", 224): "fb9f80d83a3760df1c53e4c72c64eca3f09b2ed9eddd75a27a7c2d03dd447675",
    ("test-dense", 96): "6c3e030a67a63cce23be9a9685298662ddac4d1b7399d0fff1fe2e612c5fe616",
}


@pytest.mark.parametrize(("split", "size"), list(PINNED))
def test_scenes_are_what_they_were(split: str, size: int) -> None:
    """A change of these is a change of the edition: raise ``world.VERSION`` with it."""
    assert digest(sample(split, np.arange(24)), size) == PINNED[split, size]
