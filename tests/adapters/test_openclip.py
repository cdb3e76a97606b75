"""The open_clip adapter, against open_clip itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import open_clip
import pytest
import torch
from open_clip import factory, pretrained
from PIL import Image
from safetensors.torch import save_file

from benchbench.adapters import openclip, trimming
from benchbench.errors import ModelError, UnknownName, UsageError, WeightsUnavailable
from benchbench.testing import CAPTIONS, check_model
from benchbench.types import LoadOptions, Precision

if TYPE_CHECKING:
    from benchbench.adapters.openclip import OpenClip


@pytest.fixture
def image() -> Image.Image:
    """A noisy image, wider than high."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def tagged(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights on disk, published under the tags 'gelu_tag' and 'quick_tag' of the tiny model."""
    torch.manual_seed(7)
    path = tmp_path / "weights.safetensors"
    save_file(open_clip.create_model("tiny").state_dict(), path)
    tags = {
        "gelu_tag": {"file": str(path)},
        "quick_tag": {"file": str(path), "quick_gelu": True},
    }
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny", tags)
    return path


def test_contract(tiny_model: OpenClip) -> None:
    check_model(tiny_model)


def test_embeddings_are_open_clips_own(tiny_model: OpenClip, image: Image.Image) -> None:
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms("tiny")
    tokenizer = open_clip.get_tokenizer("tiny")
    model.eval()
    with torch.no_grad():
        theirs = model.encode_image(transform(image)[None])
        text = model.encode_text(tokenizer(list(CAPTIONS)))
    ours = tiny_model.encode_images(tiny_model.transform(image)[None], "scene")
    assert torch.equal(ours, theirs)
    trimmed = tiny_model.tokenize(CAPTIONS)
    assert trimmed.shape[1] < tokenizer.context_length
    assert torch.allclose(tiny_model.encode_texts(trimmed, "scene"), text, atol=1e-6)


@pytest.mark.parametrize("architecture", ["tiny", "tiny-custom", "tiny-eos"])
def test_trimming_is_exact_where_it_is_on(tiny: str, architecture: str) -> None:
    model = openclip.load(f"{architecture}/untrained", LoadOptions())
    assert model.manifest.settings["captions_trimmed"]
    for caption in CAPTIONS:
        whole = model.clip.encode_text(model.tokenizer([caption]))
        assert torch.allclose(
            model.encode_texts(model.tokenize([caption]), "scene"), whole, atol=1e-6
        )


@pytest.mark.parametrize("architecture", ["tiny-bidirectional", "tiny-last"])
def test_towers_that_read_their_padding_keep_it(tiny: str, architecture: str) -> None:
    model = openclip.load(f"{architecture}/untrained", LoadOptions())
    assert not model.manifest.settings["captions_trimmed"]
    assert model.tokenize(CAPTIONS).shape[1] == model.manifest.context_length


def test_trimming_is_given_up_where_the_probe_differs(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trimming.TRIM_TOLERANCE, "fp32", -1.0)
    model = openclip.load("tiny/untrained", LoadOptions())
    assert not model.manifest.settings["captions_trimmed"]
    check_model(model)


def test_truncation_shows_in_the_ids(tiny_model: OpenClip) -> None:
    long = "dog " * 40
    assert len(tiny_model.token_ids([long])[0]) == 42
    assert tiny_model.tokenize([long]).shape[1] == tiny_model.manifest.context_length == 24


def test_a_caption_is_tokenised_once_for_its_ids_and_its_batch(tiny_model: OpenClip) -> None:
    captions = ["a caption of no other test", "and one more"]
    before = tiny_model.tokenizer.encode.cache_info()
    ids, batch = tiny_model.token_ids(captions), tiny_model.tokenize(captions)
    after = tiny_model.tokenizer.encode.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (2, 2)
    assert [tuple(row[row > 0].tolist()) for row in batch] == ids


def test_untrained_weights_follow_the_seed_and_leave_the_generator_alone(tiny: str) -> None:
    state = torch.random.get_rng_state()
    digests = [
        openclip.load("tiny/untrained", LoadOptions(seed=s)).manifest.weights_sha256
        for s in (0, 0, 1)
    ]
    assert digests[0] == digests[1] != digests[2]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_manifest_says_what_was_loaded(tiny_model: OpenClip) -> None:
    manifest = tiny_model.manifest
    assert (manifest.trained, manifest.weights) == (False, "random (seed 0)")
    assert (manifest.activation, manifest.context_length) == ("gelu", 24)
    assert manifest.preprocessing["size"] == [32, 32]
    assert manifest.parameters == sum(p.numel() for p in tiny_model.clip.parameters())


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_near_full(
    tiny_model: OpenClip, image: Image.Image, precision: Precision
) -> None:
    half = openclip.load("tiny/untrained", LoadOptions(precision=precision))
    check_model(half)
    pixels = tiny_model.transform(image)[None]
    with torch.inference_mode():
        ours = half.encode_images(pixels, "scene").float()
        full = tiny_model.encode_images(pixels, "scene")
    assert torch.cosine_similarity(ours, full) > 0.99
    assert half.manifest.fingerprint != tiny_model.manifest.fingerprint


