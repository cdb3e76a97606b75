"""Match files whose ids do not fit: each error names the file and the entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchbench.data.matches import read_matches
from benchbench.errors import MalformedData
from tests.suites import dump
from tests.suites.eccv_caption import ECCV_CAPTIONS, ECCV_IMAGES, write


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("caption_to_image", {**ECCV_CAPTIONS, 9900: [11]}, "lacks 1 captions .* as 9900"),
        ("caption_to_image", {**ECCV_CAPTIONS, 1200: [12, 7]}, "entry 1200: image 7 is none of"),
        ("image_to_caption", {**ECCV_IMAGES, 7: [1100]}, "entry 7: image 7 is none of the 12 im"),
        ("image_to_caption", {**ECCV_IMAGES, 11: [9900]}, "lacks 1 captions .* as 9900"),
        ("image_to_caption", {**ECCV_IMAGES, 11: [True]}, "entry 11: the list should hold ids"),
        ("image_to_caption", {**ECCV_IMAGES, 11: []}, "entry 11: should be an id with a list"),
    ],
)
def test_an_id_that_is_unknown_is_named(
    tmp_path: Path, name: str, content: dict[int, Any], message: str
) -> None:
    write(tmp_path)
    assert len(read_matches(tmp_path, "eccv")) == 12
    path = tmp_path / "eccv_caption" / f"eccv_{name}.json"
    dump(path, {str(key): value for key, value in content.items()})
    with pytest.raises(MalformedData, match=message):
        read_matches(tmp_path, "eccv")


def test_an_entry_that_is_there_twice_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "eccv_caption" / "eccv_image_to_caption.json").write_text('{"11": [1], "11": [2]}')
    with pytest.raises(MalformedData, match="the key '11' is there twice"):
        read_matches(tmp_path, "eccv")
