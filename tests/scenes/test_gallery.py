"""The contact sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from benchbench.errors import UsageError
from benchbench.scenes.gallery import write_gallery

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sheet_is_written_and_the_same_twice(tmp_path: Path) -> None:
    first = write_gallery(tmp_path / "new" / "a.png", count=5, size=96, columns=3)
    second = write_gallery(tmp_path / "b.png", count=5, size=96, columns=3)
    with Image.open(first) as sheet:
        assert sheet.width == 3 * (96 + 16) + 16
        assert sheet.height > 2 * 96
    assert first.read_bytes() == second.read_bytes()


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_gallery(tmp_path / "c.png", count=0)
