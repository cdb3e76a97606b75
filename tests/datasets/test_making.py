"""Files that are made of a data set's own: by get and import, to the byte, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchbench.datasets import names
from benchbench.datasets.making import make
from benchbench.datasets.manifest import Dataset, Made
from benchbench.errors import MalformedData
from tests.cli.test_cli import refused, typed
from tests.datasets.small import NOTES, SMALL_SET, bring, sha, use


def shout(source: Path, path: Path) -> None:
    path.write_bytes(source.read_bytes().upper())


LOUD = Made("deep/loud.txt", "deep/notes.txt", sha(NOTES.upper()), shout)


def with_made(monkeypatch: pytest.MonkeyPatch, made: Made) -> Dataset:
    use(monkeypatch)
    own = replace(SMALL_SET, made=(made,))
    there = names._found()
    monkeypatch.setattr(names, "_found", lambda: {**there, "small-set": lambda: own})
    return own


def test_get_makes_and_verify_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = with_made(monkeypatch, LOUD)
    root = tmp_path / "root"
    done = typed("data", "get", "small-set", "--root", root, "--from", bring(tmp_path / "brought"))
    assert "small-set: deep/loud.txt  made of deep/notes.txt\n" in done.output
    path = root / "small_set" / "deep" / "loud.txt"
    assert path.read_bytes() == b"SOME NOTES\n"
    assert list(make([own], root)) == []
    assert "deep/loud.txt" in typed("data", "list", "small-set", "--root", root).output
    assert typed("data", "verify", "small-set", "--root", root).exit_code == 0
    path.write_bytes(b"other")
    done = typed("data", "verify", "small-set", "--root", root)
    assert done.exit_code == 1
    assert "deep/loud.txt                DIFFERS  its digest is sha256:" in done.output
    path.unlink()
    assert typed("data", "verify", "small-set", "--root", root).exit_code == 0


def test_what_comes_out_otherwise_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = with_made(monkeypatch, replace(LOUD, digest=sha(NOTES)))
    root = tmp_path / "root"
    message = refused(
        "data", "get", "small-set", "--root", root, "--from", bring(tmp_path / "brought")
    )
    assert "loud.txt came out other than published" in message
    assert not (root / "small_set" / "deep" / "loud.txt").exists()
    with pytest.raises(MalformedData, match="came out other"):
        list(make([own], root))


def test_nothing_is_made_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert list(make([replace(SMALL_SET, made=(LOUD,))], tmp_path)) == []
