"""JSON records: annotation files checked field by field, and content in one canonical form."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from benchbench.data.streaming import kind_of, stream_values
from benchbench.errors import MalformedData, MissingData
from benchbench.files import parse_json, read_text, require_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOP = "at the top"
"""The index of a file that is one record."""
NAMES = 2**14
"""File names that are remembered: several records name the same file."""


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read, or is not a regular file.
    """
    try:
        require_regular(path)
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except OSError as error:
        raise MalformedData(f"Cannot read {path}: {error.strerror or error}") from error


def first_existing(root: Path, *names: str) -> str:
    """Return the first name that exists under ``root``; if none exists, the first of all."""
    return next((name for name in names if (root / name).exists()), names[0])


def read_records(path: Path) -> list[Record]:
    """Read a JSON list of objects, or one object per line from a ``.jsonl`` file.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable, no JSON, or no list of objects.
    """
    return list(stream_records(path))


def stream_records(path: Path) -> Iterator[Record]:
    """Yield the records of such a file one by one; those before a fault are yielded.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable, no JSON, or no list of objects.
    """
    for i, each in enumerate(stream_values(path)):
        yield Record(path, i, each)


def records_of(path: Path, content: Any) -> list[Record]:
    """Return the records of a JSON file's content, which must be a list of objects.

    Raises:
        MalformedData: the content is not a list, or an entry is not an object.
    """
    if not isinstance(content, list):
        raise MalformedData(f"{path} should hold a list of records, not {kind_of(content)}.")
    return [Record(path, i, each) for i, each in enumerate(content)]


def read_rows(path: Path, names: Sequence[str]) -> list[Record]:
    """Read a JSON list of lists as records whose fields have these names.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable, no JSON, or no list of lists of that length.
    """
    content = read_content(path)
    if not isinstance(content, list):
        raise MalformedData(f"{path} should hold a list of lists, not {kind_of(content)}.")
    for i, row in enumerate(content):
        if not isinstance(row, list) or len(row) != len(names):
            raise MalformedData(
                f"{path}, record {i} should be a list of {len(names)}: {', '.join(names)}."
            )
    return [Record(path, i, dict(zip(names, row, strict=True))) for i, row in enumerate(content)]


def read_keyed_records(path: Path) -> dict[str, Record]:
    """Read a JSON object of objects as records by their keys.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable, no JSON, no object of objects, or has a key twice.
    """
    content = _parsed(read_utf8(path), path, unique=True)
    if not isinstance(content, dict):
        raise MalformedData(f"{path} should hold an object of records, not {kind_of(content)}.")
    return {key: Record(path, key, each) for key, each in content.items()}


def read_id_lists(path: Path) -> dict[int, tuple[int, ...]]:
    """Read a JSON object that maps ids to lists of ids, none of them empty.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable, no JSON, holds something else, or has a key twice.
    """
    content = _parsed(read_utf8(path), path, unique=True)
    if not isinstance(content, dict):
        raise MalformedData(f"{path} should hold an object of lists, not {kind_of(content)}.")
    found = {}
    for key, value in content.items():
        known = key.isascii() and key.isdecimal() and len(key) < 19
        if not known or not isinstance(value, list) or not value:
            raise MalformedData(f"{path}, entry {key[:40]}: should be an id with a list of ids.")
        if not all(type(each) is int and 0 <= each < 2**63 for each in value):
            raise MalformedData(f"{path}, entry {key}: the list should hold ids alone.")
        found[int(key)] = tuple(value)
    return found


def read_record(path: Path) -> Record:
    """Read one JSON object.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable, no JSON, or no object.
    """
    return Record(path, TOP, _parsed(read_utf8(path), path))


def read_content(path: Path) -> Any:
    """Read the content of a JSON file, unchecked.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable or no JSON.
    """
    return _parsed(read_utf8(path), path)


