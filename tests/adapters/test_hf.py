"""Dual encoders through transformers, against transformers itself and against open_clip."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import pytest
import torch
import transformers
from PIL import Image

from benchbench.adapters import hf, trimming
from benchbench.registry import load_model
from benchbench.testing import CAPTIONS, SIZES, check_model
from benchbench.types import Activation, LoadOptions, Precision
from tests.adapters import tiny_hf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    OfKind = Callable[[str], hf.HuggingFace]

PLAIN_PADDING = {"siglip": {"padding": "max_length", "max_length": 64}}
"""How the documentation of a kind pads, where not to the longest."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint of every kind, in folders of their names."""
    root = tmp_path_factory.mktemp("hf")
    for kind in tiny_hf.KINDS:
        tiny_hf.save(kind, root / kind)
    return root


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    """Noise of several shapes."""
    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in SIZES
    ]


def load(path: Path, **options: Any) -> hf.HuggingFace:
    return hf.load(str(path), LoadOptions(**options))


@pytest.fixture(scope="module")
def of_kind(saved: Path) -> OfKind:
    """Each kind, loaded once; not to be changed."""
    return cache(lambda kind: load(saved / kind))


@pytest.mark.parametrize("kind", tiny_hf.KINDS)
def test_contract(of_kind: OfKind, kind: str) -> None:
    check_model(of_kind(kind))


@pytest.mark.parametrize("kind", tiny_hf.KINDS)
def test_embeddings_are_the_librarys_own(
    of_kind: OfKind, saved: Path, kind: str, images: list[Image.Image]
) -> None:
    ours = of_kind(kind)
    model = getattr(transformers, tiny_hf.KINDS[kind][0]).from_pretrained(saved / kind).eval()
    images_of: Any = transformers.AutoImageProcessor
    processor = images_of.from_pretrained(saved / kind)
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved / kind)
    pixels = processor(images, return_tensors="pt")
    padding: dict[str, Any] = PLAIN_PADDING.get(kind, {"padding": True})
    captions = [c.lower() for c in CAPTIONS] if kind == "siglip" else list(CAPTIONS)
    words = tokenizer(captions, return_tensors="pt", **padding)
    if kind == "siglip":
        del words["attention_mask"]  # published checkpoints' tokenizers are told to make none
    with torch.inference_mode():
        theirs, texts = _plainly(model, pixels, words)
        near(ours.encode_images(pixels["pixel_values"], "scene"), theirs)
        one_by_one = torch.stack([ours.transform(image) for image in images])
        assert torch.equal(one_by_one, pixels["pixel_values"])
        near(ours.encode_texts(ours.tokenize(CAPTIONS), "scene"), texts)
    assert theirs.shape[1] == texts.shape[1]


def _plainly(model: Any, pixels: Any, words: Any) -> tuple[Tensor, Tensor]:
    """What the documentation has one type; unit vectors for BLIP's ITC, which gives no others."""
    if not hasattr(model, "get_image_features"):
        itc = model(**words, **pixels, use_itm_head=False)
        image = model.vision_proj(itc.last_hidden_state[:, 0])
        text = model.text_proj(itc.question_embeds[:, 0])
        near(_unit(image) @ _unit(text).T, itc.itm_score)
        return image, text
    image = model.get_image_features(**pixels)
    text = model.get_text_features(**{k: v for k, v in words.items() if k != "token_type_ids"})
    return (getattr(image, "pooler_output", image), getattr(text, "pooler_output", text))


def near(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) < 1e-5


def _unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


