"""Run files: whole or not at all, and the same when read back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.errors import PartialRun, RunError
from benchbench.runs import (
    UNSEALED,
    check_writable,
    read_run,
    require_complete,
    run_path,
    seal_of,
    write_run,
)
from benchbench.types import Counts, MatchingOutcome, ModelManifest, Run


@pytest.fixture
def run() -> Run:
    """A run of three items of two shapes."""
    manifest = ModelManifest(
        name="openclip:tiny/untrained",
        architecture="tiny",
        weights="random (seed 0)",
        weights_sha256="ab" * 32,
        trained=False,
        activation="gelu",
        preprocessing={"size": [32, 32]},
        tokenizer="SimpleTokenizer",
        context_length=24,
        dtype="fp32",
        parameters=7,
        similarity="cosine",
    )
    outcomes = (
        outcome("0", "a.png", [[0.1, 0.2]], (0,), {"relation": "on"}),
        outcome("1", "a.png", [[0.3, 0.3]], (1,), {"relation": "in"}),
        outcome("2", "b.png", [[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]], (2, 0), {}),
    )
    return Run(
        model=manifest,
        task="vg-relation",
        task_version=1,
        protocol="matching",
        edition="custom-a-00000000",
        data_sha256="cd" * 32,
        settings={"limit": None, "seed": 0, "device": "cpu"},
        environment={"python": "3"},
        counts=Counts(3, 3, 0, 2, 3, 5, 2, 0, 0),
        skipped=(),
        unreadable={"b.png": "not found"},
        created="2000-01-01T00:00:00+00:00",
        seconds=1.5,
        outcomes=outcomes,
    )


def outcome(
    name: str,
    cluster: str,
    scores: list[list[float]],
    target: tuple[int, ...],
    tags: dict[str, str],
) -> MatchingOutcome:
    """An outcome whose last caption is a no-op."""
    matrix = np.array(scores, dtype=np.float32)
    no_op = (False,) * (matrix.shape[1] - 1) + (True,)
    return MatchingOutcome(name, cluster, tags, target, matrix, no_op)


def test_a_run_reads_back_as_it_was(run: Run, tmp_path: Path) -> None:
    back = read_run(write_run(run, tmp_path / "deep" / "run.parquet"))
    for mine, theirs in zip(run.outcomes, back.outcomes, strict=True):
        assert np.array_equal(mine.scores, theirs.scores)
        assert theirs.scores.dtype == np.float32
        for field in ("id", "cluster", "target", "no_op", "tags"):
            assert getattr(mine, field) == getattr(theirs, field)
    bare = [dataclasses.replace(r, outcomes=()) for r in (run, back)]
    assert bare[0] == bare[1]
    assert back.model.fingerprint == run.model.fingerprint


def test_pandas_reads_it_as_it_is(run: Run, tmp_path: Path) -> None:
    frame = pd.read_parquet(write_run(run, tmp_path / "run.parquet"))
    assert list(frame.columns) == ["id", "cluster", "target", "scores", "no_op", "tag.relation"]
    assert frame["tag.relation"].tolist()[:2] == ["on", "in"]
    assert len(frame.scores[2]) == 6


def test_runs_from_before_images_were_looked_at_are_read_and_sealed_as_they_were(
    run: Run, tmp_path: Path
) -> None:
    assert run.counts.oriented is None
    path = write_run(run, tmp_path / "old.parquet")
    header = json.loads(pq.ParquetFile(path).schema_arrow.metadata[b"benchbench"])
    assert "oriented" not in header["counts"]
    assert read_run(path).counts == run.counts
    counts = dataclasses.replace(run.counts, oriented=2, transparent=0)
    counted = dataclasses.replace(run, counts=counts)
    again = read_run(write_run(counted, tmp_path / "new.parquet"))
    assert (again.counts.oriented, again.counts.transparent, again.counts.deep) == (2, 0, None)
    assert again.seal != read_run(path).seal == seal_of(run)


def test_a_failed_write_leaves_the_earlier_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    before = path.read_bytes()

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", no_space)
    with pytest.raises(RunError, match="No space left"):
        write_run(run, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_run(run, tmp_path / "run.parquet")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written_are_told_beforehand(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(RunError, match=r"Try .*run\.parquet"):
        check_writable(tmp_path / "run.csv", "vg-relation")
    with pytest.raises(RunError, match="is not a folder"):
        check_writable(file / "run.parquet", "vg-relation")
    with pytest.raises(RunError, match="is a file, but not a run"):
        check_writable(file, "vg-relation")
    (tmp_path / "a.parquet").mkdir()
    with pytest.raises(RunError, match="is a folder"):
        check_writable(tmp_path / "a.parquet", "vg-relation")
    with pytest.raises(RunError, match="is empty"):
        check_writable("", "vg-relation")
    check_writable(tmp_path / "new" / "run.parquet", "vg-relation")
    check_writable(tmp_path / "new", "vg-relation")
    assert not (tmp_path / "new").exists(), "looking must leave nothing behind"


def test_files_that_are_no_runs_are_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    with pytest.raises(RunError, match="does not exist"):
        read_run(path)
    with pytest.raises(RunError, match="is a folder"):
        read_run(tmp_path)
    path.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(RunError, match="not a readable Parquet"):
        read_run(path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(RunError, match="not a benchbench run"):
        read_run(path)
    whole = write_run(run, path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match="not a readable Parquet"):
        read_run(path)


def damaged(path: Path, change: Callable[[pa.Table, dict[str, Any]], pa.Table]) -> Path:
    """The run at path with its table, or its header in place, changed; without a seal."""
    table = pq.ParquetFile(path).read()
    header = json.loads(table.schema.metadata[b"benchbench"])
    header["format"] = UNSEALED
    del header["seal"]
    table = change(table, header)
    metadata = {b"benchbench": json.dumps(header).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, h: t.drop_columns(["scores"]), "not a valid run"),
        (lambda t, h: t.drop_columns(["no_op"]), "not a valid run"),
        (lambda t, h: t.slice(0, 2), "2 of the 3 items"),
        (lambda t, h: (h.pop("skipped") and t) or t, "not a valid run"),
        (lambda t, h: h.update(format=9) or t, "format 9"),
        (lambda t, h: h.update(unheard_of=1) or t, "not a valid run"),
        (lambda t, h: h.update(counts=None) or t, "not a valid run"),
        (lambda t, h: h["counts"].update(oriented="two") or t, "not whole numbers"),
        (lambda t, h: h["counts"].update(items=None) or t, "not whole numbers"),
        (lambda t, h: h["model"].update(unheard_of=1) or t, "not a valid run"),
        (lambda t, h: with_scores(t, [[1.0], [1.0], [1.0]]), "not a valid run"),
        (lambda t, h: with_scores(t, [[1.0, np.nan], [1.0, 1.0], [0.0] * 6]), "not finite"),
        (lambda t, h: with_scores(t, [None, [1.0, 1.0], [0.0] * 6]), "scores lacks values"),
        (lambda t, h: with_scores(t, [[None, 1.0], [1.0, 1.0], [0.0] * 6]), "scores lacks values"),
        (lambda t, h: with_column(t, "scores", pa.nulls(3)), "scores is of type null"),
        (lambda t, h: with_column(t, "id", pa.nulls(3)), "id is of type null"),
        (lambda t, h: with_column(t, "id", pa.nulls(3, pa.string())), "id lacks values"),
        (lambda t, h: with_column(t, "id", pa.array([0, 1, 2])), "id is of type int64"),
        (lambda t, h: with_column(t, "cluster", pa.nulls(3, pa.string())), "cluster lacks values"),
        (lambda t, h: with_column(t, "tag.relation", pa.array([1, 2, 3])), "tag.relation is of"),
        (lambda t, h: with_column(t, "target", t.column("scores")), "target is of type list"),
        (lambda t, h: with_column(t, "no_op", pa.array([True] * 3)), "no_op is of type bool"),
        (lambda t, h: t.append_column("id", t.column("id")), "two columns of one name"),
    ],
)
def test_runs_that_are_not_sound_are_told(
    run: Run, tmp_path: Path, change: Any, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        read_run(damaged(write_run(run, tmp_path / "run.parquet"), change))


def with_scores(table: pa.Table, scores: list[Any]) -> pa.Table:
    """The table with other scores."""
    return with_column(table, "scores", pa.array(scores, pa.list_(pa.float32())))


def with_column(table: pa.Table, name: str, column: Any) -> pa.Table:
    """The table with another column of that name."""
    return table.set_column(table.column_names.index(name), name, column)


def test_a_truncated_file_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 50)):
        path.write_bytes(whole[:size])
        with pytest.raises(RunError, match=r"^[^\n]*not a readable Parquet[^\n]*$"):
            read_run(path)


def test_partial_runs_are_not_for_publication(run: Run) -> None:
    require_complete(run)
    part = dataclasses.replace(run, counts=dataclasses.replace(run.counts, items_in_edition=9))
    with pytest.raises(PartialRun, match="3 of 9 items"):
        require_complete(part)


def test_the_name_follows_what_is_chosen_and_can_change_a_number(run: Run) -> None:
    name = run_path(run, "runs")
    assert name.parent == Path("runs/vg-relation@custom-a-00000000")
    assert name.name.startswith("openclip-tiny-untrained-")
    assert run_path(run, "elsewhere/a.parquet") == Path("elsewhere/a.parquet")
    for other in ({"precision": "bf16"}, {"device": "cuda:0"}):
        assert (
            run_path(dataclasses.replace(run, settings={**run.settings, **other}), "runs") != name
        )
    later = dataclasses.replace(run, created="2001-01-01T00:00:00+00:00", seconds=9.0)
    assert run_path(later, "runs") == name
    unreached = dataclasses.replace(run, settings={**run.settings, "limit": 10**9})
    assert run_path(unreached, "runs") == name


def test_skipped_items_keep_a_gallery_from_being_published(run: Run) -> None:
    counts = dataclasses.replace(run.counts, skipped=2, items_in_edition=run.counts.items + 2)
    require_complete(dataclasses.replace(run, counts=counts))
    with pytest.raises(PartialRun, match=r"lacks 2 items.*every score is higher"):
        require_complete(dataclasses.replace(run, counts=counts, protocol="retrieval"))


def test_another_version_of_a_task_is_another_file(run: Run, tmp_path: Path) -> None:
    later = dataclasses.replace(run, task_version=run.task_version + 1)
    assert run_path(later, tmp_path) != run_path(run, tmp_path)


def test_only_a_run_of_the_same_task_is_replaced(run: Run, tmp_path: Path) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    check_writable(path, run.task)
    with pytest.raises(RunError, match=r"is a run of vg-relation, not of winoground"):
        check_writable(path, "winoground")
    pq.write_table(pa.table({"mine": [1]}), tmp_path / "mine.parquet")
    with pytest.raises(RunError, match="not a benchbench run"):
        check_writable(tmp_path / "mine.parquet", run.task)


def test_an_item_twice_is_no_sound_run(run: Run, tmp_path: Path) -> None:
    twice = dataclasses.replace(run, outcomes=(run.outcomes[0],) * run.counts.items)
    with pytest.raises(RunError, match="holds an item twice"):
        read_run(write_run(twice, tmp_path / "run.parquet"))
    for change in ({"edition": ""}, {"task": 5}):
        odd = dataclasses.replace(run, **change)
        with pytest.raises(RunError, match="not a valid run"):
            read_run(write_run(odd, tmp_path / "odd.parquet"))
