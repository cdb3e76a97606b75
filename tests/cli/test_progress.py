"""The progress bar of several rounds of one kind."""

from __future__ import annotations

import io
import sys

import pytest

from benchbench.cli.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_round_has_a_bar_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = ProgressBar()
    for total in (3, 5):
        for done in range(total + 1):
            bar("images", done, total)
    bar.close()
    lines = terminal.getvalue().splitlines()
    full = [line for line in lines if "100%" in line]
    assert ["3/3" in full[0], "5/5" in full[1], len(full)] == [True, True, 2]


def test_a_line_has_the_speed_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([100.0] * 2 + [120.0] * 2 + [130.0] * 2)
    monkeypatch.setattr("benchbench.cli.progress.time.monotonic", lambda: next(clock))
    bar = ProgressBar()
    bar("captions", 100, 500)  # stored before
    bar("captions", 300, 500)
    bar("captions", 500, 500)
    assert capsys.readouterr().err.splitlines() == [
        "captions: 100 of 500",
        "captions: 300 of 500 (10.0/s, 20 s left)",
        "captions: 500 of 500 (13.3/s)",
    ]
