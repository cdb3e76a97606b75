"""Boards in any markdown file: what is between the markers changes, and no other byte."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from benchbench.cli import main
from benchbench.errors import UsageError
from benchbench.render.blocks import refresh_blocks
from benchbench.render.publication import publish
from tests.analysis.example_runs import EDITION, made

if TYPE_CHECKING:
    from pathlib import Path

OPEN, CLOSE = f"<!-- benchbench:vg-relation@{EDITION} -->", "<!-- /benchbench -->"
MARKS = f"before\n{OPEN}\nan older board\n{CLOSE}\nafter\n"


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    publish([made("a", 0.5), made("b", 0.8)], tmp_path / "boards")
    return tmp_path / "boards"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "README.md"


def test_blocks_in_any_page_are_refreshed(boards: Path, file: Path) -> None:
    file.write_text(MARKS, "utf-8")
    assert refresh_blocks(file, boards, check=True)
    assert "an older board" in file.read_text("utf-8")
    assert refresh_blocks(file, boards)
    text = file.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("<!-- /benchbench -->\nafter\n")
    assert "| b" in text
    assert "an older board" not in text
    assert not refresh_blocks(file, boards)


def test_blocks_without_a_board_are_errors(boards: Path, file: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        refresh_blocks(file, boards)
    file.write_text("nothing", "utf-8")
    with pytest.raises(UsageError, match="no place for a board"):
        refresh_blocks(file, boards)
    file.write_text(MARKS.replace(EDITION, "official"), "utf-8")
    with pytest.raises(
        UsageError, match=r"line 2: .* has no board vg-relation@official\. There are: \S+@"
    ):
        refresh_blocks(file, boards)


@pytest.mark.parametrize(
    ("lines", "line", "why"),
    [
        ([OPEN, "mine", OPEN, CLOSE], 3, "is inside the board opened at line 1"),
        ([OPEN, OPEN, CLOSE], 2, "is inside the board opened at line 1"),
        (["mine", OPEN, "mine"], 2, "is not closed"),
        ([OPEN, CLOSE, "mine", OPEN], 4, "is not closed"),
        ([OPEN, CLOSE, CLOSE], 3, "closes a board that was not opened"),
        (["mine", CLOSE, OPEN, CLOSE], 2, "closes a board that was not opened"),
        ([f"mine {OPEN}", CLOSE], 1, "not alone on its line"),
        ([OPEN, f"mine {CLOSE}", CLOSE], 2, "not alone on its line"),
        ([OPEN + OPEN, CLOSE], 1, "not alone on its line"),
        (["<!-- benchbench:vg-relation -->", CLOSE], 1, "is not a marker"),
        ([f"{OPEN[:-4]}", CLOSE], 1, "is not a marker"),
        ([OPEN, "<!--/benchbench-->"], 2, "is not a marker"),
    ],
)
def test_markers_that_are_not_pairs_are_refused_and_nothing_is_lost(
    boards: Path, file: Path, lines: list[str], line: int, why: str
) -> None:
    content = "\n".join([*lines, "after", ""])
    file.write_text(content, "utf-8")
    with pytest.raises(UsageError, match=rf"README\.md, line {line}: [^\n]*{why}[^\n]*$"):
        refresh_blocks(file, boards)
    assert file.read_text("utf-8") == content


def test_markers_in_code_are_text(boards: Path, file: Path) -> None:
    documented = f"Write `{OPEN}`:\n\n```html\n{OPEN}\n```\n\n~~~~\n```\n{CLOSE}\n~~~~\n"
    file.write_text(documented + MARKS, "utf-8")
    assert refresh_blocks(file, boards)
    text = file.read_text("utf-8")
    assert text.startswith(documented + f"before\n{OPEN}\n\n3")
    assert text.endswith(f"\n{CLOSE}\nafter\n")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "first", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbfbefore\n", b"caf\xe9 \x85\x00\n"]
)
@pytest.mark.parametrize("last", [b"", b"\n", b"\r\nafter", b"\n\xff\r\r\n\n\n"])
def test_bytes_outside_the_block_stay_and_the_block_takes_the_line_ends(
    boards: Path, file: Path, end: bytes, first: bytes, last: bytes
) -> None:
    head, tail = first + OPEN.encode() + end, CLOSE.encode() + last
    file.write_bytes(head + b"old\r\nold\n" + tail)
    assert refresh_blocks(file, boards)
    content = file.read_bytes()
    assert content.startswith(head)
    assert content.endswith(tail)
    board = content[len(head) : len(content) - len(tail)]
    assert b"| b" in board
    assert board.replace(end, b"").count(b"\n") == board.replace(end, b"").count(b"\r") == 0
    assert board.startswith(end)
    assert not refresh_blocks(file, boards)


def test_utf_16_is_refused(boards: Path, file: Path) -> None:
    file.write_text(MARKS, "utf-16")
    with pytest.raises(UsageError, match="UTF-16"):
        refresh_blocks(file, boards)


def test_the_file_keeps_its_permissions_and_its_link(boards: Path, file: Path) -> None:
    target = file.with_name("target.md")
    target.write_text(MARKS, "utf-8")
    target.chmod(0o600)
    file.symlink_to(target)
    assert refresh_blocks(file, boards)
    assert file.is_symlink()
    assert "| b" in target.read_text("utf-8")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_markers_are_checked_before_anything_is_published(boards: Path, file: Path) -> None:
    page = boards / EDITION / "vg-relation.md"
    page.write_text("edited", "utf-8")
    file.write_text(OPEN, "utf-8")
    done = CliRunner().invoke(main, ["publish", "--to", str(boards), "--into", str(file)])
    assert done.exit_code == 2
    assert "README.md, line 1" in done.output
    assert page.read_text("utf-8") == "edited"
