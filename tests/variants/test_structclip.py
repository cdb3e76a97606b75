from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch
from torch.nn.functional import normalize, softplus

from benchbench.variants import towers
from benchbench.variants.contrast import info_nce, swap_hinge, swap_loss
from benchbench.variants.knowledge import KnowledgeEncoder
from benchbench.variants.structclip import StructCLIP
from benchbench.variants.texts import CaptionReader, Texts
from benchbench.variants.variant import Batch, SwappedCaptions

TRUE = ["a red dog chasing a white cat", "a cup on a blue table", "hello"]
COLOURS = ("red", "blue", "green", "white", "black", "brown")
FALSE = ["a white cat chasing a red dog", "a table on a blue cup", "a blue table on a cup"]


def model(**settings: Any) -> tuple[StructCLIP, CaptionReader]:
    torch.manual_seed(0)
    made = StructCLIP(towers.build(towers.NAME), **settings)
    return made, made.reader(towers.find_tokenizer(towers.NAME))


def batch(reader: CaptionReader) -> Batch:
    return Batch(
        images=torch.randn(3, 3, 64, 64),
        texts=reader.read(TRUE),
        negatives=SwappedCaptions(reader.read(FALSE[:2]), torch.tensor([0, 3]), 2),
    )


def test_info_nce_is_open_clips() -> None:
    images, texts = (normalize(torch.randn(6, 8), dim=-1) for _ in range(2))
    scale = torch.tensor(10.0)
    wanted = open_clip.ClipLoss()(images, texts, scale)
    assert info_nce(images, texts, scale).item() == pytest.approx(wanted.item(), abs=1e-6)


def test_pairs_of_one_name_are_no_negatives() -> None:
    images, texts = (normalize(torch.randn(3, 8), dim=-1) for _ in range(2))
    found = info_nce(images, texts, torch.tensor(5.0), torch.tensor([7, 7, 8]))
    likeness = (5 * images @ texts.T).exp()
    others = [[0, 2], [1, 2], [0, 1, 2]]  # the first two are of one name
    rows = [-(likeness[i, i] / likeness[i, among].sum()).log() for i, among in enumerate(others)]
    back = [-(likeness[i, i] / likeness[among, i].sum()).log() for i, among in enumerate(others)]
    wanted = (torch.stack(rows).mean() + torch.stack(back).mean()) / 2
    assert found.item() == pytest.approx(wanted.item(), abs=1e-6)


def test_swaps_count_only_where_there_are_any() -> None:
    true, false = torch.tensor([0.5, 0.1, 0.0]), torch.tensor([0.4, 0.3, 9.0])
    there = torch.tensor([True, True, False])
    wanted = softplus(10.0 * (false - true))[:2].mean()
    assert swap_loss(true, false, there, 10.0).item() == pytest.approx(wanted.item())
    assert swap_loss(true, false, torch.zeros(3, dtype=torch.bool), 10.0) == 0


def test_knowledge_is_h_plus_r_minus_t_and_a_set() -> None:
    torch.manual_seed(0)
    encoder = KnowledgeEncoder(20, 16, 2, 2, 8).eval()
    one, other = [[3], [5], [4]], [[6], [7], [8]]
    swapped, nothing = [[4], [5], [3]], [[0], [0], [0]]
    triples = torch.tensor(
        [[one, other, nothing], [other, one, nothing], [swapped, other, nothing], [nothing] * 3]
    )
    found = encoder(triples)
    assert torch.allclose(found[0], found[1], atol=1e-6)
    assert not torch.allclose(found[0], found[2], atol=1e-2)
    assert not found[3].any()
    assert torch.allclose(found[:3].norm(dim=-1), torch.ones(3), atol=1e-6)
    with torch.no_grad():
        encoder.relation.weight.zero_()
        encoder.entity.weight[3] = encoder.entity.weight[4]
    # h − t = 0: with r = 0 nothing is left of the triple but its place in the mean
    assert torch.allclose(encoder(triples)[0], encoder(triples)[2], atol=1e-6)


def test_what_triples_add_is_not_brought_back_to_unit_length() -> None:
    made, reader = model(knowledge_weight=0.2)
    texts = reader.read(TRUE)
    with torch.no_grad():
        whole = made.encode_texts(texts, "scene")
        plain = made.encode_texts(Texts(texts.ids), "scene")
        assert made.knowledge is not None
        added = made.knowledge(texts.triples)
    assert made.similarity == "dot"
    assert torch.allclose(whole, plain + 0.2 * added, atol=1e-6)
    assert torch.allclose(plain.norm(dim=-1), torch.ones(3), atol=1e-6)
    assert torch.equal(whole[2], plain[2])


def test_gradients_reach_every_weight() -> None:
    made, reader = model(knowledge_weight=0.2, swap_weight=2.0)
    loss = made(batch(reader), 0)
    loss.total.backward()
    assert set(loss.parts) == {"contrast", "swaps", "told_apart"}
    silent = {n for n, p in made.named_parameters() if p.grad is None or not p.grad.any()}
    # keys have no bias that softmax would notice, and only ids of the batch have embeddings
    assert all("in_proj_bias" in name for name in silent), silent


