"""A captioner trains both towers, looks ahead in no caption, and prefers what it has learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from benchbench.training import Plan, train
from benchbench.training.running import build_for
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import towers, weights
from benchbench.variants.captioner import Captioner
from benchbench.variants.catalogue import variant
from benchbench.variants.features import image_tokens, text_tokens
from benchbench.variants.variant import Batch

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.variants.texts import CaptionReader

CAPTIONS = ["a dog chases a cat", "a red car", "a cat chases a dog", "a tree"]


@pytest.fixture
def made() -> tuple[Captioner, CaptionReader]:
    torch.manual_seed(0)
    described = variant("captioner")
    model: Captioner = described.make(towers.build(towers.NAME), **described.settings)
    return model, model.reader(towers.find_tokenizer(towers.NAME))


def test_gradients_reach_both_towers(made: tuple[Captioner, CaptionReader]) -> None:
    model, reader = made
    loss = model(Batch(torch.randn(4, 3, 64, 64), reader.read(CAPTIONS)), 0)
    loss.total.backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert without == set()
    parts = loss.parts["caption"] + 0.5 * loss.parts["contrast"]
    assert float(parts) == pytest.approx(float(loss.total.detach()))


def test_a_locked_image_tower_stays_as_it_is() -> None:
    described = variant("captioner:locked")
    model = described.make(towers.build(towers.NAME), **described.settings)
    reader = model.reader(towers.find_tokenizer(towers.NAME))
    model(Batch(torch.randn(4, 3, 64, 64), reader.read(CAPTIONS)), 0).total.backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert without == {name for name, _ in model.named_parameters() if ".visual." in name}


def test_the_loss_is_that_of_a_plain_loop(made: tuple[Captioner, CaptionReader]) -> None:
    """Each caption by itself, unpadded, each next token by a softmax over the batch's tokens."""
    model, reader = made
    images, texts = torch.randn(4, 3, 64, 64), reader.read(CAPTIONS)
    known = torch.unique(texts.ids)
    total, count = 0.0, 0
    with torch.no_grad():
        for image, caption in zip(images, CAPTIONS, strict=True):
            ids = reader.read([caption]).ids
            for end in range(1, ids.shape[1]):
                seen = torch.cat([ids[:, :end], ids[:, end : end + 1]], dim=1)
                pooled = model.clip.encode_image(image[None])
                tokens = model.clip.token_embedding(seen[:, :end])
                x = tokens + model.clip.positional_embedding[:end]
                x = model.clip.transformer(x, attn_mask=model.clip.attn_mask[:end, :end])
                x = model.clip.ln_final(x) @ model.clip.text_projection
                ahead = torch.ones(end, end, dtype=torch.bool).triu(1)
                read = model.decoder(x, pooled[:, None], tgt_mask=ahead)[0, -1]
                logits = (model.words.weight @ read + model.words.bias)[known]
                place = int((known == ids[0, end]).nonzero())
                total -= float(logits.log_softmax(dim=0)[place])
                count += 1
        shown, tokens = image_tokens(model.clip, images), text_tokens(model.clip, texts.ids)[1]
        hidden = torch.ones(4, dtype=torch.bool)
        losses, there = model._losses(shown, tokens, texts.ids, hidden)
    assert int(there.sum()) == count
    assert float((losses * there).sum()) == pytest.approx(total, rel=1e-4)


def test_the_patches_are_shown_to_half_of_the_captions(
    made: tuple[Captioner, CaptionReader],
) -> None:
    model, _ = made
    hidden = torch.stack([model._hidden(64, step, "cpu") for step in range(50)]).float()
    assert 0.4 < float(hidden.mean()) < 0.6
    assert (hidden.mean(dim=0) > 0.2).all()
    assert (hidden.mean(dim=0) < 0.8).all()


def test_a_captioner_learns_what_it_is_shown(made: tuple[Captioner, CaptionReader]) -> None:
    model, reader = made
    images, texts = torch.randn(4, 3, 64, 64), reader.read(CAPTIONS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(60):
        loss = model(Batch(images, texts), step).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    likely = []
    for lines in (CAPTIONS, CAPTIONS[::-1]):
        ids = reader.read(lines).ids
        shown, hidden = image_tokens(model.clip, images), torch.ones(4, dtype=torch.bool)
        losses, there = model._losses(shown, text_tokens(model.clip, ids)[1], ids, hidden)
        likely.append((losses * there).sum(dim=1) / there.sum(dim=1))
    assert (likely[0] < likely[1]).all()


def test_every_variant_starts_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Quick:
        def metrics(self, *_: object) -> dict[str, float]:
            return {"mean": 1.0}

    monkeypatch.setitem(VALIDATION_SETS, "structure", lambda transform: Quick())
    plan = Plan("captioner", steps=1, batch=4, warmup=1, validate_every=1)
    path = train(plan, tmp_path, device="cpu", workers=0)
    tensors, _ = weights.read(path)
    build = build_for(variant("clip"), Plan("clip", backbone=str(path)))
    for name, each in build.model.clip.state_dict().items():
        assert torch.equal(each, tensors[f"clip.{name}"]), name
