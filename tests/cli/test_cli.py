"""The command line as typed: what it prints, and one error and exit code 2 for each wrong input."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchbench.cli import main
from benchbench.cli.progress import ProgressBar


def typed(*arguments: str | Path) -> Result:
    """What happens when this is typed after ``benchbench``."""
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def evaluated(tiny: str, shapes: Path, tmp_path: Path) -> Path:
    """A run's file."""
    out = tmp_path / "run.parquet"
    done = typed(
        "eval", "--model", tiny, "--task", "vg-relation", "--data-root", shapes, "--out", out
    )
    assert done.exit_code == 0, done.output
    return out


def test_eval_prints_the_scorecard_the_file_and_what_to_type_next(
    tiny: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = typed("eval", "--model", tiny, "--task", "vg-relation", "--data-root", shapes)
    assert done.exit_code == 0
    assert re.search(
        r"^vg-relation@custom-shapes0-[0-9a-f]{8}  ·  openclip:tiny/untrained$", done.stdout, re.M
    )
    assert "UNTRAINED: random (seed 0) weights" in done.stdout
    assert re.search(r"^aro-paper \* +\d+\.\d +\[\d+\.\d, \d+\.\d\] +72 +36 ", done.stdout, re.M)
    assert (
        "72 items · 36 images · 36 distinct images and crops · 72 distinct captions" in done.stdout
    )
    assert "0 no-op negatives · 0 truncated captions" in done.stdout
    file = Path(re.search(r"^run   (.*)$", done.stdout, re.M)[1])  # type: ignore[index]
    assert file.is_file()
    command = re.search(r"^next  benchbench (.*)$", done.stdout, re.M)[1]  # type: ignore[index]
    again = typed(*command.split())
    assert again.exit_code == 0
    assert re.search(r"^to the left of +\d+\.\d", again.stdout, re.M)
    assert "images: 36 of 36" in done.stderr


def test_quiet_prints_the_file_alone_and_still_warns(
    tiny: str, shapes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run.parquet"
    done = typed(
        "eval",
        "--model",
        tiny,
        "--task",
        "vg-relation",
        "--data-root",
        shapes,
        "--out",
        out,
        "--limit",
        "8",
        "--quiet",
    )
    assert done.stdout == f"{out}\n"
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["UNTRAINED", "PARTIAL"]


def test_show_run_reads_by_any_tie_rule(evaluated: Path) -> None:
    for rule in ("wrong", "share", "right"):
        done = typed("show", "run", evaluated, "--ties", rule)
        assert re.search(rf"^micro .* {rule} ", done.stdout, re.M)
        assert re.search(r"^aro-paper .* wrong ", done.stdout, re.M)


def test_show_run_prints_all_that_could_change_a_number(evaluated: Path) -> None:
    text = typed("show", "run", evaluated, "--manifest").stdout
    record = json.loads(text[text.index("\n{") :])
    assert record["model"]["activation"] == "gelu"
    assert record["settings"] == {
        "device": "cpu", "precision": "fp32", "batch_size": 32, "seed": 0, "limit": None,
        "on_missing": "error",
    }  # fmt: skip
    assert record["environment"]["torch"]


def test_lists_and_cards() -> None:
    assert re.search(
        r"^vg-relation +VG-Relation +23,937 items +matching +aro-paper +MIT$",
        typed("list", "tasks").stdout,
        re.M,
    )
    assert "openclip:ARCH/TAG" in typed("list", "models").stdout
    card = typed("show", "task", "vg-relation").stdout
    for part in (
        "Metrics (* headline)",
        "Slices: --by relation",
        "Beware",
        "Files",
        "Paper:",
        "Licence:",
    ):
        assert part in card
    assert max(map(len, card.splitlines())) <= 100


def test_data_where_tells_what_is_there_and_what_is_missing(shapes: Path, tmp_path: Path) -> None:
    there = typed("data", "where", "vg-relation", "--data-root", shapes).stdout
    assert "here: 36 entries" in there
    missing = typed("data", "where", "vg-relation", "--data-root", tmp_path).stdout
    assert missing.count("here: MISSING") == 2
    assert "Google Drive id" in missing
    asked = typed("data", "where", "--edition", "official").stdout
    assert "winoground: DATA_ROOT/\n  examples.jsonl\n" in asked
    assert "does not exist" in refused("data", "where", "--data-root", tmp_path / "none")


def test_names_of_a_family_are_listed() -> None:
    assert "openclip:ViT-B-32/openai" in typed("list", "models", "openclip").stdout.splitlines()
    assert "openclip:ViT-S-32-alt/untrained" in typed("list", "models", "openclip").stdout
    one = typed("list", "models", "lerp").stdout.splitlines()
    assert one[0].split() == ["type", "what", "it", "is"]
    assert one[2].startswith("lerp:A,B,WEIGHT  weights of two checkpoints mixed")
    assert "structclip:negatives  Structure-CLIP" in typed("list", "models", "structclip").stdout


def test_a_contact_sheet_is_drawn(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    done = typed("scenes", "gallery", "--out", sheet, "--count", "2", "--size", "64")
    assert done.stdout == f"{sheet}\n"
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert "There are train, val, test" in refused(
        "scenes", "gallery", "--out", sheet, "--split", "nope"
    )
    assert "a folder that is there" in refused(
        "scenes", "gallery", "--out", tmp_path / "x" / "y.png"
    )


def test_the_drawn_world_is_exported_and_evaluated(tmp_path: Path) -> None:
    root = tmp_path / "drawn"
    counts = ("--images", "10", "--size", "96", "--part", "vg-relation")
    done = typed("scenes", "export", "--out", root, *counts)
    command = re.search(r"^next  benchbench (.*)$", done.stdout, re.M)[1]  # type: ignore[index]
    again = typed(*command.split(), "--out", tmp_path / "run.parquet")
    assert again.exit_code == 0
    assert "blind:chance" in again.stdout
    assert "even number" in refused("scenes", "export", "--out", tmp_path / "x", "--images", "3")
    assert not (tmp_path / "x").exists()


def test_no_arguments_are_a_question() -> None:
    done = typed()
    assert done.exit_code == 0
    assert "First steps" in done.stdout


def refused(*arguments: str | Path) -> str:
    """The one error that these arguments give."""
    done = typed(*arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, done.output
    return errors[0]


def test_wrong_names(tiny: str, shapes: Path, tmp_path: Path) -> None:
    rest = ("--data-root", shapes, "--out", tmp_path / "a.parquet")
    assert "Did you mean 'vg-relation'?" in refused(
        "eval", "--model", tiny, "--task", "vg-relations", *rest
    )
    assert "Unknown model 'opencilp:x'" in refused(
        "eval", "--model", "opencilp:x", "--task", "vg-relation", *rest
    )
    assert "Did you mean 'openai'?" in refused(
        "eval", "--model", "openclip:ViT-B-32/openal", "--task", "vg-relation", *rest
    )
    assert "Did you mean 'vg-relation'?" in refused("show", "task", "vg_relation")
    assert "does not exist" in refused("show", "run", tmp_path / "none.parquet")
    assert "Unknown device 'gpu'" in refused("show", "model", tiny, "--device", "gpu")
    assert "Slices: relation" in refused(
        "eval", "--model", tiny, "--task", "vg-relation", *rest, "--by", "relatoin"
    )
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("evl",),
        ("eval",),
        ("eval", "--modle", "x"),
        ("eval", "--model", "x", "--task", "y", "--limit", "0"),
        ("eval", "--model", "x", "--task", "y", "--ties", "maybe"),
        ("eval", "--model", "x", "--task", "y", "--seed", "9" * 30),
        ("list", "task"),
        ("show", "run"),
    ],
)
def test_mistyped_commands_are_one_line_too(arguments: tuple[str, ...]) -> None:
    assert "Help: benchbench" in refused(*arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"image_path": "a', "not valid JSON"),
        ("{}", "list of records"),
        ("[]", "finds no item under"),
        ('[{"image_path": "a.png"}]', "no field 'relation_name'"),
    ],
)
def test_wrong_files(tiny: str, shapes: Path, tmp_path: Path, content: str, message: str) -> None:
    root = Path(shutil.copytree(shapes, tmp_path / "copied"))
    (root / "visual_genome_relation.json").write_text(content)
    out = tmp_path / "a.parquet"
    arguments = ("eval", "--model", tiny, "--task", "vg-relation", "--data-root", root)
    assert message in refused(*arguments, "--out", out)
    assert not out.exists()


def test_wrong_places(tiny: str, shapes: Path, tmp_path: Path) -> None:
    arguments = ("eval", "--model", tiny, "--task", "vg-relation")
    with_data = (*arguments, "--data-root", shapes)
    assert "Try" in refused(*with_data, "--out", tmp_path / "a.csv")
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "is not a folder" in refused(*with_data, "--out", blocked / "a.parquet")
    assert "not a readable Parquet" in refused("show", "run", blocked)


def test_an_unknown_tag_is_refused(evaluated: Path) -> None:
    assert "Tags: kind, relation" in refused("show", "run", evaluated, "--by", "relatoin")


def test_ctrl_c_leaves_no_run(
    tiny: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchbench.embedding.encoder.encode_captions", interrupted)
    out = tmp_path / "runs" / "a.parquet"
    done = typed(
        "eval", "--model", tiny, "--task", "vg-relation", "--data-root", shapes, "--out", out
    )
    assert done.exit_code == 130
    assert "The same command goes on where it stopped" in done.stderr
    assert not out.parent.exists()


def test_a_terminal_that_lacks_a_character_gets_another(evaluated: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "benchbench",
        "show",
        "run",
        str(evaluated),
        "--by",
        "relation",
    ]
    environment = {**os.environ, "PYTHONIOENCODING": "cp437", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"aro-paper" in done.stdout


def test_a_progress_bar_shows_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    bar = ProgressBar()
    for what, done, total in (("loading", 0, 1), ("loading", 1, 1), ("images", 0, 9)):
        bar(what, done, total)
    before = bar.encoded
    bar("images", 9, 9)
    bar.close()
    assert (before, bar.encoded) == (False, True)
    assert "images: 100%" in screen.getvalue()
    assert "9/9" in screen.getvalue()


def test_frozen_captions_are_ready_to_evaluate(tmp_path: Path) -> None:
    pytest.importorskip("HanTa")
    source = tmp_path / "flickr30k_test.json"
    source.write_text(json.dumps([{"image": "a.jpg", "caption": ["A red dog by a cat."]}]))
    done = typed("data", "freeze-order", source, "--seeds", "0-2")
    assert done.exit_code == 0
    names = [path.name for path in sorted(tmp_path.glob("*negatives*"))]
    assert len(names) == 3
    assert all(name in done.output for name in names)
    assert f"--task flickr30k-order --data-root {tmp_path}" in done.output


@pytest.mark.parametrize("seeds", ["", "x", "-1", "3-", "4-1", "0-1000", "1,,2", "٣"])
def test_seeds_that_are_none_are_named(tmp_path: Path, seeds: str) -> None:
    failed = typed("data", "freeze-order", tmp_path / "a.json", "--seeds", seeds)
    assert failed.exit_code == 2
    assert "--seeds" in failed.output


def test_an_order_task_without_frozen_captions_names_the_command(tmp_path: Path) -> None:
    failed = typed(
        "eval", "--model", "blind:chance", "--task", "coco-order", "--data-root", tmp_path
    )
    assert failed.exit_code == 2
    assert "benchbench data freeze-order DIR/coco_karpathy_test.json" in failed.output


def test_eval_slices_by_an_optional_tag(drawn_edition: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.parquet"
    words = ["eval", "--model", "blind:chance", "--task", "vg-relation", "--by", "composition"]
    done = typed(*words, "--out", out, "--data-root", drawn_edition)
    assert done.exit_code == 0, done.output
    assert re.search(r"^unseen  ", done.output, flags=re.M)
    assert "unseen" in typed("show", "run", out, "--by", "composition").output


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    """As ``benchbench list tasks | true``: nothing on standard error, the shells' exit code."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "benchbench", "list", "tasks"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(("policy", "spins"), [("", "0"), ("ACTIVE", None)])
def test_threads_of_a_command_wait_asleep_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, policy: str, spins: str | None
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, policy)
        if not policy or name == "GOMP_SPINCOUNT":
            monkeypatch.delenv(name)
    run = CliRunner().invoke(main, ["list", "models"])
    assert run.exit_code == 0
    assert os.environ.get("GOMP_SPINCOUNT") == spins
