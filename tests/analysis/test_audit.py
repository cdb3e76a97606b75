"""The audit of a task equals plain loops over its items; committed pages are as their files say."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import benchbench as bb
from benchbench.adapters.ngram import KneserNey
from benchbench.analysis import packaged_audits
from benchbench.analysis.audit import audit, square
from benchbench.analysis.blind_runs import _entries, fold_of, image_number
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.packaged_audits import (
    ANSWERED,
    UNANSWERED,
    audits_folder,
    packaged_audit,
    parse_audit,
)
from benchbench.analysis.scorecard import scorecard
from benchbench.errors import UsageError
from benchbench.registry import load_task
from benchbench.render.audit import as_json, terminal
from benchbench.render.audit_files import index, stale_pages
from benchbench.render.scorecard import terminal as card_text
from benchbench.runs import read_run
from benchbench.types import ImageRef, Item
from tests.cli.test_cli import typed
from tests.conftest import SHARED
from tests.suites import eccv_caption, negbench, svo_probes

TOP = Path(__file__).parent.parent.parent
CLIP = TOP / "leaderboards/official-2023-06-23/runs/sugarcrepe/OpenAI-ViT-B-32.parquet"


SUBSETS = (
    "add_att",
    "add_obj",
    "replace_att",
    "replace_obj",
    "replace_rel",
    "swap_att",
    "swap_obj",
)
NOUNS = ("cat", "horse", "umbrella", "bus", "elephant")
PLACES = ("road", "bridge", "field")


def written(i: int) -> dict[str, str]:
    """An item of SugarCrepe; two in three have the shorter caption true."""
    noun, place = NOUNS[i % 5], PLACES[i % 3]
    false = (f"a {noun} on a {place} at night", f"a {noun} near some {place}s", f"an ox, a {place}")
    return {
        "filename": f"{i // 2:012}.jpg",
        "caption": f"a {noun} on a {place}",
        "negative_caption": false[i * 7 % 3],
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SugarCrepe's annotations, twelve items a subset; no images."""
    root = tmp_path_factory.mktemp("audit")
    for n, name in enumerate(SUBSETS):
        records = {str(i): written(i) for i in range(12 * n, 12 * n + 12)}
        (root / f"{name}.json").write_text(json.dumps(records))
    return root


@pytest.fixture(scope="module")
def found(world: Path) -> Any:
    """The audit of those items."""
    return audit(load_task("sugarcrepe"), data_root=world)


def test_models_answer_the_items_that_plain_loops_find(world: Path, found: Any) -> None:
    items = load_task("sugarcrepe").items(world)
    right: dict[str, set[str]] = {"length": set(), "length-longest": set(), "ngram": set()}
    for item in items:
        true, false = item.captions
        if len(true) < len(false):
            right["length"].add(item.id)
        if len(true) > len(false):
            right["length-longest"].add(item.id)
        others = [i.captions[0] for i in items if fold_of(i.cluster) != fold_of(item.cluster)]
        model = _model(tuple(others))
        if model.log_probability(true)[0] > model.log_probability(false)[0] + 1e-5:
            right["ngram"].add(item.id)
    scores = {each.model.removeprefix("blind:"): each for each in found.models}
    for name, ids in right.items():
        assert scores[name].answered == len(ids)
        assert scores[name].score == pytest.approx(len(ids) / len(items), rel=1e-12)
    ties = sum(len(item.captions[0]) == len(item.captions[1]) for item in items)
    assert scores["length"].decided == pytest.approx(1 - ties / len(items))
    assert scores["length"].counted is (scores["length"].low > 0.5)
    assert found.best.score == max(each.score for each in found.models)


_MODELS: dict[tuple[str, ...], KneserNey] = {}


def _model(captions: tuple[str, ...]) -> KneserNey:
    return _MODELS.setdefault(captions, KneserNey(captions))


def test_the_filtered_subset_is_what_no_counted_model_answers(world: Path, found: Any) -> None:
    counted = {each.model for each in found.models if each.counted}
    assert "blind:length" in counted
    assert "blind:length-longest" not in counted, "the opposite of a rule does not count"
    left, n = set(found.unanswered), 0
    for item in load_task("sugarcrepe").items(world):
        true, false = item.captions
        n += len(true) < len(false)
        assert item.id not in left or len(true) >= len(false)
    others = {each.answered for each in found.models if each.counted}
    assert n in others
    assert 84 - sum(others) <= len(left) <= 84 - max(others)


