"""Images: untrusted headers, truncated bodies, crops over the edge."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from benchbench.data import images
from benchbench.errors import ImageError
from benchbench.types import Box, ImageRef


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A noisy 40 x 30 JPEG."""
    path = tmp_path / "a.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_size_comes_from_the_header(image: Path) -> None:
    assert images.read_header(image).size == (40, 30)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, (5, 4)).save(path)
    assert images.decode(path.read_bytes(), path).mode == "RGB"


def test_missing_undecodable_and_truncated_are_told_apart(image: Path) -> None:
    with pytest.raises(ImageError, match="not found"):
        images.read_header(image.with_name("none.jpg"))
    text = image.with_name("text.jpg")
    text.write_text("no image")
    with pytest.raises(ImageError, match="Not an image"):
        images.read_header(text)
    whole = image.read_bytes()
    assert images.read_header(image).size == (40, 30)
    with pytest.raises(ImageError, match="Cannot decode"):
        images.decode(whole[: len(whole) // 2], image)
    with pytest.raises(ImageError, match="Not a regular file"):
        images.read_bytes(image.parent)


def test_a_truncated_image_is_an_error_whatever_other_code_has_told_pillow(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = image.read_bytes()
    cut = [whole[: len(whole) // 2]] * 20

    def try_decoding(content: bytes) -> str:
        try:
            return images.decode(content, image).mode
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(try_decoding, [*cut, whole, *cut]))
    assert all("truncated" in each for each in (*found[:20], *found[21:])), found
    assert found[20] == "RGB"
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (12_000, 12_000)).save(path)
    with pytest.raises(ImageError, match="refused"):
        images.read_header(path)
    with pytest.raises(ImageError, match="refused"):
        images.decode(path.read_bytes(), path)


def test_formats_that_no_data_set_uses_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path, format="EPS")
    with pytest.raises(ImageError, match="Not an image"):
        images.read_header(path)


def test_crops_are_pillows_and_black_beyond_the_edge(image: Path) -> None:
    whole = images.decode(image.read_bytes(), image)
    found = images.crop(whole, ImageRef(image, (30, 20, 50, 40)))
    assert found.size == (20, 20)
    assert found.getpixel((15, 15)) == (0, 0, 0)
    assert np.array_equal(np.asarray(found)[:10, :10], np.asarray(whole)[20:, 30:])
    assert images.crop(whole, ImageRef(image)) is whole


@pytest.mark.parametrize(
    ("box", "over"),
    [((0, 0, 40, 30), False), ((-1, 0, 5, 5), True), ((35, 25, 41, 30), True)],
)
def test_overhanging_crops_are_told(image: Path, box: Box, over: bool) -> None:
    ref = ImageRef(image, box)
    found = images.survey([ref])
    assert found.overhangs(ref) is over
    assert not found.wrong


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ((40, 0, 50, 9), "outside"),
        ((0, 30, 9, 40), "outside"),
        ((-9, 0, 0, 9), "outside"),
        ((5, 5, 5, 9), "empty"),
        ((9, 5, 5, 9), "empty"),
        ((0, 0, 20_000, 20_000), "pixels"),
        ((0, 0, 10**20, 30), "pixels"),
        ((0, 0, 1, 1001), "times as long"),
    ],
)
def test_crops_that_make_no_image_are_told_beforehand(image: Path, box: Box, problem: str) -> None:
    ref = ImageRef(image, box)
    assert problem in images.survey([ref]).wrong[ref]


def test_an_image_that_resizing_would_blow_up_is_told_beforehand(tmp_path: Path) -> None:
    ref = ImageRef(tmp_path / "thin.png")
    Image.new("RGB", (1, 2000)).save(ref.path)
    assert "times as long" in images.survey([ref]).wrong[ref]


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    for read in (images.read_header, images.read_bytes):
        with pytest.raises(ImageError, match="Not a regular file"):
            read(pipe)


def test_a_survey_lists_bad_files_and_overhanging_crops(image: Path) -> None:
    missing = ImageRef(image.with_name("none.jpg"), (0, 0, 9, 9))
    over = ImageRef(image, (30, 20, 50, 40))
    found = images.survey([over, missing, over, ImageRef(image)])
    assert list(found.unreadable) == [missing.path]
    assert found.overhangs(over)
    assert not found.wrong
