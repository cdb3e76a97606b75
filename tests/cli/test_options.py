"""Options that several commands share, as typed."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from benchbench.cli import main
from benchbench.runs import write_run
from tests.analysis.example_runs import made

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {
    "auto": "Wilson's with the effective number of items",
    "t": "Student's t, by the jackknife",
    "percentile": "expanded percentiles of 10,000 bootstrap draws",
    "bca": "bias-corrected and accelerated (BCa)",
    "wilson": "Wilson's with the effective number of items",
}


def typed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Runs of two models on items of which three share an image."""
    return [
        write_run(made(name, accuracy), tmp_path / f"{name}.parquet")
        for name, accuracy in (("a", 0.5), ("b", 0.7))
    ]


def bounds(text: str, row: str) -> str:
    return re.search(rf"^.*{row}.*?(\[.*?\])", text, re.M)[1]  # type: ignore[index]


def test_the_kind_of_interval_is_chosen_and_said(two: list[Path]) -> None:
    seen: dict[str, set[str]] = {"card": set(), "difference": set(), "board": set()}
    for kind in ("auto", "t", "percentile", "bca"):
        said = {
            "card": typed("show", "run", two[0], "--interval", kind).stdout,
            "difference": typed("compare", *two, "--interval", kind).stdout,
            "board": typed("leaderboard", *two, "--interval", kind).stdout,
        }
        words = {**WORDS, "auto": WORDS["t"]}
        assert f"Intervals ({kind}): {WORDS[kind]}" in " ".join(said["card"].split())
        assert f"Intervals ({kind}): {words[kind]}" in " ".join(said["difference"].split())
        assert f"interval ({kind}): of each model by itself, {WORDS[kind]}" in " ".join(
            said["board"].split()
        )
        for name, row in (("card", "micro "), ("difference", r"\+\d"), ("board", "a ")):
            seen[name].add(bounds(said[name], row))
    assert {name: len(found) > 1 for name, found in seen.items()} == dict.fromkeys(seen, True)


def test_the_default_is_auto_and_tables_carry_it(two: list[Path]) -> None:
    assert typed("show", "run", two[0]).stdout == (
        typed("show", "run", two[0], "--interval", "auto").stdout
    )
    table = typed("leaderboard", *two, "--format", "csv", "--interval", "bca").stdout
    assert [row["interval"] for row in csv.DictReader(io.StringIO(table))] == ["bca", "bca"]


def test_wilsons_is_for_items_of_their_own_images(two: list[Path], tmp_path: Path) -> None:
    commands: list[list[str | Path]] = [["show", "run", two[0]], ["leaderboard", *two]]
    for command in commands:
        done = typed(*command, "--interval", "wilson")
        assert done.exit_code == 2
        assert "360 share 120, and it would be too narrow" in done.stderr
    done = typed("compare", *two, "--interval", "wilson")
    assert done.exit_code == 2
    assert "a difference, a rank or a median is none" in done.stderr
    single = write_run(made("single", 0.5, per_image=1), tmp_path / "single.parquet")
    done = typed("show", "run", single, "--interval", "wilson")
    assert done.exit_code == 0
    assert f"Intervals (wilson): {WORDS['wilson']}" in " ".join(done.stdout.split())


def test_an_option_with_an_earlier_name_lists_the_new_one_alone() -> None:
    shown = typed("train", "--help").output
    assert "--lr FLOAT" in shown or "--lr NUMBER" in shown
    assert "--rate" not in shown
    assert "--minutes" not in shown.replace("--max-minutes", "")
    for name in ("--lr", "--rate"):
        said = typed("train", "clip", name, "-1")
        assert said.exit_code == 2
        assert "'--lr'" in said.output


def test_the_command_and_the_plan_have_the_same_defaults() -> None:
    from benchbench.cli.train import train_command
    from benchbench.training import Plan

    plan = Plan("clip")
    typed_as = {each.name: each.default for each in train_command.params}
    for name, value in plan.record().items():
        if name in typed_as and name != "variant":
            assert typed_as[name] == value, name


def test_a_device_without_a_model_is_refused(tmp_path: Path) -> None:
    refused = typed("audit", "vg-relation", "--data-root", tmp_path, "--device", "cuda")
    assert (refused.exit_code, "Name a model: --model MODEL" in refused.stderr) == (2, True)
