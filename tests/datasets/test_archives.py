"""Archives from outside: images are unpacked, and whatever is hostile is refused as a whole."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.datasets.archives import unpack
from benchbench.datasets.manifest import Folder
from benchbench.errors import MalformedData, RunError

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Folder("images/", (), images=2, at_most=3, unpacked=100_000)


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], packed: bool = False) -> Path:
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


def tarred(path: Path, *entries: tuple[str, bytes] | tarfile.TarInfo, mode: Any = "w") -> Path:
    with tarfile.open(path, mode) as file:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                file.addfile(entry)
                continue
            info = tarfile.TarInfo(entry[0])
            info.size = len(entry[1])
            file.addfile(info, io.BytesIO(entry[1]))
    return path


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def linked(name: str, mode: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (mode | 0o777) << 16
    return info


SOUND = [("set/1.jpg", b"one"), ("set/2.jpg", b"two")]


@pytest.mark.parametrize("kind", ["zip", "packed", "tar", "gz"])
def test_images_are_written_flat_and_asides_left_out(tmp_path: Path, kind: str) -> None:
    entries = [
        *SOUND,
        ("set/deep/3.jpg", b"three"),
        ("LICENSE", b"free"),
        ("__MACOSX/._1.jpg", b""),
    ]
    path = tmp_path / "archive"
    if kind in ("zip", "packed"):
        zipped(path, ("set/", b""), *entries, packed=kind == "packed")
    else:
        folder = special("./", tarfile.DIRTYPE)
        tarred(path, folder, *entries, mode="w:gz" if kind == "gz" else "w")
    told: list[tuple[str, int, int]] = []
    n = unpack(FOLDER, [path], tmp_path / "images", lambda *each: told.append(each))
    assert n == 3
    found = {each.name: each.read_bytes() for each in (tmp_path / "images").iterdir()}
    assert found == {"1.jpg": b"one", "2.jpg": b"two", "3.jpg": b"three"}
    assert told[-1] == ("unpacking", 3, 3)


def test_several_archives_make_one_folder(tmp_path: Path) -> None:
    one = zipped(tmp_path / "a.zip", ("VG_100K/1.jpg", b"1"))
    two = tarred(tmp_path / "b.tar", ("VG_100K_2/2.jpg", b"2"))
    assert unpack(FOLDER, [one, two], tmp_path / "images") == 2
    same = zipped(tmp_path / "c.zip", ("x/1.jpg", b"another"))
    with pytest.raises(MalformedData, match=r"'VG_100K/1\.jpg' and 'x/1\.jpg', one file by name"):
        unpack(FOLDER, [one, same], tmp_path / "again")


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "traversal": (lambda p: zipped(p, *SOUND, ("../3.jpg", b"")), "leads out of the folder"),
    "deep traversal": (lambda p: tarred(p, *SOUND, ("a/../../3.jpg", b"")), "leads out"),
    "absolute": (lambda p: tarred(p, *SOUND, ("/etc/3.jpg", b"")), "not a relative path"),
    "drive": (lambda p: zipped(p, *SOUND, ("C:/3.jpg", b"")), "not a relative path"),
    "backslash": (lambda p: tarred(p, *SOUND, ("..\\3.jpg", b"")), "not a relative path"),
    "link": (lambda p: zipped(p, *SOUND, (linked("3.jpg"), b"/etc/passwd")), "is a link"),
    "pipe in a zip": (lambda p: zipped(p, *SOUND, (linked("3.jpg", stat.S_IFIFO), b"")), "pipe"),
    "tar link": (lambda p: tarred(p, *SOUND, special("3.jpg", tarfile.SYMTYPE, "/etc")), "a link"),
    "hard link": (lambda p: tarred(p, *SOUND, special("3.jpg", tarfile.LNKTYPE, "a")), "a link"),
    "device": (lambda p: tarred(p, *SOUND, special("3.jpg", tarfile.CHRTYPE)), "a device or pipe"),
    "pipe": (lambda p: tarred(p, *SOUND, special("3.jpg", tarfile.FIFOTYPE)), "a device or pipe"),
    "case": (lambda p: zipped(p, *SOUND, ("set/A.jpg", b""), ("b/a.jpg", b"")), "one file by name"),
    "accents": (
        lambda p: zipped(p, ("\u00e9.jpg", b"1"), ("e\u0301.jpg", b"2")),
        "one file by name",
    ),
    "twice": (lambda p: tarred(p, *SOUND, ("other/1.jpg", b"")), "one file by name"),
    "many": (
        lambda p: zipped(p, *((f"{i}.txt", b"") for i in range(101_003))),
        "over 1,003 entries; 3 are declared",
    ),
    "more images": (
        lambda p: zipped(p, *((f"{i}.jpg", b"") for i in range(4))),
        "more than the 3 images",
    ),
    "bomb": (lambda p: zipped(p, ("1.jpg", bytes(5_000_000)), packed=True), "100 times its size"),
    "large": (lambda p: zipped(p, *SOUND, ("3.jpg", bytes(100_000))), "over 100,000 bytes"),
    "tar bomb": (
        lambda p: tarred(p, *SOUND, ("3.jpg", bytes(9_000_000)), mode="w:gz"),
        "over 100,000 bytes",
    ),
    "aside bomb": (lambda p: tarred(p, *SOUND, ("notes", bytes(200_000))), "over 100,000 bytes"),
    "few": (lambda p: zipped(p, SOUND[0]), "should have 2 images named .*; 1 are there"),
    "no archive": (lambda p: (p.write_bytes(b"<html>"), p)[1], "not a zip or tar file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    make, reason = HOSTILE[name]
    place = tmp_path / "inside"
    place.mkdir()
    path = make(tmp_path / "archive")
    with pytest.raises(MalformedData, match=reason) as caught:
        unpack(FOLDER, [path], place / "images")
    assert "archive" in str(caught.value)
    assert list(place.iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["archive", "inside"]


@pytest.mark.parametrize("at", [10, 40, -30, -60])
@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_damaged_archive_is_refused(tmp_path: Path, kind: str, at: int) -> None:
    entries = [(f"{i}.jpg", bytes(range(256)) * 8) for i in range(3)]
    path = tmp_path / "archive"
    if kind == "zip":
        zipped(path, *entries, packed=True)
    else:
        tarred(path, *entries, mode="w:gz")
    content = bytearray(path.read_bytes())
    cut = tmp_path / "cut"
    cut.write_bytes(content[: len(content) // 2])
    content[at] ^= 0xFF
    path.write_bytes(content)
    for each in (path, cut):
        try:
            unpack(FOLDER, [each], tmp_path / f"images of {each.name}")
        except MalformedData:
            assert not (tmp_path / f"images of {each.name}").exists()
        else:  # a bit that no checksum covers: the images are whole
            there = (tmp_path / f"images of {each.name}").iterdir()
            assert all(file.read_bytes() == entries[0][1] for file in there)
            assert each is path


def test_a_member_that_is_longer_than_it_states_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "archive", *SOUND)
    content = path.read_bytes()
    at = content.rindex(b"set/2.jpg") - 46 + 24  # the size in the central directory
    path.write_bytes(content[:at] + b"\x01" + content[at + 1 :])
    with pytest.raises(MalformedData):
        unpack(FOLDER, [path], tmp_path / "images")
    assert not (tmp_path / "images").exists()


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "archive", *SOUND)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"set/2.jpg") - 46 + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(MalformedData, match=r"'set/2\.jpg', which is encrypted"):
        unpack(FOLDER, [path], tmp_path / "images")


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write"):
        unpack(FOLDER, [zipped(tmp_path / "a.zip", *SOUND)], tmp_path / "file" / "images")


def test_an_interrupted_unpacking_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    path = zipped(tmp_path / "a.zip", *SOUND)
    with pytest.raises(KeyboardInterrupt):
        unpack(FOLDER, [path], tmp_path / "images", interrupted)
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]