def test_nothing_is_filtered_where_no_model_is_above_chance(world: Path, tmp_path: Path) -> None:
    for name in SUBSETS:  # both captions of each item are true of another: nothing to find
        records = json.loads((world / f"{name}.json").read_text())
        twins = [
            {**each, "caption": each["negative_caption"], "negative_caption": each["caption"]}
            for each in records.values()
        ]
        both = [*records.values(), *twins]
        (tmp_path / f"{name}.json").write_text(json.dumps(dict(enumerate(both))))
    found = audit(load_task("sugarcrepe"), data_root=tmp_path)
    assert not any(each.counted for each in found.models)
    assert not found.unanswered
    assert "No model counts" in terminal(found)
    assert found.tally.symmetric == 168


def test_an_audit_outlives_its_file(found: Any) -> None:
    again = parse_audit(json.loads(as_json(found)))
    assert as_json(again) == as_json(found)
    assert terminal(again) == terminal(found)


@pytest.mark.parametrize(
    "damage", [{"version": 2}, {"format": "x"}, {"tally": {}}, {"models": 3}, {"crops": []}]
)
def test_other_files_are_refused(found: Any, damage: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="benchbench audit"):
        parse_audit(json.loads(as_json(found)) | damage)


def test_captions_to_train_on_are_of_other_images(world: Path, tmp_path: Path) -> None:
    items = load_task("sugarcrepe").items(world)
    own = items[0].cluster.rpartition(".")[0].rpartition("/")[2]
    records = [
        {"image": f"a/other_{own}.jpg", "caption": ["of an image of the items"]},
        {"image": "b/123456789.jpg", "caption": ["A new one.", items[0].captions[0].upper()]},
    ]
    file = tmp_path / "captions.json"
    file.write_text(json.dumps(records))
    found = audit(load_task("sugarcrepe"), data_root=world, captions=file)
    told = {each.training for each in found.models}
    assert "1 captions of captions.json, without the items' own images and captions" in told
    file.write_text(json.dumps(records[:1]))
    with pytest.raises(UsageError, match="no caption left"):
        audit(load_task("sugarcrepe"), data_root=world, captions=file)


def test_names_without_a_number_are_compared_whole() -> None:
    item = Item("0", (ImageRef(Path("beach.jpg")),), ("a dog", "a cat"), (0,), "beach.jpg")
    told = {"garden.jpg": ["a red ball"], "beach.jpg": ["a sea"], "000.jpg": ["a kite"]}
    assert [entry.id for entry in _entries(told, [item])] == ["garden.jpg", "000.jpg"]
    assert image_number("000.jpg") == "0"


def test_committed_pages_are_as_their_files_say() -> None:
    assert len(list(audits_folder().glob("*.json"))) >= 7
    assert stale_pages(audits_folder()) == []


def test_the_page_about_audits_says_what_they_say() -> None:
    text = (TOP / "docs/audits.md").read_text("utf-8")
    table = text.partition("<!-- audits -->\n")[2].partition("<!-- /audits -->")[0]
    assert table.splitlines()[2:] == index(audits_folder()).splitlines()
    by_name = {path.stem: path for path in audits_folder().glob("*.json")}
    sugar, valse, order = (
        parse_audit(json.loads(next(by_name[n] for n in by_name if n.startswith(name)).read_text()))
        for name in ("sugarcrepe@official-2023-11", "valse@", "coco-order@")
    )
    assert sugar.best is not None
    groups = {name: round(100 * value, 1) for name, value in sugar.best.groups.items()}
    replaced = [value for name, value in groups.items() if name.startswith("replace")]
    swapped = [value for name, value in groups.items() if name.startswith("swap")]
    ranges = [f"{min(each):.0f} to {max(each):.0f} %" for each in (replaced, swapped)]
    piece = [100 * each.groups["counting-adversarial"] for each in valse.models[:2]]
    assert order.best is not None
    scores = [100 * sugar.best.score, *piece, 100 * order.best.score]
    for figure in (*ranges, *(f"{score:.1f} %" for score in scores)):
        assert figure in " ".join(text.split()), figure


@pytest.mark.skipif(not (SHARED / "suites/vsr").is_dir(), reason="no annotations here")
def test_a_committed_audit_is_measured_again() -> None:
    found = audit(
        load_task("vsr.zeroshot"),
        data_root=SHARED / "suites",
        captions=SHARED / "coco/coco_karpathy_test.json",
    )
    assert as_json(found) == (audits_folder() / f"{found.task}@{found.edition}.json").read_text()


def test_a_scorecard_says_how_far_a_score_is_above_blind() -> None:
    run = read_run(CLIP)
    known = packaged_audit("sugarcrepe", run.edition)
    assert known is not None
    assert known.best is not None
    card = scorecard(run, by="subset")
    assert card.headline.above_blind == pytest.approx(
        card.headline.estimate.value - known.best.score
    )
    for row in card.groups:
        best = max(each.groups[row.name] for each in known.models)
        assert row.above_blind == pytest.approx(row.estimate.value - max(best, 0.5))
    assert "above blind" in card_text(card)
    assert leaderboard([run]).places[0].above_blind == card.headline.above_blind
    elsewhere = scorecard(replace(run, edition="custom-mine-00000000"))
    assert elsewhere.headline.above_blind != elsewhere.headline.above_blind
    assert "above blind" not in card_text(elsewhere)


