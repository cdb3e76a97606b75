"""Each task on drawn files: what its items are, and a whole evaluation."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchbench.analysis.scorecard import scorecard
from benchbench.errors import MalformedData, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_task, task_names
from benchbench.testing import check_task
from benchbench.types import Entry, TrainableTask

CARDS = {
    info.name: info
    for name in task_names()
    for info in (
        load_task(name).info,
        *(each.info for each in getattr(load_task(name), "variants", {}).values()),
    )
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_states_licence_and_size(name: str) -> None:
    """A size is a number of something, or says that there are no files to count."""
    info = CARDS[name]
    assert info.license and info.paper
    assert re.search(r"\d [a-z]", info.size) or info.size == "no published files"
    if info.size.startswith("about"):
        assert not info.official and not info.content


def test_vg_attribution_groups_by_ordered_pairs(tiny: str, shapes: Path) -> None:
    items = load_task("vg-attribution").items(shapes)
    assert len(items) == 36
    first = items[0]
    assert first.captions == (
        "the red square and the green circle",
        "the green square and the red circle",
    )
    assert first.tags == {"attributes": "red_green"}
    run = evaluate(tiny, "vg-attribution", data_root=shapes)
    card = scorecard(run, by="attributes")
    assert len(card.groups) == 6
    assert card.headline.estimate.n_items == 0, "no pair has 25 items"
    assert {row.name: row.estimate.n_items for row in card.metrics}["structclip-paper"] == 36


@pytest.mark.parametrize("pair", [["red"], ["red", "green", "blue"], ["red", ""], "red", []])
def test_vg_attribution_needs_two_attributes(tmp_path: Path, pair: object) -> None:
    record = {
        "image_path": "a.png", "true_caption": "a", "false_caption": "b", "attributes": pair,
        "bbox_x": 0, "bbox_y": 0, "bbox_w": 1, "bbox_h": 1,
    }  # fmt: skip
    (tmp_path / "visual_genome_attribution.json").write_text(json.dumps([record]))
    with pytest.raises(MalformedData, match="field 'attributes'"):
        load_task("vg-attribution").items(tmp_path)


def test_sugarcrepe_keeps_published_ids(tiny: str, sugarcrepe: Path) -> None:
    items = load_task("sugarcrepe").items(sugarcrepe)
    assert [item.id for item in items[:4]] == ["add_att/0", "add_att/3", "add_att/6", "add_att/9"]
    assert len(items) == 28
    run = evaluate(tiny, "sugarcrepe", data_root=sugarcrepe)
    card = scorecard(run, by="subset")
    assert [row.estimate.n_items for row in card.groups] == [4] * 7
    assert {row.meaning for row in card.metrics} == {"items of all subsets", "7 subsets"}


def test_winoground_asks_for_both_directions(tiny: str, winoground: Path) -> None:
    items = load_task("winoground").items(winoground)
    assert (len(items), items[0].target) == (18, (0, 1))
    run = evaluate(tiny, "winoground", data_root=winoground)
    assert run.outcomes[0].scores.shape == (2, 2)
    rows = {row.name: row for row in scorecard(run).metrics}
    assert rows["group"].estimate.value <= min(
        rows["text"].estimate.value, rows["image"].estimate.value
    )
    assert [round(rows[n].chance, 3) for n in ("text", "image", "group")] == [0.25, 0.25, 0.167]


@pytest.mark.parametrize("task", ["vg-relation", "vg-attribution", "coco-order", "flickr30k-order"])
def test_the_drawn_world_reads_as_official_files_do(
    task: str, tiny: str, drawn_edition: Path
) -> None:
    run = evaluate(tiny, task, data_root=drawn_edition)
    assert run.counts.items == len(load_task(task).items(drawn_edition)) > 10
    assert run.counts.skipped == 0


def test_coco_order_shows_the_true_option_first_and_flags_no_ops(
    tiny: str, drawn_edition: Path
) -> None:
    items = load_task("coco-order").items(drawn_edition)
    assert len(items) == 100
    assert {len(item.captions) for item in items} == {5}
    run = evaluate(tiny, "coco-order", data_root=drawn_edition)
    same = [
        tuple(text == item.captions[0] and i > 0 for i, text in enumerate(item.captions))
        for item in items
    ]
    assert any(any(flags) for flags in same)
    assert [outcome.no_op[1:] for outcome in run.outcomes] == [flags[1:] for flags in same]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "is not order-negatives"),
        ({"version": 9}, "version 1"),
        ({"items": {}}, "list of records, not an object"),
        (
            {
                "items": [
                    {
                        "image": "a.png",
                        "caption": "a",
                        "true_option": "a",
                        "negatives": ["a"],
                    }
                ]
            },
            r"items\[0\]: .*should be 4, not 1",
        ),
        ({"items": [{"image": "../a.png"}]}, "inside the image folder"),
    ],
)
def test_coco_order_names_what_is_wrong_with_a_frozen_file(
    tmp_path: Path, drawn_edition: Path, change: dict[str, object], message: str
) -> None:
    name = "coco_order_negatives.json"
    content = json.loads((drawn_edition / name).read_text())
    (tmp_path / name).write_text(json.dumps({**content, **change}))
    with pytest.raises(MalformedData, match=message):
        load_task("coco-order").items(tmp_path)


@pytest.mark.parametrize("name", ["coco-order", "flickr30k-order"])
def test_order_tasks_read_no_ops_kept_and_dropped(
    name: str, tiny: str, drawn_edition: Path
) -> None:
    run = evaluate(tiny, name, data_root=drawn_edition)
    card = scorecard(run)
    assert card.headline.name == "distinct"
    rows = {row.name: row for row in card.metrics}
    assert rows["aro-code"].chance == pytest.approx(0.2)
    left = [5 - sum(outcome.no_op) for outcome in run.outcomes]
    assert rows["distinct"].chance == pytest.approx(sum(1 / n for n in left if n > 1) / 100)
    assert rows["aro-code"].estimate.value >= rows["distinct"].estimate.value
    assert rows["distinct"].estimate.value >= rows["micro"].estimate.value
    assert card.ties == 0
    assert sum(sum(outcome.no_op) for outcome in run.outcomes) > 5


@pytest.mark.parametrize("name", ["coco-order", "flickr30k-order"])
def test_order_tasks_come_in_seeds(name: str, tiny: str, drawn_edition: Path) -> None:
    task: Any = load_task(name)
    assert list(task.variants) == ["seed1", "seed2", "seed3", "seed4"]
    one = task.variants["seed1"]
    assert one.info.name == f"{name}.seed1"
    assert one.variants == {}
    check_task(one, drawn_edition)
    plain, other = task.items(drawn_edition), one.items(drawn_edition)
    assert [i.captions[0] for i in plain] == [i.captions[0] for i in other]
    assert [i.captions for i in plain] != [i.captions for i in other]
    run = evaluate(tiny, one, data_root=drawn_edition)
    assert scorecard(run, task=one).headline.estimate.n_items == len(plain)


@pytest.mark.parametrize("name", ["vg-relation", "vg-attribution"])
def test_drawn_items_tell_whether_training_showed_them(
    name: str, tiny: str, shapes: Path, drawn_edition: Path
) -> None:
    told = {item.tags["composition"] for item in load_task(name).items(drawn_edition)}
    assert told <= {"seen", "unseen"}
    run = evaluate(tiny, name, data_root=drawn_edition)
    slices = scorecard(run, by="composition").groups
    assert sum(row.estimate.n_items for row in slices) == run.counts.items
    assert all("composition" not in item.tags for item in load_task(name).items(shapes))
    with pytest.raises(UsageError, match="has the tag 'composition'"):
        scorecard(evaluate(tiny, name, data_root=shapes), by="composition")


def test_a_composition_is_seen_or_unseen(tmp_path: Path, drawn_edition: Path) -> None:
    name = "visual_genome_relation.json"
    records = json.loads((drawn_edition / name).read_text())
    (tmp_path / name).write_text(json.dumps([{**records[0], "composition": "new"}]))
    with pytest.raises(MalformedData, match="'composition' should be 'seen' or 'unseen'"):
        load_task("vg-relation").items(tmp_path)


def test_sugarcrepes_baselines_learn_from_images_that_it_does_not_have(
    sugarcrepe: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(sugarcrepe, root)
    records = json.loads((root / "add_obj.json").read_text("utf-8"))
    next(iter(records.values()))["filename"] = "000000397133.jpg"
    (root / "add_obj.json").write_text(json.dumps(records), "utf-8")
    task = load_task("sugarcrepe")
    assert isinstance(task, TrainableTask)
    assert task.training(root) == []
    names = [f"val2014/COCO_val2014_{number:012d}.jpg" for number in (397133, 987654)]
    captions = [{"image": name, "caption": [f"A caption of {name}."]} for name in names]
    (root / "coco_karpathy_test.json").write_text(json.dumps(captions), "utf-8")
    (entry,) = task.training(root)
    assert isinstance(entry, Entry)
    assert entry.cluster == names[1]
    captions[1]["image"] = "val2014/COCO_val2014_000000987655.jpg"
    (root / "coco_karpathy_train.json").write_text(json.dumps(captions), "utf-8")
    (entry,) = task.training(root)
    assert isinstance(entry, Entry)
    assert entry.cluster.endswith("987655.jpg")
