"""What headers say, and that decoding is Pillow's convert("RGB") whatever they say."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchbench.data import images
from benchbench.data.headers import Header, orientation
from benchbench.types import ImageRef

SIZE = (12, 8)
KINDS = ("oriented", "transparent", "animated", "deep")


def noise(channels: int = 3, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE[::-1], channels), dtype=np.uint8)
    return Image.fromarray(pixels)


def exif(value: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = value
    return found


def oriented(path: Path, value: int = 6) -> None:
    noise().save(path, exif=exif(value))


def upright(path: Path) -> None:
    oriented(path, 1)


def plain(path: Path) -> None:
    noise().save(path)


def with_alpha(path: Path) -> None:
    noise(4).save(path)


def grey_with_alpha(path: Path) -> None:
    noise(2).save(path)


def transparent_palette(path: Path) -> None:
    noise().quantize(16).save(path, transparency=3)


def transparent_colour(path: Path) -> None:
    noise().save(path, transparency=(1, 2, 3))


def frames(path: Path) -> None:
    noise().save(path, save_all=True, append_images=[noise(3, 1), noise(3, 2)])


def grey16(path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 600, SIZE[::-1], dtype=np.uint16)
    Image.fromarray(values).save(path)


def floats(path: Path) -> None:
    Image.fromarray(np.linspace(0, 300, 96, dtype=np.float32).reshape(SIZE[::-1])).save(path)


def colour16(path: Path) -> None:
    """A PNG of 16 bits a channel, which Pillow reads and does not write."""
    rows = np.random.default_rng(0).integers(0, 2**16, (*SIZE[::-1], 3)).astype(">u2")
    content = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(content))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b""))


CASES: list[tuple[str, Callable[[Path], None], set[str]]] = [
    *((name, plain, set()) for name in ("a.jpg", "a.png", "a.webp", "a.bmp", "a.tif", "a.gif")),
    *((name, oriented, {"oriented"}) for name in ("a.jpg", "a.png", "a.webp")),
    ("a.jpg", upright, set()),
    *((name, with_alpha, {"transparent"}) for name in ("a.png", "a.webp", "a.tif")),
    ("a.png", grey_with_alpha, {"transparent"}),
    *((name, transparent_palette, {"transparent"}) for name in ("a.png", "a.gif")),
    ("a.png", transparent_colour, {"transparent"}),
    *((name, frames, {"animated"}) for name in ("a.gif", "a.webp", "a.png", "a.tif")),
    *((name, grey16, {"deep"}) for name in ("a.png", "a.tif")),
    ("a.png", colour16, {"deep"}),
    ("a.tif", floats, {"deep"}),
]


@pytest.mark.parametrize(("name", "make", "said"), CASES)
def test_headers_say_what_decoding_leaves_out(
    tmp_path: Path, name: str, make: Callable[[Path], None], said: set[str]
) -> None:
    path = tmp_path / name
    make(path)
    header = images.read_header(path)
    assert header.size == SIZE
    assert {kind for kind in KINDS if getattr(header, kind)} == said


@pytest.mark.parametrize(("name", "make", "said"), CASES)
def test_pixels_are_exactly_those_of_convert_rgb(
    tmp_path: Path, name: str, make: Callable[[Path], None], said: set[str]
) -> None:
    path = tmp_path / name
    make(path)
    found = images.decode(path.read_bytes(), path)
    with Image.open(path) as image:
        expected = image.convert("RGB")
    assert (found.mode, found.size) == ("RGB", SIZE)
    assert found.tobytes() == expected.tobytes()


def test_no_orientation_turns_a_photograph(tmp_path: Path) -> None:
    plain(tmp_path / "plain.png")
    for value in range(1, 9):
        path = tmp_path / f"{value}.png"
        oriented(path, value)
        assert images.read_header(path).oriented is (value != 1)
        assert images.decode(path.read_bytes(), path).tobytes() == noise().tobytes()


def test_pillow_turns_a_tiff_itself(tmp_path: Path) -> None:
    """Its header then has the size that it is decoded to, and nothing is left out."""
    path = tmp_path / "a.tif"
    oriented(path)
    header = images.read_header(path)
    assert (header.size, header.oriented) == (SIZE[::-1], False)
    assert images.decode(path.read_bytes(), path).size == SIZE[::-1]


def test_nothing_is_decoded_for_a_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    for i, (name, make, _) in enumerate(CASES):
        make(tmp_path / f"{i}-{name}")
    from PIL import ImageFile

    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    paths = list(tmp_path.iterdir())
    headers = images.headers_of(paths)
    assert len(paths) == len(CASES)
    assert all(isinstance(header, Header) for header in headers.values())


def block(order: str, entries: list[tuple[int, int, int]], start: int = 8) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    content = mark + struct.pack(f"{order}I", start) + bytes(start - 8)
    content += struct.pack(f"{order}H", len(entries))
    for tag, kind, value in entries:
        form = {3: "Hxx", 4: "I"}.get(kind, "4x")
        content += struct.pack(f"{order}HHI{form}", tag, kind, 1, *[value] * (form != "4x"))
    return content


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_first_directory_says_how_a_camera_was_held(order: str, prefix: bytes) -> None:
    entries = [(0x010F, 2, 0), (0x0112, 3, 8), (0x0132, 2, 0)]
    assert orientation(prefix + block(order, entries)) == 8
    assert orientation(prefix + block(order, [(0x0112, 4, 3)], start=26)) == 3
    assert orientation(prefix + block(order, entries[::2])) == 1


def test_an_exif_block_that_makes_no_sense_says_nothing() -> None:
    whole = block("<", [(0x010F, 2, 0), (0x0112, 3, 8)])
    for length in range(len(whole)):
        assert orientation(whole[:length]) == 1
    assert orientation(b"no EXIF at all") == 1
    assert orientation(whole[:4] + b"\xff" * 4 + whole[8:]) == 1
    assert orientation(whole[:8] + b"\xff\xff" + whole[10:]) == 8, "more entries told than there"
    assert orientation(block("<", [(0x0112, 2, 8)])) == 1, "text is no orientation"


def test_a_file_that_is_broken_behind_its_header_still_has_one(tmp_path: Path) -> None:
    """A second frame's block that is cut short, or says nothing, is no second frame."""
    path = tmp_path / "a.gif"
    frames(path)
    whole = path.read_bytes()
    second = whole.index(b"\x21\xf9\x04")
    path.write_bytes(whole[: second + 2] + b"\1" + whole[second + 3 :])
    assert images.read_header(path).animated is False
    for length in range(second, len(whole)):
        path.write_bytes(whole[:length])
        assert images.read_header(path).size == SIZE


def test_a_survey_counts_each_kind_once_a_file(tmp_path: Path) -> None:
    refs = []
    for i, (name, make, _) in enumerate(CASES):
        make(path := tmp_path / f"{i}-{name}")
        refs += [ImageRef(path), ImageRef(path, (0, 0, 3, 3))]
    found = images.survey([*refs, ImageRef(tmp_path / "none.png")])
    paths = {ref.path for ref in refs}
    wanted = {kind: sum(kind in said for _, _, said in CASES) for kind in KINDS}
    assert found.tally(paths) == wanted
    assert not any(found.tally([refs[0].path]).values())
