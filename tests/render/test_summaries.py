"""Markdown of a bounded length."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.errors import RunError
from benchbench.render.summaries import (
    COMMENT,
    MIN_FREE,
    SUMMARY,
    Section,
    add_to_summary,
    limit_length,
)

ROWS = [f"| {n} äöü |" for n in range(100_000)]
LONG = Section("many groups", "| a |\n|:--|", ROWS)
HEAD, END = Section("the head", "## Fine"), Section("the end", "That was it.")


def test_what_fits_is_whole() -> None:
    assert limit_length([HEAD, Section("rows", "| a |", ["| 1 |"]), END]) == (
        "## Fine\n\n| a |\n| 1 |\n\nThat was it.\n"
    )


def test_rows_are_cut_and_counted_and_the_limit_is_of_bytes() -> None:
    text = limit_length([HEAD, LONG, END])
    assert len(text.encode()) <= COMMENT < 65_536
    shown = text.count("äöü")
    assert shown > 1000
    assert f"Cut for length: {100_000 - shown:,} of 100,000 rows of many groups, the end." in text


def test_a_section_that_does_not_fit_is_left_out_and_named() -> None:
    huge = Section("a novel", "x" * COMMENT)
    assert (
        limit_length([HEAD, huge, END]) == "## Fine\n\nThat was it.\n\nCut for length: a novel.\n"
    )
    many = limit_length([HEAD, *[Section("n" * 90, "x" * COMMENT)] * 50])
    assert many == "## Fine\n\nCut for length: 50 sections.\n"


def test_a_summary_counts_what_the_step_has_written(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("ü" * (SUMMARY // 2 - 10_000))
    assert add_to_summary(path, [HEAD, LONG])
    written = path.stat().st_size
    assert SUMMARY - 1000 < written <= SUMMARY < 1024 * 1024
    assert path.read_text().startswith("üü")
    assert "rows of many groups" in path.read_text()
    assert not add_to_summary(path, [HEAD])
    assert path.stat().st_size == written


def test_a_summary_is_begun_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    assert add_to_summary(path, [HEAD])
    assert add_to_summary(path, [END])
    assert path.read_text() == "## Fine\n\nThat was it.\n\n"
    assert MIN_FREE < SUMMARY
    with pytest.raises(RunError, match=r"summary.md/none"):
        add_to_summary(path / "none", [HEAD])