@pytest.mark.parametrize(
    ("architecture", "act"), [("tiny", "gelu"), ("tiny-quickgelu", "quick_gelu")]
)
def test_the_same_weights_agree_with_open_clip(
    tiny: str, tmp_path: Path, images: list[Image.Image], architecture: str, act: str
) -> None:
    torch.manual_seed(1)
    theirs, _, transform = open_clip.create_model_and_transforms(architecture)
    theirs.eval()
    convert(theirs, act, tmp_path)
    ours = load(tmp_path)
    assert ours.manifest.activation == act.replace("_", "")
    pixels = torch.stack([transform(image) for image in images])
    ids = open_clip.get_tokenizer(architecture)(list(CAPTIONS))
    with torch.inference_mode():
        near(ours.encode_images(pixels, "scene"), theirs.encode_image(pixels))
        near(ours.encode_texts(ours.tokenize(CAPTIONS), "scene"), theirs.encode_text(ids))
    assert ours.logit_scale == pytest.approx(float(theirs.logit_scale.detach().exp()))


@pytest.mark.parametrize("act", ["gelu", "quickgelu"])
def test_the_same_weights_agree_by_every_route(
    tiny: str, tmp_path: Path, images: list[Image.Image], act: Activation
) -> None:
    architecture = {"gelu": "tiny", "quickgelu": "tiny-quickgelu"}[act]
    name, options = f"openclip:{architecture}/untrained", LoadOptions(seed=3)
    named: Any = load_model(name, options)
    torch.save(named.module.state_dict(), tmp_path / "weights.pt")
    convert(named.module, act.replace("quickg", "quick_g"), tmp_path / "hf")
    bare = LoadOptions(architecture="tiny", activation=act)
    file: Any = load_model(str(tmp_path / "weights.pt"), bare)
    mixed: Any = load_model(f"lerp:{name},{tmp_path / 'weights.pt'},0.5", replace(bare, seed=3))
    routes: list[Any] = [named, file, load_model(str(tmp_path / "hf")), mixed]
    sized = [image.resize((32, 32)) for image in images]  # torchvision resizes otherwise
    whole = [embedded(each, sized) for each in routes]
    for shown, texts in whole[1:]:
        near(shown, whole[0][0])
        near(texts, whole[0][1])
    digests = {each.manifest.weights_sha256 for each in (named, file, mixed)}
    assert len(digests) == 1
    assert {each.manifest.activation for each in routes} == {act}


def embedded(model: Any, images: list[Image.Image]) -> tuple[Tensor, Tensor]:
    """Images and captions, of unit length, each by its own preprocessing and tokenizer."""
    with torch.inference_mode():
        pixels = torch.stack([model.transform(image) for image in images])
        texts = model.encode_texts(model.tokenize(CAPTIONS), "scene")
        return _unit(model.encode_images(pixels, "scene")), _unit(texts)


def convert(model: Any, act: str, folder: Path) -> None:
    """open_clip's weights as a folder of transformers."""
    kind = tiny_hf.KINDS["clip"][3]
    text = {**kind["text_config"], "hidden_act": act, "eos_token_id": 49407}
    vision = {**kind["vision_config"], "hidden_act": act, "num_hidden_layers": 1}
    text["intermediate_size"] = vision["intermediate_size"] = 128
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    converted = transformers.CLIPModel(config)
    state = renamed(model.state_dict())
    converted.load_state_dict(state, strict=True)
    converted.save_pretrained(folder)
    tiny_hf.PROCESSORS["CLIPImageProcessor"](folder)
    tiny_hf.clip_tokenizer(folder)


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """open_clip's names → transformers'."""
    names = {
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "logit_scale": "logit_scale",
    }
    parts = {
        "visual.ln_pre.": "vision_model.pre_layrnorm.",
        "visual.ln_post.": "vision_model.post_layernorm.",
        "ln_final.": "text_model.final_layer_norm.",
        "visual.transformer.resblocks.": "vision_model.encoder.layers.",
        "transformer.resblocks.": "text_model.encoder.layers.",
        ".ln_1.": ".layer_norm1.",
        ".ln_2.": ".layer_norm2.",
        ".mlp.c_fc.": ".mlp.fc1.",
        ".mlp.c_proj.": ".mlp.fc2.",
        ".attn.out_proj.": ".self_attn.out_proj.",
    }
    found = {}
    for name, tensor in state.items():
        if name in ("visual.proj", "text_projection"):
            found[{"visual.proj": "visual_projection.weight"}.get(name, f"{name}.weight")] = (
                tensor.T.contiguous()
            )
            continue
        new = names.get(name, name)
        for old, part in parts.items():
            new = new.replace(old, part, 1)
        if ".attn.in_proj_" in new:
            stem, _, what = new.partition(".attn.in_proj_")
            for letter, each in zip("qkv", tensor.chunk(3), strict=True):
                found[f"{stem}.self_attn.{letter}_proj.{what}"] = each.contiguous()
        else:
            found[new] = tensor
    return found


