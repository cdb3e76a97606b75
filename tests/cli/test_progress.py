"""The progress bar of several rounds of one kind."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.adapters.blind import BlindEncoder
from benchbench.cli.events import EventLog
from benchbench.cli.progress import ProgressBar
from benchbench.embedding import Encoder, Store, Stored
from benchbench.types import ImageRef

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Role


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


class SlowModel(BlindEncoder):
    """A model to which each image takes two seconds, and each caption half a second."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__("chance", seed=0)
        self._clock = clock

    def encode_images(self, batch: Any, role: Role) -> Any:
        self._clock[0] += 2.0 * len(batch)
        return super().encode_images(batch, role)

    def encode_texts(self, batch: Any, role: Role) -> Any:
        encoded = super().encode_texts(batch, role)
        self._clock[0] += 0.5 * len(encoded)
        return encoded


def test_what_is_told_of_a_slow_model_is_true(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shapes: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    """A third of the images and captions is stored: the speed is that of the others."""
    clock = [100.0]
    monkeypatch.setattr("benchbench.cli.progress.time.monotonic", lambda: clock[0])
    paths = sorted((shapes / "images").iterdir())[:8]
    refs = [ImageRef(path, (0, 0, 60 + i, 90)) for path in paths for i in range(12)]
    texts = [f"caption {i:03}" for i in range(96)]
    log = EventLog.open(str(tmp_path / "log.jsonl"))
    for inputs in (32, 96):
        bar = ProgressBar(log=log)
        stored = Stored(Store(tmp_path / "store", 10**9), {"name": "slow"})
        encoder = Encoder(SlowModel(clock), batch_size=16, workers=1, progress=bar, stored=stored)
        encoder.images(refs[:inputs])
        encoder.captions(texts[:inputs])
        stored.close()
    log.close()
    lines = capsys.readouterr().err.splitlines()
    second = lines[lines.index("images: 32 of 32 (0.5/s)") :]
    told = [line for line in second if line.startswith("images") and "of 96" in line]
    assert told[-1] == "images: 96 of 96 (0.5/s, 33 % from the store)"
    assert "images: 64 of 96 (0.5/s, 64 s left, 50 % from the store)" in told
    assert lines[-1] == "captions: 96 of 96 (2.0/s, 33 % from the store)"
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    last = {(e["stage"], e["total"]): e for e in events}
    for what, rate in (("images", 0.5), ("captions", 2.0)):
        event = last[what, 96]
        assert (event["done"], event["from_store"], event["seconds_left"]) == (96, 32, 0.0)
        assert event["per_second"] == pytest.approx(rate, rel=0.2)


def test_the_time_left_for_several_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([50.0, 70.0, 70.0, 90.0])
    monkeypatch.setattr("benchbench.cli.progress.time.monotonic", lambda: next(clock))
    bar = ProgressBar()
    for done in range(4):
        bar.several(done, 3)
    assert capsys.readouterr().err.splitlines() == [
        "runs: 1 of 3, about 40 s left",
        "runs: 2 of 3, about 10 s left",
    ]
