"""A report: its data are those of its runs, its texts are escaped, its folder is written whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from benchbench.analysis.comparison import compare
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.paired import pair_runs
from benchbench.errors import BenchbenchError, UsageError
from benchbench.evaluation import evaluate
from benchbench.printable import UNSAFE_IN_LINES, one_line
from benchbench.registry import load_task
from benchbench.render.explorer import report as report_module
from benchbench.render.explorer.images import ImageFiles
from benchbench.render.explorer.report import MARKER, write_report
from benchbench.run_files import read_all_runs
from benchbench.runs import write_run
from benchbench.types import (
    Answered,
    Claimed,
    MatchingOutcome,
    Paraphrased,
    RelationsOutcome,
    RetrievalOutcome,
    Run,
)
from tests.analysis.example_runs import changed, made
from tests.cli.test_cli import typed
from tests.render.example_reports import HOSTILE, aro_root, array, read_data, run_on, runs_on

TOP = Path(__file__).parents[2]
PUBLISHED = TOP / "leaderboards" / "scenes-v2" / "runs"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items with hostile captions."""
    return aro_root(tmp_path_factory.mktemp("report") / "aro", captions=HOSTILE)


@pytest.fixture(scope="module")
def report(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three runs, with links to images."""
    out = tmp_path_factory.mktemp("written") / "report"
    write_report(runs_on(root), out, data_root=root)
    return out


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_data_are_those_of_the_runs(root: Path, report: Path) -> None:
    runs = runs_on(root)
    board = leaderboard(runs)
    items = read_data(report / "data" / "0" / "items.js")
    outcomes = board.first.outcomes
    assert items["ids"] == [o.id for o in outcomes]
    assert [items["clusters"][n - 1] for n in items["cluster"]] == [o.cluster for o in outcomes]
    tag = items["tags"]["relation"]
    assert [tag["values"][n - 1] for n in tag["numbers"]] == [o.tags["relation"] for o in outcomes]
    starts = array(items["columns"]["scores.start"])
    for place, each in enumerate(board.places):
        data = read_data(report / "data" / "0" / f"model-{place}.js")
        scores, no_op = array(data["scores"]), array(data["no_op"])
        for i, outcome in enumerate(each.run.outcomes):
            assert scores[starts[i] : starts[i + 1]].tolist() == outcome.scores.ravel().tolist()
            assert no_op[2 * i : 2 * i + 2].tolist() == list(outcome.no_op)
            true, false = outcome.scores[0].tolist()
            assert array(data["value"])[i] == (true > false)
            assert array(data["tied"])[i] == (true == false)
            assert array(data["margin"])[i] == np.float32(true - false)


def test_decisions_have_no_margin(root: Path, tmp_path: Path) -> None:
    one, two, *_ = runs_on(root)
    imported = {**one.settings, "imported": {"decisions_only": True}}
    runs = [replace(one, settings=imported), two]
    write_report(runs, tmp_path / "out", ids_only=True)
    for place, each in enumerate(leaderboard(runs).places):
        data = read_data(tmp_path / "out" / "data" / "0" / f"model-{place}.js")
        assert np.isnan(array(data["margin"])).all() == each.run.decisions_only
    page = Page((tmp_path / "out" / "index.html").read_text("utf-8"))
    marks = [a["data-decisions"] for _, a in page.tags if "data-decisions" in a]
    assert sorted(str(mark) for mark in marks) == ["0", "1"]


def test_items_that_differ_are_the_flips_of_a_comparison(root: Path, report: Path) -> None:
    board = leaderboard(runs_on(root))
    a, b = board.places[0].run, board.places[1].run
    values = [array(read_data(report / "data" / "0" / f"model-{m}.js")["value"]) for m in range(2)]
    differing = {a.outcomes[i].id for i in np.flatnonzero(values[0] != values[1])}
    assert differing == {flip.id for flip in compare(a, b, "micro").flips}
    assert differing


def test_captions_and_crops_are_those_of_the_items(root: Path, report: Path) -> None:
    texts = read_data(report / "data" / "0" / "text-0.js")["items"]
    items = load_task("vg-relation").items(root)
    assert len(texts) == len(items)
    for text, item in zip(texts, items, strict=True):
        assert text["captions"] == [one_line(caption) for caption in item.captions]
        assert text["images"][0][1:] == [list(item.images[0].box), item.images[0].path.name]
    href = texts[0]["images"][0][0]
    assert (report / unquote(href)).resolve() == (root / "images" / "0.png").resolve()
    assert texts[-1]["images"][0][0] == ""  # no such file


def test_texts_come_in_chunks(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "CHUNK", 25)
    write_report(runs_on(root), tmp_path / "out", data_root=root, images="none")
    parts = [read_data(tmp_path / "out" / "data" / "0" / f"text-{n}.js")["items"] for n in range(3)]
    assert [len(part) for part in parts] == [25, 25, 17]
    assert read_data(tmp_path / "out" / "data" / "0" / "items.js")["chunk"] == 25


def test_hostile_texts_stay_texts(report: Path) -> None:
    page = (report / "index.html").read_text("utf-8")
    assert not UNSAFE_IN_LINES.search(page.replace("\n", ""))
    found = Page(page)
    assert "<b onmouseover=alert(1)>&\\u202eeman" in found.text
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "script":
            assert attributes["src"] in ("start.js", "explorer.js", "items.js", "views.js")
    for file in (report / "data").rglob("*.js"):
        content = file.read_text("ascii")
        for line in json.dumps(read_data(file), ensure_ascii=False).splitlines():
            assert not re.search("[\u202a-\u202e\u2028\u2029\x07\x1b\ud800]", line)
        assert content.count("\n") == 1


def test_the_folder_needs_no_network_and_allows_no_other_script(report: Path) -> None:
    page = Page((report / "index.html").read_text("utf-8"))
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv")]
    assert policies == [
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'"
    ]
    for tag, attributes in page.tags:
        for name in ("src", "href"):
            assert not re.match(r"[a-z]+:|//", attributes.get(name) or "")
        assert tag not in ("style", "iframe", "object", "base")
    for file in report.glob("*.js"):
        script = file.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(", script
        )
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", script)


def test_the_board_is_the_leaderboard(root: Path, report: Path) -> None:
    page = (report / "index.html").read_text("utf-8")
    for place in leaderboard(runs_on(root)).places:
        value = place.estimate
        assert f'<td data-sort="{value.value}">{100 * value.value:.1f}</td>' in page
        assert f">[{100 * value.low:.1f}, {100 * value.high:.1f}]</td>" in page


def test_the_map_of_groups_is_in_the_folder(root: Path, report: Path) -> None:
    runs = [place.run for place in leaderboard(runs_on(root)).places]
    groups = read_data(report / "data" / "0" / "groups.js")
    scores = array(groups["scores"]).reshape(3, 3)
    for g, name in enumerate(groups["names"]):
        for m, run in enumerate(runs):
            right = [
                float(o.scores[0, 0] > o.scores[0, 1])
                for o in run.outcomes if o.tags["relation"] == name
            ]  # fmt: skip
            assert scores[g, m] == pytest.approx(sum(right) / len(right), abs=1e-6)
            assert groups["n_items"][g] == len(right)
    assert array(groups["p"]).shape == (27,)


def test_manifests_are_on_the_page(root: Path, report: Path) -> None:
    text = Page((report / "index.html").read_text("utf-8")).text
    for name in ("model.architecture", "model.fingerprint", "counts.items", "run.data_sha256"):
        assert name in text
    assert runs_on(root)[0].model.fingerprint in text


def test_images_are_copied_within_a_limit(root: Path, tmp_path: Path) -> None:
    written = write_report(runs_on(root), tmp_path / "out", data_root=root, images="copy")
    texts = read_data(tmp_path / "out" / "data" / "0" / "text-0.js")["items"]
    href = texts[0]["images"][0][0]
    assert href == "images/000001.png"
    assert (tmp_path / "out" / href).read_bytes() == (root / "images" / "0.png").read_bytes()
    assert len(list((tmp_path / "out" / "images").iterdir())) == len(written.images.hrefs) == 2
    assert written.images.missing > 0
    with pytest.raises(UsageError, match=r"over the limit of 0\.0001 MB\. Raise --image-limit"):
        write_report(
            runs_on(root), tmp_path / "small", data_root=root, images="copy", image_limit=1e-4
        )
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_a_file_that_is_not_an_image_is_not_copied(tmp_path: Path) -> None:
    root = aro_root(tmp_path / "aro")
    (root / "images" / "0.png").write_text("<svg onload=alert(1)>", "utf-8")
    write_report([run_on(root, "a", 1)], tmp_path / "out", data_root=root, images="copy")
    assert len(list((tmp_path / "out" / "images").iterdir())) == 1


def test_without_the_files_items_have_ids_alone(root: Path, tmp_path: Path) -> None:
    runs = tmp_path / "run.parquet"
    write_run(runs_on(root)[0], runs)
    done = typed("report", runs, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "(ids only: " in done.stdout
    items = read_data(tmp_path / "out" / "data" / "0" / "items.js")
    assert items["missing"]
    assert len(items["ids"]) == 67
    assert not list((tmp_path / "out" / "data" / "0").glob("text-*"))
    done = typed("report", runs, "--out", tmp_path / "out", "--ids-only", "--data-root", root)
    assert done.exit_code == 0
    assert "--ids-only" in read_data(tmp_path / "out" / "data" / "0" / "items.js")["missing"]


def test_wrong_input_is_one_line_and_leaves_nothing(root: Path, tmp_path: Path) -> None:
    run = write_run(runs_on(root)[0], tmp_path / "run.parquet")
    other = aro_root(tmp_path / "other", n=61)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work", "utf-8")
    before = sorted(tmp_path.rglob("*"))
    cases: tuple[tuple[list[str | Path], str], ...] = (
        (["--out", tmp_path / "mine"], "holds other files"),
        (["--out", run], "is not a folder"),
        (["--out", tmp_path / "x", "--metric", "nothing"], "has no metric 'nothing'"),
        (["--out", tmp_path / "x", "--by", "nothing"], "has the tag 'nothing'"),
        (["--out", tmp_path / "x", "--data-root", other], "No run is of the files in"),
        (["--out", tmp_path / "x", "--data-root", tmp_path / "gone"], "does not exist"),
        (["--out", run / "below"], "Cannot write"),
        (["--out", tmp_path / ("x" * 250)], "over 200"),
    )
    for arguments, message in cases:
        done = typed("report", run, *arguments)
        assert (done.exit_code, done.stdout) == (2, ""), arguments
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before, arguments
    twice = typed("report", run, run, "--out", tmp_path / "x")
    assert twice.exit_code == 2
    assert "name one run per model" in twice.stderr


def test_files_that_lack_an_item_of_the_run_are_refused(root: Path, tmp_path: Path) -> None:
    run = runs_on(root)[0]
    first: Any = run.outcomes[0]
    odd = MatchingOutcome("odd", first.cluster, first.tags, (0,), first.scores, first.no_op)
    changed = runs_on(root)[0].__class__(
        **{name: getattr(run, name) for name in run.__slots__ if name != "outcomes"},
        outcomes=(odd, *run.outcomes[1:]),
    )
    with pytest.raises(UsageError, match="have no item odd"):
        write_report([changed], tmp_path / "out", data_root=root)


def test_a_report_replaces_an_earlier_one_whole_or_not_at_all(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write_report(runs_on(root), out, data_root=root, images="none")
    before = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(report_module, "_groups", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_report(runs_on(root)[:2], out, data_root=root)
    after = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert after == before
    write_report(runs_on(root)[:1], out, data_root=root, images="none")
    assert not (out / "data" / "0" / "model-1.js").exists()
    assert len(json.loads((out / MARKER).read_text())["runs"]) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_the_same_runs_give_the_same_bytes(root: Path, report: Path, tmp_path: Path) -> None:
    again = report.parent / "again"
    write_report(runs_on(root), again, data_root=root)
    for file in report.rglob("*"):
        if file.is_file():
            assert (again / file.relative_to(report)).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "task", ["winoground", "coco-retrieval", "vg-relation-detection", "coco-order"]
)
def test_published_runs_of_every_protocol(task: str, tmp_path: Path) -> None:
    runs = [
        run for run in read_all_runs([PUBLISHED / task]) if run.model.name in ("clip", "negclip")
    ]
    write_report(runs, tmp_path / "out", ids_only=True)
    board = leaderboard(runs)
    items = read_data(tmp_path / "out" / "data" / "0" / "items.js")
    shared = {name: array(column) for name, column in items["columns"].items()}
    for place, each in enumerate(board.places):
        data = read_data(tmp_path / "out" / "data" / "0" / f"model-{place}.js")
        columns = {name: array(column) for name, column in data.items()}
        for i, outcome in enumerate(each.run.outcomes):
            _same(items, shared, columns, i, outcome)
    scores = pair_runs([place.run for place in board.places]).scores()
    for i in range(len(board.first.outcomes)):
        own = scores.values[scores.outcome == i, 1]
        expected = own.mean() if len(own) else np.nan
        assert columns["value"][i] == pytest.approx(expected, nan_ok=True, abs=1e-6)


def _same(items: Any, shared: Any, columns: Any, i: int, outcome: Any) -> None:
    """Compare an item's columns with its outcome, by a plain loop."""
    if isinstance(outcome, MatchingOutcome):
        start, end = shared["scores.start"][i : i + 2]
        assert columns["scores"][start:end].tolist() == outcome.scores.ravel().tolist()
        start, end = shared["target.start"][i : i + 2]
        assert shared["target"][start:end].tolist() == list(outcome.target)
        margins = [
            float(row[t]) - max(float(v) for c, v in enumerate(row) if c != t)
            for row, t in zip(outcome.scores, outcome.target, strict=True)
        ]
        assert columns["margin"][i] == np.float32(min(margins))
    elif isinstance(outcome, RetrievalOutcome):
        start, end = shared["found.start"][i : i + 2]
        assert columns["found_better"][start:end].tolist() == outcome.found.better.tolist()
        assert columns["found_equal"][start:end].tolist() == outcome.found.equal.tolist()
        start, end = shared["finding.start"][i : i + 2]
        best = [min(places.better.tolist()) for places in outcome.finding]
        assert columns["finding_better"][start:end].tolist() == best
    elif isinstance(outcome, RelationsOutcome):
        start, end = shared["predicates.start"][i : i + 2]
        numbers, values = items["predicates"]["numbers"], items["predicates"]["values"]
        assert [values[n - 1] for n in numbers[start:end]] == list(outcome.predicates)
        for r in range(end - start):
            hits = outcome.constrained
            better = [b for b, of in zip(hits.better, hits.relation, strict=True) if of == r]
            assert columns["triple_better"][start + r] == min(better, default=-1)
        own = outcome.own_pair.better.tolist() or [-1] * int(end - start)
        assert columns["own_better"][start:end].tolist() == own


@pytest.mark.parametrize("task", ["vsr", "valse.decisions", "sugarcrepe-pp", "naturalbench"])
def test_captions_and_answers_one_by_one(task: str, suites: Path, tmp_path: Path) -> None:
    items = load_task(task).items(suites)
    if task == "naturalbench":  # text-only models answer no questions
        runs = [answered(name, items) for name in ("blind:length", "blind:chance")]
    else:
        names = ("blind:length", "blind:length-longest")
        runs = [evaluate(name, task, data_root=suites, without_images=True) for name in names]
    given: dict[str, Any] = {"ids_only": True} if task == "naturalbench" else {"data_root": suites}
    write_report(runs, tmp_path / "out", images="none", **given)
    data = tmp_path / "out" / "data" / "0"
    shared = read_data(data / "items.js")
    assert shared["pooled"] is (task == "valse.decisions")
    start, truth = (array(shared["columns"][name]) for name in ("scores.start", "truth"))
    for place, each in enumerate(leaderboard(runs).places):
        scores = array(read_data(data / f"model-{place}.js")["scores"])
        for i, outcome in enumerate(each.run.outcomes):
            own, flags = (column[start[i] : start[i + 1]].tolist() for column in (scores, truth))
            if isinstance(outcome, Claimed):
                assert (own, flags) == ([np.float32(outcome.score)], [outcome.label])
            elif isinstance(outcome, Paraphrased):
                assert own == outcome.scores.tolist()
                assert flags == [1] * outcome.true + [0] * (len(own) - outcome.true)
            else:
                assert isinstance(outcome, Answered)
                assert own == outcome.scores.tolist()
                assert np.flatnonzero(flags).tolist() == [outcome.right]
    if task == "naturalbench":
        shown = report_module._text(items[0], ImageFiles())
        assert shown["question"] == one_line(items[0].text)
        assert shown["captions"] == list(items[0].options)
    else:
        told = read_data(data / "text-0.js")["items"]
        assert told[0]["captions"] == [one_line(text) for text in items[0].captions]


def answered(name: str, items: Any) -> Run:
    """A run that prefers the first answer, or the last one, to every question."""
    run = changed(made(name, 0.5), task="naturalbench", protocol="answering")
    order = -1 if name == "blind:length" else 1
    outcomes = tuple(
        Answered(item.id, item.cluster, item.tags, item.right,
                 np.arange(len(item.options), dtype=np.float32) * order)
        for item in items
    )  # fmt: skip
    return changed(run, outcomes=outcomes, task_version=load_task("naturalbench").info.version)


def test_several_tasks_stand_in_one_report(root: Path, tmp_path: Path) -> None:
    runs = read_all_runs([PUBLISHED / "winoground" / "clip.parquet"]) + runs_on(root)
    written = write_report(runs, tmp_path / "out", ids_only=True)
    names = [task.name for task in written.tasks]
    assert len(names) == 2
    page = Page((tmp_path / "out" / "index.html").read_text("utf-8"))
    assert [a["value"] for tag, a in page.tags if tag == "option" and a["value"] in names] == names
    assert (tmp_path / "out" / "data" / "1" / "items.js").is_file()


def test_every_error_is_one_that_the_user_can_fix(tmp_path: Path) -> None:
    with pytest.raises(BenchbenchError):
        write_report([], tmp_path / "out")
    assert not list(tmp_path.iterdir())
