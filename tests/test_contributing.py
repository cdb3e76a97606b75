"""What CONTRIBUTING.md shows works as it stands, and stays short."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchbench.evaluation import evaluate
from benchbench.registry import load_model
from benchbench.testing import check_model, model_checks

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()


def test_it_can_be_read_in_one_sitting() -> None:
    assert TEXT.count("\n") <= 150


def test_the_model_it_shows_is_whole(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)
    assert code.count("\n") < 30
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    (specification,) = re.findall(r"check model (python:\S+)`", TEXT)
    model = load_model(specification)
    check_model(model)
    assert not any(check.blocked_by for check in model_checks(model))
    assert evaluate(specification, "vg-relation", data_root=shapes).model.name == "my-model"
