"""Read and decode untrusted image files; an unreadable image is an error that names the file."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from benchbench.data.headers import header_of
from benchbench.errors import ImageError
from benchbench.files import require_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

    from benchbench.data.headers import Header
    from benchbench.data.image_facts import ImageFacts
    from benchbench.types import Box, ImageRef

MAX_PIXELS = 89_478_485
"""Pillow's threshold for a decompression bomb; Visual Genome's images have under 2 million pixels.
"""

MAX_ASPECT = 1000
"""The largest ratio of the longest side to the shortest. Models resize the shortest side to theirs,
and the longest side in proportion."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")


def read_header(path: Path) -> Header:
    """Read the header of an image file, without decoding.

    Raises:
        ImageError: the file is missing, no image, or too large.
    """
    _require_file(path)
    with _open(path, path) as image:
        return header_of(image)


def read_bytes(path: Path) -> bytes:
    """Read the bytes of an image file.

    Raises:
        ImageError: the file is missing, unreadable or no regular file.
    """
    _require_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"Cannot read image {path}: {_reason(error)}") from error


def decode(content: bytes, path: Path) -> Image:
    """Decode bytes to RGB, as upstream loaders do (``headers.DECODING``).

    Raises:
        ImageError: the bytes are undecodable, truncated or too large; the message names ``path``.
    """
    with _WHOLE.required(), _open(io.BytesIO(content), path) as image:
        try:
            return image.convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageError(f"Cannot decode image {path}: {_reason(error)}") from error


class _WholeFiles:
    """Pillow's switch for truncated files, off while any thread decodes.

    Training code and plugins turn it on for the whole process: what a truncated file lacks is then
    grey, and the image would be scored.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._threads = 0
        self._before = False

    @contextmanager
    def required(self) -> Iterator[None]:
        """Let truncated files be errors; the last thread restores the switch."""
        from PIL import ImageFile

        with self._lock:
            if not self._threads:
                self._before = ImageFile.LOAD_TRUNCATED_IMAGES
            self._threads += 1
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                if not self._threads:
                    ImageFile.LOAD_TRUNCATED_IMAGES = self._before


_WHOLE = _WholeFiles()


def _open(source: Path | io.BytesIO, path: Path) -> ImageFile:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(source, formats=FORMATS)
    except FileNotFoundError:
        raise ImageError(f"Image not found: {path}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"Image {path} is refused: over {MAX_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise ImageError(f"Not an image in {'/'.join(FORMATS)}: {path}") from None
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
    """Raise an error unless a path is a regular file: opening a pipe would wait forever."""
    try:
        require_regular(path)
    except FileNotFoundError:
        raise ImageError(f"Image not found: {path}") from None
    except OSError as error:
        raise ImageError(f"Not a regular file: {path} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def crop(image: Image, ref: ImageRef) -> Image:
    """Crop an image to the box of its reference; pixels beyond the edge are black, as in Pillow."""
    return image if ref.box is None else image.crop(ref.box)


@dataclass(frozen=True, slots=True)
class Survey:
    """The headers of a set of images."""

    unreadable: Mapping[Path, ImageError]
    """Files that cannot be read, each with its error."""
    wrong: Mapping[ImageRef, str]
    """Crops that give no image, each with the reason: the annotations are wrong, not a file."""
    headers: Mapping[Path, Header]
    """The header of each readable file."""

    def overhangs(self, ref: ImageRef) -> bool:
        """Return whether a crop extends over the edge of its image."""
        return ref.box is not None and _overhangs(ref.box, self.headers[ref.path].size)

    def tally(self, paths: Iterable[Path]) -> dict[str, int]:
        """Return the number of files with each property that decoding ignores, by property."""
        found = [self.headers[path] for path in paths]
        kinds = ("oriented", "transparent", "animated", "deep")
        return {kind: sum(getattr(header, kind) for header in found) for kind in kinds}


def survey(refs: Iterable[ImageRef], workers: int = 4, facts: ImageFacts | None = None) -> Survey:
    """Read the header of every file before any model is loaded.

    Args:
        refs: images and crops; repeats are allowed.
        workers: files read at the same time.
        facts: what is known of files already; takes the headers that are read.
    """
    distinct = dict.fromkeys(refs)
    paths = list(dict.fromkeys(ref.path for ref in distinct))
    found = headers_of(paths, workers, facts)
    unreadable = {path: each for path, each in found.items() if isinstance(each, ImageError)}
    headers = {path: each for path, each in found.items() if not isinstance(each, ImageError)}
    wrong = {}
    for ref in distinct:
        if ref.path not in headers:
            continue
        size = headers[ref.path].size
        if problem := crop_problem(ref.box or (0, 0, *size), size):
            wrong[ref] = problem
    return Survey(unreadable, wrong, headers)


def headers_of(
    paths: Sequence[Path], workers: int = 4, facts: ImageFacts | None = None
) -> dict[Path, Header | ImageError]:
    """Return each file's header, or the error of reading it; ``workers`` files are read at once."""
    found: dict[Path, Header | ImageError] = {}
    if facts:
        known = ((path, facts.known(path)) for path in paths)
        found = {path: fact.header for path, fact in known if fact and fact.header}
    unread = [path for path in paths if path not in found]
    read = partial(_header_or_error, facts=facts)
    with ThreadPoolExecutor(workers, thread_name_prefix="survey") as pool:
        found |= zip(unread, pool.map(read, unread), strict=True)
    return {path: found[path] for path in paths}


def _header_or_error(path: Path, facts: ImageFacts | None) -> Header | ImageError:
    begun = facts.begin(path) if facts else None
    try:
        header = read_header(path)
    except ImageError as error:
        return error
    if facts and begun:
        facts.note(path, begun, header=header)
    return header


def crop_problem(box: Box, size: tuple[int, int]) -> str | None:
    """Return why a crop (left, top, right, bottom) gives no image; None where it gives one.

    ``size`` is width and height in pixels.
    """
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
