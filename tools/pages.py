"""Code blocks of pages: found, classified, and those with a command line run again.

``python tools/pages.py docs/tutorial.md`` runs the console blocks of a page in an empty folder and
writes what the commands print into the page. Blocks with a line ``…`` stay as they are, and so do
those that a comment before them marks::

    <!-- not run: needs official data -->          the next block
    <!-- not run below: needs official data -->    all further blocks of the page
    <!-- exit code 1 -->                           the next block's last command fails

``tests/test_pages.py`` runs every other block of every page.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parent.parent
COMMANDS, PROMPT = ("console", "sh"), "$ "
OPENING = re.compile(r"^( *)(`{3,}|~{3,})(\w*)[^`\n]*$")
NOTE = re.compile(r"^ *<!-- (not run(?: below)?|exit code)[: ] *(.*?) *-->$")
INDENTED = re.compile(r"^ {4}(\$ )?(benchbench|make|pip|python|torchrun|wget) .*$")
MASKS = (
    (re.compile(r"^from the store: .*\n", re.M), ""),
    (re.compile(r"\b[0-9a-f]{8,}\b"), "H"),
    (re.compile(r"[<>=] ?(?=\d)"), ""),
    (re.compile(r"[−+-]?\d[\d,.]*(–\d+)?"), "0"),
    (re.compile(r"-{3,}|–{3,}|:?-{2,}:?"), "-"),
    (re.compile(r"[\s·]+"), " "),
)
"""What may differ between two machines or two sets of items, and what stands for it."""


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: Path
    line: int
    """The number of its first line in the page."""
    kind: str
    """``sh`` (commands alone), ``console`` (commands with output), ``output`` (of the block
    before), or the language."""
    text: str
    not_run: str = ""
    """The reason for which it is not run."""
    exit_code: int = 0

    @property
    def name(self) -> str:
        """Return its place in the repository."""
        return f"{self.page.relative_to(TOP)}:{self.line}"


@dataclass(frozen=True)
class Step:
    """A command of a block, and the output that the page shows."""

    command: str
    shown: str
    """The lines below the command; "" where there are none."""


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page, fenced ones and indented commands."""
    lines = page.read_text("utf-8").splitlines()
    found: list[Block] = []
    note, below, previous_end, at = {}, "", -2, 0
    while at < len(lines):
        if match := NOTE.match(lines[at]):
            if match[1] == "not run below":
                below = match[2]
            else:
                note[match[1]] = match[2]
            at += 1
            continue
        end, kind, text = _block_at(lines, at)
        if end == at:
            note = {} if lines[at].strip() else note
            at += 1
            continue
        follows = not "".join(lines[previous_end:at]).strip() and previous_end >= 0
        if kind == "" and follows and found[-1].kind in (*COMMANDS, "python"):
            kind = "output"
        reason = note.get("not run", below)
        code = int(note.get("exit code", 0))
        found.append(Block(page, at + 1, kind, text, reason, code))
        note, previous_end, at = {}, end, end
    return found


def _block_at(lines: list[str], at: int) -> tuple[int, str, str]:
    """Return the end, kind and text of the block that begins at a line; the line itself if none."""
    if opening := OPENING.match(lines[at]):
        indent, fence, kind = opening.groups()
        end = at + 1
        while end < len(lines) and not re.fullmatch(f" *{fence}`* *", lines[end]):
            end += 1
        text = "\n".join(line.removeprefix(indent) for line in lines[at + 1 : end])
        return end + 1, kind, text
    if INDENTED.match(lines[at]) and (at == 0 or not lines[at - 1].strip()):
        end = at
        while end < len(lines) and lines[end].startswith("    "):
            end += 1
        text = "\n".join(line[4:] for line in lines[at:end])
        return end, "console" if text.startswith(PROMPT) else "sh", text
    return at, "", ""


def steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a block, continued lines joined, each with the output below it."""
    text = block.text.replace("\\\n", " ")
    if block.kind == "sh":
        lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
        yield from (Step(line, "") for line in lines)
        return
    for part in re.split(rf"^{re.escape(PROMPT)}", text, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(command, shown)


def words(command: str) -> list[str]:
    """Return the words of a command without a comment at its end.

    >>> words("benchbench list tasks   # or: list suites")
    ['benchbench', 'list', 'tasks']
    """
    return shlex.split(command, comments=True)


def masked(text: str) -> str:
    """Return a text with numbers, digests, rules and blanks made alike.

    >>> masked("92.5   [91.5, 93.4]  4,200") == masked("7 [6, 8.5] 12")
    True
    """
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text.strip()


def agrees(shown: str, printed: str) -> bool:
    """Return whether an output is what a page shows; ``…`` by itself stands for any words.

    >>> agrees("a  92.5\\n…\\nz", "a 7\\nb\\nc\\nz"), agrees("a", "a\\nb")
    (True, False)
    """
    parts = re.split(r"(?<!\S)…(?!\S)", shown)
    pattern = ".*".join(re.escape(masked(part)) for part in parts)
    return re.fullmatch(pattern, masked(printed), flags=re.S) is not None


def main(pages: list[str]) -> None:
    """Write what commands print into pages."""
    for name in pages:
        page = Path(name).resolve()
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "leaderboards").symlink_to(TOP / "leaderboards")
            text = page.read_text("utf-8")
            for block in blocks(page):
                if block.not_run or block.kind != "console":
                    continue
                text = text.replace(block.text, _run_again(block, Path(folder)))
            page.write_text(text, "utf-8")


def _run_again(block: Block, folder: Path) -> str:
    """Return a console block with new outputs."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    lines = []
    for step in steps(block):
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, block.exit_code):
            raise SystemExit(f"{block.name}: {step.command}\n{done.stdout}{done.stderr}")
        printed = done.stdout if done.returncode == 0 else done.stdout + done.stderr
        keeps = "…" in step.shown.split() or not step.shown.strip()
        shown = step.shown if keeps else MASKS[0][0].sub("", printed)
        lines += [PROMPT + step.command, *([shown.strip("\n")] if shown.strip() else [])]
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
