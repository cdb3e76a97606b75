from __future__ import annotations

from typing import TYPE_CHECKING, Any

import open_clip
import pytest
import torch

from benchbench.errors import ModelError
from benchbench.registry import load_model
from benchbench.types import LoadOptions
from benchbench.variants import towers
from benchbench.variants.features import (
    check_backbone,
    image_tokens,
    text_embeddings,
    text_tokens,
)

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Activation

CAPTIONS = ["a dog", "two people on a checkered boat, near a ball", "Naïve café 漢字 🙂"] * 15


NAMES = ("benchbench-small", "benchbench-small-2")


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    architecture: str = request.param
    return architecture


@pytest.fixture(scope="module")
def small(name: str) -> Any:
    torch.manual_seed(0)
    return towers.build(name)


@pytest.fixture(scope="module")
def theirs(small: Any, name: str) -> Any:
    """open_clip's model with the same weights."""
    towers.register()
    clip = open_clip.create_model(name, pretrained_image=False)
    clip.load_state_dict(small.state_dict())
    return clip.eval()


def test_open_clip_loads_the_small_towers(small: Any, name: str, tmp_path: Path) -> None:
    towers.register()
    assert 2_000_000 < sum(p.numel() for p in small.parameters()) < 3_000_000
    path = tmp_path / "weights.pt"
    torch.save(small.state_dict(), path)
    other = open_clip.create_model(name, pretrained=str(path))
    for key, tensor in other.state_dict().items():
        assert torch.equal(tensor, small.state_dict()[key]), key


def test_the_second_version_has_as_many_parameters_as_the_first_within_a_fifth() -> None:
    first, second = (sum(p.numel() for p in towers.build(name).parameters()) for name in NAMES)
    assert 0.8 * first < second < 1.2 * first
    assert towers.NAME in NAMES


def test_a_file_of_the_small_towers_loads_by_their_name(
    small: Any, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pt"
    torch.save(small.state_dict(), path)
    towers.register()
    activation: Activation | None = "gelu" if name == NAMES[0] else None
    model: Any = load_model(str(path), LoadOptions(architecture=name, activation=activation))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        wanted = small.eval().encode_image(images)
        assert torch.allclose(model.encode_images(images, "scene"), wanted, atol=1e-5)
    assert model.manifest.activation == "gelu"


def test_any_text_becomes_tokens_and_back() -> None:
    towers.register()
    tokenizer = open_clip.get_tokenizer(towers.NAME)
    assert tokenizer.vocab_size == 4098
    assert (tokenizer.sot_token_id, tokenizer.eot_token_id) == (4096, 4097)
    for caption in CAPTIONS[:3]:
        assert tokenizer.decode(tokenizer.encode(caption)).strip() == caption.lower().replace(
            ",", " ,"
        )


def test_short_captions_are_embedded_as_open_clip_embeds_padded_ones(
    small: Any, theirs: Any
) -> None:
    ids = open_clip.get_tokenizer(towers.NAME)(CAPTIONS)
    short = ids[:, : int(ids.argmax(dim=1).max()) + 1]
    with torch.no_grad():
        wanted = theirs.encode_text(ids)
        assert torch.allclose(text_embeddings(small, short), wanted, atol=1e-5)
        pooled, tokens = text_tokens(small, short)
    assert torch.allclose(pooled, wanted, atol=1e-5)
    rows = torch.arange(len(ids))
    assert torch.allclose(tokens[rows, short.argmax(dim=1)], wanted, atol=1e-5)


def test_patches_are_embedded_beside_the_image(small: Any) -> None:
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        pooled, tokens = image_tokens(small, images)
        assert torch.allclose(pooled, small.encode_image(images), atol=1e-5)
    assert tokens.shape == (2, 16, 128)


def test_towers_that_no_objective_fits_are_refused() -> None:
    model = open_clip.create_model("RN50", pretrained_image=False)
    with pytest.raises(ModelError, match="RN50 cannot be a backbone"):
        check_backbone(model, "RN50")
