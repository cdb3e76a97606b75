"""Images that pass by are checked once each, whatever is remembered of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.data.images import survey
from benchbench.datasets import regions
from benchbench.datasets.regions import Regions, read_sizes
from benchbench.errors import ImageError
from benchbench.types import ImageRef
from tests.datasets.small import jpeg


@pytest.fixture
def refs(tmp_path: Path) -> list[ImageRef]:
    """Crops of 40 x 30 pixels in five files, two of them broken; some crops lie outside."""
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(i) if i < 3 else b"no image")
    boxes = [None, (0, 0, 9, 9), (50, 0, 60, 9), (5, 5, 5, 9)]
    return [ImageRef(tmp_path / f"{i % 5}.jpg", boxes[i % 4]) for i in range(40)]


@pytest.mark.parametrize("known", [0, 2, 100])
def test_counts_are_those_of_a_survey_of_all(
    refs: list[ImageRef], known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "KNOWN", known)
    whole, checked = survey(refs), Regions()
    for at in range(0, len(refs), 3):
        checked.check(refs[at : at + 3])
    unreadable, wrong = checked.problems()
    assert (len(whole.unreadable), len(whole.wrong)) == (2, 6)
    assert unreadable.startswith("2 images cannot be read: Not an image in ")
    assert wrong.startswith("6 crops give no image: (50, 0, 60, 9) of ")
    assert Regions().problems() == ()


def test_sizes_are_read_chunk_by_chunk(
    refs: list[ImageRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "CHUNK", 2)
    paths = [ref.path for ref in refs[:5]]
    found = list(read_sizes(paths))
    assert [path for path, _ in found] == paths
    assert [size for _, size in found[:3]] == [(40, 30)] * 3
    assert all(isinstance(error, ImageError) for _, error in found[3:])
