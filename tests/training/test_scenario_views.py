"""What ScenarioCLIP is shown: objects, focused regions, whole images."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchbench.scenes.dice import dice
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition import focus
from benchbench.scenes.edition.plan import select_annotated
from benchbench.scenes.items import CANONICAL, MIN_PIXELS
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATES
from benchbench.training.batches import BatchBuilder
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.examples import Examples
from benchbench.training.objects import ObjectView
from benchbench.training.regions import RelationView, focus_pairs
from benchbench.training.views import VIEWS
from benchbench.training.visibility import Visibility, choose_one
from benchbench.variants import towers
from benchbench.variants.building import build_variant
from benchbench.variants.inputs import ACTION, OBJECT, RELATION
from benchbench.variants.scenarioclip import VARIANTS

KEYS = (ACTION, OBJECT, RELATION)


@pytest.fixture(scope="module")
def feed() -> BatchBuilder:
    build = build_variant(VARIANTS[1], towers.build(towers.NAME), towers.NAME)
    views = [VIEWS[key.name] for key in KEYS]
    return BatchBuilder(
        DrawnWorld(3), build.reader, views, 16, build.size, "cpu", build.preprocessing
    )


def prepared(feed: BatchBuilder) -> tuple[Examples, Visibility]:
    """Examples, and what is seen of them."""
    found = feed.source.examples(np.arange(16))
    return found, Visibility(found.scenes, 2 * feed.size)


@pytest.mark.parametrize("size", [96, 128])
def test_focused_regions_are_the_editions(size: int) -> None:
    scenes = sample("train", np.arange(0, 60, 6))
    images, visibility = draw(scenes, size), measure_visible(scenes, size)
    rows, first, second = np.nonzero(np.triu(scenes.predicate >= 0))
    found = zip(rows.tolist(), first.tolist(), second.tolist(), strict=True)
    masks = [(visibility.mask(r, a), visibility.mask(r, b)) for r, a, b in found]
    kept = [k for k, (one, other) in enumerate(masks) if one.any() and other.any()]
    assert len(kept) > 5
    ours = focus_pairs(
        torch.from_numpy(images[rows[kept]]).permute(0, 3, 1, 2),
        torch.from_numpy(np.stack([masks[k] for k in kept])),
    )
    for k, mine in zip(kept, ours.permute(0, 2, 3, 1).numpy(), strict=True):
        whole = images[rows[k]]
        assert np.array_equal(mine, focus.focus(whole, focus.blur(whole), masks[k]))


def test_an_object_that_is_not_seen_at_all_gives_no_light() -> None:
    masks = torch.zeros(1, 2, 32, 32, dtype=torch.bool)
    out = focus_pairs(torch.full((1, 3, 32, 32), 200, dtype=torch.uint8), masks)
    assert torch.isfinite(out.float()).all()


def test_objects_are_those_that_show_and_are_cut_out_tightly(feed: BatchBuilder) -> None:
    found, visibility = prepared(feed)
    shown = ObjectView().choose(found, visibility, feed.reader)
    boxes = (shown.boxes.numpy() * visibility.side).round().astype(int)
    judged = measure_visible(visibility.scenes, CANONICAL).pixels >= MIN_PIXELS
    names = feed.reader.read([category.name for category in CATEGORIES]).ids
    told = shown.named.names.ids
    for k, box in enumerate(boxes.tolist()):
        slots = np.flatnonzero((visibility.seen.boxes[k] == box).all(axis=1))
        kinds = [
            names[visibility.scenes.category[k, s]][: told.shape[1]] for s in slots if judged[k, s]
        ]
        assert any(torch.equal(told[k], kind) for kind in kinds)
    assert shown.named.there.all()


def test_relations_are_annotated_ones_in_words(feed: BatchBuilder) -> None:
    found, visibility = prepared(feed)
    focus_on = RelationView().choose(found, visibility, feed.reader)
    scenes, told = visibility.scenes, focus_on.named.names.ids
    shown = select_annotated(scenes, visibility.seen)
    for k, (subject, thing) in enumerate(focus_on.ends.tolist()):
        if not focus_on.named.there[k]:
            continue
        assert shown[k, subject] and shown[k, thing]
        words = (
            CATEGORIES[scenes.category[k, subject]].name,
            PREDICATES[scenes.predicate[k, subject, thing]].name,
            CATEGORIES[scenes.category[k, thing]].name,
        )
        ids = feed.reader.read([" ".join(words)]).ids[0]
        assert torch.equal(told[k, : len(ids)], ids) and not told[k, len(ids) :].any()


def test_what_lies_within_the_captions_image_is_known(feed: BatchBuilder) -> None:
    found, visibility = prepared(feed)
    whole = (found.boxes == [0, 0, 1, 1]).all(axis=1)
    for view in (ObjectView(), RelationView()):
        shown = view.choose(found, visibility, feed.reader)
        assert shown.named.within[torch.from_numpy(whole)].all()
    slots = np.argmax(visibility.shown, axis=1)[:, None]
    nowhere = np.zeros((len(slots), 4), dtype=np.float32)
    assert not visibility.within(slots, nowhere).any()


def test_a_batch_shows_three_more_images_of_every_example(feed: BatchBuilder) -> None:
    batch = feed.on_device(feed[1])
    for key in KEYS:
        shown = batch.inputs[key]
        assert shown.images.shape == batch.images.shape == (16, 3, 64, 64)
        assert len(shown.texts) == len(shown.there) == len(shown.within) == 16


def test_drawing_beside_the_model_shows_the_same(feed: BatchBuilder) -> None:
    here, there = feed, replace(feed, device="cpu:0")
    one, other = here.on_device(here[1]), there.on_device(pickle.loads(pickle.dumps(there[1])))
    for key in KEYS:
        assert torch.equal(one.inputs[key].images, other.inputs[key].images)
        assert torch.equal(one.inputs[key].texts.ids, other.inputs[key].texts.ids)


def test_any_one_is_drawn_of_what_is_there() -> None:
    there = np.tile(np.array([[True, False, True, False], [False] * 4]), (500, 1))
    found, some = choose_one(there, dice("x", np.arange(1000)), "y")
    assert some.tolist() == [True, False] * 500
    assert set(found[::2].tolist()) == {0, 2} and not found[1::2].any()
    assert 200 < (found[::2] == 0).sum() < 300
