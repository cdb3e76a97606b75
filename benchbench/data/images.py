"""Pictures, opened with care: headers are untrusted, and a bad one is named, never skipped."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.errors import ImageError
from benchbench.files import require_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image

    from benchbench.types import Box, ImageRef

MAX_PIXELS = 89_478_485
"""Pillow's threshold for a decompression bomb; Visual Genome's pictures have under 2 million."""

MAX_ASPECT = 1000
"""Longest side over shortest: models resize the shortest side to theirs, and the other with it."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")


def image_size(path: Path) -> tuple[int, int]:
    """Width and height from the header alone, without decoding.

    Raises:
        ImageError: missing, no picture, or too large.
    """
    _require_file(path)
    with _open(path, path) as image:
        return image.size


def read_bytes(path: Path) -> bytes:
    """The bytes of an image file; an ImageError where there are none to read."""
    _require_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"Cannot read image {path}: {_reason(error)}") from error


def decode(content: bytes, path: Path) -> Image:
    """Decode bytes to RGB, as upstream loaders do (EXIF orientation is not applied).

    Raises:
        ImageError: naming ``path``: undecodable, truncated or too large.
    """
    with _open(io.BytesIO(content), path) as image:
        try:
            return image.convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageError(f"Cannot decode image {path}: {_reason(error)}") from error


def _open(source: Path | io.BytesIO, path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(source, formats=FORMATS)
    except FileNotFoundError:
        raise ImageError(f"Image not found: {path}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"Image {path} is refused: over {MAX_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise ImageError(f"Not a picture in {'/'.join(FORMATS)}: {path}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"Cannot read image {path}: {_reason(error)}") from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise ImageError(
            f"Image {path} is refused: {image.width:,} x {image.height:,} is over "
            f"{MAX_PIXELS:,} pixels"
        )
    return image


def _require_file(path: Path) -> None:
    """Refuse what is no regular file: opening a pipe would wait for ever."""
    try:
        require_regular(path)
    except FileNotFoundError:
        raise ImageError(f"Image not found: {path}") from None
    except OSError as error:
        raise ImageError(f"Not a regular file: {path} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def crop(image: Image, ref: ImageRef) -> Image:
    """The picture that a reference means; what lies beyond the edge is black, as in Pillow."""
    return image if ref.box is None else image.crop(ref.box)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the headers of a set of images say."""

    unreadable: Mapping[Path, ImageError]
    """Files that cannot be read, and why."""
    wrong: Mapping[ImageRef, str]
    """Crops that make no picture of their image, and why: the annotations are wrong, not a file."""
    sizes: Mapping[Path, tuple[int, int]]
    """Width and height of each file that can be read."""

    def overhangs(self, ref: ImageRef) -> bool:
        """Whether a crop reaches over the edge of its image."""
        return ref.box is not None and _overhangs(ref.box, self.sizes[ref.path])


def survey(refs: Iterable[ImageRef], workers: int = 4) -> Survey:
    """Look at the header of every file before any model is loaded.

    Args:
        refs: images and crops, repeats welcome.
        workers: files looked at side by side.
    """
    distinct = dict.fromkeys(refs)
    paths = list(dict.fromkeys(ref.path for ref in distinct))
    found = sizes_of(paths, workers)
    unreadable = {path: size for path, size in found.items() if isinstance(size, ImageError)}
    sizes = {path: size for path, size in found.items() if not isinstance(size, ImageError)}
    wrong = {}
    for ref in distinct:
        if ref.path not in sizes:
            continue
        size = sizes[ref.path]
        if problem := _problem(ref.box or (0, 0, *size), size):
            wrong[ref] = problem
    return Survey(unreadable, wrong, sizes)


def sizes_of(paths: Sequence[Path], workers: int = 4) -> dict[Path, tuple[int, int] | ImageError]:
    """Width and height from each file's header, or why there are none; some looked at at once."""
    with ThreadPoolExecutor(workers, thread_name_prefix="survey") as pool:
        return dict(zip(paths, pool.map(_size_or_error, paths), strict=True))


def _size_or_error(path: Path) -> tuple[int, int] | ImageError:
    try:
        return image_size(path)
    except ImageError as error:
        return error


def _problem(box: Box, size: tuple[int, int]) -> str | None:
    """Why a crop of an image of ``size`` (width, height) makes no picture; None where it does."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return "is empty"
    if left >= size[0] or top >= size[1] or right <= 0 or bottom <= 0:
        return f"lies outside the image of {size[0]} x {size[1]} pixels"
    if width * height > MAX_PIXELS:
        return f"has over {MAX_PIXELS:,} pixels"
    if max(width, height) > MAX_ASPECT * min(width, height):
        return f"is over {MAX_ASPECT:,} times as long as it is wide: resizing it would fill memory"
    return None


def _overhangs(box: Box, size: tuple[int, int]) -> bool:
    return box[0] < 0 or box[1] < 0 or box[2] > size[0] or box[3] > size[1]
