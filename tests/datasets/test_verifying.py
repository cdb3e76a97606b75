"""`benchbench data verify`: counts against plain loops; what is damaged is found."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchbench.datasets import names
from benchbench.datasets.manifest import Dataset, File, Folder
from benchbench.datasets.tallies import DIFFER, tally
from benchbench.datasets.verifying import verify
from benchbench.errors import MissingData
from benchbench.registry import load_task
from benchbench.types import Content
from tests.cli.test_cli import refused, typed
from tests.conftest import SHARED
from tests.datasets.small import SMALL_SET, bring, use

RELATIONS = "visual_genome_relation.json"


def tallied(task: str, root: Path) -> Any:
    return tally(load_task(task).items(root))


def test_counts_of_photographs_equal_plain_loops(vrd: Path) -> None:
    records = json.loads((vrd / RELATIONS).read_text())
    found = tallied("vg-relation", vrd)
    boxes = {(r["image_path"], r["bbox_x"], r["bbox_y"], r["bbox_w"], r["bbox_h"]) for r in records}
    assert (found.items, found.regions) == (len(records), len(boxes)) == (5300, len(boxes))
    captions = [r[name] for r in records for name in ("true_caption", "false_caption")]
    assert (found.captions, found.distinct_captions) == (len(captions), len(set(captions)))
    assert found.files == len({r["image_path"] for r in records}) == 934
    per_image: dict[str, int] = {}
    for r in records:
        per_image[r["image_path"]] = per_image.get(r["image_path"], 0) + 1
    assert found.clusters[0] == 934
    assert found.clusters[3] == max(per_image.values())
    assert math.isclose(found.clusters[2], 5300 / 934)
    assert found.no_ops == sum(r["true_caption"] == r["false_caption"] for r in records)
    seen = set()
    duplicates = 0
    for r in records:
        key = json.dumps([r[k] for k in sorted(r) if k.startswith(("bbox", "image_path", "true"))])
        key += r["false_caption"]
        duplicates += key in seen
        seen.add(key)
    assert found.duplicates == duplicates
    low, high = found.detectable
    z = 1.959964 + 0.841621
    assert math.isclose(low, z * math.sqrt(DIFFER / 5300), rel_tol=1e-5)
    alike = sum(n * n for n in per_image.values())
    assert math.isclose(high, z * math.sqrt(DIFFER * alike) / 5300, rel_tol=1e-5)


def test_no_ops_and_exchanged_captions_are_counted(copied: Path) -> None:
    path = copied / RELATIONS
    records = json.loads(path.read_text())
    before = tallied("vg-relation", copied)
    same = {**records[0], "false_caption": f" {records[0]['true_caption'].upper()}"}
    turned = {
        **records[1],
        "true_caption": records[1]["false_caption"],
        "false_caption": records[1]["true_caption"],
    }
    path.write_text(json.dumps([*records, same, turned, records[2]]))
    found = tallied("vg-relation", copied)
    assert found.no_ops == before.no_ops + 1
    assert found.symmetric == before.symmetric + 2
    assert found.duplicates == before.duplicates + 1


def test_scenes_and_entries_are_counted(drawn_graphs: Path, drawn_edition: Path) -> None:
    scenes = load_task("vg-relation-detection").items(drawn_graphs)
    found = tallied("vg-relation-detection", drawn_graphs)
    assert found.relations == sum(len(each.relations) for each in scenes) > 0
    assert (found.items, found.captions) == (len(scenes), 0)
    assert math.isnan(found.detectable[0])
    entries = load_task("coco-retrieval").items(drawn_edition)
    found = tallied("coco-retrieval", drawn_edition)
    texts = list(itertools.chain.from_iterable(entry.captions for entry in entries))
    assert (found.captions, found.distinct_captions) == (len(texts), len(set(texts)))


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with the small data sets."""
    use(monkeypatch)
    root = tmp_path / "root"
    done = typed(
        "data", "get", "small-set", "--root", root, "--from", bring(tmp_path / "brought")
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return root


def test_a_sound_data_set_is_a_page_and_exit_code_0(fetched: Path) -> None:
    done = typed("data", "verify", "vg-relation", "--root", fetched)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "small-set: A small set",
        f"folder: {fetched}/small_set/",
        "  visual_genome_relation.json  1,480 bytes, content as published; no digest is known",
        "  deep/notes.txt               11 bytes, SHA-256 as published",
        "  images/                      4 images, all readable",
        "  shared/                      linked",
        "vg-relation",
        "  8 items · 4 image files · 8 distinct images and crops",
        "  16 captions, 2 distinct · 0 duplicate items · 0 with a no-op negative · 0 with both "
        "orders true",
        "  4 source images with 2.0 items on average (median 2, most 2)",
        "  minimum detectable difference 44.3 points, or 62.6 where items of an image are answered "
        "alike (two models that differ on 20.0 % of items)",
        "All as published.",
    ]
    everything = typed("data", "verify", "--root", fetched)
    assert everything.exit_code == 0
    assert [line for line in everything.stdout.splitlines() if line.startswith("folder")] == [
        f"folder: {fetched}/",
        f"folder: {fetched}/small_set/",
    ]


