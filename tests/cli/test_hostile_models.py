"""Models whose own code misbehaves: one line that says what and where, its trace in a file."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from benchbench.runs import read_run
from tests.cli.hostile import FAKE, WORDS, problems, typed

CODE = """
import asyncio
import itertools
import numpy as np
import torch
from dataclasses import replace
from benchbench.adapters.blind import BlindEncoder

class Silent(Exception):
    def __str__(self): raise RuntimeError("no message either")

def raising(error):
    def method(*arguments, **how):
        raise error
    return method

def recursing(*arguments): return recursing(*arguments)

def third(calls):
    def encode_images(self, batch, role):
        if next(calls) == 3:
            raise ValueError("at the third batch")
        return torch.ones(len(batch), 64)
    return encode_images

def array(self, batch, role): return np.ones((len(batch), 64))

def made(name, **members):
    own = type("Own", (BlindEncoder,), {"__module__": __name__, **members})
    model = own("constant")
    model.manifest = replace(model.manifest, name=name, weights_sha256="12" * 32)
    return model

def exits(): return made("exits", encode_images=raising(SystemExit(0)))
def exits_in_a_thread(): return made("e", transform=raising(SystemExit(0)))
def exits_at_once(): raise SystemExit(0)
def exits_with_text(): return made("e", encode_texts=raising(SystemExit("enough")))
def stops(): return made("s", encode_images=raising(StopIteration("no more")))
def stops_in_a_thread(): return made("s", transform=raising(StopIteration("no more")))
def stops_at_ids(): return made("s", token_ids=raising(StopIteration()))
def closes(): return made("c", encode_texts=raising(GeneratorExit()))
def cancelled(): return made("c", encode_texts=raising(asyncio.CancelledError()))
def late(): return made("third", encode_images=third(itertools.count(1)))
def colours(): return made("c", tokenize=raising(ValueError("\\x1b[31mred\\nFAKE-LINE\\u202e")))
def silent(): return made("silent", encode_texts=raising(Silent()))
def endless(): return made("e", encode_texts=recursing)
def asserts(): return made("a", encode_texts=raising(AssertionError()))
def long(): return made("long", encode_texts=raising(KeyError("n" * 5000)))
def none(): return made("none", encode_images=lambda self, batch, role: None)
def arrays(): return made("arrays", encode_texts=array)
def few_ids(): return made("few", token_ids=lambda self, texts: [(1, 2)])
def no_ids(): return made("few", token_ids=lambda self, texts: None)
def file_missing(): return made("m", encode_texts=lambda *rest: open("/nowhere/at all"))
def full(): return made("full", encode_texts=raising(MemoryError()))
def no_device(): return made("d", device=property(raising(OSError("no such device"))))
def sound(): return made("sound")
"""
FACTORIES = re.findall(r"^def (\w+)\(\): (?:return made|raise)", CODE, re.M)
RAISED = {
    "exits": "SystemExit: 0", "exits_in_a_thread": "SystemExit: 0", "exits_at_once": "SystemExit",
    "exits_with_text": "SystemExit: enough", "stops": "StopIteration: no more",
    "stops_in_a_thread": "StopIteration: no more", "stops_at_ids": "StopIteration",
    "closes": "GeneratorExit", "cancelled": "CancelledError",
    "late": "ValueError: at the third batch",
    "colours": r"ValueError: \x1b[31mred FAKE-LINE\u202e",
    "silent": "Silent: (its message cannot be shown)", "endless": "RecursionError",
    "asserts": "AssertionError (", "long": "KeyError: 'nnn",
}  # fmt: skip
"""Factory → what the line says was raised."""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The specification of a model but for its factory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CODE, "utf-8")
    return "python:mine.py"


@pytest.mark.parametrize("factory", sorted(set(FACTORIES) - {"sound"}))
def test_what_a_model_raises_is_one_line_in_one_and_in_many(
    factory: str, mine: str, shapes: Path
) -> None:
    model = f"{mine}:{factory}"
    where = ["--task", "vg-relation", "--data-root", str(shapes), "--batch-size", "4"]
    single = typed(["eval", "--model", model, *where, "--out", "runs/run.parquet"])
    assert not problems(single, (2,)), single.output
    line = single.stderr.splitlines()[-1]
    assert line.startswith("Error: ")
    assert not list(Path().rglob("*.parquet"))
    several = typed(["eval", "--model", model, "--model", f"{mine}:sound", *where, "--quiet"])
    assert several.exit_code == 2
    read_run(single_line(several.stdout))
    said = next(each for each in several.stderr.splitlines() if "Error: " in each)
    assert without_log(said) == without_log(f"vg-relation  {model}  {line}")
    if factory in RAISED:
        assert f" raises {RAISED[factory]}" in line
        assert re.search(r"\(\S*mine\.py, line \d+\)\. The trace is in \S+\.txt\.$", line)
        log = Path(line.rpartition(" ")[2].rstrip("."))
        assert "Traceback" in log.read_text("utf-8")
        assert log.parent.name == "logs"


def single_line(text: str) -> str:
    """Return the only line of a text."""
    (line,) = text.splitlines()
    return line


def without_log(line: str) -> str:
    return re.sub(r"The trace is in \S+", "", line)


@pytest.mark.parametrize("factory", ["exits", "exits_at_once", "stops_in_a_thread", "colours"])
def test_every_command_that_runs_a_model_says_it_so(
    factory: str, mine: str, shapes: Path, tmp_path: Path
) -> None:
    model, data = f"{mine}:{factory}", ["--data-root", str(shapes)]
    base = ["--baseline", "base.parquet", "--fail-if", "vg-relation.micro < baseline - 1pp"]
    sound = ["eval", "--model", f"{mine}:sound", "--task", "vg-relation", *data]
    assert typed([*sound, "--out", "base.parquet"]).exit_code == 0
    for words in (
        ["gate", "--candidate", model, *base, *data],
        ["gate", "--candidate", model, *base, *data, "--early-stop"],
    ):
        done = typed(words)
        assert not problems(done, (2,)), done.output
    done = typed(["check", "model", model])
    assert not problems(done, (1, 2)), done.output
    done = typed(["show", "model", model])
    assert not problems(done, (2,) if factory == "exits_at_once" else (0,)), done.output


def test_its_own_trace_is_shown_where_that_is_asked(mine: str, shapes: Path) -> None:
    where = ["--task", "vg-relation", "--data-root", str(shapes), "--verbose"]
    done = typed(["eval", "--model", f"{mine}:colours", *where])
    assert done.exit_code == 2
    assert "Traceback" in done.stderr
    assert "mine.py" in done.stderr and "raise error" in done.stderr
    assert "\x1b" not in done.stderr and "\u202e" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ")


def test_a_line_without_a_log_is_still_a_line(
    mine: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "file" / "cache"))
    where = ["--task", "vg-relation", "--data-root", str(shapes)]
    done = typed(["eval", "--model", f"{mine}:exits", *where])
    assert not problems(done, (2,)), done.output
    assert re.search(r"raises SystemExit: 0 \(\S*mine\.py, line \d+\)\.$", done.stderr.strip())


def test_old_traces_go(mine: str, shapes: Path, tmp_path: Path) -> None:
    logs = tmp_path / "cache" / "logs"
    logs.mkdir(parents=True)
    for number in range(30):
        (logs / f"2000{number:02}.txt").touch()
    typed(["show", "model", f"{mine}:exits_at_once"])
    assert len(list(logs.iterdir())) == 20


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_a_models_name_may_be_anything(kind: str, mine: str, shapes: Path, tmp_path: Path) -> None:
    factory = f"def named(): return made({WORDS[kind] + 'x'!r})\n"
    (tmp_path / "mine.py").write_text(CODE + factory, "utf-8")
    where = ["--task", "vg-relation", "--data-root", str(shapes)]
    done = typed(["eval", "--model", f"{mine}:named", *where])
    assert not problems(done, (0,)), done.output[:2000]
    (path,) = tmp_path.rglob("*.parquet")
    for words in (["show", "run", str(path)], ["show", "model", f"{mine}:named"]):
        done = typed(words)
        assert not problems(done, (0,)), done.output[:2000]
    assert FAKE not in path.name or kind == "newline"


def test_folders_may_be_named_in_any_bytes(
    mine: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / os.fsdecode(b"no UTF-8 \xff")
    shutil.copytree(shapes, folder / "data")
    (folder / "mine.py").write_text(CODE, "utf-8")
    monkeypatch.chdir(folder)
    model = f"python:{folder}/mine.py:sound"
    where = ["--task", "vg-relation", "--data-root", str(folder / "data"), "--quiet"]
    done = typed(["eval", "--model", model, *where, "--out", str(folder / "runs")])
    assert not problems(done, (0,)), done.output
    (path,) = folder.rglob("*.parquet")
    assert not problems(typed(["show", "run", str(path)]), (0,))
