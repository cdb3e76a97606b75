"""MSG-CLIP: spans, groups of patches, matching, and an alignment whose gradients flow."""

from __future__ import annotations

from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchbench.errors import ModelError
from benchbench.scenegraph import Caption
from benchbench.training.drawn_world import DrawnWorld
from benchbench.variants import towers
from benchbench.variants.alignment import (
    attention_losses,
    contrast_losses,
    mark_tokens,
    match_regions,
    number_groups,
)
from benchbench.variants.building import build_variant
from benchbench.variants.catalogue import variant
from benchbench.variants.features import image_tokens, text_tokens, vision_of
from benchbench.variants.inputs import MASKS
from benchbench.variants.msgclip import MSGCLIP, WINDOW
from benchbench.variants.regions import group_patches
from benchbench.variants.spans import MAX_ENTITIES, Spans
from benchbench.variants.texts import CaptionReader, Texts
from benchbench.variants.variant import Batch, SwappedCaptions

N = 6
CAPTIONS = (
    "an orange cat chasing a red dog",
    "a pink bowl with a box near it",
    "we see a dog wearing a brown hat on the beach",
    "colourless green ideas sleep furiously",
    "a ball being held by a person in a black shirt",
    "a gray banana",
)


def made(name: str, **settings: Any) -> Any:
    torch.manual_seed(0)
    described = variant(name)
    return build_variant(
        described, towers.build(towers.NAME), towers.NAME, {**described.settings, **settings}
    )


@pytest.fixture(scope="module")
def reader() -> CaptionReader:
    towers.register()
    return CaptionReader(open_clip.get_tokenizer(towers.NAME), with_triples=False, with_spans=True)


