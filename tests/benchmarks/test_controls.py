from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchbench.registry import load_model
from benchbench.types import RelationInput, Vocabulary
from benchmarks.controls import CHANGES, GREY, change_model
from benchmarks.members import MEMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

THINGS = "dog cat cup chair lamp bird book ball tree boat".split()
CAPTIONS = [f"the {a} is to the left of the {b}" for a in THINGS for b in THINGS if a != b]


def embedded(model: Any, texts: Sequence[str]) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.encode_texts(model.tokenize(texts), "scene")
    return found


def relation_input() -> RelationInput:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8))
    return RelationInput(
        image=lambda: image,
        boxes=((0, 0, 40, 40), (30, 30, 90, 90), (10, 50, 60, 90)),
        labels=(0, 1, 1),
        pairs=((0, 1), (1, 2)),
        vocabulary=Vocabulary(("dog", "cat"), ("on", "under")),
    )


def test_every_change_of_a_member_exists() -> None:
    assert {each.change for each in MEMBERS if each.of} == set(CHANGES)
    names = {each.name for each in MEMBERS}
    assert all(each.of in names for each in MEMBERS if each.of)


def test_without_knowledge_a_caption_is_what_the_text_tower_says() -> None:
    model = load_model("structclip")
    before = embedded(model, CAPTIONS[:4])
    after = embedded(change_model(model, "plain"), CAPTIONS[:4])
    assert torch.allclose(after.norm(dim=1), torch.ones(4), atol=1e-5)
    assert not torch.allclose(before.norm(dim=1), torch.ones(4), atol=1e-3)


@pytest.mark.parametrize("percent", [10, 30])
def test_so_many_captions_are_misread(percent: int) -> None:
    right, wrong = load_model("structclip"), load_model("structclip")
    change_model(wrong, f"{percent} % wrong parses")
    swapped = 0
    for caption in CAPTIONS:
        one: Any = right
        other: Any = wrong
        triples, read = one._reader.triples(caption), other._reader.triples(caption)
        assert read in (triples, [(tail, word, head) for head, word, tail in triples])
        swapped += read != triples
    share = swapped / len(CAPTIONS)
    assert abs(share - percent / 100) < 3 * np.sqrt(0.3 * 0.7 / len(CAPTIONS))
    apart = (embedded(right, CAPTIONS) - embedded(wrong, CAPTIONS)).abs().amax(dim=1) > 1e-6
    assert int(apart.sum()) == swapped


def test_grey_images_are_what_relclip_is_shown() -> None:
    sighted: Any = load_model("relclip")
    blind: Any = change_model(load_model("relclip"), "grey images")
    bare = replace(relation_input(), image=lambda: Image.new("RGB", (96, 96), GREY))
    with torch.no_grad():
        triples, seen, wanted = (
            sighted.score_relations(relation_input()),
            blind.score_relations(relation_input()),
            sighted.score_relations(bare),
        )
    assert np.allclose(seen, wanted)
    assert not np.allclose(seen, triples)


def test_a_changed_model_has_another_fingerprint() -> None:
    prints = {load_model("structclip").manifest.fingerprint}
    for change in ("plain", "10 % wrong parses", "30 % wrong parses"):
        model = change_model(load_model("structclip"), change)
        assert model.manifest.settings["changed"] == change
        prints.add(model.manifest.fingerprint)
    assert len(prints) == 4
