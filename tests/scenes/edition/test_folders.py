"""The edition's folder: whole or not at all, and only where it may be."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from benchbench.data.aro import read_relations
from benchbench.errors import UsageError
from benchbench.scenes.edition import export
from benchbench.scenes.edition.folders import files_in

SMALL: dict[str, Any] = {"images": 20, "dense": 6, "training": 30, "size": 96}


def test_an_equal_edition_is_left_alone_and_a_damaged_one_replaced(tmp_path: Path) -> None:
    root = export(tmp_path / "x", **SMALL)
    image = root / "images" / "000003.png"
    before = image.stat().st_ino, image.read_bytes()
    export(root, **SMALL)
    assert (image.stat().st_ino, image.read_bytes()) == before
    image.write_bytes(b"damaged")
    export(root, **SMALL)
    assert image.read_bytes() == before[1]
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_an_interrupted_export_leaves_nothing_that_counts(tmp_path: Path) -> None:
    def interrupt(what: str, done: int, _total: int) -> None:
        if what != "images" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "new", progress=interrupt, **SMALL)
    assert [path.name[:5] for path in tmp_path.iterdir()] == [".new."]
    root = export(tmp_path / "old", parts=["vg-relation"], **SMALL)
    files = files_in(root)
    with pytest.raises(KeyboardInterrupt):
        export(root, progress=interrupt, **{**SMALL, "images": 10})
    assert files_in(root) == files
    export(root, parts=["vg-relation"], **SMALL)
    assert sorted(path.name[:5] for path in tmp_path.iterdir()) == [".new.", "old"]


def test_a_failed_export_leaves_nothing(tmp_path: Path) -> None:
    def fail(what: str, done: int, _total: int) -> None:
        raise RuntimeError(what)

    with pytest.raises(RuntimeError, match="images"):
        export(tmp_path / "new", progress=fail, **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_version_left_goes_when_it_is_old(tmp_path: Path) -> None:
    names = [f".{place}.{digit * 32}.unfinished" for place in "xy" for digit in "01"]
    for name in names:
        (tmp_path / name).mkdir()
        if "0" in name:
            os.utime(tmp_path / name, (0, 0))
    export(tmp_path / "x", parts=["vg-relation"], **SMALL)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [*names[1:], "x"], "not what lies beside another place, nor what is young"


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Cannot write the edition"):
        export(tmp_path / "file" / "x", parts=["vg-relation"], **SMALL)


def test_what_is_not_ours_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        export(tmp_path, **SMALL)
    with pytest.raises(UsageError, match="is a file"):
        export(tmp_path / "thesis.txt", **SMALL)
    (tmp_path / "edition.json").write_text('{"made_by": "somebody else"}')
    with pytest.raises(UsageError, match="not an edition of the drawn world"):
        export(tmp_path, **SMALL)
    root = export(tmp_path / "ours", parts=["vg-relation"], **SMALL)
    (root / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        export(root, parts=["vg-relation"], **SMALL)
    assert (root / "notes.txt").is_file()


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    wrongs: list[dict[str, Any]] = [
        {"images": 21},
        {"images": 0},
        {"dense": 0},
        {"training": -1},
        {"size": 64},
        {"size": 1000},
        {"parts": []},
        {"parts": ["coco"]},
    ]
    for wrong in wrongs:
        with pytest.raises(UsageError):
            export(tmp_path / "x", **{**SMALL, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_two_processes_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_export_small, args=(tmp_path / "x",)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert len(read_relations(tmp_path / "x")) > 20


def _export_small(root: Path) -> None:
    """Run in a process of its own."""
    for images in (20, 10, 20):
        export(root, parts=["vg-relation"], **{**SMALL, "images": images})


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: dict[str, tuple[int, int]] = {}
    export(tmp_path / "x", progress=lambda what, *n: told.update({what: (n[0], n[1])}), **SMALL)
    assert len(told) >= 2
    assert all(done == total > 0 for done, total in told.values())
