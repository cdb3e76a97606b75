"""Files from outside: none is waited for, none is read by the machine's default encoding."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.errors import UsageError
from benchbench.files import (
    expand_path,
    name_below,
    name_problem,
    parse_json,
    read_parquet,
    read_text,
    require_regular,
    require_regular_entries,
)
from tests.test_layers import SOURCES, TOP

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_what_opening_could_wait_for_is_refused_by_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as each:
        each.bind("socket")
    Path("link").symlink_to("pipe")
    kinds = {"pipe": "a named pipe", "link": "a named pipe", "socket": "a socket",
             "/dev/null": "a device"}  # fmt: skip
    for name, kind in kinds.items():
        with pytest.raises(OSError, match=f"it is {kind}, not a file"):
            read_text(Path(name))


def test_what_is_not_there_is_said_as_opening_would_say_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        require_regular(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        require_regular(tmp_path)
    for name in ("a\0b", "a\udc80\0"):
        with pytest.raises(OSError, match="no file can have this name"):
            require_regular(tmp_path / name)


def test_a_folder_for_a_library_holds_files_and_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    require_regular_entries(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(OSError, match="a named pipe"):
        require_regular_entries(tmp_path)


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000, "[" * 51 + "]" * 51])
def test_json_is_parsed_to_a_depth(deep: str) -> None:
    with pytest.raises(ValueError, match="nested"):
        parse_json(deep)


def test_json_of_the_allowed_depth_is_itself() -> None:
    text = '{"a": ' + "[" * 49 + "1" + "]" * 49 + "}"
    assert str(parse_json(text)) == text.replace('"', "'")
    assert parse_json("[" * 60 + "]" * 60, deepest=None)


def test_a_home_that_nobody_has_is_one_error() -> None:
    with pytest.raises(UsageError, match="no home folder is known for ~nosuchuser"):
        expand_path("~nosuchuser/x")
    assert expand_path("~/x") == Path.home() / "x"


@pytest.mark.parametrize("name", ["n" * 201, "é" * 101, "a\0b"])
def test_names_that_cannot_be_written_are_known_before(name: str) -> None:
    assert name_problem(Path("folder") / name / "run.parquet")
    assert not name_problem(Path("folder") / "é\udc80" / "run.parquet")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(TOP)))
def test_every_file_is_opened_in_an_encoding_that_is_named(path: Path) -> None:
    assert not list(unnamed(path.read_text("utf-8")))


def test_an_encoding_that_is_not_named_is_found() -> None:
    found = unnamed("a.read_text()\nb.write_text(x)\nopen(c)\nd.open('w')\nos.fdopen(e, 'w')")
    assert list(found) == [1, 2, 3, 4, 5]
    assert not list(unnamed("a.read_text('utf-8')\nb.write_text(x, 'utf-8')\nd.open('rb')"))
    assert not list(unnamed("open(c, encoding='utf-8')\nImage.open(d)\nzip.open(e, 'r', x)"))


NO_PATHS = ("Image", "tarfile", "member", "OPENER", "EventLog")
"""What has a method ``open`` that reads bytes: images, archives and their members, addresses."""


def unnamed(source: str) -> Iterator[int]:
    """Yield the lines that read or write text in the machine's default encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        given = [ast.unparse(each) for each in node.args]
        binary = any("b" in each for each in given if each[:1] in "'\"")
        if (last, len(given)) in (("read_text", 0), ("write_text", 1)):
            yield node.lineno
        if name in ("open", "os.fdopen") and not binary:
            yield node.lineno
        is_path = name.endswith(".open") and not name.startswith(NO_PATHS) and len(given) < 2
        if is_path and not binary:
            yield node.lineno


def test_a_table_is_what_was_written_or_one_error(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    pq.write_table(table, tmp_path / "a=1.parquet")
    assert read_parquet(tmp_path / "a=1.parquet").equals(table)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more PAR1")
    with pytest.raises(ValueError, match=r"(?i)parquet"):
        read_parquet(tmp_path / "broken.parquet")
    with pytest.raises(FileNotFoundError):
        read_parquet(tmp_path / "none.parquet")


NEW_THREADS = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from benchbench.files import read_parquet
threads = lambda: set(map(str, Path("/proc/self/task").iterdir()))
before = threads()
read_parquet(Path(sys.argv[1]))
print(len(threads() - before), end=" ")
with open(sys.argv[1], "rb") as source, pq.ParquetFile(source) as file:
    file.read()
print(len(threads() - before))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="Linux alone")
def test_tables_are_read_without_arrows_threads(tmp_path: Path) -> None:
    pq.write_table(pa.table({name: [1, 2] for name in "abcdefgh"}), tmp_path / "t.parquet")
    command = [sys.executable, "-c", NEW_THREADS, str(tmp_path / "t.parquet")]
    mine, arrows = subprocess.check_output(command, text=True, env={**os.environ}).split()
    assert (mine, arrows != "0") == ("0", True)


@pytest.mark.parametrize("root", ["data", "data/deep", ".", "/", "/data", "other"])
@pytest.mark.parametrize(
    "path",
    ["data", "data/1.jpg", "data/deep/1.jpg", "database/1.jpg", "/data/1.jpg", "/1.jpg", "."],
)
def test_a_name_below_a_folder_is_pathlibs(path: str, root: str) -> None:
    whole, folder = Path(path), Path(root)
    inside = whole.is_relative_to(folder)
    expected = (whole.relative_to(folder) if inside else whole).as_posix()
    assert name_below(whole, folder) == expected
