"""Annotation files that are not what they promise: each error names record and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchbench.data.aro import dropped_relations, read_attributions, read_relations
from benchbench.data.records import read_keyed_records, read_records
from benchbench.errors import MalformedData, MissingData
from benchbench.types import ImageRef

GOOD: dict[str, Any] = {
    "image_path": "a.jpg",
    "true_caption": "the dog is on the bed",
    "false_caption": "the bed is on the dog",
    "relation_name": "on",
    "bbox_x": 1,
    "bbox_y": 2,
    "bbox_w": 30,
    "bbox_h": 40,
}


def write(root: Path, content: object) -> Path:
    """Write a relation file under root."""
    text = content if isinstance(content, str) else json.dumps(content)
    (root / "visual_genome_relation.json").write_text(text)
    return root


def test_a_record_is_read(tmp_path: Path) -> None:
    item = read_relations(write(tmp_path, [GOOD]))[0]
    assert item.images == (ImageRef(tmp_path / "images" / "a.jpg", (1, 2, 31, 42)),)
    assert item.captions == ("the dog is on the bed", "the bed is on the dog")
    assert (item.target, item.cluster) == ((0,), "a.jpg")
    assert item.tags == {"relation": "on", "kind": "other"}
    beside = {**GOOD, "relation_name": "to the left of"}
    assert read_relations(write(tmp_path, [beside]))[0].tags["kind"] == "left/right"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"image_path": "a.jp', "not valid JSON"),
        ("\x00\x01", "not valid JSON"),
        ({"0": GOOD}, "list of records, not an object"),
        ([GOOD, "x"], "record 1 should be an object, not a string"),
        ([GOOD, {k: v for k, v in GOOD.items() if k != "bbox_h"}], "record 1: no field 'bbox_h'"),
        ([{**GOOD, "true_caption": "  "}], "record 0: field 'true_caption' is empty"),
        ([{**GOOD, "true_caption": ["a"]}], "'true_caption' should be a string, not a list"),
        ([{**GOOD, "bbox_w": 0}], "'bbox_w' is 0: the crop is empty"),
        ([{**GOOD, "bbox_h": -3}], "'bbox_h' is -3"),
        ([{**GOOD, "bbox_x": "1"}], "'bbox_x' should be a whole number"),
        ([{**GOOD, "bbox_x": True}], "'bbox_x' should be a whole number"),
        ([{**GOOD, "bbox_x": 1.5}], "'bbox_x' should be a whole number, not 1.5"),
        ([{**GOOD, "bbox_x": None}], "'bbox_x' should be a whole number, not null"),
        ([{**GOOD, "relation_name": "on\ud83d"}], "half a surrogate pair"),
        ('[{"bbox_x": ' + "9" * 5000 + "}]", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ([{**GOOD, "image_path": "../../etc/passwd"}], "path inside the image folder"),
        ([{**GOOD, "image_path": "/etc/passwd"}], "path inside the image folder"),
    ],
)
def test_wrong_records_are_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(MalformedData, match=message):
        read_relations(write(tmp_path, content))


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = write(tmp_path, [GOOD]) / "visual_genome_relation.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_relations(tmp_path)) == 1


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"visual_genome_relation\.json"):
        read_relations(tmp_path)
    (tmp_path / "visual_genome_relation.json").mkdir()
    with pytest.raises(MalformedData, match="Cannot read"):
        read_relations(tmp_path)


def test_the_dropped_relations_are_upstreams() -> None:
    dropped = dropped_relations()
    assert len(dropped) == 157
    assert {"next to", "beside", "driving"} <= dropped
    assert not {"on", "riding", "to the left of"} & dropped


@pytest.mark.parametrize(("field", "value"), [("kind", "colors"), ("composition", "new")])
def test_only_known_words_tell_what_an_attribute_item_is(
    tmp_path: Path, field: str, value: str
) -> None:
    good = {**GOOD, "attributes": ["red", "blue"], "kind": "colours", "composition": "unseen"}
    path = tmp_path / "visual_genome_attribution.json"
    path.write_text(json.dumps([good]))
    (item,) = read_attributions(tmp_path)
    assert item.tags == {"attributes": "red_blue", "kind": "colours", "composition": "unseen"}
    path.write_text(json.dumps([{**good, field: value}]))
    with pytest.raises(MalformedData, match=rf"{field}.*should be '.*', not '{value}'"):
        read_attributions(tmp_path)


def test_a_key_that_is_there_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "keyed.json").write_text('{"0": {"a": 1}, "1": {"a": 2}, "0": {"a": 3}}')
    with pytest.raises(MalformedData, match="the key '0' is there twice"):
        read_keyed_records(tmp_path / "keyed.json")


def test_a_record_within_another_one_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "nested.json"
    path.write_text('[{}, {"votes": {}, "sentences": [{}]}]')
    record = read_records(path)[1]
    with pytest.raises(MalformedData, match="record 1, votes: no field 'caption'"):
        record.record("votes").integer("caption")
    with pytest.raises(MalformedData, match=r"record 1, sentences\[0\]: no field 'raw'"):
        record.records("sentences")[0].text("raw")