def test_the_manifest_says_what_was_loaded(of_kind: OfKind, saved: Path) -> None:
    manifest = of_kind("clip").manifest
    assert (manifest.architecture, manifest.weights) == ("clip/CLIPModel", "clip")
    assert (manifest.activation, manifest.context_length, manifest.trained) == (
        "quickgelu",
        24,
        True,
    )
    assert manifest.preprocessing["crop_size"] == {"height": 32, "width": 32}
    assert manifest.preprocessing["resample"] == "bicubic"
    assert manifest.preprocessing["backend"] == "torchvision"
    assert manifest.settings["hidden_act"] == {"vision": "quick_gelu", "text": "quick_gelu"}
    assert manifest.settings["padding"] == "longest"
    assert manifest.parameters == sum(
        p.numel() for p in transformers.CLIPModel.from_pretrained(saved / "clip").parameters()
    )


def test_two_towers_of_two_activations_are_both_named(of_kind: OfKind) -> None:
    manifest = of_kind("chinese_clip").manifest
    assert manifest.activation == "gelu+quickgelu"
    assert manifest.settings["hidden_act"] == {"vision": "quick_gelu", "text": "gelu"}


@pytest.mark.parametrize(
    ("kind", "context"),
    [("clip", 24), ("siglip", 64), ("align", 64), ("altclip", 77), ("blip-itc", 35)],
)
def test_contexts_are_those_of_training(of_kind: OfKind, kind: str, context: int) -> None:
    model = of_kind(kind)
    assert model.manifest.context_length == context
    long = "dog " * 100
    assert len(model.token_ids([long])[0]) == 102
    assert model.tokenize([long])["input_ids"].shape == (1, context)


def test_siglip_reads_lower_cased_captions_padded_to_the_whole_context(of_kind: OfKind) -> None:
    model = of_kind("siglip")
    batch = model.tokenize(["a dog", "A DOG"])
    assert list(batch) == ["input_ids"]
    assert batch["input_ids"].shape == (2, 64)
    assert torch.equal(*batch["input_ids"])
    assert model.token_ids(["a dog"]) == model.token_ids(["A Dog"])
    said = {name: model.manifest.settings[name] for name in ("padding", "lower_cased")}
    assert said == {"padding": "context", "lower_cased": True}
    assert model.manifest.settings["logit_bias"] == 0.0


