"""Photographs with captions as training data: what is shown, what is held out, what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchbench.data import tagging
from benchbench.data.tagging import best_tagger, find_tagger
from benchbench.errors import ImageError, MalformedData, MissingData, UsageError
from benchbench.registry import load_model
from benchbench.training import Plan, train
from benchbench.training.batches import BatchBuilder
from benchbench.training.bundling import card
from benchbench.training.photographs import Photographs, read_photographs
from benchbench.training.running import build_for, data_of
from benchbench.types import DualEncoder
from benchbench.variants import weights
from benchbench.variants.catalogue import variant
from benchbench.variants.texts import CaptionReader
from tests.conftest import SHARED

CAPTIONS = ("A brown dog chases a white cat .", "A man in a red shirt sits on a wooden bench .")
COLOURS = ((200, 40, 40), (40, 150, 60), (50, 80, 200))


def drawn(folder: Path, count: int = 8, captions: Sequence[str] = CAPTIONS) -> Path:
    """Images of three upright stripes, twice as wide as they are high, and their file."""
    (folder / "images").mkdir(parents=True)
    records = []
    for k in range(count):
        pixels = np.repeat(np.array(COLOURS, dtype=np.uint8), 16, axis=0)[None].repeat(24, axis=0)
        Image.fromarray(np.roll(pixels, 4 * k, axis=1)).save(folder / f"images/{k}.png")
        records.append({"image": f"images/{k}.png", "caption": list(captions)})
    (folder / "captions.json").write_text(json.dumps(records))
    return folder / "captions.json"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return drawn(tmp_path / "data")


def read(file: Path, **settings: object) -> Photographs:
    return read_photographs(file, side=32, **settings)  # type: ignore[arg-type]


def test_an_example_depends_on_its_number_alone(file: Path) -> None:
    source = read(file, negatives="semantic")
    whole = source.examples(np.arange(18))
    part = source.examples(np.array([7, 3, 17]))
    assert part.captions == [whole.captions[k] for k in (7, 3, 17)]
    assert part.swapped == [whole.swapped[k] for k in (7, 3, 17)]
    assert whole.images is not None
    assert part.images is not None
    assert torch.equal(part.images, whole.images[[7, 3, 17]])
    assert whole.images.shape == (18, 3, 32, 32)
    assert whole.images.dtype == torch.uint8
    other = replace(source, seed=1).examples(np.arange(18))
    assert other.captions != whole.captions or not torch.equal(
        torch.as_tensor(other.images), whole.images
    )


def test_each_round_shows_every_image_once_and_none_that_is_held_out(file: Path) -> None:
    source = read(file)
    assert len(source.held) == 2
    assert not {each.path for each in source.held} & {each.path for each in source.shown}
    shown = torch.stack([torch.as_tensor(source.examples(np.array([k])).images) for k in range(12)])
    first, second = (
        {bytes(each.numpy().tobytes()) for each in half} for half in (shown[:6], shown[6:])
    )
    assert len(first) == 6
    assert first == second
    assert read(file, seed=3).held == source.held, "whatever the seed"


def test_swaps_move_what_stands_at_the_ends_of_a_relation(file: Path) -> None:
    found = read(file, negatives="semantic").examples(np.arange(12))
    pairs = zip(found.captions, found.swapped, strict=True)
    told = {(true.text, false.text) for true, some in pairs for false in some}
    assert (CAPTIONS[0], "a white cat chases a brown dog.") in told or (
        CAPTIONS[0],
        "a white dog chases a brown cat.",
    ) in told
    assert all(each.tagged for each in found.captions)
    plain = read(file).examples(np.arange(4))
    assert all(each.tagged is None for each in plain.captions)
    assert plain.swapped == [[]] * 4


def test_the_middle_is_shown_where_the_model_cuts_it_out(file: Path) -> None:
    boxes = read(file, cropped=True).examples(np.arange(2)).boxes
    np.testing.assert_allclose(boxes, [[0.25, 0, 0.75, 1]] * 2)
    np.testing.assert_allclose(read(file).examples(np.arange(1)).boxes, [[0, 0, 1, 1]])


def test_spans_are_read_by_tags(file: Path) -> None:
    build = build_for(variant("msgclip"), Plan("msgclip"))
    plan = Plan("msgclip", data=f"karpathy:{file}", batch=6)
    source, _ = data_of(plan, variant("msgclip"), build)
    assert isinstance(build.reader, CaptionReader)
    feed = BatchBuilder(source, build.reader, [], 6, build.size, "cpu", build.preprocessing)
    batch = feed.on_device(feed[0])
    assert batch.images.shape == (6, 3, 64, 64)
    assert batch.texts.spans is not None
    assert bool(batch.texts.spans.relations.any(dim=2).any(dim=1).all())


def test_a_fine_tuned_open_clip_loads_again(tmp_path: Path, tiny: str) -> None:
    file = drawn(tmp_path / "data")
    plan = Plan("negclip", backbone=tiny, data=f"karpathy:{file}", steps=2, batch=4)
    best = train(plan, tmp_path / "run", device="cpu", workers=0)
    model = load_model(f"negclip:{best}")
    assert isinstance(model, DualEncoder)
    assert model.manifest.architecture == "tiny"
    assert model.manifest.activation == "gelu"
    image = model.transform(Image.open(tmp_path / "data/images/0.png").convert("RGB"))
    assert bool(torch.isfinite(model.encode_images(image[None], "scene")).all())
    assert model.encode_texts(model.tokenize(list(CAPTIONS)), "scene").shape[0] == 2


def test_weights_that_run_with_quickgelu_come_back_with_it(tmp_path: Path, tiny: str) -> None:
    file, backbone = drawn(tmp_path / "data"), tiny.replace("tiny", "tiny-quickgelu")
    plan = Plan("clip", backbone=backbone, data=f"karpathy:{file}", steps=1, batch=4)
    best = train(plan, tmp_path / "run", device="cpu", workers=0)
    assert load_model(f"clip:{best}").manifest.activation == "quickgelu"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("clip", "coco", "Unknown data 'coco'. There are: scenes, karpathy:FILE"),
        ("clip", "karpathy:", "Unknown data 'karpathy:'"),
        ("scenarioclip", "karpathy:FILE", "trained on scenes with their graphs"),
    ],
)
def test_data_that_an_objective_cannot_use(name: str, data: str, message: str) -> None:
    build = build_for(variant(name), Plan(name))
    with pytest.raises(UsageError, match=message):
        data_of(Plan(name, data=data), variant(name), build)


def test_captions_without_triples_teach_no_knowledge(tmp_path: Path) -> None:
    described, build = (
        variant("structclip:knowledge"),
        build_for(variant("structclip"), Plan("clip")),
    )
    for number, captions in enumerate((["Outside .", "A dog ."], ["Outside .", "A red dog ."])):
        file = drawn(tmp_path / str(number), captions=captions)
        plan = Plan("structclip:knowledge", data=f"karpathy:{file}", batch=6)
        if number:
            assert isinstance(data_of(plan, described, build)[0], Photographs)
        else:
            with pytest.raises(UsageError, match="states a relation or an attribute"):
                data_of(plan, described, build)


def test_triples_of_free_text_are_read_by_a_tagger_then_and_ever_after(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan("structclip", data=f"karpathy:{file}", steps=1, batch=4, validate_every=1)
    best = train(plan, tmp_path / "out", device="cpu", workers=0)
    assert weights.read(best)[1]["tagger"] == best_tagger()
    model: Any = load_model(f"structclip:{best}")
    assert model.manifest.settings["tagger"] == find_tagger().name
    told = model.tokenize([*CAPTIONS, CAPTIONS[0].upper(), "the dog is on the bed", "Outside ."])
    counts = (told.triples[:, :, 0, 0] > 0).sum(dim=1).tolist()
    assert min(counts[:2]) >= 3
    assert torch.equal(told.triples[0], told.triples[2]), "letters' case is nothing to the ids"
    assert counts[3:] == [1, 0]
    bundled: Any = load_model("structclip")
    assert "tagger" not in bundled.manifest.settings
    assert not bool(bundled.tokenize(CAPTIONS).triples.any()), "drawn captions taught it its forms"
    monkeypatch.setattr(tagging, "_installed", lambda package: None)
    with pytest.raises(MissingData, match="pip install"):
        load_model(f"structclip:{best}")


def test_swapped_captions_are_tagged_as_true_ones_are(file: Path) -> None:
    described, build = variant("structclip"), build_for(variant("structclip"), Plan("clip"))
    build.reader.with_triples = True
    source, _ = data_of(Plan("structclip", data=f"karpathy:{file}", batch=6), described, build)
    feed = BatchBuilder(source, build.reader, [], 6, build.size, "cpu", build.preprocessing)
    told = source.examples(np.arange(6))
    found = feed.choose(told)
    assert found.negatives is not None
    swapped = [each for some in told.swapped for each in some]
    for read, captions in ((found.texts, told.captions), (found.negatives.texts, swapped)):
        assert read.triples is not None
        for row, caption in enumerate(captions):
            alone = build.reader.read([caption.text]).triples
            assert alone is not None
            width = alone.shape[-1]
            assert torch.equal(read.triples[row, :, :, :width], alone[0])
            assert bool(alone.any())


def test_a_batch_shows_no_image_twice(file: Path, tmp_path: Path) -> None:
    plan = Plan("clip", data=f"karpathy:{file}", steps=1, batch=7)
    with pytest.raises(UsageError, match=r"has 6 images to train on: a batch of 7 holds some"):
        train(plan, tmp_path / "out", device="cpu", workers=0)


def test_no_batch_crosses_from_one_epoch_into_the_next(file: Path) -> None:
    source = read(file, batch=4)
    for step in range(25):
        shown = torch.as_tensor(source.examples(np.arange(4 * step, 4 * step + 4)).images)
        assert len({each.numpy().tobytes() for each in shown}) == 4
    both = torch.as_tensor(source.examples(np.arange(100)).images)
    assert len({each.numpy().tobytes() for each in both}) == 6, "none is left out of every epoch"


def test_captions_without_relations_teach_no_swaps(tmp_path: Path) -> None:
    file = drawn(tmp_path, captions=["Outside .", "A dog ."])
    for kind in ("random", "semantic"):
        with pytest.raises(UsageError, match=r"no captions with relations in .* of 12, none"):
            read(file, negatives=kind)
    assert len(read(file).shown) == 6, "without swaps they are fine"


def test_swapped_captions_quote_as_true_ones_do(tmp_path: Path) -> None:
    file = drawn(tmp_path, captions=['A sign that says " stop " near a tree .'])
    found = read(file, negatives="random").examples(np.arange(2))
    for true, some in zip(found.captions, found.swapped, strict=True):
        (false,) = some
        assert "`" not in false.text
        assert false.text.count('"') == true.text.count('"') == 2


def test_validation_has_swaps_where_there_are_any(tmp_path: Path) -> None:
    build = build_for(variant("clip"), Plan("clip"))
    for number, captions in enumerate((CAPTIONS, ["A dog ."])):
        source = read(drawn(tmp_path / str(number), captions=captions))
        marks = source.validation_set(build.transform).metrics(build.model, build.reader, "cpu")
        assert set(marks) == {"retrieval", "mean"} | ({"swapped"} if number == 0 else set())


def test_files_that_are_not_what_they_should_be(tmp_path: Path, file: Path) -> None:
    with pytest.raises(MissingData, match=r"nowhere\.json"):
        read(tmp_path / "nowhere.json")
    with pytest.raises(MalformedData, match="has 3 images; training needs 4"):
        read(drawn(tmp_path / "few", count=3))
    (file.parent / "images/3.png").write_bytes(b"no image")
    (file.parent / "images/5.png").unlink()
    with pytest.raises(ImageError, match=r"3\.png.* 1 more of 8"):
        read(file)


def test_an_image_cut_short_is_named(file: Path) -> None:
    source = read(file)
    path = source.shown[0].path
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ImageError, match=path.name):
        source.examples(np.arange(6))


def test_a_worker_says_no_more_of_it_than_the_image(file: Path) -> None:
    build = build_for(variant("clip"), Plan("clip"))
    source = read(file)
    path = source.shown[0].path
    path.write_bytes(path.read_bytes()[:-30])
    feed = BatchBuilder(source, build.reader, [], 6, build.size, "cpu", build.preprocessing)
    with pytest.raises(ImageError, match=r"^Cannot decode image \S+: image file is truncated$"):
        next(iter(feed.batches(0, 1, workers=1)))


def test_paths_may_count_from_the_data_root(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "elsewhere.json"
    file.rename(moved)
    with pytest.raises(ImageError, match="not found"):
        read(moved)
    monkeypatch.setenv("BENCHBENCH_DATA", str(file.parent))
    assert len(read(moved).shown) == 6


def test_one_split_of_karpathys_own_file_is_learnt_from(file: Path, tmp_path: Path) -> None:
    records = json.loads(file.read_text())
    images = [
        {
            "filename": record["image"],
            "split": "test" if number == 0 else "train",
            "sentences": [{"raw": text} for text in record["caption"]],
        }
        for number, record in enumerate(records)
    ]
    own = file.parent / "dataset_flickr8k.json"
    own.write_text(json.dumps({"images": images, "dataset": "flickr8k"}))
    source = read(own)
    names = {each.path.name for each in (*source.shown, *source.held)}
    assert names == {f"{k}.png" for k in range(1, 8)}
    plan = Plan("clip", data=f"karpathy:{own}", steps=1, batch=2, validate_every=1)
    best = train(plan, tmp_path / "out", device="cpu", workers=0)
    _, record = weights.read(best)
    assert (record["splits"], record["data_sha256"]) == (["train"], source.sha256)
    assert "karpathy:dataset_flickr8k.json (train); records' SHA-256" in card(record, [])
    said = load_model(f"clip:{best}").manifest.settings
    assert said["data"] == "karpathy:dataset_flickr8k.json, train"
    assert "test split" not in said["note"]


def test_a_run_goes_on_only_with_the_same_captions(file: Path, tmp_path: Path) -> None:
    plan = Plan("clip", data=f"karpathy:{file}", steps=2, batch=2, validate_every=1)
    train(plan, tmp_path / "out", device="cpu", workers=0, minutes=0)
    records = json.loads(file.read_text())
    records[3]["caption"] = ["Another one ."]
    file.write_text(json.dumps(records))
    with pytest.raises(UsageError, match="data_sha256"):
        train(plan, tmp_path / "out", device="cpu", workers=0)


def test_what_was_taught_a_test_split_says_so(file: Path, tmp_path: Path) -> None:
    named = file.rename(file.parent / "flickr30k_test.json")
    plan = Plan("clip", data=f"karpathy:{named}", steps=1, batch=2, validate_every=1)
    best = train(plan, tmp_path / "out", device="cpu", workers=0)
    note = load_model(f"clip:{best}").manifest.settings["note"]
    assert "trained on karpathy:flickr30k_test.json, by its name a test split" in note
    assert "trained on 2 examples" in note


@pytest.mark.skipif(not (SHARED / "flickr8k").is_dir(), reason="no photographs here")
def test_flickr8k_is_read() -> None:
    source = read_photographs(SHARED / "flickr8k/flickr8k_test.json", side=64, negatives="semantic")
    assert (len(source.shown), len(source.held)) == (950, 50)
    found = source.examples(np.arange(16))
    assert sum(other is not None for other in found.swapped) > 8
    assert found.images is not None
    assert float(found.images.float().std()) > 20
