from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import open_clip
import pytest
import torch
from click.testing import CliRunner

import benchbench as bb
from benchbench.analysis.comparison import compare
from benchbench.analysis.gate import gate
from benchbench.analysis.gate_rules import Rule
from benchbench.cli import main
from benchbench.errors import UsageError
from benchbench.render.caveats import banners
from benchbench.render.gate import terminal
from benchbench.render.gate_reports import markdown
from benchbench.runs import read_run, run_path, write_run
from benchbench.selection import Selection, selection_path, selections_of, write_selection

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkpoint(tiny: str, shapes: Path, tmp_path: Path) -> Path:
    """What a monitor chose, with its word beside it."""
    torch.manual_seed(3)
    model = open_clip.create_model("tiny")
    monitor = bb.Monitor(
        "vg-relation", every=1, architecture="tiny", data_root=shapes, out=tmp_path / "looks"
    )
    with pytest.raises(UsageError, match="There was no validation yet"):
        monitor.record_selection(tmp_path / "best.pt")
    monitor(model, 1)
    monitor(model, 2)
    with pytest.raises(UsageError, match="save it first"):
        monitor.record_selection(tmp_path / "best.pt")
    torch.save(model.state_dict(), tmp_path / "best.pt")
    assert monitor.record_selection(tmp_path / "best.pt") == tmp_path / "best.pt.benchbench.json"
    assert monitor.chose(tmp_path / "best.pt") == tmp_path / "best.pt.benchbench.json"
    return tmp_path / "best.pt"


def evaluated(checkpoint: Path, task: str, shapes: Path, **how: Any) -> Any:
    options: Any = {"architecture": "tiny", "activation": "gelu", "data_root": shapes}
    return bb.evaluate(str(checkpoint), task, **options, **how)


def chosen(run: Any) -> list[str]:
    return [line for line in banners(run) if line.startswith("CHOSEN")]


def test_what_chose_a_checkpoint_is_said_wherever_its_run_is_read(
    checkpoint: Path, shapes: Path, tmp_path: Path
) -> None:
    run = evaluated(checkpoint, "vg-relation", shapes)
    (line,) = chosen(run)
    assert "of 2 that were evaluated" in line
    assert f"vg-relation@{run.edition}" in line
    back = read_run(write_run(run, tmp_path / "run.parquet"))
    assert chosen(back) == [line]
    other = bb.evaluate("blind:chance", "vg-relation", data_root=shapes)
    assert "CHOSEN:" in str(compare(other, back))
    same = replace(other, model=replace(other.model, preprocessing=back.model.preprocessing))
    found = gate([back], [same], [Rule("vg-relation")])
    assert "CHOSEN:" in terminal(found)
    assert "CHOSEN:" in markdown(found)


def test_other_editions_did_not_choose_it(checkpoint: Path, shapes: Path) -> None:
    run = evaluated(checkpoint, "vg-relation", shapes)
    assert not chosen(replace(run, edition="scenes-v1"))
    assert not chosen(replace(run, task="vg-attribution"))


def test_ones_own_word_is_enough(shapes: Path, tiny: str) -> None:
    run = bb.evaluate("blind:chance", "vg-relation", data_root=shapes, chosen_on=["vg-relation"])
    assert len(chosen(run)) == 1
    plain = bb.evaluate("blind:chance", "vg-relation", data_root=shapes)
    assert run_path(run, "runs") == run_path(plain, "runs")
    with pytest.raises(UsageError, match="Unknown task"):
        bb.evaluate("blind:chance", "vg-relation", data_root=shapes, chosen_on=["vg-relations"])


def test_the_command_line_takes_it(shapes: Path, tmp_path: Path) -> None:
    command = ["eval", "--model", "blind:chance", "--task", "vg-relation", "--chosen-on"]
    rest = ["--data-root", str(shapes), "--out", str(tmp_path / "run.parquet")]
    done = CliRunner().invoke(main, [*command, "vg-relation", *rest])
    assert done.exit_code == 0
    assert "CHOSEN: blind:chance" in done.output


def test_every_checkpoint_of_a_mixture_counts(tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).touch()
        write_selection(tmp_path / name, [Selection("vg-relation", "scenes-v1", name)])
    found = selections_of(f"lerp:{tmp_path}/a.pt,{tmp_path}/b.pt,0.5")
    assert [each.data_sha256 for each in found] == ["a.pt", "b.pt"]
    assert selections_of(f"structclip:{tmp_path}/a.pt") == found[:1]
    nested = f"lerp:file:{tmp_path}/a.pt,openclip:local-dir:{tmp_path}/b.pt,0.5"
    assert selections_of(nested) == found
    assert selections_of(f"openclip:local-dir:{tmp_path}/b.pt") == found[1:]


def test_a_folder_has_its_word_beside_it(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-500").mkdir()
    place = write_selection(tmp_path / "checkpoint-500", [Selection("winoground")])
    assert place == selection_path(f"{tmp_path}/checkpoint-500/")
    assert selections_of(f"hf:{tmp_path}/checkpoint-500") == [Selection("winoground")]


def test_a_damaged_word_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.pt").touch()
    selection_path(tmp_path / "a.pt").write_text('{"chosen_on": [{"tsak": "x"}]}')
    with pytest.raises(UsageError, match="does not name the items"):
        selections_of(str(tmp_path / "a.pt"))