def test_groups_by_another_tie_rule_are_not_held_against_audits() -> None:
    run = read_run(CLIP)
    with pytest.raises(UsageError, match="decisions without scores"):
        scorecard(run, by="subset", ties="right")
    record = {**run.settings["imported"], "decisions_only": False}
    measured = replace(run, settings={**run.settings, "imported": record})
    for ties, known in (("wrong", True), ("right", False)):
        card = scorecard(measured, by="subset", ties=ties)  # type: ignore[arg-type]
        assert not math.isnan(card.headline.above_blind)
        assert all(math.isnan(row.above_blind) is not known for row in card.groups)


def test_the_filtered_subset_slices_a_run() -> None:
    run = read_run(CLIP)
    known = packaged_audit("sugarcrepe", run.edition)
    assert known is not None
    card = scorecard(run, by="blind")
    sizes = {row.name: row.estimate.n_items for row in card.groups}
    assert sizes == {
        UNANSWERED: len(known.unanswered), ANSWERED: known.judged - len(known.unanswered)
    }  # fmt: skip
    with pytest.raises(UsageError, match="No audit of sugarcrepe@custom-x-1 is packaged"):
        scorecard(replace(run, edition="custom-x-1"), by="blind")


def test_an_edition_of_other_files_is_known_by_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, digest = next(audits_folder().glob("coco-order@*.json")), "29422f19"
    shutil.copyfile(whole, tmp_path / f"coco-order@custom-coco-{digest}.json")
    monkeypatch.setattr(packaged_audits, "audits_folder", lambda: tmp_path)
    packaged_audits.packaged_audit.cache_clear()
    assert packaged_audits.packaged_audit("coco-order", f"custom-elsewhere-{digest}") is not None
    for other in ("custom-elsewhere-0000", "*", "../coco-order", f"official-{digest}"):
        assert packaged_audits.packaged_audit("coco-order", other) is None
    packaged_audits.packaged_audit.cache_clear()


def test_squares_contain_their_images(shapes: Path) -> None:
    item = load_task("vg-relation").items(shapes)[0]
    path = item.images[0].path
    assert square(ImageRef(path, (10, 20, 30, 70))).box == (-5, 20, 45, 70)
    whole = square(ImageRef(path))
    assert whole.box is not None
    left, top, right, bottom = whole.box
    assert right - left == bottom - top


def test_flips_with_the_crop_are_counted(shapes: Path) -> None:
    coin = "blind:chance"  # a hash of pixels and caption
    found = audit(load_task("vg-relation"), data_root=shapes, model=coin, device="cpu")
    assert found.crops is not None
    assert found.crops.items == found.judged == 72
    assert 18 < found.crops.flipped < 54
    same = bb.evaluate(coin, "vg-relation", data_root=shapes, device="cpu")
    assert found.crops.score == scorecard(same).headline.estimate.value


def test_typed_it_prints_and_writes(shapes: Path, tmp_path: Path) -> None:
    done = typed("audit", "vg-relation", "--data-root", shapes, "--out", tmp_path / "cards")
    assert done.exit_code == 0, done.output
    assert "answered by none of" in done.stdout or "No model counts" in done.stdout
    assert len(list((tmp_path / "cards").glob("vg-relation@custom-*.md"))) == 1
    (tmp_path / "file").write_text("")
    for wrong in (("--out", tmp_path / "file"), ("--blind", "openclip:ViT-B-32/random")):
        done = typed("audit", "vg-relation", "--data-root", shapes, *wrong)
        assert done.exit_code == 2, done.output


def test_a_reader_of_captions_is_at_chance_on_the_drawn_world() -> None:
    found = audit(load_task("vg-relation"))
    scores = {each.model: each for each in found.models}
    assert 0.48 < scores["blind:ngram"].score < 0.52
    # Each caption is true as often as it is false, without twins apart: the two models agree.
    assert scores["blind:ngram-ratio"].decided == 0


@pytest.mark.parametrize("name", ["negbench.retrieval", "eccv-caption"])
def test_tags_of_queries_make_no_groups_of_items(name: str, tmp_path: Path) -> None:
    (negbench if "negbench" in name else eccv_caption).write(tmp_path)
    found = audit(load_task(name), data_root=tmp_path)
    assert (found.tag, found.group_sizes) == ("", {})
    assert found.models


def test_an_area_has_no_items_that_are_right(tmp_path: Path) -> None:
    svo_probes.write(tmp_path)
    with pytest.raises(UsageError, match="read by auroc, a number of all items together"):
        audit(load_task("svo-probes.decisions"), data_root=tmp_path)
