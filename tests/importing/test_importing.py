"""Imported results: matched by content, refused or counted where they do not match."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import benchbench as bb
from benchbench.analysis.comparison import compare
from benchbench.cli import main
from benchbench.errors import BenchbenchError, MalformedData, UnknownName, UsageError
from benchbench.importing.importer import import_results, load_reader, reader_names
from tests.conftest import SHARED

SUBSETS = (
    "add_att",
    "add_obj",
    "replace_att",
    "replace_obj",
    "replace_rel",
    "swap_att",
    "swap_obj",
)
RESULTS = SHARED / "results"
SUITE = SHARED / "suites" / "sugarcrepe"
needs_results = pytest.mark.skipif(not RESULTS.is_dir(), reason=f"{RESULTS} is not there")


def items_of(subset: str) -> dict[str, dict[str, str]]:
    """Four items: two photographs, and one pair of items of equal content."""
    found = {
        f"{k}": {"filename": f"{k % 2}.jpg", "caption": f"{subset} true {k}",
                 "negative_caption": f"{subset} false {k}"}
        for k in range(3)
    }  # fmt: skip
    return found | {"7": dict(found["0"])}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


def lay_out(tmp_path: Path) -> Path:
    """Write annotations of all subsets."""
    folder = tmp_path / "sugarcrepe"
    folder.mkdir()
    for subset in SUBSETS:
        (folder / f"{subset}.json").write_text(json.dumps(items_of(subset)))
    return folder


def rows_of() -> list[dict[str, str]]:
    """A right answer to every item but those numbered 2."""
    return [
        {"filename": each["filename"], "caption": each["caption"],
         "negative_caption": each["negative_caption"], "type": subset.partition("_")[0],
         "subtype": subset.partition("_")[2], "correct": "0" if key == "2" else "1"}
        for subset in SUBSETS
        for key, each in items_of(subset).items()
    ]  # fmt: skip


def written(rows: list[dict[str, Any]], path: Path) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_every_answer_finds_its_item_whatever_the_order(root: Path, tmp_path: Path) -> None:
    rows = rows_of()
    for name, order in (("a", rows), ("b", rows[::-1])):
        path = written(order, tmp_path / f"SUGARCREPE_CORRECT_{name}.csv")
        (run,) = import_results(path, "bivlc", data_root=root)
        right = {o.id: bool(o.scores[0, 0] > o.scores[0, 1]) for o in run.outcomes}
        assert len(right) == 28
        assert all(correct is not item.endswith("/2") for item, correct in right.items())
        assert run.decisions_only
        assert run.model.name == name
        assert run.imported["source"] == {}  # not the published file
    card = str(bb.scorecard(run, by="subset"))
    assert "IMPORTED: decisions without scores, not measured here." in card
    assert "75.0" in card


def test_a_run_is_written_and_read(root: Path, tmp_path: Path) -> None:
    path = written(rows_of(), tmp_path / "SUGARCREPE_CORRECT_x.csv")
    (run,) = import_results(path, "bivlc", data_root=root)
    there = bb.write_run(run, tmp_path / "x.parquet")
    assert bb.read_run(there).imported == run.imported


def changed(kind: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    if kind == "truncated":
        return rows[:-3]
    if kind == "duplicated":
        return [*rows, rows[1]]
    if kind == "altered":
        return [{**rows[0], "caption": rows[0]["caption"] + "."}, *rows[1:]]
    if kind == "foreign":
        return [{**row, "filename": f"x{row['filename']}"} for row in rows]
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("truncated", "3 items without an answer (swap_obj/1; swap_obj/2; swap_obj/7)"),
        ("duplicated", "1 answer to an item that has one ("),
        ("altered", "1 answer without item in custom-sugarcrepe-"),
        ("foreign", "28 answers without item in custom-sugarcrepe-"),
    ],
)
def test_what_does_not_match_is_refused_in_one_line(
    kind: str, said: str, root: Path, tmp_path: Path
) -> None:
    path = written(changed(kind, rows_of()), tmp_path / "SUGARCREPE_CORRECT_x.csv")
    with pytest.raises(UsageError) as caught:
        import_results(path, "bivlc", data_root=root)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    if kind == "foreign":
        with pytest.raises(MalformedData, match="No answer of x belongs to an item"):
            import_results(path, "bivlc", data_root=root, allow_unmatched=True)
        return
    (run,) = import_results(path, "bivlc", data_root=root, allow_unmatched=True)
    counts = (run.counts.skipped, run.imported["unmatched"], run.imported["duplicates"])
    assert counts == {"truncated": (3, 0, 0), "duplicated": (0, 0, 1), "altered": (1, 1, 0)}[kind]
    assert "COUNTED: 1 " in str(bb.scorecard(run)) or kind == "truncated"
    assert "not known from decisions: ties, no-op negatives" in str(bb.scorecard(run))
    assert "0 truncated" not in str(bb.scorecard(run))


def test_nothing_is_drawn_for_results_of_other_files(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCHBENCH_DATA", raising=False)
    path = written(rows_of(), tmp_path / "SUGARCREPE_CORRECT_x.csv")
    with pytest.raises(UsageError, match="The drawn world's files of sugarcrepe are not there"):
        import_results(path, "bivlc")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("filename,caption\na,b\n", "has no column negative_caption, type, subtype, correct"),
        ("filename,caption,negative_caption,type,subtype,correct\na,b\n", "line 2, has 2 cells"),
        (
            "filename,caption,negative_caption,type,subtype,correct\na,b,c,d,e,maybe\n",
            "line 2: correct is 'maybe' means neither right nor wrong",
        ),
        ("", "has no column filename"),
    ],
)
def test_damaged_tables_are_refused(text: str, said: str, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "SUGARCREPE_CORRECT_x.csv"
    path.write_text(text)
    with pytest.raises(MalformedData) as caught:
        import_results(path, "bivlc", data_root=root)
    assert said in str(caught.value)


def test_a_table_with_scores_keeps_them(root: Path, tmp_path: Path) -> None:
    rows = [
        {"key": f"{subset}/{key}", "who": "m", "p": 0.25, "q": 0.25 if key == "1" else 0.5}
        for subset in SUBSETS
        for key in items_of(subset)
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    fields = {"id": "key", "model": "who", "score_true": "q", "score_false": "p"}
    (run,) = import_results(
        tmp_path / "t.parquet", "table", "sugarcrepe", data_root=root, fields=fields
    )
    assert not run.decisions_only
    assert run.outcomes[0].scores.tolist() == [[0.5, 0.25]]
    card = bb.scorecard(run)
    assert card.ties == 7
    assert card.headline.estimate.value == 0.75


def test_scores_that_differ_beyond_32_bits_do_not_tie(root: Path, tmp_path: Path) -> None:
    rows = [
        {"id": f"{subset}/{key}", "score_true": 1 - 1e-10, "score_false": 1 - 2e-10}
        for subset in SUBSETS
        for key in items_of(subset)
    ]
    path = tmp_path / "t.parquet"
    pd.DataFrame(rows).to_parquet(path)
    (run,) = import_results(path, "table", "sugarcrepe", data_root=root, model="m")
    card = bb.scorecard(run)
    assert (card.ties, card.headline.estimate.value) == (0, 1.0)
    pd.DataFrame([{**row, "score_true": -1e39} for row in rows]).to_parquet(path)
    with pytest.raises(MalformedData, match="beyond the range of 32 bits"):
        import_results(path, "table", "sugarcrepe", data_root=root, model="m")


def test_a_decision_that_the_scores_contradict_is_refused(root: Path, tmp_path: Path) -> None:
    rows = [
        {"id": f"{subset}/{key}", "right": 1, "score_true": 2.0, "score_false": 3.0}
        for subset in SUBSETS
        for key in items_of(subset)
    ]
    path = tmp_path / "losses.parquet"
    pd.DataFrame(rows).to_parquet(path)
    with pytest.raises(
        MalformedData, match=r"row 1: the decision is 1, and the scores \(2.0, 3.0\)"
    ):
        import_results(path, "table", "sugarcrepe", data_root=root, model="m")
    negated = [{**row, "score_true": -2.0, "score_false": -3.0} for row in rows]
    pd.DataFrame([{**negated[0], "right": None}, *negated[1:]]).to_parquet(path)
    (run,) = import_results(path, "table", "sugarcrepe", data_root=root, model="m")
    assert bb.scorecard(run).headline.estimate.value == 1.0


def test_tables_of_parquet_that_cannot_be_read_are_one_error(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    twice = pa.table(
        [pa.array(["1"]), pa.array([1]), pa.array([0])], names=["id", "right", "right"]
    )
    zone = pa.table({"id": ["1"], "right": pa.array([1], pa.timestamp("ns", tz="Nowhere/X"))})
    for table, said in ((twice, "has the column right twice"), (zone, "not a readable Parquet")):
        pq.write_table(table, path)
        with pytest.raises(MalformedData, match=said):
            import_results(path, "table", "sugarcrepe", data_root=root, model="m")


def test_a_log_without_any_decision_is_refused(root: Path, tmp_path: Path) -> None:
    lines = [
        json.dumps({"doc": each, "exact_match": 1.0})
        for subset in SUBSETS
        for each in items_of(subset).values()
    ]
    path = tmp_path / "samples_sugarcrepe.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(UsageError, match=r"Not one of the 28 answers of m .* --field right=NAME"):
        import_results(path, "samples", "sugarcrepe", data_root=root, model="m")
    fields = {"right": "exact_match"}
    (run,) = import_results(path, "samples", "sugarcrepe", data_root=root, model="m", fields=fields)
    assert bb.scorecard(run).headline.estimate.value == 1.0


def test_an_id_must_agree_with_the_content(root: Path, tmp_path: Path) -> None:
    rows = [
        {"id": f"{subset}/{key}", "caption": "another", "right": 1}
        for subset in SUBSETS
        for key in items_of(subset)
    ]
    path = written(rows, tmp_path / "t.csv")
    with pytest.raises(UsageError, match="28 answers without item"):
        import_results(path, "table", "sugarcrepe", data_root=root, model="m")


def test_logs_of_samples(root: Path, tmp_path: Path) -> None:
    lines = [
        json.dumps({"doc_id": 0, "doc": each, "acc": 0.0 if key == "1" else 1.0})
        for subset in SUBSETS
        for key, each in items_of(subset).items()
    ]
    path = tmp_path / "samples_sugarcrepe.jsonl"
    path.write_text("\n".join(lines))
    (run,) = import_results(path, "samples", "sugarcrepe", data_root=root, model="m")
    assert bb.scorecard(run).headline.estimate.value == 0.75
    path.write_text("\n".join(lines)[:-5])
    with pytest.raises(MalformedData, match=r"line 28, is not valid JSON .* Is it whole"):
        import_results(path, "samples", "sugarcrepe", data_root=root, model="m")


def test_logs_of_inspect(root: Path, tmp_path: Path) -> None:
    values = {"0": "C", "1": "I", "2": "P", "7": "N"}
    samples = [
        {"id": key, "metadata": each, "scores": {"choice": {"value": values[key]}}}
        for subset in SUBSETS
        for key, each in items_of(subset).items()
    ]
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"eval": {"model": "openai/x"}, "samples": samples}))
    (run,) = import_results(path, "inspect", "sugarcrepe", data_root=root)
    assert run.model.name == "openai/x"
    assert run.imported["unreadable"] == 7
    assert bb.scorecard(run).headline.estimate.value == 0.25
    (tmp_path / "log.eval").write_bytes(b"PK")
    with pytest.raises(BenchbenchError, match=r"inspect_ai|not a readable log"):
        import_results(tmp_path / "log.eval", "inspect", "sugarcrepe", data_root=root)


def test_both_orders_of_an_answer(root: Path, tmp_path: Path) -> None:
    for order, unread in (("positive-first", "1"), ("negative-first", "2")):
        (tmp_path / "gpt" / order).mkdir(parents=True)
        for subset in SUBSETS:
            content = {
                key: {**each, "answer": {
                    "multiple_choice_answer": "" if key == unread else each["caption"]}}
                for key, each in items_of(subset).items()
            }  # fmt: skip
            content["accuracy"] = 0.5  # type: ignore[assignment]
            (tmp_path / "gpt" / order / f"gpt4v-{subset}.json").write_text(json.dumps(content))
    runs = {
        run.model.name: run for run in import_results(tmp_path / "gpt", "gpt4v", data_root=root)
    }
    values = {name: bb.scorecard(run).headline.estimate.value for name, run in runs.items()}
    assert values == {
        "GPT-4V, true caption first": 0.75,
        "GPT-4V, false caption first": 0.75,
        "GPT-4V, both orders": 0.5,
    }
    assert runs["GPT-4V, both orders"].imported["unreadable"] == 14


def test_what_decisions_cannot_answer_is_an_error(root: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from benchbench.registry import load_task

    path = written(rows_of(), tmp_path / "SUGARCREPE_CORRECT_x.csv")
    (run,) = import_results(path, "bivlc", data_root=root)
    task = load_task("sugarcrepe")
    free = replace(task.info, metrics=tuple(replace(m, ties=None) for m in task.info.metrics))

    class Free:
        info = free
        items = task.items

    with pytest.raises(UsageError, match="which scores were tied is unknown"):
        bb.scorecard(run, task=Free(), ties="share")


def test_text_only_models_need_no_images(root: Path) -> None:
    run = bb.evaluate("blind:length", "sugarcrepe", data_root=root, without_images=True)
    assert "WITHOUT IMAGES: no image was read" in str(bb.scorecard(run))
    assert run.counts.items == 28
    with pytest.raises(UsageError, match="blind:chance reads images"):
        bb.evaluate("blind:chance", "sugarcrepe", data_root=root, without_images=True)


def test_readers_by_name() -> None:
    names = [
        "bivlc",
        "bivlc_suite",
        "colorswap",
        "every_eval_ever",
        "gpt4v",
        "inspect",
        "samples",
        "table",
    ]
    assert reader_names() == names
    with pytest.raises(UnknownName, match="Did you mean 'table'"):
        load_reader("tabel")
    for name in reader_names():
        assert load_reader(name).title


def test_the_command(root: Path, tmp_path: Path) -> None:
    path = written(rows_of(), tmp_path / "SUGARCREPE_CORRECT_x.csv")
    run = CliRunner().invoke
    options = ("--data-root", str(root), "--out", str(tmp_path / "runs"))
    source = ("--source", "Some Work", "--commit", "1a2b")
    done = run(main, ["import", str(path), "--reader", "bivlc", *options, *source])
    assert done.exit_code == 0, done.output
    assert "from Some Work, 1a2b." in done.output
    assert "sugarcrepe-paper   75.0" in done.output
    assert len(list((tmp_path / "runs").rglob("*.parquet"))) == 1
    for words, said in (
        (["--reader", "nothing"], "Unknown reader 'nothing'"),
        (["--reader", "table"], "has no task of its own. Name one: --task NAME"),
        (["--reader", "table", "--task", "sugarcrepe"], "holds neither a decision nor scores"),
        (
            ["--reader", "table", "--task", "sugarcrepe", "--field", "right=correct"],
            "does not identify an item",
        ),
        (["--reader", "table", "--task", "coco-retrieval"], "cannot be imported yet"),
        (
            ["--reader", "table", "--task", "sugarcrepe", "--field", "x"],
            "--field takes NAME=COLUMN",
        ),
        (["--reader", "table", "--task", "sugarcrepe", "--field", "id=nope"], "has no column nope"),
    ):
        failed = run(main, ["import", str(path), "--data-root", str(root), *words])
        assert failed.exit_code != 0
        text = str(failed.exception) + failed.output
        assert said in text, text


@needs_results
def test_published_decisions_give_the_published_figures(tmp_path: Path) -> None:
    """Hsieh et al.'s figures of OpenAI's ViT-B/32, and counts that were computed elsewhere."""
    for path in SUITE.glob("*.json"):
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "swap_obj.json").unlink()
    (tmp_path / "swap_obj.json").symlink_to(SUITE / "2023-06-23" / "swap_obj.json")
    runs = {
        run.model.name: run
        for run in import_results(RESULTS / "bivlc", "bivlc", data_root=tmp_path)
    }
    assert {run.edition for run in runs.values()} == {"official-2023-06-23"}
    assert {run.imported["source"]["commit"] for run in runs.values()} == {"84f0d17"}
    clip, tuned = runs["OpenAI ViT-B/32"], runs["ViT-B/32 tuned on COCO"]
    card = bb.scorecard(clip, by="subset")
    found = {row.name: round(100 * row.estimate.value, 2) for row in card.groups}
    published = {
        "replace_obj": 90.92, "replace_att": 80.08, "replace_rel": 69.20, "swap_obj": 61.38,
        "swap_att": 63.96, "add_obj": 77.21, "add_att": 68.79,
    }  # fmt: skip
    assert all(abs(found[name] - value) < 0.05 for name, value in published.items())
    row = compare(clip, tuned).whole
    assert (row.gained, row.lost) == (969, 360)
    assert 100 * row.difference == pytest.approx(8.11, abs=0.005)
    assert 100 * (row.high - row.low) / 2 / 1.96 == pytest.approx(0.49, abs=0.01)
    assert card.headline.estimate.n_clusters == 1561
