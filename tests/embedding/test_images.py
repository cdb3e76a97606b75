"""Tests for the record of an evaluation's image files."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.embedding import FileLog
from benchbench.errors import DataError, ImageError

PLACE = Path("image.png")


def test_a_file_that_changes_while_it_is_evaluated_is_an_error() -> None:
    """Its crops would be of two images, and the run would hold the digest of the last one."""
    log = FileLog()
    log.add(PLACE, "first")
    log.add(PLACE, "first")
    with pytest.raises(DataError, match=r"image\.png changed while it was evaluated"):
        log.add(PLACE, "second")


def test_a_file_that_can_no_longer_be_read_has_no_digest() -> None:
    log = FileLog()
    log.add(PLACE, "first")
    log.add(PLACE, ImageError("Image not found: image.png"))
    assert (log.sha256, log.unreadable) == ({}, {PLACE: "Image not found: image.png"})
