from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchbench.data.whatsup import read_controlled
from benchbench.errors import MalformedData
from tests.suites import dump
from tests.suites.whatsup import write


def test_a_photograph_has_four_captions(tmp_path: Path) -> None:
    write(tmp_path)
    assert {len(item.captions) for item in read_controlled(tmp_path)} == {4}
    path = tmp_path / "whatsup" / "controlled_images_dataset.json"
    records = json.loads(path.read_text())
    records[3]["caption_options"] = records[3]["caption_options"][:1]
    dump(path, records)
    with pytest.raises(MalformedData, match="record 3: field 'caption_options' should hold 4, no"):
        read_controlled(tmp_path)