def _damaged(root: Path, what: str) -> None:
    small = root / "small_set"
    if what == "image":
        (small / "images" / "2.jpg").write_bytes(b"no image")
    elif what == "gone":
        (small / "images" / "2.jpg").unlink()
    elif what == "notes":
        (small / "deep" / "notes.txt").write_bytes(b"other notes")
    elif what == "missing":
        (small / "deep" / "notes.txt").unlink()
    elif what == "records":
        records = json.loads((small / RELATIONS).read_text())
        (small / RELATIONS).write_text(json.dumps(records[:-1]))
    elif what == "crop":
        records = json.loads((small / RELATIONS).read_text())
        records[3]["bbox_x"] = 500
        (small / RELATIONS).write_text(json.dumps(records))
    elif what == "field":
        records = json.loads((small / RELATIONS).read_text())
        del records[3]["true_caption"]
        (small / RELATIONS).write_text(json.dumps(records))
    else:
        (small / "shared").unlink()


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        ("image", ["DIFFERS  1 of 4 images unreadable: Not an image", "DIFFERS  1 images cannot"]),
        ("gone", ["DIFFERS  3 images, not 4", "DIFFERS  1 images cannot be read: Image not found"]),
        ("notes", ["deep/notes.txt               DIFFERS  its digest is sha256:"]),
        ("missing", ["deep/notes.txt               MISSING"]),
        ("records", ["DIFFERS  it has 7 records, not 8"]),
        ("crop", ["DIFFERS  1 crops give no image: (500, 0, 523, 20) of "]),
        ("field", ["DIFFERS  ", "record 3: no field 'true_caption'"]),
        ("link", ["shared/                      MISSING"]),
    ],
)
def test_what_differs_is_found_and_exit_code_1(fetched: Path, what: str, lines: list[str]) -> None:
    _damaged(fetched, what)
    done = typed("data", "verify", "small-set", "--root", fetched)
    assert done.exit_code == 1, done.output
    for line in lines:
        assert line in done.stdout
    assert done.stdout.splitlines()[-1] == "Something differs from what is published."
    if what in ("image", "gone", "crop"):
        annotations = typed(
            "data", "verify", "small-set", "--root", fetched, "--without-images"
        )  # fmt: skip
        assert annotations.exit_code == 0


def test_another_release_is_as_published(tmp_path: Path) -> None:
    suite = SHARED / "suites" / "sugarcrepe"
    if not suite.is_dir():
        pytest.skip("no annotations beside the checkout")
    root = tmp_path / "sugarcrepe"
    shutil.copytree(suite, root)
    shutil.copyfile(suite / "2023-06-23" / "swap_obj.json", root / "swap_obj.json")
    done = typed("data", "verify", "sugarcrepe", "--root", tmp_path, "--without-images")
    assert done.exit_code == 0
    assert "swap_obj.json     57,773 bytes, as of another release" in done.stdout
    assert "7,512 items · 1,561 image files" in done.stdout


def test_nothing_to_verify_is_one_line(tmp_path: Path) -> None:
    assert "No data set is in" in refused("data", "verify", "--root", tmp_path / "root")
    with pytest.raises(MissingData):
        list(verify([], tmp_path))
    done = typed("data", "verify", "aro", "--root", tmp_path)
    assert done.exit_code == 1
    assert done.stdout.count("MISSING") == 3


def test_a_flat_data_root_is_verified_in_its_place(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "flat"
    shutil.copytree(shapes, root)
    n = len(json.loads((root / RELATIONS).read_text()))
    images = len(list((root / "images").iterdir()))
    own: Dataset = replace(
        SMALL_SET,
        files=(File(RELATIONS, content=Content(n)),),
        folders=(Folder("images/", (), images, images, 10**9, like="*"),),
        links=(),
    )
    monkeypatch.setattr(names, "_found", lambda: {"small-set": lambda: own})
    (report,) = verify(["vg-relation"], root)
    assert report.fine
    assert report.folder == root
    assert report.read[0].tally is not None
    assert report.read[0].tally.items == n


def test_a_file_that_is_known_by_its_columns_alone_is_not_called_as_published(
    tmp_path: Path,
) -> None:
    from tests.suites.svo_probes import write

    write(tmp_path)
    report = next(verify(["svo-probes"], tmp_path, images=False))
    assert report.fine
    assert "fields as published; its records are not known" in report.checked[0].state
    said = typed("data", "verify", "svo-probes", "--root", tmp_path, "--without-images").output
    assert "Nothing differs, but of some files only the names of fields are known." in said
    assert "All as published" not in said


def test_other_captions_under_the_published_name_are_not_as_published(tmp_path: Path) -> None:
    records = [
        {"image": f"flickr30k-images/{i}.jpg", "caption": [f"a dog, {i}.{k}" for k in range(5)]}
        for i in range(1000)
    ]
    (tmp_path / "flickr30k_test.json").write_text(json.dumps(records))
    report = next(verify(["flickr30k"], tmp_path, images=False))
    assert "has another image than the official one" in report.checked[0].state
    assert [read.task for read in report.read] == ["flickr30k-retrieval"]


def test_files_at_the_top_count_where_a_task_reads_them_there_alone(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"a": 1}\n')
    bivlc, aro = names.load_dataset("bivlc"), names.load_dataset("aro")
    assert names.home(bivlc, tmp_path) == tmp_path / "bivlc"
    assert not names.is_here(bivlc, tmp_path)
    (tmp_path / RELATIONS).write_text("[]")
    assert names.home(aro, tmp_path) == tmp_path


def test_a_data_sets_own_folder_as_root_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "cola").mkdir()
    (tmp_path / "cola" / names.load_dataset("cola").files[0].path).write_text("[]")
    report = next(verify(["cola"], tmp_path / "cola", images=False))
    assert report.root_above == tmp_path
    assert next(verify(["cola"], tmp_path, images=False)).root_above is None


def test_what_get_cannot_bring_is_told_in_place_of_a_command_that_would_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchbench.datasets.fetching.needs", lambda *_, **__: [])
    said = typed("data", "get", "eccv-caption", "--root", tmp_path, "--without-images").output
    assert "missing  eccv_caption/eccv_image_to_caption.json" in said
    assert "put ROOT/annotations/captions_val2014.json there" in said
    assert "next  benchbench eval" not in said
