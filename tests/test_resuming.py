"""Interrupted evaluations: taken up to the same bits, and never from other inputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchbench.errors import RunError
from benchbench.evaluation import evaluate
from benchbench.runs import read_run
from tests.test_evaluation import first_image, scores

if TYPE_CHECKING:
    from benchbench.types import Progress


def test_an_interrupted_evaluation_goes_on_to_the_same_bits(
    tiny: str, shapes: Path, tmp_path: Path
) -> None:
    reference = evaluate(tiny, "vg-relation", data_root=shapes, batch_size=8)
    for what, done in (("images", 16), ("captions", 64)):
        with pytest.raises(KeyboardInterrupt):
            evaluate(
                tiny,
                "vg-relation",
                data_root=shapes,
                batch_size=8,
                progress=interruption(what, done),
            )
    kept = list((tmp_path / "cache" / "unfinished").glob("*/*.npz"))
    assert len(kept) > 3
    run = evaluate(tiny, "vg-relation", data_root=shapes, batch_size=8)
    assert np.array_equal(scores(run), scores(reference))
    assert run.data_sha256 == reference.data_sha256
    assert not list((tmp_path / "cache" / "unfinished").iterdir())


def interruption(at: str, after: int) -> Progress:
    """A progress callback that presses Ctrl-C."""

    def press(what: str, done: int, total: int) -> None:
        if what == at and done >= after:
            raise KeyboardInterrupt

    return press


def test_changed_pictures_are_not_taken_from_an_interrupted_evaluation(
    tiny: str, copied: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny, "vg-relation", data_root=copied, progress=interruption("captions", 64))
    path = first_image(copied)
    before = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")  # the same size and time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    run = evaluate(tiny, "vg-relation", data_root=copied)
    fresh = evaluate(tiny, "vg-relation", data_root=copied, resume=False)
    assert np.array_equal(scores(run), scores(fresh))
    assert run.data_sha256 == fresh.data_sha256


@pytest.mark.parametrize("content", [b"half", b""])
def test_damaged_unfinished_work_is_made_anew(
    tiny: str, shapes: Path, tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny, "vg-relation", data_root=shapes, progress=interruption("captions", 64))
    for path in (tmp_path / "cache" / "unfinished").glob("*/*.npz"):
        path.write_bytes(content)
    with pytest.warns(UserWarning, match="damaged"):
        run = evaluate(tiny, "vg-relation", data_root=shapes)
    assert run.counts.items == 72


def test_work_is_kept_until_the_run_is_written(
    tiny: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RunError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("benchbench.evaluation.write_run", full)
        with pytest.raises(RunError):
            evaluate(tiny, "vg-relation", data_root=shapes, out=tmp_path / "a.parquet")
    assert list((tmp_path / "cache" / "unfinished").glob("*/*.npz"))
    run = evaluate(tiny, "vg-relation", data_root=shapes, out=tmp_path / "a.parquet")
    assert np.array_equal(scores(read_run(tmp_path / "a.parquet")), scores(run))
    assert not list((tmp_path / "cache" / "unfinished").iterdir())


def test_old_leftovers_are_removed_and_nothing_else(
    tiny: str, shapes: Path, tmp_path: Path
) -> None:
    unfinished = tmp_path / "cache" / "unfinished"
    for name in ("a" * 32, "b" * 32, "notes"):
        (unfinished / name).mkdir(parents=True)
    for name in ("a" * 32, "notes"):
        os.utime(unfinished / name, (0, 0))
    evaluate(tiny, "vg-relation", data_root=shapes, limit=4)
    assert {path.name for path in unfinished.iterdir()} == {"b" * 32, "notes"}


def test_a_cache_that_cannot_be_written_costs_a_warning_only(
    tiny: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("BENCHBENCH_CACHE", str(file))
    with pytest.warns(UserWarning, match="starts over") as caught:
        run = evaluate(tiny, "vg-relation", data_root=shapes)
    assert len(caught) == 1
    assert run.counts.items == 72
