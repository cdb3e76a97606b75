"""``benchbench check`` and ``show model`` as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchbench.cli import main

CODE = """
import torch
from benchbench import load_model
from benchbench.adapters.blind import BlindEncoder
class Noisy(BlindEncoder):
    def encode_texts(self, batch, role): return torch.rand(len(batch), 64)
class Flat(BlindEncoder):
    def transform(self, image): return torch.zeros(image.width)
def noisy(): return Noisy("constant")
def flat(): return Flat("constant")
"""


def typed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def lines(done: Result) -> dict[str, str]:
    """What is said of each check."""
    checks = done.stdout.split("\n\n")[0]
    return {line[:14].strip(): line[14:].strip() for line in checks.splitlines()}


def test_a_sound_model_passes_every_check(tiny: str) -> None:
    done = typed("check", "model", tiny)
    assert done.exit_code == 0
    assert lines(done) == dict.fromkeys(
        ("protocol", "manifest", "comparison", "transform", "shapes", "finite values", "same twice",
         "any batch size", "token ids", "token limit"), "ok",
    )  # fmt: skip
    assert done.stdout.endswith(f"{tiny} keeps the contract\n")


def test_what_fails_is_named_and_what_needs_it_is_not_tried(tmp_path: Path) -> None:
    (tmp_path / "unsound.py").write_text(CODE)
    noisy = typed("check", "model", f"python:{tmp_path}/unsound.py:noisy")
    assert noisy.exit_code == 1
    assert "FAILED: encode_texts gives other values" in lines(noisy)["same twice"]
    assert lines(noisy)["shapes"] == "ok"
    flat = typed("check", "model", f"python:{tmp_path}/unsound.py:flat")
    assert flat.exit_code == 1
    assert "expected one [3, height, width]" in lines(flat)["transform"]
    assert lines(flat)["shapes"] == "not tried: transform failed"
    assert lines(flat)["any batch size"] == "not tried: shapes failed"
    assert "breaks the contract: 1 failed" in flat.stdout


def test_a_task_is_held_to_the_contract(shapes: Path, tmp_path: Path) -> None:
    done = typed("check", "task", "vg-relation", "--data-root", shapes)
    assert (done.exit_code, "keeps the contract" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "model", "nope:x"),
        ("check", "model", "blind:chance", "--activation", "gelu"),
        ("check", "task", "nope"),
        ("check", "modle", "x"),
    ],
)
def test_what_is_mistyped_is_another_exit_code(arguments: tuple[str, ...]) -> None:
    done = typed(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")


def test_show_model_is_a_page_or_json(tiny: str) -> None:
    page = typed("show", "model", tiny).stdout
    record = json.loads(typed("show", "model", tiny, "--json").stdout)
    assert page.startswith(f"{tiny}\n\nUNTRAINED: random (seed 0) weights.")
    for field in ("weights_sha256", "activation", "fingerprint", "tokenizer"):
        assert record[field] in page
    assert (record["trained"], record["activation"]) == (False, "gelu")
    assert len(record["fingerprint"]) == 16
