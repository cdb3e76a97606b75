"""A drawing that was killed or interrupted continues with the pieces that it had finished."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchbench.leftovers import temporary_path
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition import export, images
from benchbench.scenes.edition.folders import files_in

SMALL: dict[str, Any] = {
    "images": 10,
    "dense": 4,
    "training": 6,
    "size": 96,
    "parts": ["vg-relation"],
}

KILLED = """
import json, os, signal, sys
from pathlib import Path
from benchbench.scenes.edition import export, images
root, log, at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
draw, images.BATCH = images.draw, 2

def killed(scenes, size):
    found = draw(scenes, size)
    with log.open("a") as file:
        file.write("".join(f"{index}\\n" for index in scenes.index.tolist()))
    if at in scenes.index:
        os.kill(os.getpid(), signal.SIGKILL)
    return found

def told(what, *_):
    if what != "images" and at < 0:
        os.kill(os.getpid(), signal.SIGKILL)

images.draw = killed
export(root, progress=told, **json.loads(sys.argv[4]))
"""


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "BATCH", 2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small edition that nobody interrupted."""
    return content(export(tmp_path_factory.mktemp("whole") / "x", **SMALL))


def content(root: Path) -> dict[str, bytes]:
    return {name: (root / name).read_bytes() for name in files_in(root)}


def test_three_kills_draw_at_most_two_batches_twice_each(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    root, log = tmp_path / "x" / "edition", tmp_path / "drawn"
    for at in (3, 7, -1):
        command = [sys.executable, "-c", KILLED, str(root), str(log), str(at), json.dumps(SMALL)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        assert len(list(root.parent.iterdir())) == 1, "each takes up what the one before left"
    drawn = Counter(map(int, log.read_text().split()))
    assert drawn == Counter(range(10)) + Counter(range(8)), "a batch is drawn while one is encoded"
    assert content(export(root, **SMALL)) == whole
    assert [path.name for path in root.parent.iterdir()] == ["edition"]


def interrupted(root: Path, **changes: Any) -> Path:
    """Where an export lies that was interrupted when all images were drawn."""

    def interrupt(what: str, *_: int) -> None:
        if what != "images":
            raise KeyboardInterrupt

    before = set(root.parent.iterdir())
    with pytest.raises(KeyboardInterrupt):
        export(root, progress=interrupt, **{**SMALL, **changes})
    (left,) = set(root.parent.iterdir()) - before
    return left


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The scenes that are drawn from here on."""
    found: list[int] = []

    def listed(scenes: Any, size: int) -> Any:
        found.extend(scenes.index.tolist())
        return draw(scenes, size)

    monkeypatch.setattr(images, "draw", listed)
    return found


def test_finished_pieces_are_not_drawn_again(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[int]
) -> None:
    interrupted(tmp_path / "x")
    assert drawn == list(range(10))
    told: list[tuple[str, int]] = []
    export(tmp_path / "x", progress=lambda what, done, _: told.append((what, done)), **SMALL)
    assert len(drawn) == 10
    assert content(tmp_path / "x") == whole
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def cut_an_image_short(left: Path) -> None:
    path = left / "edition" / "images" / "000003.png"
    path.write_bytes(path.read_bytes()[:-100])


def lose_an_image(left: Path) -> None:
    (left / "edition" / "images" / "000003.png").unlink()


def lose_notes(left: Path) -> None:
    for name in ("images", "images-1"):
        (left / "notes" / f"{name}.json").write_text('{"files"')


@pytest.mark.parametrize("damage", [cut_an_image_short, lose_an_image, lose_notes])
def test_a_damaged_piece_is_drawn_again_and_no_other(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[int], damage: Callable[[Path], None]
) -> None:
    damage(interrupted(tmp_path / "x"))
    export(tmp_path / "x", **SMALL)
    assert drawn == [*range(10), 2, 3]
    assert content(tmp_path / "x") == whole


def by_other_code(left: Path) -> None:
    (left / "identity").write_text("0" * 64)


def by_nobody_knows_what(left: Path) -> None:
    (left / "identity").unlink()


@pytest.mark.parametrize("change", [by_other_code, by_nobody_knows_what])
def test_pieces_of_another_edition_go(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[int], change: Callable[[Path], None]
) -> None:
    change(interrupted(tmp_path / "x"))
    interrupted(tmp_path / "x", images=4)
    export(tmp_path / "x", **SMALL)
    assert drawn == [*range(10), *range(4), *range(10)]
    assert content(tmp_path / "x") == whole
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_a_living_process_draws_is_left_to_it(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[int]
) -> None:
    left, place = interrupted(tmp_path / "x"), temporary_path(tmp_path / "x")
    shutil.move(left, place)  # as if this process, which lives, were still at it
    assert content(export(tmp_path / "x", **SMALL)) == whole
    assert len(drawn) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([place.name, "x"])
