"""ScenarioCLIP's files: as exported, as upstream writes them, damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchbench.data.scenarioclip import class_of, read_classes, read_images
from benchbench.errors import MalformedData, MissingData

GOOD: dict[str, Any] = {
    "id": "000001",
    "image_path": "images/a.png",
    "action": "riding",
    "dense_caption": "a man rides a horse",
    "objects": [["man", [1.9, 2.2, 30.7, 40]], ["horse", [10, 20, 60, 70]]],
    "relations": [["focused/a-0-1.png", ["man", "riding", "horse"], [["horse", "riding", "man"]]]],
}
CLASSES = {"actions": ["riding"], "objects": ["horse", "man"], "relations": ["man riding horse"]}


def written(root: Path, *records: Any, classes: Any = CLASSES) -> Path:
    """A data root with those records."""
    (root / "metadata_test.json").write_text(json.dumps({"data": list(records)}))
    (root / "classes.json").write_text(json.dumps(classes))
    return root


def test_an_image_and_what_is_said_of_it(tmp_path: Path) -> None:
    (image,) = read_images(written(tmp_path, GOOD))
    assert (image.id, image.image, image.action) == ("000001", "images/a.png", "riding")
    assert image.objects == (("man", (1, 2, 30, 40)), ("horse", (10, 20, 60, 70)))
    assert image.relations == (("focused/a-0-1.png", "man riding horse"),)
    assert read_classes(tmp_path).relations == ("man riding horse",)


def test_relations_without_negatives_are_upstreams_own(tmp_path: Path) -> None:
    bare = {**GOOD, "relations": [["a.png", ["man", "riding", "horse"]]], "objects": []}
    (image,) = read_images(written(tmp_path, bare))
    assert image.relations == (("a.png", "man riding horse"),)
    assert image.objects == ()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", 1, "should be a string, not 1"),
        ("image_path", "../a.png", "inside the image folder"),
        ("action", "", "is empty"),
        ("dense_caption", None, "should be a string, not null"),
        ("objects", {}, "should be a list of lists, not an object"),
        ("objects", ["man"], "it holds a string"),
        ("objects", [["man"]], "pairs of name and box, not 1 values"),
        ("objects", [["man", [1, 2, 3]]], "as four numbers"),
        ("objects", [["man", [1, 2, 3, "4"]]], "as four numbers"),
        ("objects", [["man", [1, 2, 3, True]]], "as four numbers"),
        ("objects", [["man", [1, 2, 3, float("inf")]]], "as four numbers"),
        ("objects", [["man", [5, 2, 5.5, 9]]], "the empty box"),
        ("objects", [[3, [1, 2, 3, 4]]], "should be a string, not 3"),
        ("relations", [["a.png"]], r"a region and \[subject, predicate, object\]"),
        ("relations", [["a.png", ["man", "riding"]]], r"a region and \[subject"),
        ("relations", [["/a.png", ["man", "riding", "horse"]]], "inside the image folder"),
        ("relations", [["a.png", ["man", "riding", 1]]], "should be a string, not 1"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, field: str, value: object, message: str) -> None:
    with pytest.raises(MalformedData, match=rf"record data\[0\]: field '{field}' .*{message}"):
        read_images(written(tmp_path, {**GOOD, field: value}))


def test_ids_and_classes_do_not_repeat(tmp_path: Path) -> None:
    with pytest.raises(MalformedData, match=r"data\[1\]: field 'id' repeats '000001'"):
        read_images(written(tmp_path, GOOD, GOOD))
    twice = {**CLASSES, "objects": ["man", "horse", "man"]}
    with pytest.raises(MalformedData, match="'objects' names 'man' twice"):
        read_classes(written(tmp_path, classes=twice))
    with pytest.raises(MissingData, match=r"classes\.json"):
        read_classes(tmp_path / "elsewhere")


def test_a_class_is_found_in_lower_case_too(tmp_path: Path) -> None:
    (image,) = read_images(written(tmp_path, GOOD))
    classes = frozenset({"man", "Horse"})
    assert class_of(image.record, "objects", "Man", classes) == "man"
    assert class_of(image.record, "objects", "Horse", classes) == "Horse"
    with pytest.raises(MalformedData, match=r"data\[0\]: field 'objects' has 'dog', which is not"):
        class_of(image.record, "objects", "dog", classes)
