"""`benchbench data …` as typed: get, import, plan, list, on a small data set."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
import types
import zipfile
from pathlib import Path

import pytest

from benchbench.datasets import fetching
from benchbench.datasets.names import load_dataset
from benchbench.render.datasets import size_text
from tests.cli.test_cli import refused, typed
from tests.datasets.server import Answer, Server
from tests.datasets.small import IMAGES, NOTES, PHOTOGRAPHS, RELATIONS, bring, publish, sha, use

pytestmark = pytest.mark.usefixtures("waits")
TREE = [
    "shared/0.jpg", "shared/1.jpg", "shared/2.jpg", "small_set/deep/notes.txt",
    "small_set/images/0.jpg", "small_set/images/1.jpg", "small_set/images/2.jpg",
    "small_set/images/3.jpg", "small_set/shared/0.jpg", "small_set/shared/1.jpg",
    "small_set/shared/2.jpg", "small_set/visual_genome_relation.json",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)


def tree(root: Path) -> list[str]:
    found = [Path(at, name) for at, _, files in os.walk(root, followlinks=True) for name in files]
    return sorted(str(path.relative_to(root)) for path in found)


def test_get_downloads_checks_unpacks_and_links(server: Server, tmp_path: Path) -> None:
    root = tmp_path / "root"
    done = typed("data", "get", "small-set", "--root", root, "--mirror", publish(server))
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        f"data root  {root}",
        "photographs  Photographs. Licence: free",
        "small-set  A small set. Licence: free",
        f"4 to fetch, {size_text(len(PHOTOGRAPHS) + len(NOTES))} and 2 files of unknown size",
        "photographs: shared/  downloaded, 3 images",
        "small-set: visual_genome_relation.json  downloaded",
        "small-set: deep/notes.txt  downloaded",
        "small-set: images/  downloaded, 4 images",
        f"next  benchbench eval --model MODEL --task vg-relation --data-root {root}",
    ]
    assert tree(root) == TREE
    assert (root / "small_set" / "shared").readlink() == Path("../shared")
    server.requests.clear()
    again = typed("data", "get", "vg-relation", "--root", root, "--mirror", server.url)
    assert "small-set: all files are here already" in again.stdout
    assert server.requests == []
    listed = typed("data", "list", "--root", root).stdout
    assert [line.split()[:3] for line in listed.splitlines()[2:5]] == [
        ["asked-set", "–", "no"],
        ["photographs", *size_text(len(PHOTOGRAPHS)).split()],
        ["small-set", "–", "yes"],
    ]


def test_get_goes_on_where_it_was_cut(server: Server, tmp_path: Path) -> None:
    root, url = tmp_path / "root", publish(server)
    server.serve("/drive.google.com/1k", Answer(IMAGES, cut=500), Answer(status=404))
    get = ("data", "get", "small-set", "--root", root, "--mirror", url)
    error = refused(*get)
    assert "Not fetched: small-set: images/: images.zip cannot be downloaded" in error
    assert "404" in error
    there = [path for path in TREE if "images/" not in path]
    assert [path for path in tree(root) if ".part" not in path] == there
    assert (root / "small_set" / ".images.zip.part").stat().st_size == 500
    server.serve("/drive.google.com/1k", IMAGES)
    server.requests.clear()
    assert typed(*get).exit_code == 0
    assert server.ranges() == ["bytes=500-"]
    assert tree(root) == TREE


def test_get_without_images_takes_annotations_alone(server: Server, tmp_path: Path) -> None:
    url = publish(server)
    typed("data", "get", "small-set", "--root", tmp_path, "--mirror", url, "--without-images")
    assert tree(tmp_path / "small_set") == ["deep/notes.txt", "visual_genome_relation.json"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("layout", ["mirror", "flat", "by data set"])
def test_get_takes_what_was_brought(tmp_path: Path, layout: str) -> None:
    brought = bring(tmp_path / "brought")
    if layout != "mirror":
        to = brought if layout == "flat" else brought / "small-set" / "deep"
        to.mkdir(parents=True, exist_ok=True)
        (brought / "example.org/notes.txt").rename(to / "notes.txt")
        for name, new in (
            ("example.org/relations.json", "visual_genome_relation.json"),
            ("drive.google.com/1k", "images.zip"),
            ("example.org/shared.zip", "shared.zip"),
        ):
            (brought / name).rename(brought / new)
    root = tmp_path / "root"
    done = typed("data", "get", "small-set", "--root", root, "--from", brought)
    assert done.exit_code == 0, done.output
    assert tree(root) == TREE
    assert "small-set: deep/notes.txt  copied" in done.stdout


def test_what_is_brought_wrong_or_not_at_all_is_told(tmp_path: Path) -> None:
    brought, root = bring(tmp_path / "brought"), tmp_path / "root"
    (brought / "example.org/notes.txt").write_bytes(b"x" * len(NOTES))
    (brought / "drive.google.com/1k").unlink()
    get = ("data", "get", "small-set", "--root", root)
    error = refused(*get, "--from", brought)
    assert "small-set: deep/notes.txt: deep/notes.txt is another file than the published" in error
    assert "(1 more above)" in error
    assert not (root / "small_set" / "deep").exists()
    assert "There is no folder" in refused(*get, "--from", tmp_path / "none")
    assert "leave --mirror out" in refused(*get, "--from", brought, "--mirror", "https://x.org")


def test_a_file_that_differs_is_neither_replaced_nor_taken_for_the_published(
    server: Server, tmp_path: Path
) -> None:
    place = tmp_path / "small_set" / "deep" / "notes.txt"
    place.parent.mkdir(parents=True)
    place.write_text("my own")
    url = publish(server)
    error = refused("data", "get", "small-set", "--root", tmp_path, "--mirror", url)
    assert f"{place} has 6 bytes, not {len(NOTES)}. Move it away" in error
    assert place.read_text() == "my own"
    assert server.requests == []


def test_space_is_asked_for_first(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SPARE", 10**18)
    url = publish(server)
    error = refused("data", "get", "small-set", "--root", tmp_path / "r", "--mirror", url)
    assert "1,000,000,000.0 GB are needed" in error
    assert "GB free. Make room" in error
    assert server.requests == []
    assert not (tmp_path / "r").exists()


def test_what_has_to_be_requested_says_how(server: Server, tmp_path: Path) -> None:
    root = tmp_path / "root"
    get = ("data", "get", "asked-set", "--root", root, "--mirror", publish(server))
    assert "Not fetched: asked-set: asked.json: Write a letter" in refused(*get)
    (tmp_path / "asked.json").write_bytes(RELATIONS)
    assert typed("data", "get", "asked-set", "--root", root, "--from", tmp_path).exit_code == 0
    assert (root / "asked_set" / "asked.json").read_bytes() == RELATIONS


def test_google_drive_goes_through_gdown(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    bring(tmp_path / "brought")
    need = fetching.needs([load_dataset("small-set")], tmp_path / "root")[-1]
    (step,) = fetching.fetch([need])
    assert "pip install 'benchbench-vl[drive]'" in step.reason

    def download(*, id: str, output: str, quiet: bool, resume: bool) -> str:  # noqa: A002
        shutil.copy(tmp_path / "brought" / "drive.google.com" / id, output)
        return output

    module = types.ModuleType("gdown")
    module.download = download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gdown", module)
    (step,) = fetching.fetch([need])
    assert step.done == "downloaded, 4 images"


def test_import_links_what_is_there(tmp_path: Path) -> None:
    root, old = tmp_path / "root", tmp_path / "old" / "inner"
    (old / "images").mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(IMAGES)) as file:
        for name in file.namelist():
            (old / "images" / Path(name).name).write_bytes(file.read(name))
    (old / "visual_genome_relation.json").write_bytes(RELATIONS)
    (old / "notes.txt").write_bytes(b"other notes")
    done = typed("data", "import", tmp_path / "old", "--root", root)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "small-set: A small set",
        f"  linked  visual_genome_relation.json → {old}/visual_genome_relation.json",
        f"  linked  images/ → {old}/images",
        f"  differs {old}/notes.txt: its digest is {sha(b'other notes')[:19]}…, not "
        f"{sha(NOTES)[:19]}…",
        "  missing deep/notes.txt",
        "No other data set was recognised.",
        f"data root  {root}",
    ]
    assert (root / "small_set" / "images").readlink() == old / "images"
    (old / "deep").mkdir()
    (old / "deep" / "notes.txt").write_bytes(NOTES)
    again = typed("data", "import", old, "small-set", "--root", root).stdout
    assert f"  linked  deep/notes.txt → {old}/deep/notes.txt" in again
    assert "  here    images/" in again
    assert typed("data", "verify", "small-set", "--root", root).exit_code == 1, "shared/ is missing"
    run = typed(
        "eval", "--model", "blind:length", "--task", "vg-relation", "--data-root", root,
        "--out", tmp_path / "run.parquet",
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert "8 items" in run.stdout


def test_import_joins_the_parts_of_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with zipfile.ZipFile(io.BytesIO(IMAGES)) as file:
        for i, name in enumerate(file.namelist()):
            part = tmp_path / "vg" / f"part{1 + i % 2}"
            part.mkdir(parents=True, exist_ok=True)
            (part / Path(name).name).write_bytes(file.read(name))
    done = typed("data", "import", tmp_path / "vg", "vg-relation", "--root", root)
    assert f"  linked  images/ → {tmp_path}/vg/part1 and {tmp_path}/vg/part2" in done.stdout
    assert sorted(each.name for each in (root / "small_set" / "images").iterdir()) == [
        f"{i}.jpg" for i in range(4)
    ]


def test_import_of_nothing_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    assert "No file of a known data set" in refused("data", "import", tmp_path / "old")
    assert "There is no folder" in refused("data", "import", tmp_path / "none")


def test_a_plan_lists_all_that_is_missing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    plan = ("data", "plan")
    for ending in (".csv", ".json", ".aria2", ".txt"):
        done = typed(*plan, tmp_path / f"p{ending}", "small-set", "asked-set", "--root", root)
        assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert rows == json.loads((tmp_path / "p.json").read_text())
    assert [row["save_as"] for row in rows] == [
        "gone.example.org/shared.zip", "example.org/shared.zip", "example.org/relations.json",
        "example.org/notes.txt", "drive.google.com/1k", "asked.json",
    ]  # fmt: skip
    assert rows[3]["digest"] == sha(NOTES)
    assert rows[3]["bytes"] == str(len(NOTES))
    assert rows[5]["note"] == "Write a letter."
    assert (tmp_path / "p.txt").read_text().splitlines() == [
        "https://gone.example.org/shared.zip",
        "https://example.org/relations.json",
        "https://example.org/notes.txt",
        "https://drive.google.com/uc?id=1k",
    ]
    aria2 = (tmp_path / "p.aria2").read_text().splitlines()
    assert aria2[:2] == [
        "https://gone.example.org/shared.zip\thttps://example.org/shared.zip",
        "  out=gone.example.org/shared.zip",
    ]
    assert f"  checksum=sha-256={sha(NOTES)[7:]}" in aria2
    brought = bring(tmp_path / "brought")
    typed("data", "get", "small-set", "--root", root, "--from", brought)
    left = typed(*plan, tmp_path / "left.csv", "small-set", "--root", root)
    assert "0 to fetch, 0 bytes" in left.stdout
    assert "A plan ends in .csv" in refused(*plan, tmp_path / "p.xml", "small-set")


def test_an_evaluation_without_data_says_the_one_command(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = ("eval", "--model", "blind:length", "--task", "vg-relation")
    error = refused(*run, "--data-root", tmp_path / "empty", "--out", tmp_path / "run.parquet")
    assert error.endswith(f"Type: benchbench data get vg-relation --root {tmp_path / 'empty'}")
    error = refused(*run, "--edition", "official")
    assert error.endswith("Or download them: benchbench data get vg-relation")
    assert "leave out --edition scenes" in refused(*run, "--get", "--edition", "scenes")
    assert "No data set is known for sugarcrepe" in refused(
        "eval", "--model", "blind:length", "--task", "sugarcrepe", "--get"
    )