def test_siglips_own_tokenizer_is_read_as_it_is(saved: Path, tmp_path: Path) -> None:
    pieces = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    folder = shutil.copytree(saved / "siglip", tmp_path / "own")
    (folder / "tokenizer.json").unlink()
    settings = {"vocab_size": 49, "hard_vocab_limit": False, "minloglevel": 2}
    ends = {"unk_id": 0, "eos_id": 1, "bos_id": -1, "pad_id": -1}
    with (folder / "spiece.model").open("wb") as file:
        pieces.SentencePieceTrainer.train(
            sentence_iterator=iter(CAPTIONS * 20), model_writer=file, **settings, **ends
        )
    said = {"tokenizer_class": "SiglipTokenizer", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    model = load(folder)
    check_model(model)
    plain = transformers.AutoTokenizer.from_pretrained(folder)(
        list(CAPTIONS), padding="max_length", return_tensors="pt"
    )
    assert torch.equal(model.tokenize(CAPTIONS)["input_ids"], plain["input_ids"])
    assert model.token_ids(["A dog!"]) == model.token_ids(["a dog"])


def test_logit_scales_are_the_librarys(of_kind: OfKind, saved: Path) -> None:
    align = transformers.AlignModel.from_pretrained(saved / "align")
    assert of_kind("align").logit_scale == pytest.approx(1 / float(align.temperature.detach()))
    clip = transformers.CLIPModel.from_pretrained(saved / "clip")
    assert of_kind("clip").logit_scale == pytest.approx(float(clip.logit_scale.detach().exp()))
    assert of_kind("blip-itc").logit_scale == 1.0


def test_worker_threads_preprocess_and_tokenise_as_one_does(
    of_kind: OfKind, images: list[Image.Image]
) -> None:
    model = of_kind("clip")
    alone = [model.transform(image) for image in images]
    ids = model.token_ids(CAPTIONS)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(model.transform, images * 10))
        tokenised = [pool.submit(model.tokenize, CAPTIONS) for _ in range(20)]
        untruncated = [pool.submit(model.token_ids, CAPTIONS) for _ in range(20)]
    assert all(torch.equal(each, alone[i % 5]) for i, each in enumerate(together))
    batch = model.tokenize(CAPTIONS)["input_ids"]
    assert all(torch.equal(each.result()["input_ids"], batch) for each in tokenised)
    assert all(each.result() == ids for each in untruncated)


def test_pillow_takes_low_images_for_what_they_are(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images_of: Any = transformers.AutoImageProcessor
    by_pillow = images_of.from_pretrained(saved / "siglip", backend="pil")
    monkeypatch.setattr(images_of, "from_pretrained", lambda *_, **__: by_pillow)
    model = load(saved / "siglip")
    assert model.manifest.preprocessing["backend"] == "pil"
    check_model(model)
    low = Image.fromarray(np.arange(36, dtype=np.uint8).reshape(3, 4, 3))
    expected = np.asarray(low.resize((32, 32), Image.Resampling.BICUBIC)) / 127.5 - 1
    assert np.abs(model.transform(low).permute(1, 2, 0).numpy() - expected).max() < 1e-6


def test_captions_keep_their_context_where_the_probe_differs(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trimming.TRIM_TOLERANCE, "fp32", -1.0)
    model = load(saved / "clip")
    assert model.manifest.settings["padding"] == "context"
    assert model.tokenize(["a dog"])["input_ids"].shape == (1, 24)
    check_model(model)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_near_full(saved: Path, precision: Precision) -> None:
    full, half = load(saved / "clip"), load(saved / "clip", precision=precision)
    check_model(half)
    with torch.inference_mode():
        ours, theirs = (m.encode_texts(m.tokenize(CAPTIONS), "scene") for m in (half, full))
    assert float(torch.cosine_similarity(ours.float(), theirs).min()) > 0.99
    assert half.manifest.weights_sha256 != full.manifest.weights_sha256


def test_weights_stored_in_half_run_in_full(saved: Path, tmp_path: Path) -> None:
    tiny_hf.save("siglip", tmp_path).half().save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    model = load(tmp_path)
    assert {p.dtype for p in model.model.parameters()} == {torch.float32}
    assert model.manifest.weights_sha256 != load(saved / "siglip").manifest.weights_sha256


def test_the_fingerprint_follows_tokenizer_and_configuration(tmp_path: Path) -> None:
    tiny_hf.save("siglip", tmp_path)
    before = load(tmp_path).manifest
    assert load(tmp_path).manifest == before
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": 20}))
    after = load(tmp_path).manifest
    assert after.context_length == 20
    assert after.settings["tokenizer_sha256"] != before.settings["tokenizer_sha256"]
    assert after.fingerprint != before.fingerprint


def test_added_tokens_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    tiny_hf.save("align", tmp_path)
    found = []
    for first, second in (("zebra", "gnu"), ("gnu", "zebra")):
        added = {first: len(tiny_hf.WORDS) + 1, second: len(tiny_hf.WORDS) + 2}
        (tmp_path / "added_tokens.json").write_text(json.dumps(added))
        model = load(tmp_path)
        found.append((model.token_ids(["a zebra"]), model.manifest.fingerprint))
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]
