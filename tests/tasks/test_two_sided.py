"""BiVLC and ColorSwap: two images, two captions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchbench.analysis.scorecard import scorecard
from benchbench.errors import MalformedData, MissingData
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from tests.conftest import SHARED
from tests.suites import dump
from tests.suites.bivlc import ROWS
from tests.tasks.two_sided import three_scores


@pytest.mark.parametrize("name", ["bivlc", "colorswap", "winoground"])
@pytest.mark.parametrize("model", ["blind:chance", "tiny"])
def test_three_scores_equal_a_loop(
    name: str, model: str, tiny: str, suites: Path, winoground: Path
) -> None:
    root = winoground if name == "winoground" else suites
    run = evaluate(tiny if model == "tiny" else model, name, data_root=root)
    found = {row.name: row.estimate.value for row in scorecard(run).metrics}
    for score, value in three_scores(run).items():
        assert found[score] == pytest.approx(value), score


def test_bivlc_reads_the_rows_of_its_shards_in_order(suites: Path) -> None:
    items = load_task("bivlc").items(suites)
    assert [item.captions for item in items] == [(row[1], row[2]) for row in ROWS]
    assert [item.id for item in items] == ["0", "1", "2", "3"]
    assert [item.tags["type"] for item in items] == ["replace", "add", "swap", "replace"]
    assert [item.tags["subtype"] for item in items] == ["obj", "obj", "obj", "att"]
    for item, row in zip(items, ROWS, strict=True):
        for ref, original in zip(item.images, (row[0], row[3]), strict=True):
            stored = suites / "bivlc" / "originals" / original
            assert ref.path.read_bytes() == stored.read_bytes()


def test_bivlc_items_of_one_photograph_are_one_cluster(suites: Path) -> None:
    clusters = [item.cluster for item in load_task("bivlc").items(suites)]
    assert clusters[0] == clusters[1]
    assert len(set(clusters)) == 3


def test_colorswap_keeps_published_ids(suites: Path) -> None:
    items = load_task("colorswap").items(suites)
    assert [item.id for item in items] == ["9", "11", "13"]
    assert items[0].captions == ("a red box by a blue cup", "a blue box by a red cup")
    assert [ref.path.name for ref in items[0].images] == ["img_9_1.png", "img_9_2.png"]
    assert items[0].target == (0, 1)


def test_colorswap_reads_lines_where_there_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"test\.json"):
        load_task("colorswap").items(tmp_path)
    record = {"id": 3, "caption_1": "a", "caption_2": "b", "image_1": "1.png", "image_2": "2.png"}
    (tmp_path / "colorswap").mkdir()
    (tmp_path / "colorswap" / "test.jsonl").write_text(json.dumps(record))
    assert load_task("colorswap").items(tmp_path)[0].tags == {}
    (tmp_path / "colorswap" / "test.jsonl").write_text(json.dumps({**record, "id": "x"}))
    with pytest.raises(MalformedData, match="field 'id' should be a whole number"):
        load_task("colorswap").items(tmp_path)


def test_colorswap_reads_what_its_published_answers_hold(tmp_path: Path) -> None:
    answers = SHARED / "results" / "colorswap" / "text-gpt4v-colorswap.json"
    if not answers.is_file():
        pytest.skip("no published answers beside the checkout")
    records = []
    for each in json.loads(answers.read_text()):
        logs = (each["log_1"], each["log_2"])
        captions = [log[f"caption_{'AB'.index(log['correct_answer']) + 1}"] for log in logs]
        names = [log["image_url"].rpartition("/")[2] for log in logs]
        record = {"id": each["id"]}
        for n, (caption, name) in enumerate(zip(captions, names, strict=True), 1):
            record |= {f"caption_{n}": caption, f"image_{n}": f"images/{name}"}
        records.append(record)
    dump(tmp_path / "colorswap" / "test.json", records)
    items = load_task("colorswap").items(tmp_path)
    assert (len(items), len({item.id for item in items})) == (300, 300)
    first, tenth, last = items[0], items[9], items[-1]
    assert (first.id, tenth.id, last.id) == ("9", "33", "989")
    assert first.captions[0] == "a white raft floats on blue water"
    assert first.images[1].path.name == "img_9_2.png"
    assert last.captions == (
        "a painter with a red apron splashes green paint",
        "a painter with a green apron splashes red paint",
    )
    assert all(item.captions[0] != item.captions[1] for item in items)
