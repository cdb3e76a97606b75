"""Every Eval Ever's schema, both ways.

``REQUIRED`` and ``KNOWN`` are what version 0.3.0 of its two JSON schemas documents: required
fields, and closed lists of fields.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import benchbench as bb
from benchbench.errors import BenchbenchError, MalformedData, UsageError
from benchbench.importing.importer import import_results
from benchbench.render.formats.every_eval_ever import write_every_eval_ever
from tests.cli.test_cli import typed
from tests.importing import test_two_sided
from tests.importing.test_importing import lay_out
from tests.importing.test_two_sided import DECISIONS, rows_of, written

if TYPE_CHECKING:
    from benchbench.types import Run

REQUIRED: dict[str, tuple[str, ...]] = {
    "summary": ("schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata",
                "model_info", "eval_library", "evaluation_results"),
    "source_metadata": ("source_type", "source_organization_name", "evaluator_relationship"),
    "model_info": ("name", "id", "additional_details"),
    "eval_library": ("name", "version"),
    "result": ("evaluation_name", "source_data", "metric_config", "score_details"),
    "source_data": ("dataset_name", "source_type"),
    "metric_config": ("lower_is_better", "score_type", "min_score", "max_score"),
    "line": ("schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id",
             "interaction_type", "input", "answer_attribution", "evaluation"),
    "attribution": ("turn_idx", "source", "extracted_value", "extraction_method", "is_terminal"),
}  # fmt: skip
KNOWN: dict[str, tuple[str, ...]] = {
    "summary": (*REQUIRED["summary"], "evaluation_timestamp", "detailed_evaluation_results"),
    "line": (*REQUIRED["line"], "evaluation_result_id", "sample_hash", "output", "messages",
             "token_usage", "performance", "error", "metadata"),
}  # fmt: skip
SAMPLES = re.compile(
    r"data/[^/]+/[^/]+/[^/]+/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"_samples\.jsonl"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


@pytest.fixture
def two_sided(tmp_path: Path) -> Path:
    return test_two_sided.lay_out(tmp_path)


def check(record: dict[str, Any], kind: str) -> None:
    """Required fields are there, and of closed records no others."""
    assert set(REQUIRED[kind]) <= set(record), kind
    assert kind not in KNOWN or set(record) <= set(KNOWN[kind]), kind
    for name in ("additional_details", "metadata", "details"):
        assert all(isinstance(value, str) for value in record.get(name, {}).values()), (kind, name)


def check_summary(summary: dict[str, Any]) -> None:
    check(summary, "summary")
    for name in ("source_metadata", "model_info", "eval_library"):
        check(summary[name], name)
    assert summary["schema_version"] == "0.3.0"
    assert summary["source_metadata"]["source_type"] in ("documentation", "evaluation_run")
    details = summary["model_info"]["additional_details"]
    assert details["deployment_type"] in ("self_deployed", "externally_managed", "unknown")
    assert details["model_availability"] in ("open_weights", "closed_weights", "unknown")
    ids = [result["evaluation_result_id"] for result in summary["evaluation_results"]]
    assert len(set(ids)) == len(ids) > 0
    for result in summary["evaluation_results"]:
        for name in ("source_data", "metric_config"):
            check(result[name], name)
        check(result, "result")
        config, score = result["metric_config"], result["score_details"]["score"]
        assert config["min_score"] <= score
        assert config["max_score"] == "Infinity" or score <= config["max_score"]


def check_line(line: dict[str, Any], summary: dict[str, Any]) -> None:
    check(line, "line")
    assert line["evaluation_id"] == summary["evaluation_id"]
    assert line["model_id"] == summary["model_info"]["id"]
    ids = {each["evaluation_result_id"] for each in summary["evaluation_results"]}
    assert line["evaluation_result_id"] in ids
    assert line["interaction_type"] == "single_turn"
    assert "messages" not in line
    assert all(isinstance(text, str) for text in line["output"]["raw"])
    assert set(line["input"]["reference"]) <= set(line["input"]["choices"])
    check(line["answer_attribution"][0], "attribution")
    assert isinstance(line["evaluation"]["is_correct"], bool)
    hashed = {"raw": line["input"]["raw"], "reference": line["input"]["reference"]}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    assert line["sample_hash"] == hashlib.sha256(text.encode()).hexdigest()


def evaluated(root: Path) -> Run:
    """A run with scores, two ties among them."""
    run = bb.evaluate("blind:length", "sugarcrepe", data_root=root, without_images=True)
    rng = np.random.default_rng(0)
    outcomes = [
        replace(o, scores=rng.uniform(size=(1, 2)).astype(np.float32)) for o in run.outcomes
    ]
    outcomes[3] = replace(outcomes[3], scores=np.full((1, 2), 0.5, np.float32))
    return replace(run, outcomes=tuple(outcomes))


def exported(run: Run, out: Path, **how: Any) -> tuple[Path, dict[str, Any], list[dict[str, Any]]]:
    paths = write_every_eval_ever(run, out, **how)
    lines = paths[1].read_text().splitlines() if len(paths) > 1 else []
    return paths[0], json.loads(paths[0].read_text()), [json.loads(line) for line in lines]


def test_a_run_there_and_back(root: Path, tmp_path: Path) -> None:
    run = evaluated(root)
    path, summary, lines = exported(run, tmp_path, data_root=root, developer="Some One")
    check_summary(summary)
    for line in lines:
        check_line(line, summary)
    there = summary["detailed_evaluation_results"]
    assert SAMPLES.fullmatch(there["file_path"])
    samples = (tmp_path / there["file_path"]).read_bytes()
    assert there["checksum"] == hashlib.sha256(samples).hexdigest()
    assert there["total_rows"] == len(lines) == 28
    assert summary["model_info"]["id"] == "Some-One/blind-length"
    assert lines[3]["output"]["raw"] == [""]
    assert lines[3]["evaluation"] == {"score": 0.0, "is_correct": False}
    card = bb.scorecard(run)
    result = summary["evaluation_results"][0]
    assert result["score_details"]["score"] == card.headline.estimate.value
    mean = np.mean([line["evaluation"]["score"] for line in lines])
    assert mean == pytest.approx(card.headline.estimate.value)
    for given in (path, tmp_path / there["file_path"]):
        (back,) = import_results(given, "every_eval_ever", "sugarcrepe", data_root=root)
        assert back.model.name == "Some-One/blind-length"
        assert not back.decisions_only
        for one, other in zip(run.outcomes, back.outcomes, strict=True):
            assert one.id == other.id
            assert np.array_equal(one.scores, other.scores)
    again, *_ = exported(run, tmp_path, data_root=root, developer="Some One")
    assert again == path


def test_decisions_stay_decisions(root: Path, tmp_path: Path) -> None:
    run = evaluated(root)
    path, _, lines = exported(run, tmp_path, data_root=root)
    for line in lines:
        del line["metadata"]["scores"]
    lines[0]["metadata"] = None
    samples = path.with_name(f"{path.stem}_samples.jsonl")
    samples.write_text("\n".join(map(json.dumps, lines[::-1])))
    (back,) = import_results(samples, "every_eval_ever", "sugarcrepe", data_root=root)
    assert back.decisions_only
    found = (bb.scorecard(each).headline.estimate.value for each in (run, back))
    assert next(found) == next(found)
    _, summary, again = exported(back, tmp_path / "again", data_root=root)
    check_summary(summary)
    assert summary["eval_library"]["name"] == "unknown"
    assert all("scores" not in line["metadata"] for line in again)


def test_two_directions_there_and_back(two_sided: Path, tmp_path: Path) -> None:
    table = written(rows_of(), tmp_path / "BiVLC_x.csv")
    (run,) = import_results(table, "bivlc_suite", data_root=two_sided)
    path, summary, lines = exported(run, tmp_path, data_root=two_sided)
    check_summary(summary)
    assert [line["evaluation"]["is_correct"] for line in lines] == [all(d) for d in DECISIONS]
    (back,) = import_results(path, "every_eval_ever", "bivlc", data_root=two_sided)
    for one, other in zip(run.outcomes, back.outcomes, strict=True):
        assert np.array_equal(one.scores, other.scores)
        assert np.array_equal(one.by_caption, other.by_caption)


@pytest.mark.parametrize("score", ['"10"', "NaN", "null"])
def test_scores_of_two_images_that_are_no_numbers_are_refused(
    score: str, two_sided: Path, tmp_path: Path
) -> None:
    table = written(rows_of(), tmp_path / "BiVLC_x.csv")
    (run,) = import_results(table, "bivlc_suite", data_root=two_sided)
    path, _, lines = exported(run, tmp_path, data_root=two_sided)
    samples = path.with_name(f"{path.stem}_samples.jsonl")
    lines[0]["metadata"]["scores"] = f"[[{score}, {score}], [1, 2]]"
    samples.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(MalformedData, match=r"line 1: 'metadata\.scores' are not of its choices"):
        import_results(samples, "every_eval_ever", "bivlc", data_root=two_sided)


def test_a_summary_alone_needs_no_files(root: Path, tmp_path: Path) -> None:
    run = evaluated(root)
    path, summary, lines = exported(run, tmp_path)
    check_summary(summary)
    assert not lines
    assert "detailed_evaluation_results" not in summary
    with pytest.raises(MalformedData, match="a summary alone cannot be imported"):
        import_results(path, "every_eval_ever", "sugarcrepe", data_root=root)


def changed(kind: str, samples: Path) -> None:
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    if kind == "truncated":
        lines = lines[:-3]
    elif kind == "duplicated":
        lines.append(lines[2])
    elif kind == "caption":
        lines[0]["input"]["reference"] = ["another"]
    elif kind == "foreign":
        for line in lines:
            line["sample_id"] += "x"
    elif kind == "decision":
        lines[0]["evaluation"]["is_correct"] = "perhaps"
        del lines[0]["metadata"]["scores"]
    elif kind == "scores":
        lines[0]["metadata"]["scores"] = "[[1.0]]"
    elif kind == "scores of no JSON":
        lines[0]["metadata"]["scores"] = "1.0,"
    elif kind == "two results":
        lines[1]["evaluation_result_id"] = "other"
    elif kind == "field":
        del lines[0]["evaluation"]
    elif kind == "references":
        lines[0]["input"]["reference"] = "a text"
    samples.write_text("\n".join(map(json.dumps, lines)) + "\n")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("truncated", "3 items without an answer"),
        ("duplicated", "1 answer to an item that has one ("),
        ("caption", "1 answer without item in custom-"),
        ("foreign", "28 answers without item in custom-"),
        ("decision", "line 1: 'perhaps' means neither right nor wrong"),
        ("scores", "line 1: 'metadata.scores' are not of its choices"),
        ("scores of no JSON", "line 1: 'metadata.scores' is not a list in JSON"),
        ("two results", "line 2 is of the result other, and others are of"),
        ("field", "line 1: no field 'evaluation', which the schema requires"),
        ("references", "line 1: 'input.reference' should be a list of texts"),
    ],
)
def test_other_lines_are_refused_in_a_line(
    kind: str,
    said: str,
    root: Path,
    tmp_path: Path,
) -> None:
    path, *_ = exported(evaluated(root), tmp_path, data_root=root)
    samples = path.with_name(f"{path.stem}_samples.jsonl")
    changed(kind, samples)
    with pytest.raises(BenchbenchError) as caught:
        import_results(samples, "every_eval_ever", "sugarcrepe", data_root=root)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(MalformedData, match=r"was changed: its SHA-256 is .* Fetch both again"):
        import_results(path, "every_eval_ever", "sugarcrepe", data_root=root)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total_rows": 9}, "has 28 lines, and its summary says 9"),
        ({"file_path": "x.csv"}, "has no results item by item"),
        ({"file_path": "data/other_samples.jsonl"}, "File not found"),
    ],
)
def test_a_summary_must_fit_its_lines(
    change: dict[str, Any],
    said: str,
    root: Path,
    tmp_path: Path,
) -> None:
    path, summary, _ = exported(evaluated(root), tmp_path, data_root=root)
    summary["detailed_evaluation_results"] |= change
    path.write_text(json.dumps(summary))
    with pytest.raises(BenchbenchError, match=said):
        import_results(path, "every_eval_ever", "sugarcrepe", data_root=root)
    summary["detailed_evaluation_results"]["total_rows"] = 28
    path.write_text(json.dumps({**summary, "evaluation_id": "another"}))
    if "total_rows" in change:
        with pytest.raises(MalformedData, match="its evaluation_id is not the summary's"):
            import_results(path, "every_eval_ever", "sugarcrepe", data_root=root)
    path.write_text("[]")
    with pytest.raises(MalformedData, match="no 'evaluation_results'"):
        import_results(path, "every_eval_ever", "sugarcrepe", data_root=root)


def test_the_command(root: Path, tmp_path: Path, shapes: Path) -> None:
    run = bb.write_run(evaluated(root), tmp_path / "run.parquet")
    done = typed("export", run, "--data-root", root, "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout.count("wrote  ")) == (0, 2)
    assert typed("export", run, "--out", tmp_path / "alone").stdout.count("wrote  ") == 1
    failed = typed("export", run, "--data-root", shapes, "--out", tmp_path / "no")
    assert failed.exit_code == 2
    (root / "swap_obj.json").write_text("{}")
    with pytest.raises(UsageError, match="leave it out for a summary alone"):
        write_every_eval_ever(bb.read_run(run), tmp_path / "no", data_root=root)
    assert not (tmp_path / "no").exists()