def test_weights_decide_the_activation(tagged: Path) -> None:
    gelu = openclip.load("tiny/gelu_tag", LoadOptions()).manifest
    quick = openclip.load("tiny/quick_tag", LoadOptions()).manifest
    assert (gelu.activation, quick.activation) == ("gelu", "quickgelu")
    assert gelu.weights_sha256 == quick.weights_sha256
    assert gelu.fingerprint != quick.fingerprint
    assert gelu.trained


def test_gelu_weights_are_refused_under_a_quickgelu_architecture(
    tagged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = pretrained._PRETRAINED["tiny"]
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny-quickgelu", tags)
    with pytest.raises(ModelError, match="Type openclip:tiny/gelu_tag"):
        openclip.load("tiny-quickgelu/gelu_tag", LoadOptions())
    loaded = openclip.load("tiny-quickgelu/quick_tag", LoadOptions())
    assert loaded.manifest.activation == "quickgelu"


def test_every_published_pair_runs_with_its_weights_activation_or_is_refused() -> None:
    refused = set()
    for architecture, tag in open_clip.list_pretrained():
        try:
            quick = openclip.uses_quickgelu(architecture, tag)
        except ModelError as error:
            refused.add(architecture)
            sibling = str(error).rpartition("openclip:")[2].rpartition("/")[0]
            assert sibling in open_clip.list_models()
            continue
        if tag == "openai":
            assert quick, f"{architecture}: OpenAI's weights were trained with QuickGELU"
    assert all("-quickgelu" in architecture for architecture in refused)


def test_an_architecture_without_a_sibling_keeps_its_activation() -> None:
    assert openclip.uses_quickgelu("roberta-ViT-B-32", "laion2b_s12b_b32k")


def test_the_tanh_form_of_gelu_is_told_apart(tiny: str) -> None:
    model = openclip.load("tiny-tanh/untrained", LoadOptions())
    assert model.manifest.activation == "gelu-tanh"


def test_another_configuration_of_the_same_name_is_another_model(
    tiny_model: OpenClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = open_clip.get_model_config("tiny")
    config["text_cfg"]["heads"] = 4
    monkeypatch.setitem(factory._MODEL_CONFIGS, "tiny", config)
    other = openclip.load("tiny/untrained", LoadOptions())
    assert other.manifest.weights_sha256 == tiny_model.manifest.weights_sha256
    assert other.manifest.fingerprint != tiny_model.manifest.fingerprint


def test_untrained_towers_from_the_hub_are_untrained_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertConfig, BertModel

    text = tmp_path / "bert"
    BertModel(
        BertConfig(
            vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16,
        )
    ).save_pretrained(text)  # fmt: skip
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "the", "horse", "man"]
    (text / "vocab.txt").write_text("\n".join(words))
    (text / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    config = open_clip.get_model_config("tiny")
    config["text_cfg"] = {
        "hf_model_name": str(text), "hf_tokenizer_name": str(text), "context_length": 16,
        "hf_proj_type": "mlp", "hf_pooler_type": "mean_pooler",
    }  # fmt: skip
    monkeypatch.setitem(factory._MODEL_CONFIGS, "tiny-hub", config)
    states = [
        openclip.load("tiny-hub/untrained", LoadOptions(seed=seed)).clip.text.state_dict()
        for seed in (0, 0, 1)
    ]
    name = "transformer.embeddings.word_embeddings.weight"
    assert torch.equal(states[0][name], states[1][name])
    assert not torch.equal(states[0][name], states[2][name])
    check_model(openclip.load("tiny-hub/untrained", LoadOptions()))


def test_a_damaged_file_is_one_error(tagged: Path) -> None:
    tagged.write_bytes(tagged.read_bytes()[:1000])
    with pytest.raises(WeightsUnavailable, match="gelu_tag"):
        openclip.load("tiny/gelu_tag", LoadOptions())


def test_unknown_names_list_what_there_is(tiny: str) -> None:
    for near in ("ViT-B32/openai", "vit-b-32/openai"):
        with pytest.raises(UnknownName, match="Did you mean 'ViT-B-32'"):
            openclip.load(near, LoadOptions())
    with pytest.raises(UnknownName, match="laion2b_s34b_b79k"):
        openclip.load("ViT-B-32/opnai", LoadOptions())
    with pytest.raises(UsageError, match=r"names no weights.*openai.*untrained"):
        openclip.load("ViT-B-32", LoadOptions())
    with pytest.raises(UsageError, match="names no weights"):
        openclip.load("ViT-B-32/", LoadOptions())


def test_weights_that_cannot_be_fetched_are_one_error() -> None:
    with pytest.raises(WeightsUnavailable, match=r"laion2b_s34b_b79k.*not in the cache"):
        openclip.load("ViT-B-32/laion2b_s34b_b79k", LoadOptions())
