"""Files recognised as official ones by their content, where no digest of them is known."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from benchbench.data.distinct import Things
from benchbench.data.records import read_content
from benchbench.data.streaming import is_list, stream_values
from benchbench.data.tables import csv_rows
from benchbench.errors import DataError, MissingData
from benchbench.types import Arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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
    """Yield the differences of a JSON or CSV file; a list is read record by record."""
    if path.suffix == ".csv":
        records: Iterable[Any] = csv_rows(path)
    elif is_list(path):
        if content.fields or content.within:
            yield "it should hold an object"
            return
        records = stream_values(path)
    else:
        loaded = read_content(path)
        if content.fields or content.within:
            if not isinstance(loaded, dict):
                yield "it should hold an object"
                return
            yield from _fields(loaded, content)
        records = loaded.values() if isinstance(loaded, dict) else ()
    if content.records is not None or content.each:
        yield from _Counting(content, content.records).differences(records)


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


class _Counting:
    """What is counted of records that pass by: eight bytes a value."""

    def __init__(self, content: Content, n: int | None) -> None:
        self._content = content
        self._n = n
        self._pinned = (
            {number % n: fields for number, fields in content.pinned.items()} if n else {}
        )
        self._distinct = {fields: Things() for fields in content.distinct}
        self._total = dict.fromkeys(content.total, 0)
        self._whole: dict[tuple[str, ...], list[str]] = {fields: [] for fields in content.whole}

    def differences(self, records: Iterable[Any]) -> Iterator[str]:
        """Yield how the records differ; each is read once."""
        seen, no_object, pins = 0, False, []
        lacking: set[str] = set()
        for record in records:
            if isinstance(record, dict) and not no_object:
                pins += self._wrong_pins(seen, record)
                self._count(record)
                lacking |= {name for name in self._content.each if name not in record}
            else:
                no_object = True
            seen += 1
        if self._n is not None and seen != self._n:
            yield f"it has {seen:,} records, not {self._n:,}"
        elif not seen and self._content.each:
            yield "it has no records"
        elif no_object:
            yield "a record of it is not an object"
        elif lacking:
            yield f"a record of it has no {', '.join(sorted(lacking))}"
        else:
            yield from pins
            yield from self._counts()

    def _wrong_pins(self, place: int, record: dict[str, Any]) -> list[str]:
        return [
            f"its record {place} has another {name} than the official one"
            for name, value in self._pinned.get(place, {}).items()
            if not _same(record.get(name), value)
        ]

    def _count(self, record: dict[str, Any]) -> None:
        for fields, things in self._distinct.items():
            for name in fields:
                for value in _values(record, name):
                    things.add(value)
        for name in self._total:
            self._total[name] += len(_values(record, name))
        for fields, lines in self._whole.items():
            lines.append(json.dumps([record.get(name) for name in fields]))

    def _counts(self) -> Iterator[str]:
        for fields, count in self._content.distinct.items():
            if (found := self._distinct[fields].distinct()) != count:
                yield f"it has {found:,} distinct values of {', '.join(fields)}, not {count:,}"
        for name, count in self._content.total.items():
            if self._total[name] != count:
                yield f"it has {self._total[name]:,} values of {name}, not {count:,}"
        for fields, digest in self._content.whole.items():
            if value_digest(sorted(self._whole[fields])) != digest:
                yield f"some values of {', '.join(fields)} are others than the official ones"


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
