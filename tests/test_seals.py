"""A run is read as it was written, or refused: a seal over its header and outcomes."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.errors import RunError
from benchbench.runs import UNSEALED, read_run, seal_of, write_run
from benchbench.types import Run

RUNS = Path(__file__).parent.parent / "leaderboards" / "scenes-v2" / "runs"
FLIPS = 250


@pytest.fixture(params=["vg-relation", "coco-retrieval", "vg-relation-detection"])
def run(request: pytest.FixtureRequest) -> Run:
    """The first items of a published run of each protocol."""
    whole = read_run(RUNS / request.param / "clip.parquet")
    counts = dataclasses.replace(whole.counts, items=12, items_in_edition=12)
    return dataclasses.replace(whole, outcomes=whole.outcomes[:12], counts=counts, seal=None)


def exact(value: Any) -> Any:
    """A run, or a part of one, as something that is equal where every bit is."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value) if f.name != "seal"]
        return [exact(getattr(value, name)) for name in names]
    if isinstance(value, (list, tuple)):
        return [exact(each) for each in value]
    return value


def table_of(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """A run's table and header."""
    with pq.ParquetFile(path) as file:
        table = file.read()
    return table, json.loads(table.schema.metadata[b"benchbench"])


def stored(table: pa.Table, header: dict[str, Any], path: Path, **how: Any) -> Path:
    """A table and a header as a file."""
    metadata = {b"benchbench": json.dumps(header).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, **how)
    return path


def test_a_flipped_bit_is_refused_in_a_line_or_changes_nothing(run: Run, tmp_path: Path) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    whole, expected = path.read_bytes(), exact(read_run(path))
    draw, refused = random.Random(0), 0
    for _ in range(FLIPS):
        at = draw.randrange(8 * len(whole))
        changed = bytearray(whole)
        changed[at // 8] ^= 1 << at % 8
        path.write_bytes(changed)
        try:
            assert exact(read_run(path)) == expected, f"bit {at} changed the run silently"
        except RunError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > FLIPS // 2


def test_the_seal_is_of_what_is_decoded_not_of_how_it_is_encoded(run: Run, tmp_path: Path) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    table, header = table_of(path)
    expected = exact(read_run(path))
    for how in (
        {"compression": "none", "use_dictionary": False},
        {"compression": "gzip", "row_group_size": 5},
        {"version": "1.0", "data_page_version": "2.0"},
    ):
        other = read_run(stored(table, header, tmp_path / "other.parquet", **how))
        assert exact(other) == expected
        assert other.seal == read_run(path).seal == seal_of(run)
    shuffled = dict(reversed(header.items()))
    assert read_run(stored(table, shuffled, tmp_path / "other.parquet")).seal == seal_of(run)


def test_a_changed_outcome_is_refused(run: Run, tmp_path: Path) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    table, header = table_of(path)
    for column in table.column_names:
        order = pa.array([1, 0, *range(2, len(table))])
        moved = table.column(column).take(order)
        if moved.equals(table.column(column)):
            continue
        place = table.column_names.index(column)
        stored(table.set_column(place, column, moved), header, path)
        with pytest.raises(RunError, match=r"changed or damaged .* Evaluate again"):
            read_run(path)


@pytest.mark.parametrize("name", ["created", "edition", "task", "seal"])
def test_a_changed_header_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    table, header = table_of(path)
    stored(table, {**header, name: "other"}, path)
    with pytest.raises(RunError, match="changed or damaged"):
        read_run(path)
    del header[name]
    stored(table, header, path)
    with pytest.raises(RunError, match="changed or damaged"):
        read_run(path)


def test_a_run_without_a_seal_is_read_and_known_to_be_unsealed(run: Run, tmp_path: Path) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    assert not run.unsealed
    assert not read_run(path).unsealed
    table, header = table_of(path)
    del header["seal"]
    old = read_run(stored(table, {**header, "format": UNSEALED}, tmp_path / "old.parquet"))
    assert old.unsealed
    assert exact(old) == exact(read_run(path))
    assert not read_run(write_run(old, tmp_path / "sealed.parquet")).unsealed


def test_the_seal_cannot_be_taken_off_by_the_format_alone(run: Run, tmp_path: Path) -> None:
    path = write_run(run, tmp_path / "run.parquet")
    table, header = table_of(path)
    stored(table, {**header, "format": UNSEALED}, path)
    with pytest.raises(RunError, match="has a seal"):
        read_run(path)
