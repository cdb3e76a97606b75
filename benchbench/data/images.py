"""Pictures, opened with care: headers are untrusted, and a bad one is named, never skipped."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchbench.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from PIL.Image import Image

    from benchbench.types import ImageRef

MAX_PIXELS = 89_478_485
"""Pillow's threshold for a decompression bomb; Visual Genome's pictures have under 2 million."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")


def image_size(path: Path) -> tuple[int, int]:
    """Width and height from the header alone, without decoding.

    Raises:
        ImageError: missing, no picture, or too large.
    """
    with _open(path, path) as image:
        return image.size


def read_bytes(path: Path) -> bytes:
    """The bytes of an image file; an ImageError where there are none to read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"Image not found: {path}") from None
    except OSError as error:
        raise ImageError(f"Cannot read image {path}: {error.strerror or error}") from error


def decode(content: bytes, path: Path) -> Image:
    """Decode bytes to RGB, as upstream loaders do (EXIF orientation is not applied).

    Raises:
        ImageError: naming ``path``: undecodable, truncated or too large.
    """
    with _open(io.BytesIO(content), path) as image:
        try:
            return image.convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageError(f"Cannot decode image {path}: {error}") from error


def _open(source: Path | io.BytesIO, path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(source, formats=FORMATS)
    except FileNotFoundError:
        raise ImageError(f"Image not found: {path}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"Image {path} is refused: over {MAX_PIXELS:,} pixels.") from None
    except UnidentifiedImageError:
        raise ImageError(f"Not a picture: {path} (read are {', '.join(FORMATS)}).") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"Cannot read image {path}: {error}") from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise ImageError(
            f"Image {path} is refused: {image.width:,} x {image.height:,} is over "
            f"{MAX_PIXELS:,} pixels."
        )
    return image


def crop(image: Image, ref: ImageRef) -> Image:
    """The picture that a reference means; what lies beyond the edge is black, as in Pillow."""
    return image if ref.box is None else image.crop(ref.box)


def overhangs(ref: ImageRef, size: tuple[int, int]) -> bool:
    """Whether a crop reaches over the edge of its image of ``size`` (width, height).

    Raises:
        ImageError: the crop is empty or lies wholly outside.
    """
    if ref.box is None:
        return False
    left, top, right, bottom = ref.box
    width, height = size
    if right <= left or bottom <= top:
        raise ImageError(f"Crop {ref.box} of {ref.path} is empty.")
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        raise ImageError(
            f"Crop {ref.box} of {ref.path} lies outside the image ({width} x {height})."
        )
    return left < 0 or top < 0 or right > width or bottom > height


def survey(
    refs: Iterable[ImageRef], workers: int = 4
) -> tuple[dict[Path, ImageError], set[ImageRef]]:
    """Look at the header of every file before any model is loaded.

    Args:
        refs: images and crops, repeats welcome.
        workers: files looked at side by side.

    Returns:
        The files that cannot be read, with the reason, and the crops that reach over an edge.

    Raises:
        ImageError: a crop is empty or outside its image (the annotations are wrong, not the file).
    """
    distinct = dict.fromkeys(refs)
    paths = list(dict.fromkeys(ref.path for ref in distinct))
    with ThreadPoolExecutor(workers, thread_name_prefix="survey") as pool:
        found = dict(zip(paths, pool.map(_size_or_error, paths), strict=True))
    problems = {path: size for path, size in found.items() if isinstance(size, ImageError)}
    overhanging = set()
    for ref in distinct:
        size = found[ref.path]
        if not isinstance(size, ImageError) and overhangs(ref, size):
            overhanging.add(ref)
    return problems, overhanging


def _size_or_error(path: Path) -> tuple[int, int] | ImageError:
    try:
        return image_size(path)
    except ImageError as error:
        return error
