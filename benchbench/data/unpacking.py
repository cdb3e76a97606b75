"""Tables with images inside, as data sets are stored on model hubs, as JSON lines and image files.

A column of images is a struct of ``bytes`` (an encoded file) and perhaps ``path``. ``unpack``
writes the rows as ``NAME.jsonl``, in order, and each distinct image once, byte for byte, as
``images/<digest>.<format>``. In a line, an image is the path of its file. Equal images therefore
have equal names, by which tasks recognise items of one source image.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.atomic import atomic_write, os_errors
from benchbench.errors import MalformedData, MissingData, UsageError
from benchbench.files import expand_path, name_problem, require_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.types import Progress

AT_ONCE = 64
"""Rows that are decoded at once."""
FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
"""Pillow's name of a format → the ending of a file's name."""


def unpack(tables: Sequence[Path], to: Path, name: str, progress: Progress | None = None) -> Path:
    """Write Parquet files with images inside as JSON lines and image files.

    Args:
        tables: the files of one split; they are read in the order of their names.
        to: the folder to write into.
        name: the name of the file of lines, without ``.jsonl``.
        progress: called as ``progress("rows", done, total)``.

    Returns:
        The path of the lines.

    Raises:
        UsageError: there is no file, a name is not valid, or a column is neither text, number nor
            image.
        MissingData: a file does not exist.
        MalformedData: a file is not Parquet, or an image is none.
        RunError: the folder cannot be written.
    """
    if not tables:
        raise UsageError("No table to unpack: name the Parquet files of one split.")
    if name_problem(Path(name)) or not name.strip() or Path(name).name != name:
        raise UsageError(f"The file of lines cannot be called {name!r}: type a word, as 'test'.")
    to = expand_path(to)
    opened = [_opened(expand_path(path)) for path in sorted(tables)]
    total = sum(table.metadata.num_rows for _, table in opened)
    target = to / f"{name}.jsonl"
    with os_errors(to):
        (to / "images").mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as temporary, temporary.open("w", encoding="utf-8") as lines:
        done = 0
        for path, table in opened:
            for row in _rows(path, table):
                line = {key: _kept(value, f"{path}, row {done}, {key}", to) for key, value in row}
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")
                done += 1
                if progress:
                    progress("rows", done, total)
    return target


def _opened(path: Path) -> tuple[Path, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        require_regular(path)
        return path, pq.ParquetFile(path)
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except UnicodeEncodeError as error:
        raise MalformedData(f"{path}: pyarrow opens no file of this name. Rename it.") from error
    except (OSError, pa.ArrowException) as error:
        raise MalformedData(f"{path} is not a Parquet file ({error}). Is it whole?") from error


def _rows(path: Path, table: Any) -> Iterator[list[tuple[str, Any]]]:
    import pyarrow as pa

    try:
        for batch in table.iter_batches(batch_size=AT_ONCE):
            yield from (list(row.items()) for row in batch.to_pylist())
    except (OSError, pa.ArrowException) as error:
        raise MalformedData(f"{path} cannot be read ({error}). Is it whole?") from error


def _kept(value: Any, where: str, to: Path) -> Any:
    """Return a value for a line; an image is written, and its path returned."""
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return _image(value["bytes"], where, to)
    if isinstance(value, bytes):
        return _image(value, where, to)
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{where}: a {type(value).__name__} is not a text, number or image."
        ) from error
    return value


def _image(content: bytes, where: str, to: Path) -> str:
    """Write an image under the name of its content; return the path, relative to the folder."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            kind = image.format or ""
    except UnidentifiedImageError:
        raise MalformedData(f"{where}: no image in a known format. Is the file whole?") from None
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise MalformedData(f"{where}: no image to be read ({error}).") from error
    if kind not in FORMATS:
        raise MalformedData(f"{where}: an image in the format {kind}; known: {', '.join(FORMATS)}.")
    name = f"images/{hashlib.sha256(content).hexdigest()[:20]}.{FORMATS[kind]}"
    if not (to / name).is_file():
        with atomic_write(to / name) as temporary:
            temporary.write_bytes(content)
    return name
