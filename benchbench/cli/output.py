"""Terminal output with control characters escaped, for all commands."""

from __future__ import annotations

import io
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from benchbench.printable import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BAR = re.compile("[\r\n]*")
BARS = re.compile("(?:[\r\n]|\x1b\\[A)*")
"""Control characters at the start of a write that are not escaped, for progress bars: line breaks,
and on a terminal the escape that moves up a line. Only on standard error, where no message begins
with text from outside."""


class EscapingStream:
    """A text stream that prints control characters as visible escapes."""

    def __init__(self, stream: TextIO, bar: re.Pattern[str] | None = None) -> None:
        """Wrap a stream; what ``bar`` matches at the start of a write is not escaped."""
        self._stream = stream
        self._bar = bar

    def write(self, text: str) -> int:
        """Write text, with control characters escaped; return its length."""
        begins = self._bar.match(text) if self._bar else None
        head = begins[0] if begins else ""
        self._stream.write(head + printable(text[len(head) :]))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for each in lines:
            self.write(each)

    def __getattr__(self, name: str) -> Any:
        """Return the wrapped stream's attribute."""
        return getattr(self._stream, name)


@contextmanager
def escape_output() -> Iterator[None]:
    """Escape control characters on standard output and error.

    Characters that a stream cannot encode are printed as "?". An ASCII locale is ignored: UTF-8 is
    written, as Python and click do. After an ``Exception`` the streams stay wrapped, for the
    traceback.
    """
    before = sys.stdout, sys.stderr
    if not isinstance(sys.stdout, EscapingStream):
        for stream in before:
            _prepare(stream)
        sys.stdout = EscapingStream(sys.stdout)
        sys.stderr = EscapingStream(sys.stderr, BARS if sys.stderr.isatty() else BAR)
    try:
        yield
    except Exception:
        raise
    except BaseException:
        sys.stdout, sys.stderr = before
        raise
    else:
        sys.stdout, sys.stderr = before


def say(line: object, *, err: bool = False) -> None:
    """Print one line; line breaks in text from outside are escaped, so that it stays one line."""
    click.echo(one_line(str(line)), err=err, color=True)


def _prepare(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):
        ascii_only = stream.encoding.lower() in ("ascii", "us-ascii", "ansi_x3.4-1968", "646")
        stream.reconfigure(encoding="utf-8" if ascii_only else None, errors="replace")
