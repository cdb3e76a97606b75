"""What killed processes left is removed, and nothing that a living one may own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchbench.leftovers import (
    OLD_SECONDS,
    find_leftovers,
    release,
    remove,
    remove_leftovers,
    temporary_path,
)

WRITER = """
import sys, time
from pathlib import Path
from benchbench.leftovers import temporary_path
place = temporary_path(Path(sys.argv[1]))
place.mkdir() if sys.argv[2] == "folder" else place.write_bytes(b"half")
print(place, flush=True)
time.sleep(60)
"""


def aged(path: Path, seconds: float) -> Path:
    """The file, last changed so many seconds ago."""
    when = time.time() - seconds
    os.utime(path, (when, when))
    return path


def of_another_host(path: Path) -> Path:
    """An unfinished file for ``path`` by a process of a host that shares the folder."""
    mine = temporary_path(path)
    host = mine.name.split("-")[0].rpartition(".")[2]
    other = mine.with_name(mine.name.replace(host, "0" * len(host)))
    other.write_bytes(b"half")
    return other


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_leftovers_go_when_their_process_is_dead_and_not_before(tmp_path: Path, kind: str) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "r.parquet"), kind],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    left = aged(Path(writer.stdout.readline().strip()), 100 * OLD_SECONDS)
    try:
        assert left.exists()
        assert remove_leftovers(tmp_path) == []
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    assert remove_leftovers(tmp_path, ".other.*") == []
    assert remove_leftovers(tmp_path, ".r.parquet.*") == [left]
    assert not left.exists()


def test_what_another_host_may_be_writing_stays_for_hours(tmp_path: Path) -> None:
    left = of_another_host(tmp_path / "r.parquet")
    assert remove_leftovers(aged(left, OLD_SECONDS / 2).parent) == []
    assert remove_leftovers(aged(left, OLD_SECONDS * 2).parent) == [left]


def test_a_folder_is_as_young_as_what_changed_last_in_it(tmp_path: Path) -> None:
    left = of_another_host(tmp_path / "edition")
    left.unlink()
    (left / "images").mkdir(parents=True)
    (left / "images" / "1.png").write_bytes(b"")
    for path in (left / "images", left):
        aged(path, OLD_SECONDS * 2)
    assert remove_leftovers(tmp_path) == []
    for path in (left / "images" / "1.png", left / "images", left):
        aged(path, OLD_SECONDS * 2)
    assert remove_leftovers(tmp_path) == [left]


def test_temporary_runs_of_earlier_versions_go_when_old(tmp_path: Path) -> None:
    left, backup = tmp_path / ".r.parquet.k3j_x0aa", tmp_path / ".r.parquet.original"
    for path in (left, backup):
        path.write_bytes(b"half")
        aged(path, OLD_SECONDS * 2)
    left.chmod(0o600)
    backup.chmod(0o644)
    assert remove_leftovers(tmp_path) == [left]
    assert backup.exists()


def test_other_files_stay_however_old(tmp_path: Path) -> None:
    for name in (".hidden", "r.parquet", ".r.parquet", ".r.unfinished", ".a.b-1-c.unfinished"):
        aged_file = tmp_path / name
        aged_file.write_bytes(b"")
        aged(aged_file, OLD_SECONDS * 100)
    assert remove_leftovers(tmp_path) == []
    assert remove_leftovers(tmp_path / "missing") == []
    assert len(list(tmp_path.iterdir())) == 5


def test_a_long_name_stays_within_the_limit_of_file_systems(tmp_path: Path) -> None:
    for name in ("x" * 250, "ü" * 120):
        temporary_path(tmp_path / name).write_bytes(b"")


def test_what_a_process_let_go_is_anybodys_and_newest_first(tmp_path: Path) -> None:
    root = tmp_path / "x"
    for name, age in (("x", 5), ("x", 9), ("x.y", 1)):
        place = temporary_path(tmp_path / name)
        place.mkdir()
        aged(place, age)
        release(place, tmp_path / name)
    temporary_path(root).mkdir()
    left = find_leftovers(root)
    assert len(left) == 2, "neither another place's nor what this process has not let go"
    assert left[0].stat().st_mtime > left[1].stat().st_mtime
    assert len(find_leftovers(tmp_path / "x.y")) == 1
    assert find_leftovers(tmp_path / "missing" / "x") == []
    remove(left[0])
    assert find_leftovers(root) == left[1:]


def test_a_long_name_is_found_again(tmp_path: Path) -> None:
    root = tmp_path / ("x" * 250)
    place = temporary_path(root)
    place.mkdir()
    release(place, root)
    assert len(find_leftovers(root)) == 1
