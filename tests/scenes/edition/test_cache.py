"""Drawn parts in the cache: made when asked for, made anew when wrong, by two at once."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import h5py
import pytest
from PIL import Image

from benchbench.data.records import file_sha256
from benchbench.errors import UsageError
from benchbench.leftovers import release, temporary_path
from benchbench.scenes.edition import (
    ALL_PARTS,
    PROVIDED,
    ensure_annotations,
    ensure_drawn,
    export,
    folder_of,
    is_drawn,
    manifest,
    part_with,
    reference_digests,
    standard_digests,
)
from benchbench.scenes.edition.folders import files_in
from benchbench.scenes.edition.plan import WrittenFiles
from tests.conftest import export_small


def test_a_part_provides_what_it_writes_and_no_more(small_standard: None) -> None:
    for part in ALL_PARTS:
        root = ensure_drawn(part).root
        folders = {path.parent for path in root.rglob("*.png")}
        files = {path.name for path in root.iterdir() if path.is_file()}
        there = {f"{path.relative_to(root).as_posix()}/" for path in folders} | files
        assert there == {*PROVIDED[part], "edition.json"}
        assert is_drawn(part)


def test_a_part_is_found_by_the_files_that_it_has() -> None:
    assert part_with(["visual_genome_relation.json", "images/"]) == "vg-relation"
    assert part_with(["visual_genome_attribution.json", "images/"]) == "vg-attribution"
    assert part_with(["visual_genome_relation.json", "visual_genome_attribution.json"]) is None
    assert part_with(["coco_karpathy_test.json"]) == "karpathy"
    assert part_with(["VG-SGG.h5", "VG_100K/"]) == "vg150"
    assert part_with(["visual_genome_relation.json", "classes.json"]) is None
    assert part_with(["images/"]) is None
    assert part_with([]) is None


def test_a_part_is_drawn_once(small_standard: None) -> None:
    told: list[str] = []
    root = ensure_drawn("vg-relation", lambda what, *_: told.append(what)).root
    assert (
        root
        == Path(os.environ["BENCHBENCH_CACHE"]) / "scenes-v2" / "vg-relation"
        == folder_of("vg-relation")
    )
    assert [*dict.fromkeys(told)] == [
        "drawing relation scenes", "drawing relation images", "drawing ARO items",
    ]  # fmt: skip
    said = manifest(root)
    assert said is not None
    assert (said["name"], said["standard"], said["parts"]) == ("scenes-v2", True, ["vg-relation"])
    told.clear()
    assert ensure_drawn("vg-relation", lambda what, *_: told.append(what)).root == root
    assert not told
    assert not is_drawn("karpathy")


def images(root: Path) -> list[Path]:
    return sorted((root / "images" / "relation").iterdir())


def lose_an_image(root: Path) -> None:
    images(root)[0].unlink()


def change_a_caption(root: Path) -> None:
    path = root / "visual_genome_relation.json"
    path.write_text(path.read_text().replace("the ", "a ", 1))


def another_version(root: Path) -> None:
    path = root / "edition.json"
    path.write_text(path.read_text().replace("scenes-v2", "scenes-v1"))


def no_standard(root: Path) -> None:
    path = root / "edition.json"
    path.write_text(path.read_text().replace('"standard":true', '"standard":"true"'))


def change_a_caption_and_vouch_for_it(root: Path) -> None:
    path, said = root / "visual_genome_relation.json", root / "edition.json"
    before = file_sha256(path)
    change_a_caption(root)
    assert before in said.read_text()
    said.write_text(said.read_text().replace(before, file_sha256(path)))


def change_a_pixel(root: Path) -> None:
    path = images(root)[3]
    image = Image.open(path).convert("RGB")
    image.putpixel((5, 7), (1, 2, 3))
    image.save(path)


def cut_an_image_short(root: Path) -> None:
    path = images(root)[3]
    path.write_bytes(path.read_bytes()[:-100])


def add_an_image(root: Path) -> None:
    (images(root)[0].parent / "999999.png").write_bytes(images(root)[9].read_bytes())


def exchange_images(root: Path) -> None:
    one, other, *_ = images(root)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


@pytest.mark.parametrize("looked_at", [True, False])
@pytest.mark.parametrize(
    "damage",
    [
        lose_an_image,
        change_a_caption,
        another_version,
        no_standard,
        change_a_caption_and_vouch_for_it,
        change_a_pixel,
        cut_an_image_short,
        add_an_image,
        exchange_images,
    ],
)
def test_a_wrong_part_is_drawn_anew(small_standard: None, damage: object, looked_at: bool) -> None:
    root = ensure_drawn("vg-relation").root
    assert not looked_at or is_drawn("vg-relation")
    before = {name: (root / name).read_bytes() for name in files_in(root)}
    assert callable(damage)
    damage(root)
    assert not is_drawn("vg-relation")
    assert ensure_drawn("vg-relation").root == root
    assert {name: (root / name).read_bytes() for name in files_in(root)} == before
    assert [path.name for path in root.parent.iterdir()] == ["vg-relation"]


def test_the_same_pixels_in_other_bytes_are_the_same_edition(small_standard: None) -> None:
    root = ensure_drawn("vg-relation").root
    for path in images(root):
        Image.open(path).convert("RGB").save(path, compress_level=9)
    assert is_drawn("vg-relation")


def test_pixels_are_decoded_once(small_standard: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: object) -> str:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(reference_digests, "pixels_digest", never)
        root = ensure_drawn("vg-relation").root
        assert is_drawn("vg-relation"), "what was just drawn is known"
    for path in images(root):
        Image.open(path).convert("RGB").save(path, compress_level=9)
    assert is_drawn("vg-relation")
    monkeypatch.setattr(reference_digests, "pixels_digest", never)
    assert is_drawn("vg-relation")
    cut_an_image_short(root)
    with pytest.raises(AssertionError):
        is_drawn("vg-relation")


def test_a_cache_that_cannot_be_written_is_looked_at_all_the_same(
    small_standard: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = export_small(tmp_path / "elsewhere", "vg-relation")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "file"))
    assert standard_digests(root, PROVIDED["vg-relation"])
    change_a_pixel(root)
    assert not standard_digests(root, PROVIDED["vg-relation"])


def test_an_edition_of_other_counts_is_not_the_standard_one(small_standard: None) -> None:
    root = export(folder_of("vg-relation"), parts=["vg-relation"], images=4, size=96)
    assert not standard_digests(root, PROVIDED["vg-relation"])
    ensure_drawn("vg-relation")
    assert len(images(root)) > 10


def test_every_part_of_one_folder_is_the_standard_one(small_standard: None, tmp_path: Path) -> None:
    root = export_small(tmp_path / "all")
    assert (root / "images" / "relation").is_dir()
    for part in ALL_PARTS:
        assert standard_digests(root, PROVIDED[part]), part
    images(root)[0].unlink()
    found = {part for part in ALL_PARTS if standard_digests(root, PROVIDED[part])}
    assert found == {*ALL_PARTS} - {"vg-relation"}


def test_graphs_are_compared_by_what_they_hold(small_standard: None) -> None:
    root = ensure_drawn("vg150").root
    path = root / "VG-SGG.h5"
    with h5py.File(path) as file:
        arrays = {name: file[name][()] for name in file}

    def rewrite() -> None:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array, compression="gzip")

    rewrite()
    assert is_drawn("vg150")
    arrays["labels"][0] += 1
    rewrite()
    assert not is_drawn("vg150")
    path.write_bytes(b"half")
    assert not is_drawn("vg150")
    ensure_drawn("vg150")
    assert is_drawn("vg150")


@pytest.mark.parametrize("at", ["drawing relation images", "drawing ARO items"])
def test_an_interrupted_drawing_leaves_nothing_that_counts(small_standard: None, at: str) -> None:
    def interrupt(what: str, *_: int) -> None:
        if what == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_drawn("vg-relation", interrupt)
    assert not is_drawn("vg-relation")
    (left,) = folder_of("vg-relation").parent.iterdir()
    assert left.name.startswith(".vg-relation.")
    assert is_drawn(ensure_drawn("vg-relation").root.name)
    assert [path.name for path in folder_of("vg-relation").parent.iterdir()] == ["vg-relation"]


def test_what_is_left_beside_a_part_that_is_there_goes(small_standard: None) -> None:
    root = ensure_drawn("vg-relation").root
    temporary_path(root).mkdir()
    (mine,) = (path for path in root.parent.iterdir() if path != root)
    release(mine, root)
    temporary_path(root).mkdir()
    ensure_drawn("vg-relation")
    assert len(list(root.parent.iterdir())) == 2, "what a living process makes stays"


def test_a_full_disk_is_told_and_leaves_nothing(
    small_standard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("benchbench.scenes.edition.images._save", full)
        with pytest.raises(UsageError, match=r"No space left on device\..*BENCHBENCH_CACHE names"):
            ensure_drawn("vg-relation")
    assert not list(folder_of("vg-relation").parent.iterdir())


def test_a_cache_that_cannot_be_is_named(
    small_standard: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"Not a directory\..*BENCHBENCH_CACHE names"):
        ensure_drawn("vg-relation")
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    folder_of("vg-relation").mkdir(parents=True)
    (folder_of("vg-relation") / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"thesis\.txt.*BENCHBENCH_CACHE names"):
        ensure_drawn("vg-relation")


def test_two_processes_at_once(small_standard: None) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_keep_small) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert is_drawn("vg-relation")
    assert [path.name for path in folder_of("vg-relation").parent.iterdir()] == ["vg-relation"]


def _keep_small() -> None:
    """Run in a process of its own, which inherits the variable BENCHBENCH_CACHE."""
    from tests.conftest import shrink

    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        for _ in range(3):
            image = ensure_drawn("vg-relation").root / "images" / "relation" / "000002.png"
            image.unlink(missing_ok=True)
        ensure_drawn("vg-relation")


def test_the_standard_edition_is_pinned(standard_cache: Path) -> None:
    said = manifest(standard_cache / "scenes-v2" / "vg-relation")
    assert said is not None
    assert said["standard"]
    assert (said["images"], said["each"], said["size"]) == (1000, 300, 224)
    assert said["counts"] == {"visual_genome_relation.json": 4200, "images/relation": 3002}
    assert {name: digest[:16] for name, digest in said["digests"].items()} == {
        "images/relation": "17af7cb50af13322",
        "visual_genome_relation.json": "df8174630448d978",
    }
    assert len(images(standard_cache / "scenes-v2" / "vg-relation")) == 3002


def test_the_package_knows_what_every_part_holds() -> None:
    names = {name.rstrip("/") for provided in PROVIDED.values() for name in provided}
    assert set(reference_digests.known_digests()) == names


def test_what_is_drawn_is_what_the_package_knows(
    standard_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert standard_digests(standard_cache / "scenes-v2" / "vg-relation", PROVIDED["vg-relation"])
    monkeypatch.setattr(
        "benchbench.scenes.edition.exporting.write_images", lambda *_: WrittenFiles()
    )
    said = manifest(export(tmp_path / "graphs", parts=["vg150"]))
    assert said is not None
    known = reference_digests.known_digests()
    written = {name: digest for name, digest in said["digests"].items() if digest}
    assert len(written) == 4
    assert written == {name: known[name] for name in written}


def test_annotations_alone_are_those_of_the_drawn_part(small_standard: None) -> None:
    for part in ALL_PARTS:
        root, digests = ensure_annotations(part)
        assert not is_drawn(part)
        assert not list(root.rglob("*.png"))
        drawn = ensure_drawn(part)
        assert digests == drawn.digests
        for name in digests:
            if not name.endswith(".h5"):
                assert (root / name).read_bytes() == (drawn.root / name).read_bytes()
        assert ensure_annotations(part) == drawn


def test_annotations_are_made_once_and_anew_where_they_are_wrong(small_standard: None) -> None:
    root = ensure_annotations("winoground").root
    file = root / "examples.jsonl"
    before = file.stat().st_mtime_ns
    assert ensure_annotations("winoground").root == root
    assert file.stat().st_mtime_ns == before
    content = file.read_bytes()
    file.write_text("{}")
    assert ensure_annotations("winoground").root == root
    assert file.read_bytes() == content
