from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from benchbench.cli import main
from benchbench.errors import NotComparable, PartialRun, RunError, UsageError
from benchbench.render.publication import publish, refresh
from benchbench.runs import UNSEALED, read_run, write_run
from tests.analysis.example_runs import EDITION, changed, made

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    publish([made("a", 0.5), made("b", 0.8)], tmp_path / "boards")
    return tmp_path / "boards"


def test_pages_follow_from_the_runs_beside_them(boards: Path) -> None:
    there = sorted(p.relative_to(boards / EDITION).as_posix() for p in boards.rglob("*.*"))
    assert there == [
        "README.md", "models/a.md", "models/b.md",
        "plots/vg-relation-groups.svg", "plots/vg-relation.svg", "runs/vg-relation/a.parquet",
        "runs/vg-relation/b.parquet", "vg-relation.md",
    ]  # fmt: skip
    assert refresh(boards, check=True) == []
    page = boards / EDITION / "vg-relation.md"
    page.write_text(page.read_text().replace("| b", "| c"))
    assert refresh(boards, check=True) == [page]
    assert refresh(boards) == [page]
    assert refresh(boards, check=True) == []


def test_a_models_run_is_replaced_and_others_stay(boards: Path) -> None:
    changed_pages = publish([made("a", 0.9)], boards)
    assert boards / EDITION / "vg-relation.md" in changed_pages
    assert len(list((boards / EDITION / "runs" / "vg-relation").iterdir())) == 2
    assert refresh(boards, check=True) == []


def test_an_editions_runs_are_read_once_however_many_are_published(
    boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(path: Path) -> Run:
        read.append(path)
        return read_run(path)

    monkeypatch.setattr("benchbench.render.publication.read_run", counted)
    publish([made("c", 0.5), made("d", 0.6), made("e", 0.7)], boards)
    assert len(read) == len(set(read)) == 2


def test_nothing_is_published_that_should_not_be(boards: Path) -> None:
    run = made("c", 0.5)
    partial = changed(run, counts=replace(run.counts, items_in_edition=1000))
    random = changed(run, model=replace(run.model, trained=False))
    foreign = changed(run, data_sha256="1" * 64)
    with pytest.raises(PartialRun):
        publish([partial], boards)
    with pytest.raises(UsageError, match="random weights"):
        publish([random], boards)
    with pytest.raises(UsageError, match="do not compare"):
        publish([foreign], boards)
    with pytest.raises(UsageError, match="c is there twice on vg-relation@"):
        publish([run, made("c", 0.6)], boards)
    assert not list(boards.rglob("c.parquet"))
    assert refresh(boards, check=True) == []


def test_a_run_in_the_wrong_place_is_named(boards: Path) -> None:
    write_run(made("b", 0.5), boards / EDITION / "runs" / "vg-relation" / "z.parquet")
    with pytest.raises(RunError, match=r"z\.parquet holds a run of b"):
        refresh(boards)


def test_a_run_that_changed_is_named_by_the_check(boards: Path) -> None:
    place = boards / EDITION / "runs" / "vg-relation" / "b.parquet"
    first, *others = made("b", 0.8).outcomes
    flipped = replace(first, scores=-first.scores)
    whole = write_run(changed(made("b", 0.8), outcomes=(flipped, *others)), place).read_bytes()
    page = boards / EDITION / "vg-relation.md"
    assert refresh(boards, check=True)[:2] == [place, page]
    done = CliRunner().invoke(main, ["publish", "--to", str(boards), "--check"])
    assert done.exit_code == 1
    assert f"changed  {place}" in done.output
    assert f"stale  {page}" in done.output
    assert f"Write them anew: benchbench publish --to {boards}" in done.output
    place.write_bytes(whole.replace(b"vg-relation", b"vg-relatiom"))
    with pytest.raises(RunError, match=r"b\.parquet"):
        refresh(boards, check=True)
    place.unlink()
    assert refresh(boards, check=True)[0] == place


def test_a_change_that_no_table_shows_is_noticed(boards: Path) -> None:
    place = boards / EDITION / "runs" / "vg-relation" / "b.parquet"
    write_run(changed(made("b", 0.8), created="2001-01-01T00:00:00+00:00"), place)
    page = boards / EDITION / "vg-relation.md"
    assert refresh(boards, check=True) == [place, page]
    assert publish([made("a", 0.5)], boards) == [place, page]
    assert refresh(boards, check=True) == []


def test_publishing_seals_and_unsealed_runs_are_said_to_be_so(boards: Path) -> None:
    place = boards / EDITION / "runs" / "vg-relation" / "b.parquet"
    page = boards / EDITION / "vg-relation.md"
    table = pq.ParquetFile(place).read()
    header = json.loads(table.schema.metadata[b"benchbench"])
    digest = header.pop("seal")
    assert digest in page.read_text("utf-8")
    metadata = {b"benchbench": json.dumps({**header, "format": UNSEALED}).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), place)
    refresh(boards)
    for name in ("vg-relation.md", "README.md", "models/b.md"):
        assert "UNSEALED: " in (boards / EDITION / name).read_text("utf-8"), name
    assert "UNSEALED" not in (boards / EDITION / "models" / "a.md").read_text("utf-8")
    publish([read_run(place)], boards)
    assert not read_run(place).unsealed
    assert not any("UNSEALED" in each.read_text("utf-8") for each in boards.rglob("*.md"))
    assert digest in page.read_text("utf-8")


