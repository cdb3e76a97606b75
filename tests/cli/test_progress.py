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
