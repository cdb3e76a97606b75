"""Official files of unknown digest, recognised by what they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import benchbench as bb
from benchbench.analysis.comparison import compare
from benchbench.analysis.leaderboard import leaderboard
from benchbench.data.recognition import content_problem, value_digest
from benchbench.editions import resolve_edition
from benchbench.errors import MissingData, NotComparable, UsageError
from benchbench.registry import load_task
from benchbench.types import Arrays, Content, TaskInfo
from tests.conftest import SHARED

NAME = "visual_genome_relation.json"
COCO = SHARED / "coco" / "coco_karpathy_test.json"
MARK = "Unverified digest: the annotations are official by content"


def relation(image: int, true: str, false: str) -> dict[str, Any]:
    return {
        "image_path": f"{image}.jpg", "true_caption": true, "false_caption": false,
        "relation_name": "on", "bbox_x": 0, "bbox_y": 0, "bbox_w": 9, "bbox_h": 9,
    }  # fmt: skip


def of_official_size() -> list[dict[str, Any]]:
    """As many records, images and captions as VG-Relation, with its first, tenth and last."""
    info = load_task("vg-relation").info
    (content,) = info.content["official"][NAME]
    assert isinstance(content, Content)
    records = [relation(i % 5313, f"a {i % 13_350}", f"b {i % 13_353}") for i in range(23_937)]
    for place, fields in content.pinned.items():
        records[place].update(fields)
    return records


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("aro")
    (root / NAME).write_text(json.dumps(of_official_size()))
    return root


def test_a_file_with_the_official_content_is_official_and_marked(whole: Path) -> None:
    info = load_task("vg-relation").info
    assert content_problem(whole / NAME, *info.content["official"][NAME]) is None
    for edition in (None, "official"):
        found = resolve_edition(info, whole, edition, with_images=False)
        assert (found.name, found.unverified) == ("official", True)


@pytest.mark.parametrize(
    ("place", "field", "value", "said"),
    [
        (0, "true_caption", "the shirt is to the left of the door", "its record 0 has another"),
        (9, "bbox_w", 498, "its record 9 has another bbox_w"),
        (-1, "image_path", "1.jpg", "its record 23936 has another image_path"),
        (500, "image_path", "new.jpg", "5,317 distinct values of image_path, not 5,316"),
        (500, "false_caption", "new", "26,707 distinct values of true_caption, false_caption"),
        (None, "", "", "it has 23,936 records, not 23,937"),
    ],
)  # fmt: skip
def test_a_file_that_differs_in_a_checked_record_stays_custom(
    place: int | None, field: str, value: Any, said: str, whole: Path, tmp_path: Path
) -> None:
    records = json.loads((whole / NAME).read_text())
    if place is None:
        del records[700]
    else:
        records[place][field] = value
    (tmp_path / NAME).write_text(json.dumps(records))
    info = load_task("vg-relation").info
    found = resolve_edition(info, tmp_path, with_images=False)
    assert found.name.startswith("custom-")
    assert not found.unverified
    with pytest.raises(UsageError) as caught:
        resolve_edition(info, tmp_path, "official", with_images=False)
    assert said in str(caught.value)
    assert f"read as {found.name}" in str(caught.value)


@pytest.mark.skipif(not COCO.is_file(), reason=f"{COCO} is not there")
def test_cocos_captions_written_by_another_program(tmp_path: Path) -> None:
    info = load_task("coco-retrieval").info
    path = tmp_path / COCO.name
    records = json.loads(COCO.read_text())
    path.write_text(json.dumps(records, indent=1))
    found = resolve_edition(info, tmp_path)
    assert (found.name, found.unverified) == ("official", True)
    records[9]["caption"][0] += "!"
    path.write_text(json.dumps(records))
    assert resolve_edition(info, tmp_path).name.startswith("custom-")
    assert not resolve_edition(info, COCO.parent).unverified


class Known:
    """VG-Relation, of which the first drawn captions are the official ones."""

    def __init__(self, root: Path) -> None:
        self.task = load_task("vg-relation")
        records = json.loads((root / NAME).read_text())
        content = Content(
            records=len(records),
            pinned={0: {"true_caption": f"sha256:{value_digest(records[0]['true_caption'])}"}},
        )
        self.info: TaskInfo = replace(self.task.info, content={"official": {NAME: (content,)}})

    def items(self, root: Path) -> Any:
        return self.task.items(root)


def test_the_mark_is_kept_in_the_run_and_said_once_under_tables(
    shapes: Path, copied: Path, tmp_path: Path
) -> None:
    task = Known(shapes)
    run = bb.evaluate("blind:length", task, data_root=shapes, without_images=True)
    assert run.edition == "official"
    assert bb.read_run(bb.write_run(run, tmp_path / "run.parquet")).unverified
    card = " ".join(str(bb.scorecard(run)).split())
    assert card.count(MARK) == 1
    assert card.index(MARK) > card.index("72 items")
    other = replace(run, model=replace(run.model, name="other"))
    assert " ".join(str(compare(run, other)).split()).count(MARK) == 1
    assert " ".join(str(leaderboard([run, other])).split()).count(MARK) == 1
    plain = bb.evaluate("blind:length", "vg-relation", data_root=shapes, without_images=True)
    assert not plain.unverified
    assert MARK not in " ".join(str(bb.scorecard(plain)).split())
    (copied / NAME).write_text(json.dumps(json.loads((copied / NAME).read_text()), indent=3))
    again = bb.evaluate("blind:length", task, data_root=copied, without_images=True)
    assert again.edition == "official"
    with pytest.raises(NotComparable, match=r"digest of annotations.*--common-items"):
        compare(run, again)
    assert compare(run, again, common_items=True).whole.n_items == run.counts.items


def graphs(path: Path, images: int, boxes: int, relations: int) -> None:
    with h5py.File(path, "w") as file:
        for name in ("split", "img_to_first_box", "img_to_first_rel"):
            file[name] = np.zeros(images, np.int8)
        file.create_dataset("boxes_1024", (boxes, 4), np.int8, chunks=(4096, 4))
        for name, rows in (("labels", boxes), ("predicates", relations)):
            file.create_dataset(name, (rows, 1), np.int8, chunks=(4096, 1))
        file.create_dataset("relationships", (relations, 2), np.int8, chunks=(4096, 2))


def test_scene_graphs_by_their_arrays_names_and_sizes(tmp_path: Path) -> None:
    graphs(tmp_path / "VG-SGG.h5", 108_073, 1_145_398, 622_705)
    known = {
        "label": {1: "airplane", 10: "bench", 150: "zebra"},
        "predicate": {1: "above", 10: "between", 50: "with"},
    }
    tables = {
        f"{what}_to_idx": {some.get(i, f"{what} {i}"): i for i in range(1, max(some) + 1)}
        for what, some in known.items()
    }
    (tmp_path / "VG-SGG-dicts-with-attri.json").write_text(json.dumps(tables))
    sizes = [{"image_id": i, "width": 800, "height": 600} for i in range(1, 108_078)]
    (tmp_path / "image_data.json").write_text(json.dumps(sizes))
    info = load_task("vg-relation-detection").info
    found = resolve_edition(info, tmp_path, with_images=False)
    assert (found.name, found.unverified) == ("official", True)
    (tmp_path / "image_data.json").write_text(json.dumps(sizes[:-4]))
    assert resolve_edition(info, tmp_path, with_images=False).name == "official"
    (tmp_path / "image_data.json").write_text(json.dumps(sizes[:-3]))
    with pytest.raises(UsageError, match=r"image_data\.json: it has 108,074 records, not 108,077"):
        resolve_edition(info, tmp_path, "official", with_images=False)
    (tmp_path / "image_data.json").write_text(json.dumps(sizes))
    tables["predicate_to_idx"]["with"] = 51
    (tmp_path / "VG-SGG-dicts-with-attri.json").write_text(json.dumps(tables))
    with pytest.raises(UsageError, match="its field predicate_to_idx has not 50 as with"):
        resolve_edition(info, tmp_path, "official", with_images=False)
    graphs(tmp_path / "VG-SGG.h5", 108_073, 1_145_398, 622_704)
    with pytest.raises(UsageError, match="array relationships has 622,704 rows, not 622,705"):
        resolve_edition(info, tmp_path, "official", with_images=False)


@pytest.mark.parametrize(
    ("name", "text", "content", "said"),
    [
        ("a.json", "[1, 2]", Content(records=2), "a record of it is not an object"),
        ("a.json", "{", Content(records=2), "is not valid JSON"),
        ("a.jsonl", '{"a": 1}\n{', Content(records=2), "is not valid JSON"),
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}', Content(records=2), None),
        ("a.json", "3", Content(records=2), "it has 0 records, not 2"),
        ("a.json", "[]", Content(fields={"a": 1}), "it should hold an object"),
        ("a.json", "{}", Content(fields={"a": 1}), "it has no field a"),
        ("a.json", '{"a": 1}', Content(fields={"a": None}), None),
        ("a.json", '{"a": 1}', Content(within={"a": {"b": 1}}), "has not 1 as b"),
        ("a.json", '[{"a": true}]', Content(records=1, pinned={0: {"a": 1}}), "another a than"),
        ("a.json", '[{"a": [1, 2]}, {}]', Content(records=2, total={"a": 3}), "2 values of a, not"),
        ("a.h5", "no", Arrays({"a": 1}), "it is not an HDF5 file, or not whole"),
    ],
)
def test_what_differs_is_named(
    name: str, text: str, content: Content | Arrays, said: str | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    problem = content_problem(tmp_path / name, content)
    assert problem is said if said is None else said in str(problem)
    with pytest.raises(MissingData):
        content_problem(tmp_path / f"missing-{name}", content)
