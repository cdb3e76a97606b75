"""A detector's file: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchbench.data.vg150 import read_scenes
from benchbench.errors import MalformedData, MissingData
from benchbench.types import Proposals
from tests.scene_graphs import write

FIRST = {"boxes": [[-3, 0.5, 9.5, 20], [2000, 5, 9999, 6]], "labels": ["hat", "man"]}
GOOD: dict[str, Any] = {
    "format": "benchbench-proposals",
    "version": 1,
    "images": {
        "10": {**FIRST, "scores": [0.5, 1]},
        "14": {"boxes": [], "labels": [], "scores": []},
        "99": "not looked at",
    },
}


def read(root: Path, content: object) -> list[Any]:
    (root / "found.json").write_text(json.dumps(content))
    return read_scenes(write(root), given="proposals", proposals=root / "found.json")


def test_proposals_are_rounded_clipped_and_numbered(tmp_path: Path) -> None:
    first, last = read(tmp_path, GOOD)
    assert first.proposals == Proposals(
        boxes=((0, 1, 10, 20), (2000, 5, 2048, 6)),
        labels=(1, 0),
        scores=(0.5, 1.0),
        unrounded=((-3, 0.5, 9.5, 20), (2000, 5, 9999, 6)),
    )
    assert last.proposals == Proposals((), (), ())
    assert first.given == "proposals"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [0.5]}, "record images, 10: field 'scores' has 1 entries, 'boxes' 2"),
        ({"scores": [0.5, 0]}, r"field 'scores' \[1\] is 0, not above 0"),
        ({"scores": [0.5, 1.1]}, r"'scores' \[1\] is 1.1"),
        ({"scores": [float("nan"), 1]}, r"'scores' \[0\] is nan"),
        ({"scores": [True, 1]}, r"'scores' \[0\] is True"),
        ({"scores": {}}, "'scores' should be a list, not an object"),
        ({"labels": ["hat", "cow"]}, r"'labels' \[1\] is 'cow', no name of the vocabulary"),
        ({"labels": ["hat", 1]}, r"'labels' \[1\] is 1, no name"),
        ({"labels": ["hat", ["man"]]}, r"'labels' \[1\] is \['man'\], no name"),
        ({"boxes": [[0, 0, 1, 1], [0, 0, 1]]}, r"'boxes' \[1\] is \[0, 0, 1\], not \[left"),
        ({"boxes": [[0, 0, 1, 1], [5, 0, 5, 1]]}, r"'boxes' \[1\] .*has no area"),
        ({"boxes": [[0, 0, 1, float("inf")], [0, 0, 1, 1]]}, r"'boxes' \[0\] .*not \[left"),
        ({"boxes": [[0, 0, 1, "1"], [0, 0, 1, 1]]}, r"'boxes' \[0\] .*not \[left"),
        ({"boxes": [[0, 0, 1, 10**400], [0, 0, 1, 1]]}, r"'boxes' \[0\] .*not \[left"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    entry = {**GOOD["images"]["10"], **change}
    with pytest.raises(MalformedData, match=message):
        read(tmp_path, {**GOOD, "images": {**GOOD["images"], "10": entry}})


def test_each_image_needs_an_entry(tmp_path: Path) -> None:
    images = {"14": GOOD["images"]["14"]}
    with pytest.raises(MalformedData, match=r"no proposals for image 10; .* of 2: 1\."):
        read(tmp_path, {**GOOD, "images": images})


@pytest.mark.parametrize("change", [{"format": "coco"}, {"version": 2}])
def test_other_formats_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(MalformedData, match=r"not 'benchbench-proposals', version 1: see docs"):
        read(tmp_path, {**GOOD, **change})
    with pytest.raises(MissingData):
        read_scenes(write(tmp_path), proposals=tmp_path / "none.json")
