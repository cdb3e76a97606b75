from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from click.testing import CliRunner

import benchbench as bb
from benchbench.training import train
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import weights
from benchmarks import family, family_runs, members
from benchmarks.members import STARTING, Member
from benchmarks.outcomes import Outcomes, RunOutcome, read_outcomes, write_outcomes
from tests.benchmarks.fakes import BEST, Quick, write_members
from tests.conftest import shrink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

MEMBERS = ("clip", "negclip")
CLAIM = """
level = 0.025

[[claims]]
name = "starts"
sentence = "A captioner is a better start than random weights"
better = "clip"
worse = "clip@random"
task = "vg-relation"
kind = "superior"
family = "confirmatory"
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs of two members by three seeds, made elsewhere, and a small standard edition."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        yield write_members(tmp_path_factory.mktemp("family") / "out", MEMBERS, 3)


@pytest.fixture
def cache(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE", str(work / "cache"))
    monkeypatch.setattr("benchmarks.curves.FLOP_EXAMPLES", 2)


def run(work: Path, to: Path, *more: str) -> Result:
    to.mkdir(exist_ok=True)
    where = (
        "--docs", str(to), "--bundled", str(to / "bundled"), "--record", str(to / "outcomes.json"),
    )  # fmt: skip
    return CliRunner().invoke(
        family.main, ["--out", str(work), "--device", "cpu", *where, *more], catch_exceptions=False
    )


def lines_of(to: Path) -> list[str]:
    return (to / "variants.md").read_text("utf-8").splitlines()


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_runs_made_elsewhere_become_weights_cards_and_page(
    work: Path, cache: None, tmp_path: Path, seeds: int
) -> None:
    done = run(work, tmp_path, "--tables-only", "--seeds", f"{seeds}", "--note", "A trial.")
    assert done.exit_code == 0, done.output
    made = sorted(each.name for each in tmp_path.iterdir())
    assert made == [
        "bundled", "outcomes.json", "variants-claims.svg", "variants-curves.svg", "variants.md",
    ]  # fmt: skip
    bundled = sorted(each.name for each in (tmp_path / "bundled").iterdir())
    assert bundled == ["clip.md", "clip.safetensors", "negclip.md", "negclip.safetensors"]
    verdicts = done.output.splitlines()[-63:]
    assert sum(each.startswith("not trained ") for each in verdicts) == 59
    lines = lines_of(tmp_path)
    assert "**A trial.**" in lines
    (row,) = (each for each in lines if each.startswith("| `negclip` − `clip` | vg-relation |"))
    cells = [each.strip() for each in row.split("|")[1:-1]]
    assert len(cells) == 10 + seeds
    assert cells[-3] == ("seeds" if seeds == 3 else "items")
    first = tuple(
        bb.scorecard(bb.read_run(work / "0" / "evaluated" / f"{name}-vg-relation.parquet"))
        for name in MEMBERS
    )
    apart = first[1].headline.estimate.value - first[0].headline.estimate.value
    assert cells[3].startswith(f"{100 * apart:+.1f}".replace("-", "−"))
    shutil.rmtree(tmp_path / "bundled")
    (tmp_path / "variants.md").unlink()
    again = run(tmp_path / "nothing", tmp_path, "--page-only")
    assert again.output.splitlines() == verdicts
    assert lines_of(tmp_path) == lines


def test_a_twin_of_another_device_is_put_on_record_and_not_bundled(
    work: Path, cache: None, tmp_path: Path
) -> None:
    lost = tuple(
        RunOutcome(
            "clip", seed, "NVIDIA H200, bf16", "facts", 1190, 256, scores={"vg-relation": 65}
        )
        for seed in range(3)
    )
    write_outcomes(Outcomes(runs=lost), tmp_path / "outcomes.json")
    done = run(work, tmp_path, "--tables-only", "--seeds", "1")
    assert done.exit_code == 0, done.output
    bundled = sorted(each.name for each in (tmp_path / "bundled").iterdir())
    assert bundled == ["negclip.md", "negclip.safetensors"]
    runs = read_outcomes(tmp_path / "outcomes.json").runs
    assert all(each in runs for each in lost)
    (twin,) = (each for each in runs if each.member == "clip" and each not in lost)
    assert (twin.seed, twin.on.partition(" ")[0], twin.rounded) == (0, "CPU", False)


def test_what_is_there_is_not_evaluated_again_but_what_changed_is(
    work: Path, cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(work, tmp_path / "out"))
    assert run(out, tmp_path / "one", "--tables-only", "--seeds", "2").exit_code == 0
    asked: list[str] = []
    evaluate = bb.evaluate

    def noted(model: Any, task: str) -> Any:
        asked.append(f"{model.manifest.name} on {task}")
        return evaluate(model, task)

    monkeypatch.setattr(bb, "evaluate", noted)
    assert run(out, tmp_path / "two", "--tables-only", "--seeds", "2").exit_code == 0
    assert asked == []
    assert lines_of(tmp_path / "two") == lines_of(tmp_path / "one")
    tensors, record = weights.read(out / "1" / "negclip" / BEST)
    moved = {name: each + 0.01 * torch.ones_like(each) for name, each in tensors.items()}
    weights.write(out / "1" / "negclip" / BEST, moved, record)
    assert run(out, tmp_path / "two", "--tables-only", "--seeds", "2").exit_code == 0
    assert asked
    assert all(each.startswith("negclip, seed 1 on") for each in asked)


def test_cards_name_the_start_and_the_verdicts_and_no_place_elsewhere(
    work: Path, cache: None, tmp_path: Path
) -> None:
    assert run(work, tmp_path, "--tables-only", "--seeds", "1").exit_code == 0
    card = (tmp_path / "bundled" / "negclip.md").read_text("utf-8")
    assert "from `0/captioner-locked/best.safetensors`" in card
    assert "elsewhere" not in card
    assert "- **Not trained**" not in card
    assert card.count("One seed: about this checkpoint") == 4
    _, record = weights.read(tmp_path / "bundled" / "negclip.safetensors")
    assert record["plan"]["backbone"] == "0/captioner-locked/best.safetensors"


def test_members_are_trained_from_their_starts_and_kept(
    tmp_path: Path, cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "train", partial(train, workers=0))
    monkeypatch.setattr(family_runs, "TASKS", ("vg-relation",))
    monkeypatch.setattr(family_runs, "PART_TASKS", ())
    claims = tmp_path / "claims.toml"
    claims.write_text(CLAIM, "utf-8")
    for name in ("facts", "structure"):
        monkeypatch.setitem(VALIDATION_SETS, name, lambda transform: Quick())
    small: dict[str, Any] = {"steps": 2, "batch": 2, "validations": 1}
    monkeypatch.setattr(members, "STARTING", tuple(Member(s.name, **small) for s in STARTING))
    monkeypatch.setattr(
        family, "MEMBERS",
        tuple(Member(name, **small) for name in ("clip", "clip@random", "msgclip:later")),
    )  # fmt: skip
    out = tmp_path / "out"
    first = run(out, tmp_path / "one", "--seeds", "1", "--claims", str(claims))
    assert first.exit_code == 0, first.output
    assert sorted(each.name for each in (out / "0").iterdir()) == [
        "base", "captioner-locked", "clip", "clip@random", "evaluated",
    ]  # fmt: skip
    card = (tmp_path / "one" / "bundled" / "clip.md").read_text("utf-8")
    assert "from the captioner:locked of seed 0 (2 steps, batch 2; a text tower trained" in card
    assert "after the base of seed 0" in card
    assert "train base --data scenes --backbone small" in card
    assert "train captioner:locked --data scenes --backbone 0/base/best.safetensors" in card
    before = {each: each.stat().st_mtime_ns for each in out.rglob("*.safetensors")}
    again = run(out, tmp_path / "two", "--seeds", "1", "--claims", str(claims))
    assert again.output.splitlines() == first.output.splitlines()[-1:]
    assert {each: each.stat().st_mtime_ns for each in out.rglob(BEST)}.items() <= before.items()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0"], "Seeds should be 1 or more"),
        (["--scale", "0"], "scale above 0"),
        (["--members", "clip,negclop"], "Unknown member 'negclop'. Did you mean 'negclip'"),
        (["--claims", "none.toml"], "File not found: none.toml"),
        (["--tables-only"], "holds no checkpoint of seeds 0 to 4"),
        (["--page-only"], "File not found"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = run(tmp_path / "nothing", tmp_path / "docs", *arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert not list((tmp_path / "docs").iterdir())


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("0/negclip", "variant clip, not negclip"),
        ("1/clip", "seed 0, not 1"),
        ("0/clip@random", "start facts, not random"),
    ],
)
def test_a_checkpoint_in_the_place_of_another_is_refused(
    work: Path, cache: None, tmp_path: Path, there: str, said: str
) -> None:
    shutil.copytree(work / "0" / "clip", tmp_path / "out" / there)
    done = run(tmp_path / "out", tmp_path / "docs", "--tables-only", "--seeds", "2")
    assert done.exit_code == 2
    assert said in done.output


def test_a_run_in_training_is_refused(work: Path, cache: None, tmp_path: Path) -> None:
    shutil.copytree(work / "0" / "clip", tmp_path / "out" / "0" / "clip")
    (tmp_path / "out" / "0" / "clip" / "log.jsonl").write_text('{"step": 1}\n', "utf-8")
    done = run(tmp_path / "out", tmp_path / "docs", "--tables-only", "--seeds", "1")
    assert done.exit_code == 2
    assert "still in training: its log ends at step 1 of 2" in done.output
    assert not list((tmp_path / "docs").iterdir())
