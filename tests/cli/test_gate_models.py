"""The gate on a bundled model, end to end: as it is, damaged, at another precision, elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors import safe_open
from safetensors.torch import save_file

from benchbench.cli import main
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.scenes.edition import export
from benchbench.variants.catalogue import bundled_path

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A model, a task, and a layer of its text side."""

    model: str
    task: str
    layer: str
    by: str


RELATIONS = Case("structclip", "vg-relation", "clip.transformer.resblocks.0.", "relation")
"""Its text tower alone tells relations apart; without its knowledge encoder it loses a point."""
ATTRIBUTES = Case("negclip", "vg-attribution", "transformer.resblocks.0.", "attributes")
CASES = pytest.mark.parametrize("case", [RELATIONS, ATTRIBUTES], ids=lambda case: str(case.model))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 200 questions about relations in 80 images of the drawn world."""
    root = tmp_path_factory.mktemp("edition") / "drawn"
    return export(root, parts=("vg-relation", "vg-attribution"), images=80, size=96)


@pytest.fixture(scope="module")
def baselines(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each case."""
    folder = tmp_path_factory.mktemp("runs")
    for case in (RELATIONS, ATTRIBUTES):
        evaluate(case.model, case.task, data_root=drawn, out=folder)
    return folder


def damaged(case: Case, path: Path) -> str:
    """The model with the matrices of a layer drawn anew, ten times as large."""
    generator = torch.Generator().manual_seed(0)
    with safe_open(bundled_path(case.model), "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    hit = [n for n, tensor in tensors.items() if n.startswith(case.layer) and tensor.ndim == 2]
    assert len(hit) == 4
    for name in hit:
        old = tensors[name]
        noise = torch.randn(old.shape, generator=generator) * 10 * old.float().std()
        tensors[name] = noise.to(old.dtype)
    save_file(tensors, path, metadata)
    return f"{case.model}:{path}"


def gated(candidate: str, case: Case, baselines: Path, root: Path, *more: str) -> Result:
    what = ["--candidate", candidate, "--baseline", str(baselines), "--data-root", str(root)]
    rule = ["--fail-if", f"{case.task}.micro < baseline - 1.0pp"]
    return CliRunner().invoke(main, ["gate", *what, *rule, *more])


@CASES
def test_an_unchanged_model_passes(case: Case, baselines: Path, drawn: Path) -> None:
    done = gated(case.model, case, baselines, drawn)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "gate  PASS"), done.output
    assert "0 lost, 0 gained" in " ".join(done.output.split())


def test_a_baseline_of_other_files_is_refused_before_anything_is_evaluated(
    baselines: Path, shapes: Path
) -> None:
    rule = ["--fail-if", "vg-relation.micro < baseline"]
    what = ["gate", "--candidate", "structclip", "--baseline", str(baselines), *rule]
    for more, here in (([], "scenes-v2"), (["--data-root", str(shapes)], "custom-")):
        done = CliRunner().invoke(main, [*what, *more])
        assert done.exit_code == 3
        assert f"the candidate would be evaluated on {here}" in done.stderr
        assert "--data-root DIR" in done.stderr
        assert "images:" not in done.stderr


@CASES
def test_a_damaged_text_side_fails_and_what_suffered_is_named(
    case: Case, baselines: Path, drawn: Path, tmp_path: Path
) -> None:
    report = tmp_path / "gate.json"
    candidate = damaged(case, tmp_path / "damaged.safetensors")
    done = gated(candidate, case, baselines, drawn, "--report", str(report))
    assert (done.exit_code, done.output.splitlines()[-1]) == (1, "gate  FAIL"), done.output
    [check] = json.loads(report.read_text())["checks"]
    assert check["by"] == case.by
    assert len(check["lost"]) > len(check["gained"])
    names = {item.tags[case.by] for item in load_task(case.task).items(drawn)}
    suffered = [group["name"] for group in check["groups"]]
    assert suffered
    assert set(suffered) <= names
    assert f"\n  {suffered[0]} " in done.output


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("precision", "These runs do not compare:"),
        ("edition", "and the candidate would be evaluated on"),
    ],
)
def test_other_conditions_are_not_comparable(
    what: str, message: str, baselines: Path, drawn: Path, drawn_edition: Path
) -> None:
    """Another precision on the same items, or another edition, which is not evaluated at all."""
    root, more = (drawn_edition, []) if what == "edition" else (drawn, ["--precision", "bf16"])
    done = gated(RELATIONS.model, RELATIONS, baselines, root, *more)
    assert done.exit_code == 3, done.output
    assert message in done.output
    assert (f" {what}: " in done.output) == (what == "precision")
    assert "gate  " not in done.output
