"""The page of findings is what the published runs say."""

from __future__ import annotations

from benchmarks.findings import PAGE, whole_page


def test_the_page_is_as_its_runs_say() -> None:
    assert whole_page() == PAGE.read_text("utf-8")
