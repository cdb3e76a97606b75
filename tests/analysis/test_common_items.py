"""Runs of two editions, compared on the items that are equal in both."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import benchbench as bb
from benchbench.analysis.common_items import on_common_items
from benchbench.analysis.comparison import compare
from benchbench.analysis.gate import gate
from benchbench.analysis.gate_rules import parse_condition
from benchbench.analysis.leaderboard import leaderboard
from benchbench.errors import NotComparable, RunError, UsageError
from benchbench.importing.importer import import_results
from benchbench.protocols.contents import matching_content
from benchbench.render.comparison_files import FORMATS
from benchbench.render.leaderboard import FORMATS as BOARDS
from benchbench.runs import FORMAT, WITH_CONTENTS, read_run, write_run
from benchbench.types import ImageRef, Item
from tests.analysis.example_runs import changed, made
from tests.cli.test_cli import typed
from tests.importing.test_importing import RESULTS, SUBSETS, SUITE, needs_results

if TYPE_CHECKING:
    from benchbench.types import Run

EACH = 12
"""Items of a subset."""


def content_of(subset: str, number: int) -> dict[str, str]:
    return {
        "filename": f"{number // 2}.jpg",
        "caption": f"{subset} true {number}",
        "negative_caption": f"{subset} false {number}",
    }


def written(root: Path, *, shift: int = 0, without: int | None = None, other: int = -1) -> Path:
    """A release of a suite: its ids are shifted, an item is gone, another has a new caption."""
    root.mkdir()
    for subset in SUBSETS:
        items = {
            str(number + shift): content_of(subset, number)
            for number in range(EACH)
            if number != without
        }
        if other >= 0:
            items[str(other + shift)]["caption"] += "."
        (root / f"{subset}.json").write_text(json.dumps(items))
    return root


def imported(root: Path, name: str, wrong: set[int]) -> Run:
    """A model that is wrong on the items of these numbers in every subset."""
    path = root.parent / f"SUGARCREPE_CORRECT_{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "caption", "negative_caption", "type", "subtype", "correct"])
        for subset in SUBSETS:
            kind, _, of = subset.partition("_")
            for each in json.loads((root / f"{subset}.json").read_text()).values():
                number = int(each["negative_caption"].split()[-1])
                cells = [each[key] for key in ("filename", "caption", "negative_caption")]
                writer.writerow([*cells, kind, of, int(number not in wrong)])
    (run,) = import_results(path, "bivlc", data_root=root)
    return run


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Run, Run]:
    """Of the second release item 0 is gone, item 3 is changed, and ids are shifted by one."""
    first = written(tmp_path / "one")
    second = written(tmp_path / "two", shift=1, without=0, other=3)
    return imported(first, "a", {0, 1, 3, 5}), imported(second, "b", {2, 3, 5})


def test_other_editions_are_refused_and_the_option_is_named(runs: tuple[Run, Run]) -> None:
    with pytest.raises(NotComparable, match=r"edition: .*equal in both: --common-items\."):
        compare(*runs)


def test_items_are_matched_by_content_whatever_their_ids(runs: tuple[Run, Run]) -> None:
    found = compare(*runs, common_items=True, by="subset")
    assert found.common is not None
    assert (found.common.n, found.common.items) == (70, (84, 77))
    # Shared are all but 0 and 3: a is wrong on 1 and 5 of ten, b on 2 and 5.
    assert (found.whole.gained, found.whole.lost, found.whole.n_items) == (7, 7, 70)
    assert found.whole.a == found.whole.b == 0.8
    assert {flip.id for flip in found.flips if flip.gained} == {f"{s}/1" for s in SUBSETS}
    assert {flip.id for flip in found.flips if not flip.gained} == {f"{s}/2" for s in SUBSETS}
    assert all(group.n_items == 10 for group in found.groups)
    back = compare(*runs[::-1], common_items=True)
    assert (back.whole.gained, back.whole.lost) == (7, 7)


def test_the_counts_stand_in_every_form(runs: tuple[Run, Run]) -> None:
    found = compare(*runs, common_items=True)
    one, two = (run.edition for run in runs)
    said = "over the 70 items that are equal in all runs by images, captions and truth: of 84 of "
    for kind in ("terminal", "markdown", "json"):
        text = " ".join(FORMATS[kind](found).split())
        assert said + f"{one} and of 77 of {two}." in text
        assert f"{one} and {two}" in text or kind == "json"
    record = json.loads(FORMATS["json"](found))
    assert (record["common_items"], record["a"]["items"], record["b"]["items"]) == (70, 84, 77)
    assert (record["a"]["edition"], record["b"]["edition"]) == (one, two)
    board = leaderboard(runs, common_items=True)
    for kind in ("terminal", "markdown", "html", "latex"):
        assert "COMMON ITEMS" in BOARDS[kind](board)
    rows = json.loads(BOARDS["json"](board))
    assert {row["edition"] for row in rows} == {one, two}
    assert all(row["common_items"] == 70 and row["n_items"] == 70 for row in rows)


def test_a_gate_holds_a_candidate_of_another_edition(runs: tuple[Run, Run]) -> None:
    rule = parse_condition("sugarcrepe.sugarcrepe-paper < baseline - 50pp @ 0.05")
    with pytest.raises(NotComparable, match="--common-items"):
        gate([runs[1]], [runs[0]], [rule])
    found = gate([runs[1]], [runs[0]], [rule], common_items=True)
    assert found.common["sugarcrepe"].n == 70
    assert "COMMON ITEMS" in str(found)


def test_what_cannot_be_distinguished_is_left_out(runs: tuple[Run, Run]) -> None:
    """Two items of equal content match by id; where ids differ too, a single pair matches."""
    a, b = runs

    def same(run: Run, ids: dict[str, str]) -> Run:
        kept = [o for o in run.outcomes if o.id in ids]
        return replace(
            run, outcomes=tuple(replace(o, id=ids[o.id], content="x", cluster="c") for o in kept)
        )

    one = same(a, {"add_att/1": "p", "add_att/2": "q", "add_att/4": "r"})
    by_id = same(b, {"add_att/2": "q", "add_att/3": "p", "add_att/5": "s"})
    shared, common = on_common_items([one, by_id])
    assert common.n == 3, "two by id, and the one that is left"
    assert [o.id for o in shared[0].outcomes] == [o.id for o in shared[1].outcomes]
    none = same(b, {"add_att/2": "s", "add_att/3": "t"})
    with pytest.raises(NotComparable, match="share no item of equal content"):
        on_common_items([one, none])


def test_runs_without_contents_are_an_error_that_says_what_to_do(runs: tuple[Run, Run]) -> None:
    a, b = runs
    old = replace(a, outcomes=tuple(replace(o, content="") for o in a.outcomes))
    with pytest.raises(UsageError, match="run format 3: evaluate or import it again"):
        compare(old, b, common_items=True)
    assert compare(old, replace(old, model=b.model), common_items=True).common is not None


def test_photographs_and_drawings_share_nothing() -> None:
    a, b = made("a", 0.5), changed(made("b", 0.5), edition="scenes-v2", data_sha256="1" * 64)
    with pytest.raises(NotComparable, match=r"images: photographs of a, drawings of b\.$"):
        compare(a, b, common_items=True)
    with pytest.raises(NotComparable, match=r"version of the task"):
        compare(a, changed(made("b", 0.5), task_version=9), common_items=True)


def test_contents_are_written_and_sealed(runs: tuple[Run, Run], tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = write_run(runs[0], tmp_path / "run.parquet")
    again = read_run(path)
    assert [o.content for o in again.outcomes] == [o.content for o in runs[0].outcomes]
    assert len({o.content for o in again.outcomes}) == 84
    table = pq.ParquetFile(path).read()
    assert json.loads(table.schema.metadata[b"benchbench"])["format"] == WITH_CONTENTS
    place = table.column_names.index("content")
    for spoilt in (
        table.set_column(place, "content", pa.array(["0" * 16] * 84)),
        table.drop_columns(["content"]),
    ):
        pq.write_table(spoilt, path)
        with pytest.raises(RunError, match="was changed or damaged"):
            read_run(path)
    old = replace(runs[0], outcomes=tuple(replace(o, content="") for o in runs[0].outcomes))
    table = pq.ParquetFile(write_run(old, path)).read()
    assert json.loads(table.schema.metadata[b"benchbench"])["format"] == FORMAT
    assert "content" not in table.column_names


def test_content_is_images_captions_and_truth_in_any_order() -> None:
    root = Path("data")
    left, right = ImageRef(root / "a.jpg"), ImageRef(root / "b.jpg")
    item = Item("0", (left, right), ("one", "two", "no"), (0, 1), "c", {"tag": "x"})
    digest = matching_content(item, root)
    same = (
        replace(item, id="9", cluster="d", tags={}),
        replace(item, captions=("no", "two", "one"), target=(2, 1)),
        replace(item, images=(right, left), target=(1, 0)),
        replace(item, images=(ImageRef(root / "x" / ".." / "a.jpg"), right)),
    )
    assert [matching_content(each, root) == digest for each in same] == [True, True, True, False]
    elsewhere = replace(item, images=(ImageRef(Path("other/a.jpg")), ImageRef(Path("other/b.jpg"))))
    assert matching_content(elsewhere, Path("other")) == digest
    for other in (
        replace(item, target=(1, 0)),
        replace(item, captions=("one", "two", "No")),
        replace(item, captions=("one", "two")),
        replace(item, images=(ImageRef(root / "a.jpg", (0, 0, 1, 1)), right)),
    ):
        assert matching_content(other, root) != digest


def test_a_measured_run_has_the_contents_of_an_imported_one(tmp_path: Path) -> None:
    root = written(tmp_path / "one")
    run = bb.evaluate("blind:length", "sugarcrepe", data_root=root, without_images=True)
    same = imported(root, "a", {1})
    assert [o.content for o in run.outcomes] == [o.content for o in same.outcomes]


def test_the_commands(runs: tuple[Run, Run], tmp_path: Path) -> None:
    a, b = (write_run(run, tmp_path / f"{run.model.name}.parquet") for run in runs)
    assert typed("compare", a, b).exit_code == 3
    done = typed("compare", a, b, "--common-items", "--format", "json")
    assert json.loads(done.stdout)["common_items"] == 70
    done = typed("leaderboard", a, b, "--common-items")
    assert "COMMON ITEMS" in done.stdout
    assert "--common-items" in typed("leaderboard", a, b).stderr
    for folder in ("p", "q"):
        (tmp_path / folder).mkdir()
    done = typed("compare", tmp_path / "p", tmp_path / "q", "--common-items")
    assert (done.exit_code, "are of two runs" in done.stderr) == (2, True)
    done = typed(
        "gate", "--candidate", b, "--baseline", a, "--common-items", "--early-stop",
        "--fail-if", "sugarcrepe.macro < baseline - 1pp",
    )  # fmt: skip
    assert (done.exit_code, "leave --common-items out" in done.stderr) == (2, True)


@needs_results
def test_the_two_releases_share_7511_items(tmp_path: Path) -> None:
    """Against a plain loop over the published files."""
    first = tmp_path / "first"
    first.mkdir()
    for subset in SUBSETS:
        shutil.copyfile(SUITE / f"{subset}.json", first / f"{subset}.json")
    shutil.copyfile(SUITE / "2023-06-23" / "swap_obj.json", first / "swap_obj.json")
    paths = [RESULTS / "bivlc" / f"SUGARCREPE_CORRECT_{m}.csv" for m in ("ViT-B-32", "CLIP_COCO")]
    (a,) = import_results(paths[0], "bivlc", data_root=first)
    (b,) = import_results(paths[1], "bivlc", data_root=SUITE, allow_unmatched=True)
    assert (a.edition, b.edition) == ("official-2023-06-23", "official-2023-11-18")
    found = compare(a, b, common_items=True)
    assert found.common is not None
    assert (found.common.items, found.common.n) == ((7512, 7511), 7511)
    kept = {
        (each["filename"], each["caption"], each["negative_caption"])
        for subset in SUBSETS
        for each in json.loads((SUITE / f"{subset}.json").read_text()).values()
    }
    answers = []
    for path in paths:
        with path.open(newline="") as file:
            names = ("filename", "caption", "negative_caption")
            rows = [r for r in csv.DictReader(file) if tuple(r[n] for n in names) in kept]
        answers.append(np.array([int(row["correct"]) for row in rows]))
    apart = answers[1] - answers[0]
    assert (found.whole.gained, found.whole.lost) == (
        int((apart > 0).sum()),
        int((apart < 0).sum()),
    )
    assert found.whole.difference == pytest.approx(apart.mean())
