"""Pictures: untrusted headers, truncated bodies, crops over the edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchbench.data import images
from benchbench.errors import ImageError
from benchbench.types import ImageRef


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A noisy 40 x 30 JPEG."""
    path = tmp_path / "a.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_size_comes_from_the_header(picture: Path) -> None:
    assert images.image_size(picture) == (40, 30)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, (5, 4)).save(path)
    assert images.decode(path.read_bytes(), path).mode == "RGB"


def test_missing_undecodable_and_truncated_are_told_apart(picture: Path) -> None:
    with pytest.raises(ImageError, match="not found"):
        images.image_size(picture.with_name("none.jpg"))
    text = picture.with_name("text.jpg")
    text.write_text("no picture")
    with pytest.raises(ImageError, match="Not a picture"):
        images.image_size(text)
    whole = picture.read_bytes()
    assert images.image_size(picture) == (40, 30)
    with pytest.raises(ImageError, match="Cannot decode"):
        images.decode(whole[: len(whole) // 2], picture)
    with pytest.raises(ImageError, match="Cannot read"):
        images.read_bytes(picture.parent)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (12_000, 12_000)).save(path)
    with pytest.raises(ImageError, match="refused"):
        images.image_size(path)
    with pytest.raises(ImageError, match="refused"):
        images.decode(path.read_bytes(), path)


def test_formats_that_no_data_set_uses_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path, format="EPS")
    with pytest.raises(ImageError, match="Not a picture"):
        images.image_size(path)


def test_crops_are_pillows_and_black_beyond_the_edge(picture: Path) -> None:
    image = images.decode(picture.read_bytes(), picture)
    found = images.crop(image, ImageRef(picture, (30, 20, 50, 40)))
    assert found.size == (20, 20)
    assert found.getpixel((15, 15)) == (0, 0, 0)
    assert np.array_equal(np.asarray(found)[:10, :10], np.asarray(image)[20:, 30:])
    assert images.crop(image, ImageRef(picture)) is image


@pytest.mark.parametrize(
    ("box", "over"),
    [((0, 0, 40, 30), False), ((-1, 0, 5, 5), True), ((35, 25, 41, 30), True)],
)
def test_overhanging_crops_are_told(
    picture: Path, box: tuple[int, int, int, int], over: bool
) -> None:
    assert images.overhangs(ImageRef(picture, box), (40, 30)) is over


@pytest.mark.parametrize("box", [(40, 0, 50, 9), (0, 30, 9, 40), (-9, 0, 0, 9), (5, 5, 5, 9)])
def test_crops_outside_or_empty_are_errors(picture: Path, box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ImageError, match=r"outside|empty"):
        images.survey([ImageRef(picture, box)])


def test_a_survey_lists_bad_files_and_overhanging_crops(picture: Path) -> None:
    missing = ImageRef(picture.with_name("none.jpg"), (0, 0, 9, 9))
    over = ImageRef(picture, (30, 20, 50, 40))
    problems, overhanging = images.survey([over, missing, over, ImageRef(picture)])
    assert list(problems) == [missing.path]
    assert overhanging == {over}