def batch_of(reader: CaptionReader) -> Batch:
    images = torch.randn(N, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    texts = reader.read(["a red dog chasing an orange cat"])
    return Batch(images, reader.read(CAPTIONS), SwappedCaptions(texts, torch.tensor([0]), 1))


def said(reader: CaptionReader, ids: Tensor, span: Any) -> str:
    return str(reader.tokenizer.decode(ids[span[0] : span[1]].tolist())).strip()


def test_spans_cover_the_words_of_entities_and_relations(reader: CaptionReader) -> None:
    texts = reader.read(["an orange cat chasing a red dog", "the parking meter is next to the car"])
    assert texts.spans is not None
    told = [
        [said(reader, ids, span) for span in rows if bool(span.any())]
        for ids, rows in zip(texts.ids, texts.spans.entities, strict=True)
    ]
    assert told == [["an orange cat", "a red dog"], ["the parking meter", "the car"]]
    links = texts.spans.relations
    assert links[:, 0, :2].tolist() == [[0, 1], [0, 1]]
    assert said(reader, texts.ids[0], links[0, 0, 2:]) == "chasing"
    assert said(reader, texts.ids[1], links[1, 0, 2:]) == "is next to"
    assert not links[:, 1:].any()


def test_spans_of_drawn_captions_are_there_for_nearly_all(reader: CaptionReader) -> None:
    captions = DrawnWorld().examples(np.arange(50)).captions
    texts = reader.read([each.text for each in captions], captions)
    assert texts.spans is not None
    assert bool((texts.spans.entities[:, 1, 1] > 0).all())
    assert int(texts.spans.entities.max()) < texts.ids.shape[1]


def test_free_text_has_spans_where_it_is_tagged(reader: CaptionReader) -> None:
    tagged = [("Two", "CD"), ("dogs", "NNS"), ("chase", "VBP"), ("sheep", "NNS"), (".", ".")]
    plain, told = (
        reader.read(["Two dogs chase sheep ."]),
        reader.read(["Two dogs chase sheep ."], [Caption("Two dogs chase sheep .", tagged)]),
    )
    assert plain.spans is not None
    assert told.spans is not None
    assert not plain.spans.entities.any()
    assert said(reader, told.ids[0], told.spans.relations[0, 0, 2:]) == "chase"
    three = "Three dogs chase sheep ."
    other = reader.read([three], [Caption(three, tagged)])
    assert other.spans is not None
    assert not other.spans.entities.any(), "words that are not the caption's have no place in it"


def test_spans_beyond_the_context_are_left_out(reader: CaptionReader) -> None:
    longest = "a red cat near " * 30 + "a dog"
    tagged = [(word, "NN" if word in ("cat", "dog") else "IN") for word in longest.split()]
    texts = reader.read([longest], [Caption(longest, tagged)])
    assert texts.spans is not None
    assert texts.ids.shape[1] == reader.tokenizer.context_length
    assert int(texts.spans.entities.max()) < reader.tokenizer.context_length
    assert texts.spans.entities.shape == (1, MAX_ENTITIES, 2)


@pytest.mark.parametrize("grid", [(4, 4), (7, 7), (2, 3), (1, 1)])
def test_every_patch_is_in_one_group(grid: tuple[int, int]) -> None:
    patches = torch.randn(5, grid[0] * grid[1], 8, generator=torch.Generator().manual_seed(0))
    members = group_patches(patches, grid, 6)
    assert members.shape == (5, 6, grid[0] * grid[1])
    assert torch.equal(members.sum(dim=1), torch.ones(5, grid[0] * grid[1]))
    assert torch.equal(group_patches(patches[3:4], grid, 6), members[3:4]), "each image by itself"


def test_groups_follow_what_patches_look_like() -> None:
    looks = torch.eye(8)[:2]
    patches = torch.stack([looks[int(column > 0)] for _ in range(4) for column in range(4)])[None]
    members = group_patches(patches, (4, 4), 4)[0]
    kinds = torch.tensor([int(column > 0) for _ in range(4) for column in range(4)])
    for group in members.bool():
        assert len(set(kinds[group].tolist())) <= 1, "no group straddles the edge"


def matched_by_hand(likeness: Tensor) -> set[tuple[int, int]]:
    score = likeness.softmax(dim=1) + likeness.softmax(dim=0)
    order = score.flatten().argsort(descending=True).tolist()
    found: set[tuple[int, int]] = set()
    for place in order:
        a, b = divmod(place, likeness.shape[1])
        if all(a != i and b != j for i, j in found):
            found.add((a, b))
    return found


def test_matching_is_greedy_and_one_to_one() -> None:
    likeness = torch.randn(20, 4, 6, generator=torch.Generator().manual_seed(0))
    pairs = torch.ones(20, 4, 6, dtype=torch.bool)
    pairs[:, 3, :], pairs[:10, :, 0] = False, False
    pairs[0] = False
    chosen = match_regions(likeness, pairs)
    assert not chosen[0].any()
    for k in range(1, 20):
        there = likeness[k, :3, 1:] if k < 10 else likeness[k, :3]
        offset = 1 if k < 10 else 0
        found = {(a, b - offset) for a, b in chosen[k].nonzero().tolist()}
        assert found == matched_by_hand(there)


def aligned_by_hand(model: MSGCLIP, patches: Tensor, tokens: Tensor, spans: Spans) -> Tensor:
    """MSGA of one image and caption, as its definition reads."""
    groups = group_patches(patches[None], vision_of(model.clip).grid_size, model.regions)[0].bool()
    regions = [normalize(patches[g].mean(dim=0), dim=0) for g in groups if g.any()]
    unit = [
        normalize(tokens[a:b].mean(dim=0), dim=0) for a, b in spans.entities[0].tolist() if b > a
    ]
    s = torch.stack([torch.stack([e @ r for r in regions]) for e in unit])
    partner = {a: b for a, b in matched_by_hand(s) if s[a, b] > model.threshold}
    ema = [(1 - s[a, b] + s[a].min() + s[:, b].min()) / 3 for a, b in partner.items()]
    tra = []
    for head, tail, start, end in spans.relations[0].tolist():
        if end > start:
            r = normalize(tokens[start:end].mean(dim=0), dim=0)
            if head in partner:
                tra.append((regions[partner[head]] + r - unit[tail]).square().sum())
            if tail in partner:
                tra.append((unit[head] + r - regions[partner[tail]]).square().sum())
    zero = torch.zeros(())
    parts = [torch.stack(each).mean() if each else zero for each in (ema, tra)]
    return model.entity_share * parts[0] + model.relation_share * parts[1]


@pytest.mark.parametrize("threshold", [-1.0, 0.0])
def test_the_batched_loss_is_the_definitions(reader: CaptionReader, threshold: float) -> None:
    model = made("msgclip", threshold=threshold).model
    with torch.no_grad():
        _, patches = image_tokens(model.clip, batch_of(reader).images)
        for k, caption in enumerate(CAPTIONS):
            alone = reader.read([caption])
            assert alone.spans is not None
            _, tokens = text_tokens(model.clip, alone.ids)
            # Beside another image without a caption: what is not there must not count.
            none = Spans(
                *(torch.zeros_like(each) for each in (alone.spans.entities, alone.spans.relations))
            )
            both = Spans(
                torch.cat([alone.spans.entities, none.entities]),
                torch.cat([alone.spans.relations, none.relations]),
            )
            two = torch.stack([patches[k], patches[k - 1]])
            texts = Texts(alone.ids.expand(2, -1), None, both)
            loss = model.alignment_loss(two, tokens.expand(2, -1, -1), texts).total
            if alone.spans.entities.any():
                by_hand = aligned_by_hand(model, patches[k], tokens[0], alone.spans)
                assert loss == pytest.approx(float(by_hand), abs=1e-5)
            else:
                assert float(loss) == 0


@pytest.mark.parametrize(
    ("name", "part"), [("msgclip:entities", "EMA"), ("msgclip:relations", "TRA")]
)
def test_gradients_reach_both_towers_from_each_part_alone(
    reader: CaptionReader, name: str, part: str
) -> None:
    model = made(name, threshold=-1.0).model
    batch = batch_of(reader)
    _, patches = image_tokens(model.clip, batch.images)
    _, tokens = text_tokens(model.clip, batch.texts.ids)
    model.alignment_loss(patches, tokens, batch.texts).total.backward()
    for weight in (
        vision_of(model.clip).conv1[0].weight,
        vision_of(model.clip).transformer.resblocks[0].attn.in_proj_weight,
        vision_of(model.clip).proj,
        model.clip.token_embedding.weight,
        model.clip.transformer.resblocks[0].attn.in_proj_weight,
        model.clip.text_projection,
    ):
        assert weight.grad is not None, part
        assert bool(torch.isfinite(weight.grad).all())
        assert float(weight.grad.abs().max()) > 1e-7, part


def test_it_is_clip_to_the_last_weight_and_open_clip_loads_it() -> None:
    ours, plain = made("msgclip").model.state_dict(), made("clip").model.state_dict()
    assert {name: each.shape for name, each in ours.items()} == {
        name: each.shape for name, each in plain.items()
    }
    fresh = open_clip.create_model(towers.NAME, pretrained_image=False)
    fresh.load_state_dict({name.removeprefix("clip."): each for name, each in ours.items()})


@pytest.mark.parametrize(("settings", "step"), [({"msga_weight": 0.0}, 9000), ({}, 499)])
def test_without_alignment_it_is_negclip(
    reader: CaptionReader, settings: dict[str, float], step: int
) -> None:
    batch = batch_of(reader)
    ours, control = made("msgclip", **settings), made("negclip")
    loss, other = (
        each.model(
            Batch(batch.images, each.reader.read(CAPTIONS), batch.negatives),
            step,
        )
        for each in (ours, control)
    )
    assert loss.total.item() == other.total.item()
    assert loss.parts.keys() == other.parts.keys()


def test_what_alignment_adds_is_reported(reader: CaptionReader) -> None:
    loss = made("msgclip", threshold=-1.0).model(batch_of(reader), 500)
    assert float(loss.parts["matched"]) == 1
    control = made("negclip").model(batch_of(reader), 500)
    more = 0.75 * loss.parts["msga_entities"] + 0.25 * loss.parts["msga_relations"]
    assert loss.total.item() == pytest.approx((control.total + 0.5 * more).item(), abs=1e-5)


def test_a_threshold_that_nothing_reaches_stops_the_run(reader: CaptionReader) -> None:
    model, batch = made("msgclip", threshold=1.0, msga_start=3).model, batch_of(reader)
    with torch.no_grad():
        for step in range(3 + WINDOW - 1):
            model(batch, step)
        with pytest.raises(ModelError, match=r"cosine of .* threshold is 1\. Lower"):
            model(batch, 3 + WINDOW - 1)


def test_captions_without_entities_stop_the_run_by_another_sentence(reader: CaptionReader) -> None:
    model, batch = made("msgclip", msga_start=0).model, batch_of(reader)
    batch.texts = reader.read(["colourless green ideas"] * N)
    with torch.no_grad(), pytest.raises(ModelError, match="captions with scene graphs"):
        for step in range(WINDOW):
            model(batch, step)


def test_one_unlucky_batch_does_not_stop_it(reader: CaptionReader) -> None:
    model, batch = made("msgclip", threshold=-1.0, msga_start=0).model, batch_of(reader)
    empty = batch_of(reader)
    empty.texts = reader.read(["colourless green ideas"] * N)
    with torch.no_grad():
        model(batch, 0)
        for step in range(1, WINDOW):
            loss = model(empty, step)
    assert float(loss.parts["matched"]) == 0
    assert bool(torch.isfinite(loss.total))


def test_it_trains_in_bfloat16(reader: CaptionReader) -> None:
    model, batch = made("msgclip", threshold=-1.0).model, batch_of(reader)
    whole = model(batch, 500)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(batch, 500)
    half.total.backward()
    assert half.parts["matched"].item() == 1
    assert half.total.item() == pytest.approx(whole.total.item(), abs=0.1)


def test_the_contrast_is_that_of_a_plain_loop() -> None:
    torch.manual_seed(0)
    n, count, groups = 3, 2, 4
    entities, regions = (normalize(torch.randn(n, each, 8), dim=-1) for each in (count, groups))
    chosen = torch.zeros(n, count, groups, dtype=torch.bool)
    pairs = [(0, 0, 1), (0, 1, 3), (1, 0, 0), (2, 1, 2)]
    for place in pairs:
        chosen[place] = True
    names = torch.tensor([[5, 6], [5, 7], [9, 8]])  # the first of two images are called alike
    found = contrast_losses(entities, regions, chosen, names, torch.tensor(4.0))
    for i, a, b in pairs:
        others = [(k, r) for k in range(n) for r in range(groups)]
        alike = [(k, r) for k, e, r in pairs if names[k, e] == names[i, a] and (k, e) != (i, a)]
        down = sum((4 * entities[i, a] @ regions[p]).exp() for p in others if p not in alike)
        kept = [(k, e) for k, e, _ in pairs if names[k, e] != names[i, a] or (k, e) == (i, a)]
        across = sum((4 * entities[p] @ regions[i, b]).exp() for p in kept)
        own = (4 * entities[i, a] @ regions[i, b]).exp()
        wanted = -((own / down).log() + (own / across).log()) / 2
        assert float(found[i, a]) == pytest.approx(float(wanted), abs=1e-5)
    assert int((found != 0).sum()) == len(pairs)


def test_attention_is_that_of_a_plain_loop() -> None:
    torch.manual_seed(0)
    n, count, groups = 3, 2, 4
    entities, regions = (normalize(torch.randn(n, each, 8), dim=-1) for each in (count, groups))
    regions[1, 3] = 0  # an empty group
    there = torch.tensor([[True, True], [True, False], [True, True]])
    entities[1, 1] = 0
    names = torch.tensor([[5, 6], [5, 7], [9, 8]])  # the first of two images are called alike
    found = attention_losses(entities, regions, there, names, torch.tensor(4.0))
    known = [(i, a) for i in range(n) for a in range(count) if there[i, a]]

    def score(entity: tuple[int, int], image: int) -> float:
        cosines = regions[image][regions[image].abs().sum(dim=1) > 0] @ entities[entity]
        return float(4 * ((4 * cosines).softmax(dim=0) * cosines).sum())

    def tells(entity: tuple[int, int], image: int) -> bool:
        return any(names[entity] == names[other] for other in known if other[0] == image)

    for i, a in known:
        images = [j for j in range(n) if j == i or not tells((i, a), j)]
        across = torch.tensor([score((i, a), j) for j in images]).log_softmax(dim=0)
        others = [each for each in known if each == (i, a) or not tells(each, i)]
        down = torch.tensor([score(each, i) for each in others]).log_softmax(dim=0)
        wanted = -(across[images.index(i)] + down[others.index((i, a))]) / 2
        assert float(found[i, a]) == pytest.approx(float(wanted), abs=1e-5)
    assert float(found[1, 1]) == 0


def test_entities_of_the_same_words_are_called_alike(reader: CaptionReader) -> None:
    texts = reader.read(["a red dog chasing a cat", "we see a cat near a red dog", "a red cat"])
    assert texts.spans is not None
    names = number_groups(texts.ids, mark_tokens(texts.spans.entities, texts.ids.shape[1]))
    assert names[0, 0] == names[1, 1]
    assert names[0, 1] == names[1, 0]
    assert len({int(names[0, 0]), int(names[0, 1]), int(names[2, 0])}) == 3


def test_gradients_of_the_repair_reach_both_towers_and_the_oracle_needs_masks(
    reader: CaptionReader,
) -> None:
    for name in ("msgclip:contrast", "msgclip:attention", "msgclip:oracle"):
        batch = batch_of(reader)
        masks = torch.zeros(N, MAX_ENTITIES, 16, 16)
        masks[:, 0, :, :8], masks[:, 1, :, 8:] = 1, 1
        batch.inputs = MASKS.of(masks)
        made_one = made(name).model
        assert "matched" in made_one(batch, 500).parts
        loss = made_one.alignment_loss(
            *(each.float() for each in (image_tokens(made_one.clip, batch.images)[1],
                                        text_tokens(made_one.clip, batch.texts.ids)[1])),
            batch.texts, masks,
        )  # fmt: skip
        loss.total.backward()
        towers_reached = {
            n.split(".")[1] for n, p in made_one.named_parameters() if p.grad is not None
        }
        assert {"visual", "transformer"} <= towers_reached
    with pytest.raises(ModelError, match="need drawn scenes"):
        made("msgclip:oracle").model(batch_of(reader), 500)
