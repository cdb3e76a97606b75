"""The hub's and mteb's files, read by their own readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

import benchbench as bb
from benchbench.render.exporting import ExportOptions, export_runs
from benchbench.render.formats.hugging_face import yaml_text
from tests.analysis.example_runs import changed, made

if TYPE_CHECKING:
    from benchbench.types import Run

HOSTILE = "a: [b] # \"c\" 'd'\n- !!python/object:os.system \u202e 中 💥 {e}"


def runs_of(name: str) -> list[Run]:
    environment = {"benchbench": "1.2.3"}
    one = changed(made(name, 0.5), edition="scenes-v2", environment=environment)
    return [one, changed(made(name, 0.8), edition="official", environment=environment)]


def exported(name: str, out: Path, **how: Any) -> list[Path]:
    found = export_runs(runs_of(name), "hugging-face", ExportOptions(str(out), **how))
    return [path for path in found if isinstance(path, Path)]


def test_the_hub_reads_the_model_index(tmp_path: Path) -> None:
    (path,) = exported("a", tmp_path, source_url="https://example.org/x")
    name, results = model_index_to_eval_results(yaml.safe_load(path.read_text())["model-index"])
    assert name == "a"
    cards = [bb.scorecard(run) for run in runs_of("a")]
    rows = [(card, row) for card in cards for row in card.metrics]
    assert len(results) == len(rows)
    for result, (card, row) in zip(results, rows, strict=True):
        assert result.dataset_name == f"vg-relation@{card.run.edition}"
        assert (result.metric_name, result.metric_type) == (row.name, "accuracy")
        assert result.metric_value == pytest.approx(100 * row.estimate.value, abs=1e-4)
        assert result.metric_args is not None
        assert result.dataset_args is not None
        assert result.metric_args["low"] == pytest.approx(100 * row.estimate.low, abs=1e-4)
        assert result.metric_args["high"] == pytest.approx(100 * row.estimate.high, abs=1e-4)
        assert (result.metric_args["ties"], result.metric_args["level"]) == (row.ties, 0.95)
        assert result.dataset_args["edition"] == card.run.edition
        assert result.dataset_args["benchbench"] == "1.2.3"
        assert result.source_url == "https://example.org/x"


def test_the_hub_reads_eval_results(tmp_path: Path) -> None:
    paths = exported("a", tmp_path, hub_dataset="org/set", source_url="https://example.org/x")
    cards = {card.run.edition: card for card in map(bb.scorecard, runs_of("a"))}
    found = [path for path in paths if path.parent.name == ".eval_results"]
    assert len(found) == 2
    for path in found:
        (entry,) = parse_eval_result_entries(yaml.safe_load(path.read_text()))
        edition = path.stem.partition("@")[2]
        row = cards[edition].headline
        assert (entry.dataset_id, entry.task_id) == ("org/set", "vg-relation")
        assert entry.value == pytest.approx(100 * row.estimate.value, abs=1e-4)
        assert entry.source_url == "https://example.org/x"
        assert entry.date == "2000-01-01T00:00:00+00:00"
        notes = entry.notes or ""
        low, high = (f"{100 * end:.2f}" for end in (row.estimate.low, row.estimate.high))
        for needed in (f"{low} to {high}", f"edition {edition}", f"ties {row.ties}", "1.2.3"):
            assert needed in notes
        assert ("DRAWN" in notes) is (edition == "scenes-v2")


def test_without_a_data_set_of_the_hub_no_eval_results_are_made_up(tmp_path: Path) -> None:
    export = export_runs(runs_of("a"), "hugging-face", ExportOptions(str(tmp_path)))
    assert [each for each in export if isinstance(each, str)] == [
        "note  no .eval_results: these name a data set on the hub (--hub-dataset ORG/NAME)"
    ]
    assert not list(tmp_path.rglob(".eval_results"))


def test_hostile_names_stay_texts(tmp_path: Path) -> None:
    for path in exported(HOSTILE, tmp_path, hub_dataset="org/set"):
        found = yaml.safe_load(path.read_text("utf-8"))
        if path.name == "model-index.yaml":
            shown = HOSTILE.replace("\n", "\\n").replace("\u202e", "\\u202e")
            assert found["model-index"][0]["name"] == shown


@pytest.mark.parametrize(
    "value",
    [
        [], {}, [[]], [{"a": []}], {"a": {"b": [1, [2, {"c": None}], True, -0.5, 1e-9]}},
        {"yes": "no", "n": "null", "a b": ": #", "": "", "1": "1", "-": "- x", "中": "\\x"},
        [[[1], [2]], {"a": {"b": {}}}], 3, "x", {"a\x7f": "\x85\u2028\ufeff\x9b"},
    ],
)  # fmt: skip
def test_yaml_is_what_a_yaml_reader_reads(value: Any) -> None:
    assert yaml.safe_load(yaml_text(value)) == value


def test_an_edition_that_is_no_text_is_written_by_its_numbers(tmp_path: Path) -> None:
    run = changed(made("a", 0.5), edition="a\ud800")
    export_runs([run], "hugging-face", ExportOptions(str(tmp_path), hub_dataset="org/set"))
    assert "ud800" in (tmp_path / "a" / "model-index.yaml").read_text("utf-8")


def test_mteb_reads_its_results(tmp_path: Path) -> None:
    results = pytest.importorskip("mteb.results")
    cache = pytest.importorskip("mteb.cache")
    runs = runs_of("a")
    paths = export_runs(runs, "mteb", ExportOptions(str(tmp_path), developer="me"))
    (path,) = (Path(each) for each in paths if Path(each).name == "vg-relation.json")
    found = results.TaskResult.from_disk(path)
    assert found.task_name == "vg-relation"
    assert found.eval_splits == ["test"]
    assert sorted(found.hf_subsets) == ["official", "scenes-v2"]
    cards = [bb.scorecard(run) for run in runs]
    for card, scores in zip(cards, found.scores["test"], strict=True):
        assert scores["main_score"] == card.headline.estimate.value
        for row in card.metrics:
            assert scores[row.name] == row.estimate.value
            facts = scores["benchbench"]["metrics"][row.name]
            assert (facts["low"], facts["ties"]) == (row.estimate.low, row.ties)
    mean = sum(card.headline.estimate.value for card in cards) / 2
    assert found.get_score() == pytest.approx(mean)
    store = cache.ResultCache(cache_path=tmp_path)
    revision = runs[0].model.fingerprint
    loaded = store.load_task_result("vg-relation", "me/a", revision)
    assert loaded is not None
    assert loaded.scores == found.scores
    meta = pytest.importorskip("mteb.models.model_meta").ModelMeta
    said = meta.model_validate_json_resolved((path.parent / "model_meta.json").read_text())
    assert (said.name, said.revision) == ("me/a", revision)
    assert (said.n_parameters, said.similarity_fn_name.value) == (2_500_000, "cosine")


def test_mteb_files_need_no_mteb(tmp_path: Path) -> None:
    export_runs(runs_of("a"), "mteb", ExportOptions(str(tmp_path)))
    record = json.loads(next(tmp_path.rglob("vg-relation.json")).read_text())
    assert record["mteb_version"] is None
    for scores in record["scores"]["test"]:
        assert {"main_score", "hf_subset", "languages"} <= set(scores)
