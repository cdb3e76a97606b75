"""Leaderboards between markers of other markdown files, whose other bytes stay as they are.

``<!-- benchbench:TASK@EDITION -->`` to ``<!-- /benchbench -->``, each alone on its line. Markers in
code (a span or a fence) are text. A file whose markers are not pairs is refused as a whole, because
the end of what to replace is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.analysis.leaderboard import leaderboard
from benchbench.atomic import atomic_write
from benchbench.errors import UsageError
from benchbench.render.leaderboard import markdown
from benchbench.render.publication import read_published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPENING = re.compile(rb"<!-- benchbench:(?P<task>[^@\s]+)@(?P<edition>\S+) -->")
CLOSING = b"<!-- /benchbench -->"
_LIKE_A_MARKER = re.compile(rb"<!--\s*(?:benchbench\s*:|/\s*benchbench).*")
"""A marker, or a slip of one."""
_CODE = re.compile(rb"(`+).+?\1")
_FENCE = re.compile(rb"\s*(?P<fence>`{3,}|~{3,})(?P<rest>.*)")
_BOM, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Block:
    """A place for a board; lines count from 0."""

    task: str
    edition: str
    first: int
    """The line of the opening marker."""
    last: int
    """The line of the closing one."""


def refresh_blocks(file: Path, to: Path, *, check: bool = False) -> bool:
    """Write boards between the markers of a markdown file, in UTF-8 and with the file's line ends.

    Args:
        file: the markdown file.
        to: the folder of leaderboards.
        check: write nothing.

    Returns:
        Whether the file changed, or would.

    Raises:
        UsageError: there is no such file; it has no markers or some that are not pairs, or names a
            board that does not exist.
    """
    lines = _lines(file)
    new = list(lines)
    for block in reversed(_blocks(lines, file)):
        opening = lines[block.first]
        end = opening[len(opening.rstrip(b"\r\n")) :]
        board = b"\n" + _board_markdown(block, file, to).encode() + b"\n"
        new[block.first + 1 : block.last] = [board.replace(b"\n", end)]
    changed = b"".join(new) != b"".join(lines)
    if changed and not check:
        with atomic_write(file) as temporary:
            temporary.write_bytes(b"".join(new))
    return changed


def check_markers(file: Path) -> None:
    """Refuse a file whose markers are not pairs, before anything is written.

    Raises:
        UsageError: the errors of ``refresh_blocks``.
    """
    _blocks(_lines(file), file)


def _lines(file: Path) -> list[bytes]:
    """Return the lines of a file with their ends."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}.") from error
    if content.startswith(_UTF16):
        raise UsageError(f"{file} is UTF-16, and boards are UTF-8. Save it as UTF-8.")
    return content.splitlines(keepends=True)


def _blocks(lines: list[bytes], file: Path) -> list[Block]:
    """Return the pairs of markers, in order."""
    found: list[Block] = []
    opened: tuple[int, re.Match[bytes]] | None = None
    for number, text in _markers(lines):
        opening = OPENING.fullmatch(text)
        if opening is None and text != CLOSING:
            raise _marker_error(file, number, text, "is not a marker, or not alone on its line")
        if opening is not None and opened is not None:
            raise _marker_error(
                file, number, text, f"is inside the board opened at line {opened[0] + 1}"
            )
        if opening is None and opened is None:
            raise _marker_error(file, number, text, "closes a board that was not opened")
        if opened is not None:
            task, edition = (opened[1][name].decode() for name in ("task", "edition"))
            found.append(Block(task, edition, opened[0], number))
        opened = None if opening is None else (number, opening)
    if opened is not None:
        raise _marker_error(file, opened[0], opened[1][0], "is not closed")
    if not found:
        raise UsageError(
            f"{file} has no place for a board. Put in two lines: "
            "<!-- benchbench:vg-relation@scenes-v2 --> and <!-- /benchbench -->."
        )
    return found


def _markers(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are markers, or hold something like one, outside of code."""
    fence = b""
    for number, line in enumerate(lines):
        text = line.removeprefix(_BOM).strip() if number == 0 else line.strip()
        if fenced := _FENCE.fullmatch(text):
            fence = _fence(fence, fenced["fence"], fenced["rest"])
        elif not fence and _LIKE_A_MARKER.search(_CODE.sub(b"", text)):
            yield number, text


def _fence(open_fence: bytes, found: bytes, rest: bytes) -> bytes:
    """Return the fence that is open after a line with a fence; empty if none is."""
    if not open_fence:
        return b"" if found.startswith(b"`") and b"`" in rest else found
    closes = found.startswith(open_fence) and not rest.strip()
    return b"" if closes else open_fence


def _marker_error(file: Path, number: int, text: bytes, why: str) -> UsageError:
    shown = text.decode("utf-8", "replace")
    return UsageError(
        f"{file}, line {number + 1}: {shown} {why}. A board stands between two lines, "
        "<!-- benchbench:TASK@EDITION --> and <!-- /benchbench -->. Nothing was written."
    )


def _board_markdown(block: Block, file: Path, to: Path) -> str:
    folder = to / block.edition
    there = read_published(folder, block.task).get(block.task) if folder.is_dir() else None
    if not there:
        boards = sorted(f"{path.name}@{path.parent.parent.name}" for path in to.glob("*/runs/*"))
        raise UsageError(
            f"{file}, line {block.first + 1}: {to} has no board {block.task}@{block.edition}. "
            f"There are: {', '.join(boards)}."
        )
    return markdown(leaderboard(list(there.values())))
