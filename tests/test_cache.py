"""Where things are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.cache import cache_folder
from benchbench.errors import UsageError


def test_the_variable_comes_before_the_users_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BENCHBENCH_CACHE", "~/mine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("BENCHBENCH_CACHE", "")
    assert cache_folder() == tmp_path / "xdg" / "benchbench"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == tmp_path / ".cache" / "benchbench"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_told_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE", "~nosuchuser/cache")
    with pytest.raises(UsageError, match="variable BENCHBENCH_CACHE"):
        cache_folder()
