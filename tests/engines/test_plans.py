"""A plan's file: written whole, read with its digest checked, refused where it is damaged."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.engines.plans import KEY, Plan, PlannedCell, PlanSettings, read_plan, write_plan
from benchbench.errors import UsageError

CELL = PlannedCell(
    "clip",
    "vg-relation",
    "",
    "f" * 16,
    1,
    "official",
    "a" * 64,
    72,
    36,
    36,
    72,
    0,
    1000,
    1e9,
    10**9,
    True,
)
PLAN = Plan(PlanSettings(limit=5), [CELL, replace(CELL, task="vg-attribution")], {"crops": 36})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_plan(PLAN, tmp_path / "plan.parquet")


def rewritten(file: Path, rows: list[dict[str, Any]] | None = None, **header: Any) -> Path:
    """Write a file again with other rows or another header, without a new digest."""
    table = pq.read_table(file)
    old = json.loads(table.schema.metadata[KEY])
    schema = table.schema.with_metadata({KEY: json.dumps(old | header).encode()})
    pq.write_table(pa.Table.from_pylist(table.to_pylist() if rows is None else rows, schema), file)
    return file


def signed(file: Path, settings: dict[str, Any], cells: list[PlannedCell]) -> Path:
    """Write a file with a digest of its own, as a forger would."""
    from benchbench.engines.plans import _digest

    rows = [asdict(cell) for cell in cells]
    return rewritten(file, rows, settings=settings, digest=_digest(settings, rows))


def test_a_plan_is_read_as_it_was_written(file: Path) -> None:
    assert read_plan(file) == PLAN
    assert read_plan(file).digest == PLAN.digest


def test_the_digest_covers_settings_and_cells() -> None:
    others = [
        replace(PLAN, settings=PlanSettings(limit=6)),
        replace(PLAN, cells=PLAN.cells[:1]),
        replace(PLAN, cells=[replace(CELL, fingerprint="e" * 16), PLAN.cells[1]]),
    ]
    assert len({PLAN.digest, *(other.digest for other in others)}) == 4


def test_what_is_no_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    with pytest.raises(UsageError, match="There is no plan"):
        read_plan(path)
    path.write_bytes(b"PAR1 noise")
    with pytest.raises(UsageError, match="not a readable Parquet"):
        read_plan(path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(UsageError, match="not a plan"):
        read_plan(path)
    with pytest.raises(UsageError, match="not a plan"):
        write_plan(PLAN, path)  # which is not replaced
    assert pq.read_table(path).column_names == ["a"]


@pytest.mark.parametrize("cut", [1, 100, 1000])
def test_a_plan_that_is_cut_off_is_refused(file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(UsageError, match="Parquet"):
        read_plan(file)


def test_a_plan_that_was_changed_is_refused(file: Path) -> None:
    rows = pq.read_table(file).to_pylist()
    rows[0]["fingerprint"] = "0" * 16
    with pytest.raises(UsageError, match="changed or damaged"):
        read_plan(rewritten(file, rows))
    write_plan_again = asdict(PlanSettings(limit=7))
    with pytest.raises(UsageError, match="changed or damaged"):
        read_plan(rewritten(file, settings=write_plan_again))


@pytest.mark.parametrize(
    "change",
    [
        {"limit": -1}, {"limit": "many"}, {"seed": True}, {"on_missing": "maybe"},
        {"precision": "fp8"}, {"data_root": 5}, {"edition": []}, {"extras": {"rm": 1}},
        {"extras": None}, {"unknown": 1},
    ],
)  # fmt: skip
def test_settings_that_are_not_valid_are_refused(file: Path, change: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        read_plan(signed(file, asdict(PLAN.settings) | change, list(PLAN.cells)))


@pytest.mark.parametrize("cells", [[], [CELL, CELL]])
def test_no_cell_and_a_cell_twice_are_refused(file: Path, cells: list[PlannedCell]) -> None:
    with pytest.raises(UsageError, match="not a valid plan"):
        read_plan(signed(file, asdict(PLAN.settings), cells))


def test_another_format_is_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="plan format 9"):
        read_plan(rewritten(file, format=9))


@pytest.mark.parametrize("name", ["plan.csv", "plan", "folder.parquet"])
def test_a_plan_needs_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(UsageError):
        write_plan(PLAN, tmp_path / name)
