"""Files recognised as official ones by their content, where no digest of them is known."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from benchbench.data.records import read_content, read_utf8
from benchbench.errors import DataError, MalformedData, MissingData
from benchbench.files import parse_json
from benchbench.types import Arrays

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.types import Content

DIGEST = "sha256:"
DIGITS = 16


def content_problem(path: Path, *contents: Content | Arrays) -> str | None:
    """Return how a file differs from the first of some contents; None where it has one of them.

    Raises:
        MissingData: the file does not exist.
    """
    problems = [_problem(path, each) for each in contents]
    return None if None in problems else problems[0]


def _problem(path: Path, content: Content | Arrays) -> str | None:
    """Return the first difference."""
    try:
        if isinstance(content, Arrays):
            return next(_of_arrays(path, content), None)
        return next(_of_records(path, content), None)
    except MissingData:
        raise
    except DataError as error:
        return str(error)


def _of_arrays(path: Path, content: Arrays) -> Iterator[str]:
    """Yield the differences of an HDF5 file."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            for name, rows in content.rows.items():
                array = file.get(name)
                if not isinstance(array, h5py.Dataset) or not array.shape:
                    yield f"it has no array {name}"
                elif rows not in (-1, array.shape[0]):
                    yield f"its array {name} has {array.shape[0]:,} rows, not {rows:,}"
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except OSError:
        yield "it is not an HDF5 file, or not whole"


def _of_records(path: Path, content: Content) -> Iterator[str]:
    """Yield the differences of a JSON file."""
    loaded = _lines(path) if path.suffix == ".jsonl" else read_content(path)
    if content.fields or content.within:
        if not isinstance(loaded, dict):
            yield "it should hold an object"
            return
        yield from _fields(loaded, content)
    if content.records is None:
        return
    records = list(loaded.values()) if isinstance(loaded, dict) else loaded
    if not isinstance(records, list) or len(records) != content.records:
        yield f"it has {_length(records):,} records, not {content.records:,}"
    elif not all(isinstance(each, dict) for each in records):
        yield "a record of it is not an object"
    else:
        yield from _pinned(records, content)
        yield from _counts(records, content)
        yield from _whole(records, content)


def _lines(path: Path) -> list[Any]:
    """Return the values of a file with one JSON value a line."""
    lines = [line for line in read_utf8(path).split("\n") if line.strip()]
    try:
        return [parse_json(line, deepest=None) for line in lines]
    except ValueError as error:
        raise MalformedData(f"{path} is not valid JSON ({error}). Is it whole?") from error


def _fields(loaded: dict[str, Any], content: Content) -> Iterator[str]:
    for name, count in content.fields.items():
        if name not in loaded:
            yield f"it has no field {name}"
        elif count is not None and _length(loaded[name]) != count:
            yield f"its field {name} has {_length(loaded[name]):,} values, not {count:,}"
    for name, values in content.within.items():
        there = loaded.get(name)
        for key, value in values.items():
            if not isinstance(there, dict) or not _same(there.get(key), value):
                yield f"its field {name} has not {value!r} as {key}"


def _pinned(records: Sequence[dict[str, Any]], content: Content) -> Iterator[str]:
    for number, fields in content.pinned.items():
        place = number % len(records)
        for name, value in fields.items():
            if not _same(records[place].get(name), value):
                yield f"its record {place} has another {name} than the official one"


def _counts(records: Sequence[dict[str, Any]], content: Content) -> Iterator[str]:
    for fields, count in content.distinct.items():
        found = {value for each in records for name in fields for value in _values(each, name)}
        if len(found) != count:
            yield f"it has {len(found):,} distinct values of {', '.join(fields)}, not {count:,}"
    for name, count in content.total.items():
        total = sum(len(_values(each, name)) for each in records)
        if total != count:
            yield f"it has {total:,} values of {name}, not {count:,}"


def _whole(records: Sequence[dict[str, Any]], content: Content) -> Iterator[str]:
    for fields, digest in content.whole.items():
        if fields_digest(records, fields) != digest:
            yield f"some values of {', '.join(fields)} are others than the official ones"


def fields_digest(records: Sequence[dict[str, Any]], fields: Sequence[str]) -> str:
    """Return the digest of some fields of all records, in any order of them."""
    return value_digest(sorted(json.dumps([each.get(name) for name in fields]) for each in records))


def _same(found: object, wanted: object) -> bool:
    """Return whether a value is the one that is wanted, or has the digest that is."""
    if isinstance(wanted, str) and wanted.startswith(DIGEST):
        return f"{DIGEST}{value_digest(found)}" == wanted
    return type(found) is type(wanted) and found == wanted


def value_digest(value: object) -> str:
    """Return the digest of a JSON value: the first 16 digits of SHA-256.

    >>> value_digest(["a dog", "a cat"])
    '0b4fdbf2695fba29'
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _values(record: dict[str, Any], name: str) -> list[str]:
    """Return a field's values as text, so that numbers and lists count as well."""
    value = record.get(name)
    if value is None:
        return []
    return [json.dumps(each) for each in (value if isinstance(value, list) else [value])]


def _length(value: object) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0
