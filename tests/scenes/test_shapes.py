"""Rasterisation and hashing: exact, against the plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.scenes.atlas import COVERAGE, FIXED, TINT, atlas, resample
from benchbench.scenes.dice import dice, mix
from benchbench.scenes.shapes import SUBPIXELS, Shape, body, dilate, fill, oval
from benchbench.scenes.sprites import masters

PER_UNIT = 0.4
UNIT = 1 / (PER_UNIT * SUBPIXELS)
corners = st.tuples(st.integers(-40, 700), st.integers(-40, 700))


def inside(ring: list[tuple[int, int]], x: int, y: int) -> bool:
    """Even-odd rule by counting crossings of the ray to the left, in sixteenths of a pixel."""
    odd = False
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y0 <= y) != (y1 <= y):
            (ax, ay), (bx, by) = sorted([(x0, y0), (x1, y1)], key=lambda p: p[1])
            odd ^= ax + (y - ay) * (bx - ax) // (by - ay) <= x
    return odd


@given(st.lists(corners, min_size=3, max_size=7))
@settings(max_examples=60)
def test_fill_is_the_even_odd_rule_at_pixel_centres(ring: list[tuple[int, int]]) -> None:
    shape = Shape((tuple((x * UNIT, y * UNIT) for x, y in ring),), body())
    mask = fill(shape, 40, 40, PER_UNIT)
    half = SUBPIXELS // 2
    for row in range(0, 40, 3):
        for column in range(40):
            expected = inside(ring, column * SUBPIXELS + half, row * SUBPIXELS + half)
            assert mask[row, column] == expected


def test_a_disc_has_the_area_of_a_disc() -> None:
    mask = fill(oval(body(), 50, 50, 40), 320, 320, 3.2)
    assert abs(mask.sum() / (np.pi * 128**2) - 1) < 0.01


def test_growing_reaches_as_far_as_asked() -> None:
    mask = np.zeros((41, 41), dtype=np.bool_)
    mask[20, 20] = True
    rows, columns = np.nonzero(dilate(mask, 7))
    assert rows.min() == 13
    assert columns.max() == 27
    assert np.hypot(rows - 20, columns - 20).max() < 8.5


def test_the_hash_is_splitmix64() -> None:
    golden = np.array([0x9E3779B97F4A7C15], dtype=np.uint64)
    assert int(mix(golden)[0]) == 0xE220A8397B1DCDAF  # the first output of seed 0


def test_dice_are_uniform_and_independent_of_order() -> None:
    roll = dice("some stream", np.arange(60000))
    counts = np.bincount(roll.below("x", 6), minlength=6)
    assert abs(counts / 10000 - 1).max() < 0.05
    both = np.corrcoef(roll.below("x", 1000), roll.below("y", 1000))[0, 1]
    assert abs(both) < 0.02
    some = dice("some stream", np.array([7, 3]))
    assert some.below("x", 6).tolist() == roll.below("x", 6)[[7, 3]].tolist()
    assert set(roll.between("z", -2, 2).tolist()) == {-2, -1, 0, 1, 2}


def test_an_empty_range_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing to draw for 'w'"):
        dice("some stream", np.arange(3)).between("w", 4, 3)


def test_resampling_keeps_the_sum_of_coverage() -> None:
    for image in masters()[::9]:
        small = resample(image, [40])[0]
        share = small[..., COVERAGE].sum() * (320 / 40) ** 2 / image[..., COVERAGE].sum()
        assert abs(share - 1) < 0.02


def test_texels_are_never_brighter_than_their_coverage() -> None:
    texels = atlas(64).texels.astype(np.int64)
    brightest = texels[:, TINT] + texels[:, FIXED].max(axis=1)
    assert (brightest <= texels[:, COVERAGE]).all()
