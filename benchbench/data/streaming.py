"""Read a JSON file value by value, in memory that does not grow with the file.

Values are decoded by the standard library's decoder, from a window of the text that moves along.
They are those of ``json.loads``, also where a key repeats within a value (the last counts) or a
number is NaN. A field that is streamed must not repeat: an earlier list would be passed on before
the last one is seen. A value that is longer than the window widens it.

The library ``ijson`` is as fast, but refuses NaN and whole numbers over 64 bits, which
``json.loads`` takes, alters broken surrogate pairs, and fills memory where lists are nested without
end.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from benchbench.errors import MalformedData, MissingData
from benchbench.files import parse_json, require_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WINDOW = 1 << 16
"""Characters that are read at once."""
CUT = 3
"""Where fewer characters than these follow a number, it may go on beyond the window: ``1e+``."""
WHITE = " \t\n\r"


def stream_values(path: Path) -> Iterator[Any]:
    """Yield the values of a JSON list, or of the lines of a ``.jsonl`` file.

    What comes before a fault is yielded.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable or no JSON, or something else than a list.
    """
    with opened(path) as file:
        if path.suffix == ".jsonl":
            yield from (_line(line, path) for line in file if line.strip())
            return
        reader = JsonReader(path, file)
        if reader.peek() != "[":
            content = reader.value()
            reader.end()
            raise MalformedData(f"{path} should hold a list of records, not {kind_of(content)}.")
        yield from reader.values()
        reader.end()


def read_without(path: Path, field: str) -> Any:
    """Return the object of a JSON file; the list in one of its fields is passed over, left empty.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable or no JSON, or has the field twice.
    """
    with opened(path) as file:
        reader = JsonReader(path, file)
        if reader.peek() != "{":
            content = reader.value()
        else:
            content = {}
            for name in reader.names():
                if name == field and name in content:
                    raise _repeated(path, field)
                if name == field and reader.peek() == "[":
                    content[name] = []
                    for _ in reader.values():
                        pass
                else:
                    content[name] = reader.value()
        reader.end()
        return content


def stream_field(path: Path, field: str) -> Iterator[Any]:
    """Yield the values of the list in a field of a JSON object; what precedes a fault is yielded.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable or no JSON, or no object, or the field holds no list or is
            there twice.
    """
    with opened(path) as file:
        reader, is_read = JsonReader(path, file), False
        for name in reader.names():
            if name == field and is_read:
                raise _repeated(path, field)
            if name == field:
                is_read = True
                yield from reader.values()
            else:
                reader.value()
        reader.end()


def is_list(path: Path) -> bool:
    """Return whether a file holds a JSON list, or lines, by its name and first character.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is unreadable.
    """
    with opened(path) as file:
        return path.suffix == ".jsonl" or JsonReader(path, file).peek() == "["


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 file; a byte-order mark is left out, and lines end at line feeds alone.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read, or is not UTF-8.
    """
    try:
        require_regular(path)
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            yield file
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except OSError as error:
        raise MalformedData(f"Cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise MalformedData(
            f"{path} is not valid JSON ({error.reason} in {error.encoding}). Is it UTF-8, and "
            "whole?"
        ) from error


def _line(line: str, path: Path) -> Any:
    try:
        return parse_json(line, deepest=None)
    except ValueError as error:
        raise _invalid(path, str(error)) from error


def _invalid(path: Path, problem: str) -> MalformedData:
    return MalformedData(f"{path} is not valid JSON ({problem}). Is it whole?")


def _repeated(path: Path, field: str) -> MalformedData:
    return MalformedData(f"{path} has the field '{field}' twice. Remove one of them.")


def kind_of(value: object) -> str:
    """Return what a JSON value is, in words; a number or a word as it is written."""
    for kind, name in ((dict, "an object"), (list, "a list"), (str, "a string")):
        if isinstance(value, kind):
            return name
    return json.dumps(value)[:40]


class JsonReader:
    """A place in a JSON text that is read window by window."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._decoder = json.JSONDecoder()
        self._text = ""
        """The window."""
        self._place = 0
        """The next character of the window."""
        self._passed = 0
        """Characters before the window."""

    def peek(self) -> str:
        """Pass over white space, and return the next character; "" at the end of the file."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in WHITE:
                self._place += 1
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._widen():
                return ""

    def take(self, mark: str) -> bool:
        """Pass over the next character if it is this one; return whether it is."""
        if found := self.peek() == mark:
            self._place += 1
        return found

    def require(self, mark: str) -> None:
        """Pass over the next character, which must be this one.

        Raises:
            MalformedData: it is another.
        """
        if not self.take(mark):
            raise self._wrong(f"Expecting '{mark}'")

    def values(self) -> Iterator[Any]:
        """Yield the values of a list, and pass over its end.

        Raises:
            MalformedData: it is not a list, or not valid.
        """
        self.require("[")
        if self.take("]"):
            return
        yield self.value()
        while not self.take("]"):
            self.require(",")
            yield self.value()

    def names(self) -> Iterator[str]:
        """Yield the names of an object, and pass over its end; the caller reads each one's value.

        Raises:
            MalformedData: it is not an object, or not valid.
        """
        self.require("{")
        if self.take("}"):
            return
        yield self._name()
        while not self.take("}"):
            self.require(",")
            yield self._name()

    def _name(self) -> str:
        if self.peek() != '"':
            raise self._wrong("Expecting a name in double quotes")
        name = str(self.value())
        self.require(":")
        return name

    def value(self) -> Any:
        """Read one value.

        Raises:
            MalformedData: it is not valid JSON, or nested too deeply.
        """
        self.peek()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._place)
            except RecursionError:
                raise _invalid(self._path, "it is nested too deeply") from None
            except ValueError as error:  # cut by the window, or wrong
                if self._widen():
                    continue
                at = getattr(error, "pos", self._place)
                raise self._wrong(getattr(error, "msg", str(error)), at) from error
            if len(self._text) - end < CUT and self._widen():
                continue
            self._place = end
            return found

    def end(self) -> None:
        """Raise an error unless nothing is left but white space.

        Raises:
            MalformedData: more is there.
        """
        if self.peek():
            raise self._wrong("Extra data")

    def _widen(self) -> bool:
        """Move the window to the place and read on; return False at the end of the file.

        What is left of it is doubled at least, so that a long value is decoded few times.
        """
        left = self._text[self._place :]
        more = self._file.read(max(WINDOW, len(left)))
        if more:
            self._passed += self._place
            self._text, self._place = left + more, 0
        return bool(more)

    def _wrong(self, problem: str, at: int | None = None) -> MalformedData:
        where = self._passed + (self._place if at is None else at)
        return _invalid(self._path, f"{problem}, at character {where:,}")
