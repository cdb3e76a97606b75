"""Facts about image files: used only for the file that was read."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

from benchbench.data import image_facts
from benchbench.data.headers import Header
from benchbench.data.image_facts import SETTLED, ImageFacts, file_system_of

HEADER = Header((40, 30), False, True, False, False)
pytestmark = pytest.mark.skipif(
    not image_facts.MOUNTS.exists(), reason="facts are noted on Linux alone"
)


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of a test was written two minutes ago, on a local file system."""
    clock(monkeypatch, 2 * SETTLED)
    monkeypatch.setattr(image_facts, "file_system_of", lambda folder, device: "ext4")


def clock(monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    """Set the clock ahead by so many nanoseconds."""
    monkeypatch.setattr(image_facts, "time_ns", lambda: time.time_ns() + ahead)


def digest(path: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def written(path: Path, content: bytes = b"one") -> Path:
    """A file with some content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def noted(folder: Path, *paths: Path) -> ImageFacts:
    """Facts in a cache folder, with those of some files noted and saved."""
    facts = ImageFacts(folder)
    for path in paths:
        facts.note(path, facts.begin(path), sha256=digest(path), decodes=True, header=HEADER)
    facts.save()
    return facts


def test_facts_are_there_for_the_next_process(tmp_path: Path) -> None:
    path = written(tmp_path / "a b" / "ä\udcff.jpg")
    noted(tmp_path / "cache", path)
    found = ImageFacts(tmp_path / "cache").known(path)
    assert found is not None
    assert (found.sha256, found.decodes, found.header) == (digest(path), True, HEADER)
    assert ImageFacts(tmp_path / "cache").known(path.with_name("other.jpg")) is None
    assert ImageFacts(tmp_path / "none").known(path) is None


def test_what_is_read_apart_is_noted_together(tmp_path: Path) -> None:
    path, facts = written(tmp_path / "1.jpg"), ImageFacts(tmp_path / "cache")
    facts.note(path, facts.begin(path), header=HEADER)
    facts.note(path, facts.begin(path), sha256="0" * 64)
    found = facts.known(path)
    assert found is not None
    assert (found.header, found.sha256, found.decodes) == (HEADER, "0" * 64, False)


def test_a_file_of_the_same_size_and_time_is_another(tmp_path: Path) -> None:
    path = written(tmp_path / "1.jpg")
    facts, before = noted(tmp_path / "cache", path), path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    for known in (facts, ImageFacts(tmp_path / "cache")):
        assert known.known(path) is None


def test_a_file_that_is_renamed_to_the_place_of_another_is_another(tmp_path: Path) -> None:
    path, other = written(tmp_path / "1.jpg"), written(tmp_path / "2.jpg", b"two")
    noted(tmp_path / "cache", path, other)
    shutil.copystat(path, other)
    other.replace(path)
    assert ImageFacts(tmp_path / "cache").known(path) is None


def test_a_link_that_is_turned_leads_to_another(tmp_path: Path) -> None:
    one, two = written(tmp_path / "1.jpg"), written(tmp_path / "2.jpg", b"two")
    link = tmp_path / "link.jpg"
    link.symlink_to(one)
    noted(tmp_path / "cache", link)
    assert ImageFacts(tmp_path / "cache").known(link) is not None
    link.unlink()
    link.symlink_to(two)
    assert ImageFacts(tmp_path / "cache").known(link) is None


def test_a_copied_tree_has_no_facts_there_or_back(tmp_path: Path) -> None:
    path = written(tmp_path / "root" / "1.jpg")
    noted(tmp_path / "cache", path)
    shutil.copytree(tmp_path / "root", tmp_path / "copy")  # times are those of the original
    assert ImageFacts(tmp_path / "cache").known(tmp_path / "copy" / "1.jpg") is None
    shutil.rmtree(tmp_path / "root")
    shutil.copytree(tmp_path / "copy", tmp_path / "root")
    assert ImageFacts(tmp_path / "cache").known(path) is None


def test_a_folder_that_is_moved_to_the_place_of_another_has_no_facts(tmp_path: Path) -> None:
    path, other = written(tmp_path / "root" / "1.jpg"), written(tmp_path / "new" / "1.jpg", b"two")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    noted(tmp_path / "cache", path)
    shutil.rmtree(tmp_path / "root")
    (tmp_path / "new").rename(tmp_path / "root")
    assert ImageFacts(tmp_path / "cache").known(path) is None


def test_a_file_that_changed_a_moment_ago_is_not_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "1.jpg")
    for ahead in (0, SETTLED // 2, -SETTLED):
        clock(monkeypatch, ahead)
        assert noted(tmp_path / "cache", path).known(path) is None
    os.utime(path, ns=(0, 0))  # the time of change is now
    clock(monkeypatch, 0)
    assert noted(tmp_path / "cache", path).known(path) is None
    assert not (tmp_path / "cache").exists()


def test_a_file_with_a_time_to_come_is_not_noted(tmp_path: Path) -> None:
    path, ahead = written(tmp_path / "1.jpg"), time.time_ns() + 10 * SETTLED
    os.utime(path, ns=(ahead, ahead))
    assert noted(tmp_path / "cache", path).known(path) is None


def test_facts_from_a_time_to_come_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "1.jpg")
    noted(tmp_path / "cache", path)
    clock(monkeypatch, SETTLED)  # set back by a minute
    assert ImageFacts(tmp_path / "cache").known(path) is None
    clock(monkeypatch, 3 * SETTLED)
    assert ImageFacts(tmp_path / "cache").known(path) is not None


def test_a_file_that_changes_while_it_is_read_is_not_noted(tmp_path: Path) -> None:
    path, facts = written(tmp_path / "1.jpg"), ImageFacts(tmp_path / "cache")
    begun = facts.begin(path)
    path.write_bytes(b"two")
    facts.note(path, begun, sha256="0" * 64)
    assert facts.known(path) is None
    path.unlink()
    facts.note(path, facts.begin(path), sha256="0" * 64)
    assert facts.known(path) is None


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "squashfs", "vfat", ""])
def test_nothing_is_noted_on_other_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = written(tmp_path / "1.jpg")
    noted(tmp_path / "cache", path)
    monkeypatch.setattr(image_facts, "file_system_of", lambda folder, device: kind)
    assert ImageFacts(tmp_path / "cache").known(path) is None
    assert noted(tmp_path / "further", path).known(path) is None
    assert not (tmp_path / "further").exists()


def test_a_file_on_another_device_than_its_folder_is_not_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "1.jpg")
    stamp = image_facts._stamp

    def elsewhere(each: Path) -> image_facts.Stamp | None:
        found = stamp(each)
        return found and (*found[:4], found[4] + 1)

    monkeypatch.setattr(image_facts, "_stamp", elsewhere)
    assert noted(tmp_path / "cache", path).known(path) is None


MOUNTS = """\
22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
23 22 0:40 / /data rw - nfs4 server:/data rw
24 22 8:2 / /data/a\\040b rw,relatime shared:2 master:1 - xfs /dev/sdb rw
25 22 0:41 /sub /fast rw - btrfs /dev/sdc rw
26 22 8:3 / /old rw - ext4 /dev/sdd rw
27 22 0:42 / /old rw - fuse.sshfs host: rw
"""


@pytest.mark.parametrize(
    ("folder", "device", "kind"),
    [
        ("/home/x", (8, 1), "ext4"),
        ("/database", (8, 1), "ext4"),
        ("/data", (0, 40), "nfs4"),
        ("/data/images", (0, 40), "nfs4"),
        ("/data/a b/images", (8, 2), "xfs"),
        ("/data/a b/images", (0, 40), ""),  # hidden by a later mount above it
        ("/fast/images", (0, 77), "btrfs"),
        ("/old/images", (0, 42), "fuse.sshfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, device: tuple[int, int], kind: str
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(image_facts, "MOUNTS", tmp_path / "mounts")
    assert file_system_of(Path(folder), os.makedev(*device)) == kind


def test_there_is_no_file_system_where_no_mounts_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_facts, "MOUNTS", tmp_path / "none")
    assert file_system_of(tmp_path, tmp_path.stat().st_dev) == ""


def test_a_damaged_file_of_facts_is_ignored_and_made_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "1.jpg")
    noted(tmp_path / "cache", path)
    (place,) = (tmp_path / "cache").iterdir()
    content = place.read_bytes()
    for i in range(len(content)):
        place.write_bytes(content[:i] + bytes([content[i] ^ 0x10]) + content[i + 1 :])
        found = ImageFacts(tmp_path / "cache").known(path)
        assert found is None or found.sha256 == digest(path), i  # a space may be another space
        place.write_bytes(content[:i])
        assert ImageFacts(tmp_path / "cache").known(path) is None, i
    assert ImageFacts(tmp_path / "cache").verify() == (0, 1)
    assert not place.exists()
    noted(tmp_path / "cache", path)
    assert ImageFacts(tmp_path / "cache").known(path) is not None


def test_facts_of_another_reader_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "1.jpg")
    noted(tmp_path / "cache", path)
    monkeypatch.setattr(image_facts, "_reader", lambda: "another Pillow")
    assert ImageFacts(tmp_path / "cache").known(path) is None
    assert ImageFacts(tmp_path / "cache").verify() == (0, 0)
    noted(tmp_path / "cache", path)
    assert ImageFacts(tmp_path / "cache").known(path) is not None


def test_two_processes_keep_each_others_facts(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"{i}.jpg") for i in range(2)]
    both = [ImageFacts(tmp_path / "cache") for _ in paths]
    for facts, path in zip(both, paths, strict=True):
        facts.note(path, facts.begin(path), sha256=digest(path))
    for facts in both:
        facts.save()
    third = ImageFacts(tmp_path / "cache")
    assert all(third.known(path) for path in paths)


def test_what_was_used_longest_ago_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [written(tmp_path / str(i) / "1.jpg") for i in range(3)]
    for i, path in enumerate(paths):
        noted(tmp_path / "cache", path)
        for place in (tmp_path / "cache").iterdir():
            os.utime(place, (i, i)) if place.stat().st_mtime > 10 else None
    size = max(place.stat().st_size for place in (tmp_path / "cache").iterdir())
    monkeypatch.setattr(image_facts, "LIMIT", 2 * size)
    ImageFacts(tmp_path / "cache").make_room()
    known = [bool(ImageFacts(tmp_path / "cache").known(path)) for path in paths]
    assert known == [False, True, True]


def test_a_folder_has_facts_of_so_many_files_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_facts, "MOST", 2)
    paths = [written(tmp_path / f"{i}.jpg") for i in range(4)]
    noted(tmp_path / "cache", *paths)
    (folder,) = ImageFacts(tmp_path / "cache").folders()
    assert len(folder.facts) == 2


def test_a_cache_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path / "1.jpg")
    (tmp_path / "cache").write_text("a file")
    assert noted(tmp_path / "cache", path).known(path) is not None
    assert ImageFacts(tmp_path / "cache").known(path) is None


def test_verification_reads_files_and_removes_what_is_wrong(tmp_path: Path) -> None:
    right, wrong = written(tmp_path / "a" / "1.jpg"), written(tmp_path / "b" / "1.jpg")
    noted(tmp_path / "cache", right)
    facts = ImageFacts(tmp_path / "cache")
    facts.note(wrong, facts.begin(wrong), sha256="0" * 64)
    facts.save()
    assert ImageFacts(tmp_path / "cache").verify() == (2, 1)
    assert ImageFacts(tmp_path / "cache").verify() == (1, 0)
    assert ImageFacts(tmp_path / "cache").known(wrong) is None
    right.unlink()
    assert ImageFacts(tmp_path / "cache").verify() == (0, 0)


def test_facts_that_are_forgotten_are_gone(tmp_path: Path) -> None:
    path = written(tmp_path / "1.jpg")
    facts = noted(tmp_path / "cache", path)
    facts.forget(path)
    assert facts.known(path) is None
    assert not list((tmp_path / "cache").iterdir())
