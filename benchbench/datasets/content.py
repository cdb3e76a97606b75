"""Checks of a file against its description: size, digest, or content where no digest is known."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from benchbench.data.records import read_content, read_utf8
from benchbench.datasets.manifest import Arrays
from benchbench.errors import DataError, MalformedData, MissingData
from benchbench.files import parse_json, require_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.datasets.manifest import Content, File

BLOCK = 1 << 20
"""Bytes that are read at once."""


def content_matches(path: Path, content: Content | Arrays) -> bool:
    """Return whether a file has the content by which its official version is known.

    Raises:
        MissingData: the file does not exist.
    """
    return content_problem(path, content) is None


def problem_of(path: Path, file: File, *, earlier: bool = False) -> str | None:
    """Return how a file differs from its description; None where it does not.

    Args:
        path: of the file.
        file: its description.
        earlier: whether other releases are accepted as well: by their digests, or by content.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read.
    """
    size = size_of(path)
    digests = (file.digest, *file.earlier) if earlier else (file.digest,)
    if file.size is not None and size != file.size and not (earlier and file.earlier):
        return f"it has {size:,} bytes, not {file.size:,}"
    if file.digest:
        kinds = {each.partition(":")[0] for each in digests}
        found = {f"{kind}:{digest_of(path, kind)}" for kind in kinds}
        if found & set(digests):
            return None
        if not (earlier and file.content):
            return f"its digest is {min(found)[:19]}…, not {file.digest[:19]}…"
    return content_problem(path, file.content) if file.content else None


def size_of(path: Path) -> int:
    """Return the size of a regular file in bytes.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read, or is no regular file.
    """
    try:
        require_regular(path)
        return path.stat().st_size
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except OSError as error:
        raise MalformedData(f"Cannot read {path}: {error.strerror or error}") from error


def digest_of(path: Path, kind: str) -> str:
    """Return the digest of a file, in hex.

    Args:
        path: of the file.
        kind: one of ``manifest.DIGESTS``.

    Raises:
        MalformedData: it cannot be read.
    """
    digest = hashlib.new(kind, usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise MalformedData(f"Cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()


def content_problem(path: Path, content: Content | Arrays) -> str | None:
    """Return how a file's content differs from the official one; None where it does not.

    Raises:
        MissingData: the file does not exist.
    """
    try:
        return _arrays(path, content) if isinstance(content, Arrays) else _records(path, content)
    except MissingData:
        raise
    except DataError as error:
        return str(error)


def _arrays(path: Path, content: Arrays) -> str | None:
    """Return how an HDF5 file differs."""
    import h5py

    size_of(path)
    try:
        with h5py.File(path) as file:
            for name, rows in content.rows.items():
                found = file.get(name)
                if not isinstance(found, h5py.Dataset) or not found.shape:
                    return f"it has no array {name}"
                if rows not in (-1, found.shape[0]):
                    return f"its array {name} has {found.shape[0]:,} rows, not {rows:,}"
    except OSError:
        return "it is no HDF5 file, or not whole"
    return None


def _records(path: Path, content: Content) -> str | None:
    """Return how a JSON file differs."""
    loaded: Any = _lines(path) if path.suffix == ".jsonl" else read_content(path)
    if content.fields and not isinstance(loaded, dict):
        return "it should hold an object"
    for name, n in content.fields.items():
        if name not in loaded:
            return f"it has no field {name}"
        if n is not None and _length(loaded[name]) != n:
            return f"its field {name} has {_length(loaded[name]):,} values, not {n:,}"
    records = list(loaded.values()) if isinstance(loaded, dict) else loaded
    if content.records is None:
        return None
    if not isinstance(records, list) or len(records) != content.records:
        return f"it has {_length(records):,} records, not {content.records:,}"
    if not all(isinstance(each, dict) for each in records):
        return "a record of it is no object"
    return _counts(records, content) or _pinned(records, content)


def _lines(path: Path) -> list[Any]:
    """Return the values of a file with one JSON value a line."""
    lines = [line for line in read_utf8(path).splitlines() if line.strip()]
    try:
        return [parse_json(line, deepest=None) for line in lines]
    except ValueError as error:
        raise MalformedData(f"{path} is not valid JSON ({error}). Is it whole?") from error


def _counts(records: Sequence[dict[str, Any]], content: Content) -> str | None:
    for fields, n in content.distinct.items():
        found = {value for each in records for field in fields for value in _values(each, field)}
        if len(found) != n:
            return f"it has {len(found):,} distinct values of {', '.join(fields)}, not {n:,}"
    for field, n in content.total.items():
        total = sum(len(_values(each, field)) for each in records)
        if total != n:
            return f"it has {total:,} values of {field}, not {n:,}"
    return None


def _pinned(records: Sequence[dict[str, Any]], content: Content) -> str | None:
    for number, fields in content.pinned.items():
        if not -len(records) <= number < len(records):
            return f"it has no record {number}"
        for name, value in fields.items():
            if records[number].get(name) != value:
                place = len(records) + number if number < 0 else number
                return f"its record {place} has another {name} than the official one"
    return None


def _values(record: dict[str, Any], field: str) -> list[str]:
    """Return the values of a field, as text: so that lists, numbers and objects count as well."""
    value = record.get(field)
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _length(value: object) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0
