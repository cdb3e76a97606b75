"""Words and files that nobody sound would type, and what every command owes to whoever does."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import tty
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.testing import CliRunner, Result

from benchbench.cli import main
from tests.cli.on_terminal import MARK
from tests.test_layers import TOP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECONDS, HANG = 10, 60
"""Of work, and of waiting on a machine that has other work too."""
FAKE = "FAKE-LINE"
"""What hostile names put on a line of its own, where they can."""
WORDS = {
    "escape": "\x1b[31mred\x1b]0;title\x07\x1b[0m",
    "control": "\x9b31m\x9d\x7f\b\x00"[:-1],
    "bidirectional": "\u202egnp.exe\u2066\u200f",
    "newline": f"name\n{FAKE}\r{FAKE}\u2028{FAKE}",
    "long": "n" * 5000,
    "digits": "9" * 300,
    "nan": "nan",
    "infinite": "-inf",
    "empty": "",
    "blank": " \t ",
    "user": "~nosuchuser/x",
    "surrogate": "bad\udc80\udcff",
    "markup": "<b>&{0}%s{}",
    "upward": "../../nowhere/x",
    "dashes": "--",
}
OBEYED = "".join(WORDS[kind] for kind in ("escape", "control", "bidirectional", "newline"))
"""All that a terminal would obey, in one word."""
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Never printed: control characters but the newline, and what turns the direction of text."""
SPEED = r"(?: \([\d,.]+/s(?:, [\d,]+ s left)?\))?"
"""How fast it goes, behind progress."""
BESIDE = re.compile(rf"Warning: .*|.* …|[\w' ]+: [\d,]+ of [\d,]+{SPEED}|[\d,]+ of [\d,]+  .*")
"""What may stand on standard error beside an error: warnings, and progress where no terminal is."""
BAR = re.compile(r"\r(?= *[\w' ]+: +\d+%\|)")
"""The return before a progress bar."""
SPECIAL = (
    "pipe", "socket", "device", "folder", "nowhere", "dangling", "loop", "empty", "noise", "latin",
    "deep", "list",
)  # fmt: skip


def commands(
    command: click.Command = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be typed, by its words, from click's own tree."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield " ".join(path), command


def typed(arguments: Sequence[str]) -> Result:
    """Run a command line; whatever is not turned into an exit code reaches the test."""
    started = time.process_time()
    with in_time(), warnings.catch_warnings():
        warnings.simplefilter("always")  # shown, as for a user, and no error
        done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert time.process_time() - started < SECONDS, arguments
    return done


@contextmanager
def in_time() -> Iterator[None]:
    """Fail where something waits."""

    def late(*_: object) -> None:
        raise KeyboardInterrupt("it waits")  # no handler of errors keeps this

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def problems(done: Result, codes: Sequence[int] = (0, 1, 2, 3)) -> list[str]:
    """List what a command owes and has not kept."""
    return problems_of(done.exit_code, done.stdout, done.stderr, codes)


def problems_of(
    code: int, out: str, said: str, codes: Sequence[int] = (0, 1, 2, 3), *, terminal: bool = False
) -> list[str]:
    """List the same of an exit code and what was printed; a terminal shows both streams as one."""
    found = [] if code in codes else [f"exit code {code}"]
    found += [f"unsafe {c!r}" for c in dict.fromkeys(UNSAFE.findall(out + said))]
    found += ["a traceback"] * ("Traceback" in out + said)
    found += ["a line from outside"] * any(line.startswith(FAKE) for line in lines(out + said))
    errors = [line for line in lines(said) if line.startswith("Error: ")]
    others = [line for line in lines(said) if line and line not in errors]
    if code in (2, 3) and len(errors) != 1:
        found.append(f"{len(errors)} errors")
    if code in (2, 3) and not terminal:
        found += [f"beside the error: {line}" for line in others if not BESIDE.fullmatch(line)]
    found += [f"an error of {len(line):,} characters" for line in errors if len(line) > 2100]
    return found


def lines(text: str) -> list[str]:
    """Split as a terminal does, not as Unicode does."""
    return text.split("\n")


def lay_out(folder: Path) -> Path:
    """Make a file, or what is none, of each kind in ``SPECIAL``, for every suffix in use."""
    folder.mkdir()
    for suffix in ("", ".json", ".parquet", ".safetensors", ".csv", ".html", ".toml", ".h5", ".md"):
        for kind in SPECIAL:
            _make(kind, folder / f"{kind}{suffix}")
    return folder


def _make(kind: str, path: Path) -> None:
    contents = {
        "empty": b"",
        "noise": bytes(range(256)) * 4,
        "latin": "caf\xe9 = 1".encode("latin-1"),
        "deep": b"[" * 100_000 + b"]" * 100_000,
        "list": b'[1, null, {"a": []}]',
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's name may have some hundred characters
        with socket.socket(socket.AF_UNIX) as each:
            each.bind(path.name)
        os.chdir(here)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        _device(path)
    elif kind == "dangling":
        path.symlink_to(path.parent / "none")
    elif kind == "loop":
        path.symlink_to(path)


def _device(path: Path) -> None:
    """Make a device of our own, which root could lose; others cannot replace the machine's."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        path.symlink_to("/dev/null")


def left_behind(folder: Path) -> list[str]:
    """List what a command that failed should not have left: part of a file."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.suffix in (".tmp", ".partial") or path.name.startswith(".")
    ]


def on_terminal(
    rows: Sequence[Sequence[str]], folder: Path, *, terminal: bool, **variables: str
) -> list[tuple[Sequence[str], int, str]]:
    """Run command lines in a process of their own, on a pseudo-terminal or a pipe.

    Returns:
        Each with its exit code and all that was printed, without the returns of progress bars.
    """
    asked, answered = folder / "asked.json", folder / "answered.json"
    asked.write_text(json.dumps(rows), "utf-8")
    ours, theirs = pty.openpty() if terminal else os.pipe()
    if terminal:
        tty.setraw(theirs)
    command = [sys.executable, "-m", "tests.cli.on_terminal", str(asked), str(answered)]
    environment = {**os.environ, "PYTHONPATH": str(TOP), "TERM": "xterm", **variables}
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment,
        cwd=folder,
    )  # fmt: skip
    os.close(theirs)
    printed = _everything(ours)
    assert child.wait() == 0, printed[-2000:]
    said = BAR.sub("", printed).split(MARK)[1:]
    return list(zip(rows, json.loads(answered.read_text("utf-8")), said, strict=True))


def _everything(handle: int) -> str:
    """Read until the other end is closed."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(handle, 1 << 16)
        except OSError:  # how a terminal says it
            part = b""
        if not part:
            os.close(handle)
            return b"".join(parts).decode()
        parts.append(part)
