"""Editions as typed: what is printed when something is drawn, chosen or refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.test_cli import refused, typed

CHANCE = ("eval", "--model", "blind:chance", "--task", "vg-relation")


def test_eval_needs_no_data_at_all(
    standard_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE", str(standard_cache))
    monkeypatch.chdir(tmp_path)
    done = typed(*CHANCE)
    lines = done.stdout.strip().splitlines()
    assert lines[0] == "vg-relation@scenes-v2  ·  blind:chance"
    assert lines[2:4] == [
        "DRAWN: scenes-v2 shows drawings. Its numbers compare with each other; they do not compare "
        "with",
        "  papers', which are about photographs.",
    ]
    assert re.search(
        r"^aro-paper \* +\d+\.\d +\[\d+\.\d, \d+\.\d\] +4,200 +3,002 ", done.stdout, re.M
    )
    assert re.fullmatch(
        r"run   runs/vg-relation@scenes-v2/blind-chance-[0-9a-f]{8}\.parquet", lines[-2]
    )
    assert "drawing" not in done.stderr


def test_what_is_drawn_is_shown_once(small_standard: None, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run.parquet")
    first = [
        re.sub(r" \([^)]*/s.*\)", "", line) for line in typed(*CHANCE, *out).stderr.splitlines()
    ]
    n = len(list((tmp_path / "cache").rglob("*.png")))
    assert 18 <= n <= 28
    assert [line for line in first if " 10 of " not in line][:4] == [
        "drawing relation scenes …",
        f"drawing relation images: {n} of {n}",
        "drawing ARO items …",
        "loading …",
    ]
    assert "drawing" not in typed(*CHANCE, *out).stderr
    quiet = typed(*CHANCE, *out, "--quiet")
    assert quiet.stdout == f"{tmp_path / 'run.parquet'}\n"
    assert quiet.stderr.startswith("DRAWN: scenes-v2")


@pytest.mark.usefixtures("undrawn")
def test_data_where_tells_what_is_drawn(
    small_standard: None, tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("data", "where", "vg-relation")
    place = tmp_path / "cache" / "scenes-v2" / "vg-relation"
    first = typed(*where).stdout.splitlines()
    assert first[:4] == [
        f"vg-relation: {place}/",
        "  the drawn world, scenes-v2: drawn when first needed (other files: --data-root DIR)",
        "  visual_genome_relation.json",
        "      here: MISSING",
    ]
    assert not place.exists()
    typed(*CHANCE, "--out", tmp_path / "run.parquet")
    then = typed(*where).stdout.splitlines()
    assert "scenes-v2: drawn already" in then[1]
    assert f"      here: {len(list(place.rglob('*.png')))} entries" in then
    assert typed(*where, "--data-root", shapes).stdout.startswith(f"vg-relation: {shapes}/\n")
    monkeypatch.setenv("BENCHBENCH_DATA", str(shapes))
    assert typed(*where).stdout.startswith(f"vg-relation: {shapes}/\n")
    assert typed(*where, "--edition", "scenes").stdout.splitlines() == then
    assert typed("data", "where", "undrawn", "--edition", "scenes").stdout.splitlines()[:2] == [
        "undrawn: DATA_ROOT/",
        "  no part of the drawn world (files of your own: --data-root DIR)",
    ]


@pytest.mark.usefixtures("undrawn")
def test_cards_say_whether_anything_is_to_be_fetched() -> None:
    assert "nothing is fetched" in typed("show", "task", "vg-relation").stdout
    assert "The drawn world has no such files" in typed("show", "task", "undrawn").stdout


@pytest.mark.usefixtures("undrawn")
def test_wrong_editions_are_one_line(shapes: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run.parquet")
    assert refused(*CHANCE, *out, "--edition", "oficial") == (
        "Error: Unknown edition 'oficial'. Did you mean 'official'? There are scenes and official; "
        "other files: --data-root DIR"
    )
    assert "leave out one of them" in refused(
        *CHANCE, *out, "--edition", "scenes", "--data-root", shapes
    )
    assert "it has 72 records, not 23,937" in refused(
        *CHANCE, *out, "--edition", "official", "--data-root", shapes
    )
    assert "nowhere named" in refused(*CHANCE, *out, "--edition", "official")
    assert refused("eval", "--model", "blind:chance", "--task", "undrawn", *out) == (
        "Error: undrawn is not part of the drawn world: pass --data-root DIR. "
        "What belongs there: benchbench data where undrawn"
    )


def test_a_wrong_model_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    wrong = ("eval", "--model", "blnd:chance", "--task", "vg-relation")
    assert "Unknown model" in refused(*wrong, "--out", tmp_path / "run.parquet")
    assert not (tmp_path / "cache").exists()


def test_wrong_settings_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("benchbench.toml").write_text('editon = "scenes"\n')
    assert refused(*CHANCE) == (
        "Error: Unknown key 'editon'. Did you mean 'edition'? It is in "
        f"{tmp_path}/benchbench.toml. Keys: edition, data_root, gate, suites."
    )


def test_a_cache_that_cannot_be_is_one_line(
    small_standard: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "file"))
    place = tmp_path / "file" / "scenes-v2" / "vg-relation"
    assert refused(*CHANCE, "--out", tmp_path / "run.parquet") == (
        f"Error: Cannot write the edition {place}: Not a directory. Drawn editions are kept in a "
        "cache; the variable BENCHBENCH_CACHE names another place."
    )


def test_ctrl_c_while_drawing_leaves_nothing_that_counts(
    small_standard: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("benchbench.scenes.edition.images._save", interrupted)
        done = typed(*CHANCE, "--out", tmp_path / "run.parquet")
    assert done.exit_code == 130
    assert done.stderr.split("\n")[-2:] == ["Interrupted.", ""]
    assert typed(*CHANCE, "--out", tmp_path / "run.parquet").exit_code == 0
    assert [path.name for path in (tmp_path / "cache" / "scenes-v2").iterdir()] == ["vg-relation"]


def test_an_edition_does_not_take_the_place_of_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for out in ("", ".", str(tmp_path)):
        assert "name another than" in refused("scenes", "export", "--out", out)
    assert not list(tmp_path.glob("*.json"))


def test_what_the_machine_refuses_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / ("x" * 300 + ".parquet")
    assert "has 308 bytes, over 255" in refused(*CHANCE, "--out", out)


def test_each_part_is_read_by_the_task_that_export_names() -> None:
    from benchbench.cli.scenes import READ_BY
    from benchbench.editions import drawn_part
    from benchbench.registry import load_task
    from benchbench.scenes.edition import ALL_PARTS

    for part in ALL_PARTS:
        assert drawn_part(load_task(READ_BY.get(part, part)).info) == part
