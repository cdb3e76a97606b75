r"""Escaping of text from outside, so that it is safe in a terminal, a log and a table.

Names, captions, JSON keys, paths and other people's messages may hold sequences that a terminal
takes for commands, marks that turn the direction of text, or lines that look like benchbench's own.
All of it is printed as visible escapes: ``\x1b``, ``\u202e``, ``\n``.
"""

from __future__ import annotations

import json
import re

FORMULA = tuple("=+-@＝＋－＠")
"""The first characters of a cell that a spreadsheet computes; a tab, too, which is escaped here."""
MAX_WORD, MAX_MESSAGE = 200, 2000
"""The largest number of characters of a word, and of a whole message."""
_UNSAFE = (
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # control characters except the newline
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e007f"  # not text
)
UNSAFE = re.compile(f"[{_UNSAFE}]")
UNSAFE_IN_LINES = re.compile(f"[\n{_UNSAFE}]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Return text of several lines, with unsafe characters as visible escapes.

    >>> print(printable("a\\x1b[31mb\\x9b\\nc\\u202ed"))
    a\\x1b[31mb\\x9b
    c\\u202ed
    """
    return UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    """Return text on one line, with line breaks and unsafe characters as visible escapes.

    >>> print(one_line("a\\r\\nb"))
    a\\r\\nb
    """
    return UNSAFE_IN_LINES.sub(_escape, text)


def shorten(text: str, most: int) -> str:
    """Return text of at most ``most`` characters, cut in its middle if it is longer.

    >>> shorten("abcdefghij", 5), shorten("abcde", 5)
    ('ab…ij', 'abcde')
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[-end:]}"


def sentence(text: str) -> str:
    """Return a message on one line; long words in it, and the whole, are shortened.

    >>> sentence("not " + 300 * "9") == "not " + 100 * "9" + "…" + 99 * "9"
    True
    """
    words = re.sub(
        rf"[^\s/]{{{MAX_WORD + 1},}}",
        lambda match: shorten(match[0], MAX_WORD),
        one_line(text),
    )
    return shorten(words, MAX_MESSAGE)


def json_text(content: object, indent: int | None = 2) -> str:
    """Return content as JSON without unsafe characters; letters of all scripts stay readable.

    >>> print(json_text("é\\x9b"))
    "é\\u009b"
    """
    text = json.dumps(content, indent=indent, ensure_ascii=False)
    return UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


def csv_cell(text: str) -> str:
    """Return text for a CSV table: on one line, and without formulas for a spreadsheet.

    >>> csv_cell("=1+1"), csv_cell("-2.5"), csv_cell("a - b")
    ("'=1+1", '-2.5', 'a - b')
    """
    line = one_line(text)
    is_number = re.fullmatch(r"[+-]?\d+(\.\d+)?", line)
    return f"'{line}" if line.startswith(FORMULA) and not is_number else line


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    escape = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    return _NAMED.get(character, escape if code < 0x10000 else f"\\U{code:08x}")
