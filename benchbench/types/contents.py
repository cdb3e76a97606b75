"""The types of what an official file holds, by which it is known where no digest is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a JSON file, or of a CSV file with a header, whose rows are the records.

    Where a value is a text that begins with ``sha256:``, the first 16 hexadecimal digits of the
    digest of the value's JSON are compared instead (keys sorted, no blanks): the captions of some
    suites are not free to be printed.
    """

    records: int | None = None
    """The number of records of a list or object, or of lines of a ``.jsonl`` file."""
    fields: Mapping[str, int | None] = field(default_factory=dict)
    """For a file that is one object: a field that it must have → the number of its values; None for
    any number."""
    distinct: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """Fields of records → the number of distinct values that they have together. A list counts
    each of its values."""
    total: Mapping[str, int] = field(default_factory=dict)
    """A field of records that holds a list → the number of its values in all of them."""
    pinned: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """The number of a record, from 0 (-1: the last) → fields with the values that it must have."""
    whole: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Fields of records → the digest of the list of their values in every record, sorted: any order
    of records, and any other fields, are accepted."""
    each: tuple[str, ...] = ()
    """Fields that every record must have, where little else is known."""
    within: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For a file that is one object: a field that holds an object → names and values in it."""

    @property
    def tells_apart(self) -> bool:
        """Return whether more than the names of fields is known."""
        counted = any(count is not None for count in self.fields.values())
        known = self.distinct or self.total or self.pinned or self.whole or self.within
        return bool(self.records or counted or known)


@dataclass(frozen=True, slots=True)
class Arrays:
    """The content of an HDF5 file."""

    rows: Mapping[str, int]
    """The name of an array → its number of rows; -1 for any number."""