def read_utf8(path: Path, what: str = "valid JSON") -> str:
    """Return the text of a UTF-8 file.

    Args:
        path: the path of the file; a byte-order mark is left out.
        what: what the file should be, for the error.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read, or is not UTF-8.
    """
    try:
        return read_text(path, "utf-8-sig")
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except OSError as error:
        raise MalformedData(f"Cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise MalformedData(f"{path} is not {what} ({error}). Is it UTF-8, and whole?") from error


def _parsed(text: str, path: Path, *, unique: bool = False) -> Any:
    try:
        return parse_json(text, deepest=None, unique=unique)
    except ValueError as error:  # bad JSON, a huge integer, lists nested too deeply
        raise MalformedData(f"{path} is not valid JSON ({error}). Is it whole?") from error


@lru_cache(maxsize=NAMES)
def _stays_inside(text: str) -> bool:
    """Return whether a relative path stays in its folder."""
    path = PurePosixPath(text)
    return not (path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text)


class Record:
    """One object of an annotation file.

    Every access checks the value, and its error names the file, the record and the field.
    """

    def __init__(self, path: Path, index: int | str, content: Any) -> None:
        self.index = index
        self._path = path
        self.where = f"{path}, record {index}"
        if not isinstance(content, dict):
            raise MalformedData(f"{self.where} should be an object, not {kind_of(content)}.")
        self._content = content

    def text(self, name: str) -> str:
        """Return a string that is not empty or blank."""
        return self.checked_text(name, self._get(name))

    def has(self, name: str) -> bool:
        """Return whether there is such a field."""
        return name in self._content

    def text_if_any(self, name: str) -> str | None:
        """Return a string that is not empty or blank; None where there is no such field."""
        return self.text(name) if name in self._content else None

    def integer(self, name: str) -> int:
        """Return an integer; a float with an integral value is accepted."""
        value = self._get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, f"should be a whole number, not {kind_of(value)}")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of strings, none empty or blank; the list is not empty either."""
        value = self._get(name)
        if not isinstance(value, list) or not value:
            raise self.wrong(name, "should be a list of strings with something in it")
        return [self.checked_text(name, each) for each in value]

    def text_or_texts(self, name: str) -> list[str]:
        """Return a list of strings; a single string gives a list of one."""
        return [self.text(name)] if isinstance(self._get(name), str) else self.texts(name)

    def lists(self, name: str) -> list[list[Any]]:
        """Return a list of lists, whose content is unchecked."""
        value = self._get(name)
        if not isinstance(value, list):
            raise self.wrong(name, f"should be a list of lists, not {kind_of(value)}")
        for each in value:
            if not isinstance(each, list):
                raise self.wrong(name, f"should be a list of lists; it holds {kind_of(each)}")
        return value

    def names(self) -> list[str]:
        """Return the names of the record's fields, none empty or blank."""
        return [self.checked_text(name, name) for name in self._content]

    def record(self, name: str) -> Record:
        """Return an object as a record."""
        return Record(self._path, self._place(name), self._get(name))

    def values(self, name: str) -> list[Any]:
        """Return a list whose content is unchecked."""
        value = self._get(name)
        if not isinstance(value, list):
            raise self.wrong(name, f"should be a list, not {kind_of(value)}")
        return value

    def records(self, name: str) -> list[Record]:
        """Return a list of objects as records."""
        value = self._get(name)
        if not isinstance(value, list):
            raise self.wrong(name, f"should be a list of records, not {kind_of(value)}")
        return [
            Record(self._path, self._place(f"{name}[{i}]"), each) for i, each in enumerate(value)
        ]

    def relative_path(self, name: str) -> str:
        """Return a path that stays inside its folder."""
        return self.checked_path(name, self._get(name))

    def checked_path(self, name: str, value: Any) -> str:
        """Return a field's value, which must be a path that stays inside its folder."""
        text = self.checked_text(name, value)
        if not _stays_inside(text):
            raise self.wrong(name, f"should be a path inside the image folder, not '{text}'")
        return text

    def wrong(self, name: str, problem: str) -> MalformedData:
        """Return an error about a field, for the caller to raise."""
        return MalformedData(f"{self.where}: field '{name}' {problem}.")

    def checked_text(self, name: str, value: Any) -> str:
        """Return a field's value, which must be a string that is not empty or blank."""
        if not isinstance(value, str):
            raise self.wrong(name, f"should be a string, not {kind_of(value)}")
        if not value.strip():
            raise self.wrong(name, "is empty")
        is_plain = value.isascii()
        if not is_plain and any("\ud800" <= character <= "\udfff" for character in value):
            raise self.wrong(name, "holds half a surrogate pair, which is not text")
        return value

    def _place(self, name: str) -> str:
        """Return the place of a record within this one, for errors."""
        return name if self.index == TOP else f"{self.index}, {name}"

    def _get(self, name: str) -> Any:
        if name not in self._content:
            there = ", ".join(self._content) or "none"
            raise MalformedData(f"{self.where}: no field '{name}'. Fields there: {there}.")
        return self._content[name]


def source_image(path: str) -> str:
    """Return the global name of an image, by which tasks recognise the same image.

    ARO names images from its folder ``images``. Where other files name that folder too, it is no
    part of the global name.

    >>> source_image("images/000001.png"), source_image("val2014/1.jpg")
    ('000001.png', 'val2014/1.jpg')
    """
    return path.removeprefix("images/")


def canonical_json(content: Any) -> bytes:
    """Return JSON bytes with sorted keys, no white space between tokens, and a final line feed."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def records_digest(content: Any) -> str:
    """Return the SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical_json(content)).hexdigest()
