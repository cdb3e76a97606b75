"""Later evaluations read no image file that has not changed, and never miss one that has."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from benchbench.cli import main
from benchbench.data import image_facts, images
from benchbench.embedding import Store
from benchbench.embedding import decoding as decoding_module
from benchbench.embedding import encoder as encoder_module
from benchbench.embedding.outputs import SAMPLE_SIZE
from benchbench.errors import DataError, ImageError
from benchbench.evaluation import evaluate
from tests.pair_scorers import HashScorer
from tests.test_evaluation import scores

if TYPE_CHECKING:
    from benchbench.types import Run

pytestmark = pytest.mark.skipif(
    not image_facts.MOUNTS.exists(), reason="facts are noted on Linux alone"
)
TASK = "vg-relation"


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are two minutes old, on a local file system."""
    monkeypatch.setattr(image_facts, "time_ns", lambda: time.time_ns() + 2 * image_facts.SETTLED)
    monkeypatch.setattr(image_facts, "file_system_of", lambda folder, device: "ext4")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The image files that are opened, whether for their header or whole."""
    found: list[Path] = []

    def watched(module: Any, name: str) -> None:
        plain = getattr(module, name)

        def read(path: Path) -> Any:
            found.append(path)
            return plain(path)

        monkeypatch.setattr(module, name, read)

    watched(images, "read_header")
    watched(decoding_module, "read_bytes")
    watched(encoder_module, "read_bytes")
    return found


def same(one: Run, other: Run) -> bool:
    """Whether two runs have the same numbers of the same files."""
    return (
        np.array_equal(scores(one), scores(other))
        and one.data_sha256 == other.data_sha256
        and one.counts == other.counts
    )


def changed(path: Path) -> None:
    """Change an image, and restore its size and its time."""
    before = path.stat()
    with Image.open(path) as image:
        size = image.size
    Image.new("RGB", size, "orange").save(path)
    path.write_bytes(path.read_bytes().ljust(before.st_size, b"\0"))
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_second_evaluation_opens_a_sample_of_the_files(
    tiny: str, copied: Path, opened: list[Path]
) -> None:
    first = evaluate(tiny, TASK, data_root=copied)
    assert len(set(opened)) == first.counts.images > SAMPLE_SIZE
    opened.clear()
    second = evaluate(tiny, TASK, data_root=copied)
    assert 0 < len(opened) <= SAMPLE_SIZE
    assert second.resumed_inputs == second.inputs
    assert same(first, second)
    opened.clear()
    assert same(first, evaluate(tiny, TASK, data_root=copied, resume=False))
    assert len(set(opened)) == first.counts.images


def test_an_evaluation_from_scratch_notes_nothing(tiny: str, copied: Path, tmp_path: Path) -> None:
    evaluate(tiny, TASK, data_root=copied, resume=False)
    assert not (tmp_path / "cache" / "images").exists()


def test_another_checkpoint_reads_the_files_again(tiny: str, copied: Path) -> None:
    evaluate(tiny, TASK, data_root=copied)
    found = evaluate(tiny, TASK, data_root=copied, seed=1)
    assert same(found, evaluate(tiny, TASK, data_root=copied, seed=1, resume=False))


def test_a_changed_image_of_the_same_size_and_time_is_read(
    tiny: str, copied: Path, opened: list[Path]
) -> None:
    before = evaluate(tiny, TASK, data_root=copied)
    path = sorted((copied / "images").iterdir())[1]
    changed(path)
    opened.clear()
    found = evaluate(tiny, TASK, data_root=copied)
    assert path in opened
    assert found.data_sha256 != before.data_sha256
    assert same(found, evaluate(tiny, TASK, data_root=copied, resume=False))


def test_a_removed_image_is_missed(tiny: str, copied: Path) -> None:
    evaluate(tiny, TASK, data_root=copied)
    sorted((copied / "images").iterdir())[1].unlink()
    with pytest.raises(ImageError, match="not found"):
        evaluate(tiny, TASK, data_root=copied)


def test_without_stored_encodings_every_file_is_read(
    tiny: str, copied: Path, tmp_path: Path, opened: list[Path]
) -> None:
    first = evaluate(tiny, TASK, data_root=copied)
    for space in Store(tmp_path / "cache" / "encodings", 10**9).spaces():
        space.remove()
    opened.clear()
    assert same(first, evaluate(tiny, TASK, data_root=copied))
    assert len(set(opened)) == first.counts.images


def test_part_of_a_files_crops_is_encoded_and_part_is_not(tiny: str, copied: Path) -> None:
    evaluate(tiny, TASK, data_root=copied, limit=20)
    found = evaluate(tiny, TASK, data_root=copied)
    assert 0 < found.resumed_inputs < found.inputs
    assert same(found, evaluate(tiny, TASK, data_root=copied, resume=False))


def test_a_stamp_that_tells_nothing_is_noticed(
    tiny: str, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = copied.stat().st_dev
    monkeypatch.setattr(image_facts, "_stamp", lambda path: (1, 1, 1, 1, device))
    evaluate(tiny, TASK, data_root=copied)
    for path in sorted((copied / "images").iterdir()):
        changed(path)
    with pytest.raises(DataError, match=r"another than before[\s\S]*--fresh"):
        evaluate(tiny, TASK, data_root=copied)
    assert not list((tmp_path / "cache" / "images").iterdir())
    found = evaluate(tiny, TASK, data_root=copied)
    assert same(found, evaluate(tiny, TASK, data_root=copied, resume=False))


def test_pair_scorers_decode_a_sample_of_files(copied: Path, opened: list[Path]) -> None:
    first = evaluate(HashScorer(), TASK, data_root=copied, batch_size=4)
    opened.clear()
    second = evaluate(HashScorer(), TASK, data_root=copied, batch_size=4)
    assert 0 < len(opened) <= SAMPLE_SIZE
    assert same(first, second)


def test_pairs_are_not_stored_under_the_digest_of_another_file(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = copied.stat().st_dev
    monkeypatch.setattr(image_facts, "_stamp", lambda path: (1, 1, 1, 1, device))
    evaluate(HashScorer(), TASK, data_root=copied)
    for space in Store(tmp_path / "cache" / "encodings", 10**9).spaces():
        space.remove()
    for path in sorted((copied / "images").iterdir()):
        changed(path)
    with pytest.raises(DataError, match="another than before"):
        evaluate(HashScorer(), TASK, data_root=copied)


def test_the_command_shows_checks_and_removes_digests(
    tiny: str, copied: Path, tmp_path: Path
) -> None:
    n = evaluate(tiny, TASK, data_root=copied).counts.images
    runner = CliRunner()
    shown = runner.invoke(main, ["cache", "info"]).output
    assert f"digests of {n:,} image files in 1 folders: 0.0 MB" in shown
    checked = runner.invoke(main, ["cache", "verify"])
    assert f"{n:,} digests of image files were checked, 0 were wrong" in checked.output
    assert checked.exit_code == 0
    kept = runner.invoke(main, ["cache", "clear", "--yes", "--model", tiny])
    assert kept.exit_code == 0, kept.output
    assert list((tmp_path / "cache" / "images").iterdir())
    assert runner.invoke(main, ["cache", "clear", "--yes"]).exit_code == 0
    assert not list((tmp_path / "cache" / "images").iterdir())
    assert "digests of" not in runner.invoke(main, ["cache", "info"]).output
