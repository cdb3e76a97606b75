"""A file is written whole or not at all, where it is and as it was."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from benchbench.atomic import atomic_folder, atomic_write
from benchbench.errors import RunError, UsageError

KILLED = """
import os, signal, sys
from pathlib import Path
from benchbench.atomic import atomic_write
with atomic_write(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_new_file_has_the_permissions_of_new_files(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "deep" / "file"
    plain.touch()
    with atomic_write(path) as temporary:
        temporary.write_text("new", "utf-8")
        assert not path.exists()
    assert path.stat().st_mode == plain.stat().st_mode
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", "utf-8")
    path.chmod(0o640)
    with atomic_write(path) as temporary:
        temporary.write_text("new", "utf-8")
    assert path.read_text("utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    target.parent.mkdir()
    target.write_text("old", "utf-8")
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        temporary.write_text("new", "utf-8")
    assert link.is_symlink()
    assert target.read_text("utf-8") == "new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "link"]


def test_only_a_file_is_replaced(tmp_path: Path) -> None:
    """Root, whose link leads to a device, would otherwise replace the machine's own."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path, what in ((pipe, "a named pipe"), (link, "a named pipe"), (tmp_path, "director")):
        with pytest.raises(RunError, match=what), atomic_write(path) as temporary:
            temporary.write_text("new", "utf-8")
    assert pipe.is_fifo() and link.is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", "utf-8")
    with pytest.raises(RunError, match=r"Cannot write .*file: No space left"), atomic_write(path):
        raise OSError(28, "No space left on device")
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_next_write_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    with atomic_write(tmp_path / "other.parquet") as temporary:
        temporary.write_bytes(b"whole")
    assert [each.name for each in tmp_path.iterdir()] == ["other.parquet"]


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "folder"
    with pytest.raises(ZeroDivisionError), atomic_folder(place, "marker") as work:
        (work / "half").write_text("half", "utf-8")
        assert not place.exists()
        _ = 1 / 0
    assert list(place.parent.iterdir()) == []
    for text in ("first", "second"):
        with atomic_folder(place, "marker") as work:
            (work / "marker").touch()
            (work / text).write_text(text, "utf-8")
        assert {each.name for each in place.iterdir()} == {"marker", text}
    assert [each.name for each in place.parent.iterdir()] == ["folder"]


def test_a_folder_that_fills_up_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    with pytest.raises(UsageError, match="holds other files"), atomic_folder(place, "m") as work:
        (work / "m").touch()
        place.mkdir()
        (place / "mine").write_text("mine", "utf-8")
    assert [each.name for each in tmp_path.rglob("*")] == ["folder", "mine"]


@pytest.mark.parametrize("kind", ["file", "link", "full"])
def test_only_an_own_folder_is_replaced(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("mine", "utf-8")
    elif kind == "link":
        (tmp_path / "target").mkdir()
        place.symlink_to(tmp_path / "target")
    else:
        place.mkdir()
        (place / "mine").write_text("mine", "utf-8")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError), atomic_folder(place, "marker"):
        raise AssertionError("nothing is written")
    assert sorted(tmp_path.rglob("*")) == before
