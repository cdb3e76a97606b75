"""The small towers have open_clip's weights, random draws, outputs and gradients, to the bit."""

from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch

from benchbench.variants import towers
from benchbench.variants.features import image_tokens, text_embeddings, text_tokens
from benchbench.variants.patches import patch_map
from benchbench.variants.towers.modules import CLIP

CAPTIONS = ["a dog", "two people on a checkered boat, near a ball", "Naïve café 漢字 🙂"] * 13


@pytest.fixture(scope="module", params=towers.small_names())
def name(request: pytest.FixtureRequest) -> str:
    architecture: str = request.param
    return architecture


@pytest.fixture(scope="module")
def both(name: str) -> tuple[Any, Any]:
    """Ours and open_clip's, from one seed."""
    towers.register()
    torch.manual_seed(0)
    ours = towers.build(name)
    state = torch.get_rng_state()
    torch.manual_seed(0)
    theirs = open_clip.create_model(
        name, pretrained_image=False, force_preprocess_cfg=dict(towers.PREPROCESSING)
    )
    assert torch.equal(torch.get_rng_state(), state)
    return ours, theirs


def test_random_weights_and_their_order_are_open_clips(both: tuple[Any, Any]) -> None:
    ours, theirs = both
    assert isinstance(ours, CLIP)
    assert isinstance(theirs, open_clip.CLIP)
    for one, other in (
        (ours.state_dict(), theirs.state_dict()),
        (dict(ours.named_parameters()), dict(theirs.named_parameters())),
        (dict(ours.named_buffers()), dict(theirs.named_buffers())),
    ):
        assert list(one) == list(other)
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert ours.visual.preprocess_cfg == theirs.visual.preprocess_cfg
    assert ours.visual.image_size == theirs.visual.image_size


def outputs(clip: Any, name: str) -> list[torch.Tensor]:
    """All that variants compute by towers, and the gradients of some function of it."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(7, 3, 64, 64, generator=generator)
    ids = open_clip.get_tokenizer(name)(CAPTIONS)
    found = [
        clip.encode_image(images),
        text_embeddings(clip, ids[:, :30]),
        *image_tokens(clip, images),
        *text_tokens(clip, ids),
        patch_map(clip, torch.randn(2, 3, 96, 128, generator=generator)),
    ]
    weights = [p for key, p in clip.named_parameters() if key != "logit_scale"]
    total = sum((each.float() ** 3).sum() for each in found)
    return [*found, *torch.autograd.grad(total, weights)]


@pytest.mark.parametrize("mixed", [False, True])
def test_outputs_and_gradients_are_open_clips(
    both: tuple[Any, Any], name: str, mixed: bool
) -> None:
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        ours, theirs = (outputs(clip.train(), name) for clip in both)
    assert len(ours) > 100
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@torch.inference_mode()
def test_outputs_at_test_time_are_open_clips(both: tuple[Any, Any], name: str) -> None:
    ids = open_clip.get_tokenizer(name)(CAPTIONS)
    images = torch.randn(7, 3, 64, 64)
    ours, theirs = (clip.eval() for clip in both)
    assert torch.equal(ours.encode_image(images), theirs.encode_image(images))
    assert torch.equal(text_embeddings(ours, ids), text_embeddings(theirs, ids))
