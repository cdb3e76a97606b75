"""Retrieval and classification tasks, from files to scorecards."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize

from benchbench.analysis.scorecard import Scorecard, scorecard
from benchbench.errors import ImageError, MalformedData, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.runs import read_run

if TYPE_CHECKING:
    from benchbench.adapters.openclip import OpenClip
    from benchbench.types import Entry, Run

SEARCHED = ["coco-retrieval", "scenario-retrieval", "scenario-classification"]


def counts(run: Run) -> list[Any]:
    """All counts of a run, comparable."""
    return [
        [o.id, o.own, o.n_captions, o.n_images]
        + [(p.better.tolist(), p.equal.tolist()) for p in (o.found, *o.finding)]
        for o in run.outcomes
    ]


def values(card: Scorecard) -> dict[str, float]:
    return {row.name: row.estimate.value for row in card.metrics}


def plain_recalls(architecture: str, entries: list[Entry], k: int) -> tuple[float, float]:
    """R@K both ways by open_clip alone: every distinct caption, full context, one argsort a query.

    A query counts where any true answer is among the first K (as clip_benchmark's retrieval does).
    """
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms(architecture)
    tokenizer = open_clip.get_tokenizer(architecture)
    model.eval()
    texts = list(dict.fromkeys(text for entry in entries for text in entry.captions))
    with torch.no_grad():
        pixels = [transform(Image.open(e.image.path).convert("RGB")) for e in entries]
        images = normalize(model.encode_image(torch.stack(pixels)), dim=-1)
        phrases = normalize(model.encode_text(tokenizer(texts)), dim=-1)
    scores = (images.double() @ phrases.double().T).numpy()
    true = np.array([[text in entry.captions for text in texts] for entry in entries])
    of_images = [true[i][np.argsort(-row)[:k]].any() for i, row in enumerate(scores)]
    number = {text: column for column, text in enumerate(texts)}
    of_captions = [
        true[np.argsort(-scores[:, number[text]])[:k], number[text]].any()
        for entry in entries
        for text in entry.captions
    ]
    return float(np.mean(of_images)), float(np.mean(of_captions))


@pytest.mark.parametrize("k", [1, 5, 10])
def test_recalls_equal_a_plain_loop(tiny: str, drawn_edition: Path, k: int) -> None:
    entries = load_task("coco-retrieval").items(drawn_edition)
    found = values(scorecard(evaluate(tiny, "coco-retrieval", data_root=drawn_edition)))
    expected = plain_recalls("tiny", list(entries), k)
    assert (found[f"i2t-R@{k}"], found[f"t2i-R@{k}"]) == pytest.approx(expected, abs=1e-12)


def test_recalls_equal_a_plain_loop_on_photographs(tiny: str, coco_photos: Path) -> None:
    entries = list(load_task("coco-retrieval").items(coco_photos))
    run = evaluate(tiny, "coco-retrieval", data_root=coco_photos)
    found = values(scorecard(run))
    assert (run.outcomes[0].n_captions, run.outcomes[0].n_images) == (989, 198)
    for k in (1, 5, 10):
        expected = plain_recalls("tiny", entries, k)
        assert (found[f"i2t-R@{k}"], found[f"t2i-R@{k}"]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("task", SEARCHED)
def test_not_looking_earns_nothing_or_exactly_chance(task: str, drawn_edition: Path) -> None:
    run = evaluate("blind:constant", task, data_root=drawn_edition)
    hits = [m.name for m in load_task(task).info.metrics if m.reading == "hit"]
    wrong, share = values(scorecard(run)), scorecard(run, ties="share")
    assert [wrong[name] for name in hits if wrong[name] == wrong[name]].count(0.0) >= 4
    assert not any(wrong[name] > 0 for name in hits)
    for row in share.metrics:
        if row.estimate.n_items:
            assert row.estimate.value == row.chance
    assert share.ties == share.judged


@pytest.mark.parametrize("task", SEARCHED)
def test_runs_read_back_and_do_not_depend_on_the_batch(
    task: str, tiny: str, drawn_edition: Path, tmp_path: Path
) -> None:
    run = evaluate(tiny, task, data_root=drawn_edition, out=tmp_path / "run.parquet")
    back = read_run(tmp_path / "run.parquet")
    assert counts(back) == counts(run)
    assert str(scorecard(back)) == str(scorecard(run))
    assert counts(evaluate(tiny, task, data_root=drawn_edition)) == counts(run)


def test_classification_asks_each_level_in_its_role(
    tiny_model: OpenClip, drawn_edition: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[str]] = {"images": set(), "texts": set()}
    encode_images, encode_texts = tiny_model.encode_images, tiny_model.encode_texts

    def images(batch: Any, role: Any) -> Any:
        seen["images"].add(role)
        return encode_images(batch, role)

    def texts(batch: Any, role: Any) -> Any:
        seen["texts"].add(role)
        return encode_texts(batch, role)

    monkeypatch.setattr(tiny_model, "encode_images", images)
    monkeypatch.setattr(tiny_model, "encode_texts", texts)
    run = evaluate(tiny_model, "scenario-classification", data_root=drawn_edition)
    assert seen == {side: {"scene", "object", "relation"} for side in ("images", "texts")}
    data = json.loads((drawn_edition / "metadata_test.json").read_text())["data"]
    classes = json.loads((drawn_edition / "classes.json").read_text())
    sizes = {o.tags["gallery"]: o.n_captions for o in run.outcomes}
    assert sizes == {name: len(classes[f"{name}s"]) for name in ("action", "object", "relation")}
    card = scorecard(run, by="gallery")
    assert {row.name: row.estimate.n_items for row in card.groups} == {
        "action": len(data),
        "object": sum(len(record["objects"]) for record in data),
        "relation": sum(len(record["relations"]) for record in data),
    }
    found = values(card)
    assert found["top1"] == pytest.approx(np.mean([row.estimate.value for row in card.groups]))
    assert found["object-top1"] <= found["object-top1-lenient"]


def test_short_lists_leave_their_metrics_out_and_say_so(drawn_edition: Path) -> None:
    run = evaluate("blind:chance", "scenario-classification", data_root=drawn_edition)
    n_actions = next(o.n_captions for o in run.outcomes if o.tags["gallery"] == "action")
    assert n_actions < 20
    page = " ".join(str(scorecard(run)).split())
    assert "No value where K is more than half of a list that was searched: action-top5" in page
    assert f"action-top10 (10 of {n_actions})." in page
    assert np.isnan(values(scorecard(run))["action-top10"])


def test_objects_of_one_name_are_asked_about_one_by_one(drawn_edition: Path) -> None:
    entries = load_task("scenario-classification").items(drawn_edition)
    objects = [e for e in entries if e.tags["gallery"] == "object"]
    data = json.loads((drawn_edition / "metadata_test.json").read_text())["data"]
    names = [name for record in data for name, _ in record["objects"]]
    assert [entry.captions[0] for entry in objects] == names
    assert [entry.image.box for entry in objects] == [
        tuple(box) for record in data for _, box in record["objects"]
    ]
    for entry in objects:
        record = next(r for r in data if r["image_path"] == f"images/{entry.cluster}")
        assert {*entry.captions, *entry.also} == {name for name, _ in record["objects"]}


def test_all_phrases_of_a_region_are_its_own(drawn_edition: Path) -> None:
    """Each relation is asked about; who knows every phrase but one of a region is right there."""
    entries = load_task("scenario-classification").items(drawn_edition)
    relations = [e for e in entries if e.tags["gallery"] == "relation"]
    data = json.loads((drawn_edition / "metadata_test.json").read_text())["data"]
    said = [(region, " ".join(words)) for r in data for region, words, _ in r["relations"]]
    assert [entry.captions[0] for entry in relations] == [phrase for _, phrase in said]
    for (region, _), entry in zip(said, relations, strict=True):
        assert entry.image.path == drawn_edition / region
        assert {*entry.captions} == {phrase for other, phrase in said if other == region}
        record = next(r for r in data if r["image_path"] == f"images/{entry.cluster}")
        every = {" ".join(words) for _, words, _ in record["relations"]}
        assert {*entry.captions} | {*entry.also} == every
        assert not {*entry.captions} & {*entry.also}
    assert any(len(entry.captions) > 1 for entry in relations)


def test_a_label_that_is_no_class_is_named(drawn_edition: Path, tmp_path: Path) -> None:
    shutil.copy(drawn_edition / "metadata_test.json", tmp_path)
    classes = json.loads((drawn_edition / "classes.json").read_text())
    gone = classes["objects"].pop()
    (tmp_path / "classes.json").write_text(json.dumps(classes))
    with pytest.raises(MalformedData, match=f"field 'objects' has '{gone}', which is not among"):
        load_task("scenario-classification").items(tmp_path)


@pytest.fixture
def copied(drawn_edition: Path, tmp_path: Path) -> Path:
    """The drawn edition, to be damaged."""
    return Path(shutil.copytree(drawn_edition, tmp_path / "copied"))


@pytest.mark.parametrize("task", SEARCHED)
def test_unreadable_images_leave_the_gallery(task: str, tiny: str, copied: Path) -> None:
    entries = load_task(task).items(copied)
    bad = entries[0].image.path
    bad.write_bytes(bad.read_bytes()[:200])
    with pytest.raises(ImageError, match="--on-missing skip"):
        evaluate(tiny, task, data_root=copied)
    run = evaluate(tiny, task, data_root=copied, on_missing="skip")
    left = [entry for entry in entries if entry.image.path != bad]
    assert [o.id for o in run.outcomes] == [entry.id for entry in left]
    assert run.counts.skipped == len(entries) - len(left) > 0
    if run.outcomes[0].finding:
        assert run.outcomes[0].n_images == len(left)
        assert run.outcomes[0].n_captions == len({c for e in left for c in e.captions})


@pytest.mark.parametrize("task", SEARCHED)
def test_a_limit_takes_whole_images_and_marks_the_run(
    task: str, tiny: str, drawn_edition: Path
) -> None:
    run = evaluate(tiny, task, data_root=drawn_edition, limit=12)
    assert run.partial
    assert 1 <= len(run.outcomes) <= 12
    page = str(scorecard(run))
    assert "PARTIAL" in page
    assert max(map(len, page.splitlines())) <= 100


@pytest.mark.parametrize("task", SEARCHED)
def test_an_interrupted_evaluation_goes_on_to_the_same_bits(
    task: str, tiny: str, drawn_edition: Path
) -> None:
    whole = evaluate(tiny, task, data_root=drawn_edition, batch_size=4, resume=False)
    stops = 0

    def stop_at_each_new_kind(what: str, done: int, total: int) -> None:
        nonlocal stops
        if what in ("images", "captions") and done > 0 and stops < 6 and done > total // 2:
            stops += 1
            raise KeyboardInterrupt

    for _ in range(6):
        with pytest.raises(KeyboardInterrupt):
            evaluate(
                tiny, task, data_root=drawn_edition, batch_size=4, progress=stop_at_each_new_kind
            )
    run = evaluate(tiny, task, data_root=drawn_edition, batch_size=4)
    assert counts(run) == counts(whole)
    assert dataclasses.replace(run.counts) == whole.counts
    assert run.data_sha256 == whole.data_sha256


def test_directions_and_actions_slice_the_headline(tiny: str, drawn_edition: Path) -> None:
    run = evaluate(tiny, "scenario-retrieval", data_root=drawn_edition)
    card = scorecard(run, by="direction")
    assert {row.name for row in card.groups} == {"image to text", "text to image"}
    assert card.headline.estimate.value == pytest.approx(
        np.mean([row.estimate.value for row in card.groups])
    )
    actions = scorecard(run, by="action").groups
    assert sum(row.estimate.n_items for row in actions) == 2 * run.counts.items
    with pytest.raises(UsageError, match="action, direction, gallery"):
        scorecard(run, by="verb")


def test_on_photographs_the_gallery_is_the_files(flickr8k: Path) -> None:
    run = evaluate("blind:chance", "flickr30k-retrieval", data_root=flickr8k)
    card = scorecard(run)
    assert (run.outcomes[0].n_captions, run.outcomes[0].n_images) == (4993, 1000)
    rows = {row.name: row for row in card.metrics}
    assert (rows["i2t-R@1"].estimate.n_items, rows["t2i-R@1"].estimate.n_items) == (1000, 5000)
    for row in card.metrics:
        assert row.estimate.value == pytest.approx(row.chance, rel=0.1, abs=0.005)


def test_one_image_has_one_name_over_the_tasks_of_an_edition(drawn_edition: Path) -> None:
    """ARO names images below ``images``; so is each task's cluster named."""
    for task in ("scenario-retrieval", "scenario-classification"):
        for item in load_task(task).items(drawn_edition):
            assert (drawn_edition / "images" / item.cluster).is_file()