def test_the_losses_on_swaps_are_those_of_a_plain_loop() -> None:
    made, reader = model(knowledge_weight=0.2, swap_weight=3.0, plain_weight=2.0)
    shown = batch(reader)
    loss = made(shown, 0)
    with torch.no_grad():
        images = made.encode_images(shown.images, "scene")
        found = {"swaps": 0.0, "swaps_plain": 0.0}
        for row, false in ((0, FALSE[0]), (1, FALSE[1])):
            for name, with_triples in (("swaps", True), ("swaps_plain", False)):
                sides = []
                for caption in (TRUE[row], false):
                    texts = reader.read([caption])
                    kept = texts if with_triples else Texts(texts.ids)
                    sides.append(images[row] @ made.encode_texts(kept, "scene")[0])
                found[name] += float(softplus(10 * (sides[1] - sides[0]))) / 2
    for name, wanted in found.items():
        assert float(loss.parts[name]) == pytest.approx(wanted, abs=1e-5)
    whole = loss.parts["contrast"] + 3 * found["swaps"] + 2 * found["swaps_plain"]
    assert loss.total.item() == pytest.approx(float(whole), abs=1e-4)


def test_without_triples_in_its_loss_the_text_tower_learns_from_the_plain_one() -> None:
    made, reader = model(knowledge_weight=0.2, swap_weight=1.0, plain_weight=5.0)
    both = made(batch(reader), 0)
    assert {"swaps", "swaps_plain", "told_apart", "told_apart_plain"} <= set(both.parts)


def test_hinges_are_open_at_their_margin() -> None:
    true, false = torch.tensor([[0.5], [0.5]]), torch.tensor([[0.2, 0.4], [0.6, 9.0]])
    there = torch.tensor([[True, True], [True, False]])
    wanted = (0 + 0.1 + 0.3) / 3
    assert swap_hinge(true, false, there, 0.2).item() == pytest.approx(wanted)


def test_columns_are_further_captions_for_images_alone() -> None:
    images, texts = (normalize(torch.randn(3, 8), dim=-1) for _ in range(2))
    swapped, there = normalize(torch.randn(4, 8), dim=-1), torch.tensor([True, False, True, True])
    found = info_nce(images, texts, torch.tensor(5.0), more=(swapped, there))
    total = 0.0
    for i in range(3):
        own = (5 * images[i] @ texts[i]).exp()
        rest = (5 * images[i] @ torch.cat([texts, swapped[there]]).T).exp().sum()
        back = (5 * images @ texts[i]).exp().sum()
        total += float(-(own / rest).log() - (own / back).log()) / 6
    assert found.item() == pytest.approx(total, abs=1e-6)


def test_a_batch_without_a_single_swap_has_a_loss() -> None:
    made, reader = model(swap_weight=1.0, columns=True)
    shown = batch(reader)
    shown.negatives = SwappedCaptions(reader.read([]), torch.zeros(0, dtype=torch.int64), 2)
    loss = made(shown, 0)
    loss.total.backward()
    assert loss.parts["swaps"] == 0
    assert torch.isfinite(loss.total)


def test_the_weight_of_triples_can_be_another_at_test() -> None:
    made, reader = model(knowledge_weight=0.2, knowledge_at_test=0.0)
    texts = reader.read(TRUE)
    with torch.no_grad():
        learning = made.encode_texts(texts, "scene")
        tested = made.eval().encode_texts(texts, "scene")
    assert torch.allclose(tested.norm(dim=-1), torch.ones(3), atol=1e-6)
    assert not torch.allclose(learning[0], tested[0])


def test_a_bag_of_triples_cannot_say_who_does_what() -> None:
    torch.manual_seed(0)
    ends = torch.tensor([[[[3], [5], [4]]], [[[4], [5], [3]]]])
    bag, ordered = (KnowledgeEncoder(20, 16, 2, 2, 8, bag=bag).eval() for bag in (True, False))
    with torch.no_grad():
        same, apart = (each(ends)[0] - each(ends)[1] for each in (bag, ordered))
    assert float(same.abs().max()) < 1e-6
    assert float(apart.abs().max()) > 1e-2


def test_turned_triples_are_a_share_of_captions_and_stay_the_same() -> None:
    tokenizer = towers.find_tokenizer(towers.NAME)
    right, wrong = (CaptionReader(tokenizer, True, turned_percent=n) for n in (0, 30))
    lines = [f"a {a} dog chasing a {b} cat" for a in COLOURS for b in COLOURS if a != b]
    turned = [wrong.triples(line) != right.triples(line) for line in lines]
    assert 0.15 < sum(turned) / len(lines) < 0.45
    assert turned == [wrong.triples(line) != right.triples(line) for line in lines]
    row = turned.index(True)
    backwards = [(t, r, h) for h, r, t in right.triples(lines[row])]
    assert wrong.triples(lines[row]) == backwards


def test_the_controls_are_the_same_class_without_the_parts() -> None:
    clip, _ = model()
    negclip, reader = model(swap_weight=2.0)
    assert {*clip.state_dict()} == {*negclip.state_dict()}
    assert not reader.with_triples
    assert set(clip(batch(reader), 0).parts) == {"contrast"}
