"""Files of captions: drawn, damaged and real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchbench.data.karpathy import read_captioned, read_training, read_training_captions
from benchbench.errors import MalformedData, MissingData

COCO, FLICKR = "coco_karpathy_test.json", "flickr30k_test.json"


def written(root: Path, content: object) -> Path:
    """A data root with that file."""
    (root / COCO).write_text(json.dumps(content))
    return root


def test_an_entry_a_record(tmp_path: Path) -> None:
    content = [
        {"image": "val2014/a.jpg", "caption": ["one", "two"]},
        {"image": "val2014/b.jpg", "caption": ["two"], "more": 1},
    ]
    first, second = read_captioned(written(tmp_path, content), COCO)
    assert (first.id, first.captions, first.cluster) == ("0", ("one", "two"), "val2014/a.jpg")
    assert first.image.path == tmp_path / "val2014" / "a.jpg"
    assert second.gallery is first.gallery
    assert second.tags == {"gallery": first.gallery.name}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"image": "a.jpg"}, "record 1: no field 'caption'"),
        ({"image": "a.jpg", "caption": "one"}, "'caption' should be a list of strings"),
        ({"image": "a.jpg", "caption": []}, "'caption' should be a list of strings"),
        ({"image": "a.jpg", "caption": ["one", 2]}, "should be a string, not 2"),
        ({"image": "a.jpg", "caption": ["one", " "]}, "'caption' is empty"),
        ({"image": "../a.jpg", "caption": ["one"]}, "inside the image folder"),
        ({"image": "/a.jpg", "caption": ["one"]}, "inside the image folder"),
        ({"image": "first.jpg", "caption": ["one"]}, "repeats that of record 0: 'first.jpg'"),
        ([], "should be an object, not a list"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, record: Any, message: str) -> None:
    good = {"image": "first.jpg", "caption": ["one"]}
    with pytest.raises(MalformedData, match=message):
        read_captioned(written(tmp_path, [good, record]), COCO)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="coco_karpathy_test"):
        read_captioned(tmp_path, COCO)


def test_counts_of_coco_with_photographs_are_exact(coco_photos: Path) -> None:
    entries = read_captioned(coco_photos, COCO)
    assert len(entries) == 198
    assert sum(len(entry.captions) for entry in entries) == 990
    assert len({text for entry in entries for text in entry.captions}) == 989
    assert [entries[i].cluster for i in (0, 9, -1)] == [
        "val2014/COCO_val2014_000000391895.jpg",
        "val2014/COCO_val2014_000000001146.jpg",
        "val2014/COCO_val2014_000000003716.jpg",
    ]
    assert all(entry.image.path.is_file() for entry in entries)


def test_counts_of_coco_as_text_are_exact(coco_texts: Path) -> None:
    entries = read_captioned(coco_texts, COCO)
    assert len(entries) == 5000
    assert sum(len(entry.captions) for entry in entries) == 25_010
    assert len({text for entry in entries for text in entry.captions}) == 24_855
    assert entries[9].cluster == "val2014/COCO_val2014_000000436141.jpg"
    assert (entries[-1].id, entries[-1].cluster) == (
        "4999",
        "val2014/COCO_val2014_000000074478.jpg",
    )


def test_counts_of_flickr8k_are_exact(flickr8k: Path) -> None:
    entries = read_captioned(flickr8k, FLICKR)
    assert len(entries) == 1000
    assert sum(len(entry.captions) for entry in entries) == 5000
    assert len({text for entry in entries for text in entry.captions}) == 4993
    assert [entries[i].cluster for i in (0, 9, -1)] == [
        "3385593926_d3e9c21170.jpg",
        "3072172967_630e9c69d0.jpg",
        "3490736665_38710f4b91.jpg",
    ]
    assert all(entry.image.path.is_file() for entry in entries)


def test_a_training_split_has_an_entry_an_image(tmp_path: Path) -> None:
    assert read_training(tmp_path, COCO) == []
    records = [
        {"image": "train2014/b.jpg", "caption": "one", "image_id": "coco_1"},
        {"image": "train2014/a.jpg", "caption": ["x", "y"]},
        {"image": "train2014/b.jpg", "caption": "two"},
    ]
    path = tmp_path / "coco_karpathy_train.json"
    path.write_text(json.dumps(records))
    entries = read_training(tmp_path, COCO)
    assert [(e.cluster, e.captions) for e in entries] == [
        ("train2014/b.jpg", ("one", "two")),
        ("train2014/a.jpg", ("x", "y")),
    ]
    assert read_training(tmp_path, FLICKR) == []
    path.write_text(json.dumps([{"image": "a.jpg", "caption": 3}]))
    with pytest.raises(MalformedData, match="record 0: field 'caption' should be a list"):
        read_training(tmp_path, COCO)


def karpathy(*images: dict[str, Any]) -> dict[str, Any]:
    """His own form."""
    return {"dataset": "coco", "images": list(images)}


def shown(name: str, split: str, *captions: str, **more: Any) -> dict[str, Any]:
    """An image of it."""
    sentences = [{"raw": text, "tokens": text.split(), "sentid": 0} for text in captions]
    return {"filename": name, "split": split, "sentences": sentences, "imgid": 0, **more}


def test_captions_to_learn_are_in_three_forms(tmp_path: Path) -> None:
    file = tmp_path / "captions.json"
    one = [{"image": "a.jpg", "caption": ["x", "y"]}, {"image": "b.jpg", "caption": ["z"]}]
    other = [
        {"image": "a.jpg", "caption": "x", "image_id": "a"},
        {"image": "b.jpg", "caption": "z", "image_id": "b"},
        {"image": "a.jpg", "caption": "y", "image_id": "a"},
    ]
    for content in (one, other):
        file.write_text(json.dumps(content))
        found = read_training_captions(file)
        assert dict(found.of_image) == {"a.jpg": ["x", "y"], "b.jpg": ["z"]}
        assert found.splits == ()
    own = karpathy(
        shown("t.jpg", "test", "never", filepath="val2014"),
        shown("r.jpg", "restval", "y", filepath="val2014"),
        shown("a.jpg", "train", "x", "z", filepath="train2014"),
        shown("v.jpg", "val", "never", filepath="val2014"),
    )
    file.write_text(json.dumps(own))
    found = read_training_captions(file)
    assert dict(found.of_image) == {"train2014/a.jpg": ["x", "z"], "val2014/r.jpg": ["y"]}
    assert found.splits == ("train", "restval")
    file.write_text(json.dumps(own, indent=3))
    assert read_training_captions(file).sha256 == found.sha256
    file.write_text(json.dumps(karpathy(shown("a.jpg", "train", "x"))))
    assert dict(read_training_captions(file).of_image) == {"a.jpg": ["x"]}, (
        "Flickr's have no folder"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"annotations": []}, "should hold a list of records, not an object"),
        (karpathy(), r"no split to learn from \(train, restval\); there are: none"),
        (karpathy(shown("a.jpg", "val", "x")), "there are: val"),
        (karpathy(shown("a.jpg", "train")), r"images\[0\]: field 'sentences' holds none"),
        (karpathy(shown("../a.jpg", "train", "x")), "a path inside the image folder"),
        (karpathy(shown("a.jpg", "train", "x", filepath="/etc")), "a path inside the image folder"),
        (karpathy({"filename": "a.jpg", "split": "train"}), "no field 'sentences'"),
    ],
)
def test_captions_to_learn_are_checked(tmp_path: Path, content: object, message: str) -> None:
    file = tmp_path / "captions.json"
    file.write_text(json.dumps(content))
    with pytest.raises(MalformedData, match=message):
        read_training_captions(file)
