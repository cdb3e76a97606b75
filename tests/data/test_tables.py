from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.data.tables import csv_rows
from benchbench.errors import MalformedData


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0b", "\x1c"])
def test_lines_of_a_table_end_at_line_feeds_alone(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f'a,b\r\nx{mark}y,"1{mark}\n2"\r\n'.encode())
    assert list(csv_rows(path)) == [{"a": f"x{mark}y", "b": f"1{mark}\n2"}]


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",,a,right,right\n1,2,x,0,1\n")
    with pytest.raises(MalformedData, match="has the column right twice"):
        list(csv_rows(path))
    path.write_text(",,a\n1,2,x\n")  # unnamed columns of indices
    assert list(csv_rows(path, ("a",))) == [{"": "2", "a": "x"}]


def test_empty_lines_of_a_table_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n\n1,2\n\n")
    assert list(csv_rows(path)) == [{"a": "1", "b": "2"}]
