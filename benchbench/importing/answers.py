"""Types of imported results: a source's answers to items, its readers, and their matches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer to one item, as a source records it."""

    where: str
    """File and record, for errors."""
    model: str
    """The model's name in the source; "" if the source has none."""
    right: bool | None
    """Whether the true caption was preferred; None if the answer cannot be read, or if there are
    ``sides``."""
    image: str = ""
    """Name of the image file, without folders."""
    caption: str = ""
    """The true caption; of items with two images, the first one's."""
    foil: str = ""
    """The false caption; of items with two images, the second one's."""
    id: str = ""
    """The item's id in the task; "" if the source has none."""
    subset: str = ""
    """The item's subset, if the source has it: it distinguishes items of equal content."""
    scores: tuple[float, float] | None = None
    """Raw scores of the true and of the false caption, where the source has them."""
    images: tuple[str, ...] = ()
    """The names of an item's two image files, if it has two and the source has their names."""
    sides: tuple[bool | None, ...] = ()
    """For an item with two images, whether each prefers its own caption, then whether each caption
    prefers its own image; None where an answer cannot be read."""

    @property
    def unreadable(self) -> int:
        """Return how many decisions cannot be read."""
        return sum(each is None for each in self.sides or (self.right,))


@dataclass(frozen=True, slots=True)
class Source:
    """Where results were published."""

    name: str = ""
    """The name of the work."""
    repository: str = ""
    commit: str = ""
    license: str = ""

    def record(self) -> dict[str, str]:
        """Return the parts that are known."""
        each = {"name": self.name, "repository": self.repository, "commit": self.commit,
                "license": self.license}  # fmt: skip
        return {name: value for name, value in each.items() if value}


@runtime_checkable
class ResultReader(Protocol):
    """A reader of one file format."""

    @property
    def title(self) -> str:
        """Return the formats that it reads, in a line."""
        ...

    @property
    def task(self) -> str:
        """Return the task that the results are of; "" if files do not determine it."""
        ...

    @property
    def source(self) -> Source:
        """Return the source of the files that the format is known from; empty for general formats.

        It is recorded only of files whose digests are in ``files``.
        """
        ...

    @property
    def files(self) -> Mapping[str, str]:
        """Return the published files, name → SHA-256; empty for general formats."""
        ...

    def paths(self, path: Path) -> list[Path]:
        """Return the files to be read, of a file or folder that the user named.

        Raises:
            DataError: there are none.
        """
        ...

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read the answers of a file or folder.

        Args:
            path: the path of the file or folder.
            fields: names of columns or fields, where they are not the format's usual ones.

        Raises:
            DataError: the file is missing or malformed.
            UsageError: a field is needed, and not named.
        """
        ...


@dataclass(frozen=True, slots=True)
class Matches:
    """Answers of one model, matched with a task's items."""

    answers: Mapping[str, Answer]
    """Item id → answer."""
    unmatched: tuple[Answer, ...] = ()
    """Answers that no item has."""
    duplicates: tuple[Answer, ...] = ()
    """Answers to an item that has one already; the first counts."""
    missing: tuple[str, ...] = ()
    """Ids of items without an answer."""

    @property
    def complete(self) -> bool:
        """Return whether every item has one answer, and every answer an item."""
        return not (self.unmatched or self.duplicates or self.missing)


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """The ``imported`` record in a run's settings."""

    reader: str
    files: Mapping[str, str]
    """Name → SHA-256 of each file that was read."""
    decisions_only: bool
    """Whether the source holds decisions without scores."""
    unreadable: int
    """Answers that cannot be read; they count as wrong."""
    unmatched: int
    duplicates: int
    source: Mapping[str, str] = field(default_factory=dict)


def value_of(record: Mapping[str, Any], path: str) -> Any:
    """Return a nested field by a dotted path; ``*`` is the only field of its record.

    Returns:
        The value; None if there is none.

    >>> value_of({"scores": {"match": {"value": "C"}}}, "scores.*.value")
    'C'
    """
    if path in record:
        return record[path]
    found: Any = record
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        only = name == "*" and len(found) == 1
        found = next(iter(found.values())) if only else found.get(name)
    return found


RIGHT = {"1", "1.0", "true", "c", "correct", "right", "yes"}
WRONG = {"0", "0.0", "false", "i", "incorrect", "wrong", "no"}
UNREADABLE = {"", "n", "none", "nan", "null", "noanswer"}


def right_of(value: object) -> bool | None:
    """Return whether a recorded value means right; None if it means that there is no answer.

    Raises:
        ValueError: the value is none of the usual ones.

    >>> right_of("C"), right_of(0.0), right_of(None)
    (True, False, None)
    """
    word = str("" if value is None else value).strip().lower()
    if word in UNREADABLE:
        return None
    if word not in RIGHT | WRONG:
        raise ValueError(f"{value!r} means neither right nor wrong")
    return word in RIGHT