def test_the_commands(boards: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    files = [str(write_run(made(name, 0.6), tmp_path / f"{name}.parquet")) for name in "cd"]
    shown = run(main, ["leaderboard", *files])
    assert shown.exit_code == 0
    assert "place" in shown.output
    compared = run(main, ["compare", *files, "--by", "relation"])
    assert compared.exit_code == 0
    assert "No difference is shown" in compared.output
    for method in "ef":
        for seed in range(2):
            write_run(made(f"{method}{seed}", 0.6), tmp_path / method / f"{seed}.parquet")
    seeds = run(main, ["compare", str(tmp_path / "e"), str(tmp_path / "f")])
    assert "2 and 2 seeds" in seeds.output
    mixed = run(main, ["compare", files[0], str(tmp_path / "f")], standalone_mode=False)
    assert "two files, or two folders" in str(mixed.exception)
    assert run(main, ["publish", *files, "--to", str(boards)]).exit_code == 0
    assert run(main, ["publish", "--to", str(boards), "--check"]).exit_code == 0
    (boards / EDITION / "vg-relation.md").write_text("edited")
    stale = run(main, ["publish", "--to", str(boards), "--check"], standalone_mode=False)
    assert stale.return_value == 1
    assert "stale" in stale.output
    with pytest.raises(UsageError, match="leave the runs out"):
        run(
            main, ["publish", *files, "--check"], standalone_mode=False, catch_exceptions=False
        )  # fmt: skip
    with pytest.raises(UsageError, match="holds no published runs"):
        run(
            main, ["publish", "--to", str(tmp_path / "none")], standalone_mode=False,
            catch_exceptions=False,
        )  # fmt: skip


def named(name: str, accuracy: float = 0.5) -> Run:
    run = made("x", accuracy)
    return changed(run, model=replace(run.model, name=name))


def test_any_name_makes_pages_that_can_be_read(tmp_path: Path) -> None:
    odd = ["<b>|*x*", "two\nlines\x1b[31m", "long/" * 60, "–", "..", "plain_name"]
    publish([named(name, 0.4 + 0.05 * k) for k, name in enumerate(odd)], tmp_path)
    for page in tmp_path.rglob("*.md"):
        prose = page.read_text().split("```")[0]
        assert "<b>" not in prose
        assert "\x1b" not in prose
        table = [line for line in prose.splitlines() if line.startswith("|")]
        bars = [len(re.findall(r"(?<!\\)\|", line)) for line in table]
        assert all(n in {3, 5, 7, 8, 10} for n in bars), table
    for figure in tmp_path.rglob("*.svg"):
        ElementTree.parse(figure)
    assert refresh(tmp_path, check=True) == []


def test_one_place_has_one_model(boards: Path) -> None:
    with pytest.raises(UsageError, match="x is there twice"):
        publish([made("x", 0.5), made("x", 0.6)], boards)
    publish([named("m:1")], boards)
    with pytest.raises(UsageError, match="m/1 would replace m:1"):
        publish([named("m/1")], boards)
    with pytest.raises(UsageError, match="M:1 would replace m:1"):
        publish([changed(named("M:1"), task="vg-attribution")], boards)
    with pytest.raises(UsageError, match="not the name of an edition"):
        publish([changed(made("x", 0.5), edition="../out")], boards)


def test_nothing_is_published_where_one_edition_cannot_be(boards: Path) -> None:
    other = [changed(made(name, 0.5), edition="custom-other-00000000") for name in "ab"]
    other[1] = changed(other[1], data_sha256="1" * 64)
    before = {p: p.read_bytes() for p in boards.rglob("*") if p.is_file()}
    with pytest.raises(NotComparable, match="digest of annotations"):
        publish([made("c", 0.9), *other], boards)
    assert {p: p.read_bytes() for p in boards.rglob("*") if p.is_file()} == before


def test_pages_without_runs_are_stale_and_go(boards: Path) -> None:
    (boards / EDITION / "runs" / "vg-relation" / "b.parquet").unlink()
    own = boards / EDITION / "notes.md"
    own.write_text("kept")
    gone = boards / EDITION / "models" / "b.md"
    assert gone in refresh(boards, check=True)
    assert gone in refresh(boards)
    assert not gone.exists()
    assert own.exists()
    assert refresh(boards, check=True) == []
    (boards / EDITION / "runs" / "vg-relation" / "a.parquet").unlink()
    assert boards / EDITION / "README.md" in refresh(boards)


def test_the_front_page_warns_of_drawings(tmp_path: Path) -> None:
    runs = [changed(made(name, 0.5), edition="scenes-v1") for name in "ab"]
    publish(runs, tmp_path)
    text = (tmp_path / "scenes-v1" / "README.md").read_text()
    assert "DRAWN: scenes-v1 shows drawings" in text
    assert "Mean of chance-corrected" not in text
    publish([changed(run, task="vg-attribution") for run in runs], tmp_path)
    text = (tmp_path / "scenes-v1" / "README.md").read_text()
    assert "for 1 pair, family-wise" in text
    assert (tmp_path / "scenes-v1" / "plots" / "overall.svg").exists()
