"""The border to the terminal: whatever a command prints passes here, so that none can forget it."""

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
"""What a progress bar begins with: back to the start of the line, or up to an earlier one. On
standard error alone, where no message begins with text from outside."""


class Border:
    """A text stream that shows control characters as visible escapes."""

    def __init__(self, stream: TextIO, bar: re.Pattern[str] | None = None) -> None:
        """Stand before a stream; ``bar``: what a write may begin with all the same."""
        self._stream = stream
        self._bar = bar

    def write(self, text: str) -> int:
        """Write text; return how much of it."""
        begins = self._bar.match(text) if self._bar else None
        head = begins[0] if begins else ""
        self._stream.write(head + printable(text[len(head) :]))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for each in lines:
            self.write(each)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)


@contextmanager
def bordered() -> Iterator[None]:
    """Let standard output and error pass the border; what a terminal's encoding lacks is '?'.

    A locale that says ASCII says nothing: UTF-8 is written, as Python and click do. After an error
    of ours the border stays, for the traceback.
    """
    before = sys.stdout, sys.stderr
    if not isinstance(sys.stdout, Border):
        for stream in before:
            _prepare(stream)
        sys.stdout = Border(sys.stdout)
        sys.stderr = Border(sys.stderr, BARS if sys.stderr.isatty() else BAR)
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
    """Print one line: a line break in what comes from outside is shown, and makes no other."""
    click.echo(one_line(str(line)), err=err, color=True)


def _prepare(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):
        ascii_only = stream.encoding.lower() in ("ascii", "us-ascii", "ansi_x3.4-1968", "646")
        stream.reconfigure(encoding="utf-8" if ascii_only else None, errors="replace")
