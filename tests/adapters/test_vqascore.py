"""Captions as questions: log P(Yes) as the plain library's, pair by pair, without padding."""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

from benchbench.adapters import prefix_cache, prompted, vqascore
from benchbench.adapters.prompts import answer_tokens
from benchbench.errors import ModelError, UsageError
from benchbench.registry import load_model
from benchbench.testing import check_model
from tests.adapters.test_itm import images, library, scorer
from tests.pair_scorers import _bytes

if TYPE_CHECKING:
    from benchbench.types import PairScorer

__all__ = ["images"]
CAPTIONS = ("a red dog", "the square is to the left of the blue circle", "", 'a "sign"?')


def scores(model: PairScorer, shown: list[Image.Image]) -> list[float]:
    """Every image with every caption, in one batch."""
    with torch.inference_mode():
        features = model.encode_images([model.transform(image) for image in shown])
        pairs = [(one, text) for one in features for text in CAPTIONS]
        batch = model.tokenize([text for _, text in pairs])
        found: list[float] = model.score([one for one, _ in pairs], batch).tolist()
    return found


def alone(
    folder: Path,
    shown: list[Image.Image],
    kind: str = "LlavaForConditionalGeneration",
    placeholder: str = "<image>\n",
) -> list[float]:
    """The same by the library: one pair a pass, nothing padded, the template typed out."""
    model, processor = library(folder, kind)
    yes = [processor.tokenizer.convert_tokens_to_ids(token) for token in ("Yes", "ĠYes")]
    found = []
    for image in shown:
        for text in CAPTIONS:
            prompt = (
                f'<s>USER: {placeholder}Does this figure show "{text}"? '
                "Please answer yes or no. ASSISTANT:"
            )
            inputs = processor(images=image, text=prompt, return_tensors="pt")
            with torch.inference_mode():
                logits = model(**inputs).logits[0, -1]
            found.append(float(logits.softmax(dim=-1)[yes].sum().log()))
    return found


def test_llava_scores_as_the_library(llava: Path, images: list[Image.Image]) -> None:
    found, expected = scores(scorer(f"vqascore:{llava}"), images), alone(llava, images)
    assert found == pytest.approx(expected, abs=2e-5)
    assert max(expected) - min(expected) > 0.1


def test_images_of_any_size_become_as_many_tokens(qwen: Path, images: list[Image.Image]) -> None:
    shown = [images[0], images[1].crop((0, 20, 90, 60)), images[2].crop((20, 0, 60, 90))]
    placeholder = "<|vision_start|><|image_pad|><|vision_end|>"
    expected = alone(qwen, shown, "Qwen2VLForConditionalGeneration", placeholder)
    assert scores(scorer(f"vqascore:{qwen}"), shown) == pytest.approx(expected, abs=2e-5)
    assert max(expected) - min(expected) > 0.1


@pytest.mark.parametrize("kind", ["llava", "qwen"])
def test_what_an_images_prompts_begin_with_is_read_once(
    kind: str,
    images: list[Image.Image],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = request.getfixturevalue(kind)
    ours: Any = scorer(f"vqascore:{folder}")
    assert ours.by_image
    assert ours.manifest.settings["beginnings_read"] == "once a batch"
    monkeypatch.setattr(vqascore.AnswerScorer, "_prefix_problem", lambda self: "a test")
    plain: Any = scorer(f"vqascore:{folder}")
    assert plain.manifest.settings["beginnings_read"] == "with every pair: a test"
    tokens = [read_tokens(model, monkeypatch) for model in (ours, plain)]
    shown = [images[0], images[1].crop((0, 20, 90, 60)), images[0].rotate(90), images[2]]
    assert scores(ours, shown) == pytest.approx(scores(plain, shown), abs=2e-5)
    # A beginning and an image are a fifth of these prompts of bytes; of real ones, nine tenths.
    assert sum(tokens[0]) < 0.9 * sum(tokens[1])
    tokens[0].clear()
    tokens[1].clear()
    for model in (ours, plain):
        features = model.encode_images([model.transform(image) for image in shown])
        model.score(features, model.tokenize(["a dog"] * len(shown)))
    assert tokens[0] == tokens[1], "images that come once are read as ever"


def read_tokens(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each pass of the language model reads: filled as it goes."""
    read: list[int] = []
    whole = model._model.forward

    def counted(*args: Any, **inputs: Any) -> Any:
        read.append(inputs["input_ids"].numel())
        return whole(*args, **inputs)

    monkeypatch.setattr(model._model, "forward", counted)
    return read


def test_keys_and_values_are_held_of_as_many_rows_as_there_is_room_for(
    qwen: Path, images: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = scorer(f"vqascore:{qwen}")
    found = scores(model, images)
    monkeypatch.setattr(prefix_cache, "ON_CPU", 1)
    read = read_tokens(model, monkeypatch)
    assert scores(model, images) == pytest.approx(found, abs=2e-5)
    assert len(read) == 1 + len(images) * len(CAPTIONS)


@pytest.mark.parametrize("name", prefix_cache.CACHES)
def test_keys_and_values_go_by_the_name_that_the_model_takes(
    name: str, llava: Path, images: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In older releases of transformers and in newer ones, whichever is installed."""
    from transformers import LlavaForConditionalGeneration as Llava

    whole, installed = Llava.forward, prefix_cache.cache_name(Llava)

    def forward(self: Any, *, cached: Any = None, **inputs: Any) -> Any:
        if cached is not None:
            inputs[installed] = cached
        output = whole(self, **inputs)
        return SimpleNamespace(logits=output.logits, **{name: getattr(output, installed)})

    def by_name(self: Any, **inputs: Any) -> Any:
        assert set(prefix_cache.CACHES) & inputs.keys() <= {name}
        return forward(self, cached=inputs.pop(name, None), **inputs)

    parameters = inspect.signature(whole).parameters.values()
    renamed = [each.replace(name=name) if each.name == installed else each for each in parameters]
    by_name.__signature__ = inspect.Signature(renamed)  # type: ignore[attr-defined]
    monkeypatch.setattr(Llava, "forward", by_name)
    model = scorer(f"vqascore:{llava}")
    assert model.manifest.settings["beginnings_read"] == "once a batch"
    monkeypatch.setattr(Llava, "forward", whole)
    expected = alone(llava, images)
    monkeypatch.setattr(Llava, "forward", by_name)
    assert scores(model, images) == pytest.approx(expected, abs=2e-5)


def test_nothing_that_transformers_deprecates_is_used(
    llava: Path, qwen: Path, images: list[Image.Image]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        for folder in (llava, qwen):
            scores(scorer(f"vqascore:{folder}"), images)


def test_a_model_that_looks_ahead_reads_prompts_whole(
    llava: Path, images: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.models.llama import modeling_llama

    def both_ways(*, inputs_embeds: Any, attention_mask: Any, **how: Any) -> torch.Tensor:
        seen: torch.Tensor = attention_mask[:, None, None].bool()
        return seen.expand(-1, -1, inputs_embeds.shape[1], -1)

    monkeypatch.setattr(modeling_llama, "create_causal_mask", both_ways)
    model = scorer(f"vqascore:{llava}")
    reason = "with every pair: what follows a token changes what is made of it"
    assert model.manifest.settings["beginnings_read"] == reason
    assert scores(model, images) == pytest.approx(alone(llava, images), abs=2e-5)


@pytest.mark.parametrize(
    ("name", "problem", "reason"),
    [
        (
            "continue_prefixes",
            TypeError("no cache"),
            "the model does not go on from a cache (TypeError)",
        ),
        ("continue_prefixes", 0.01, "off by "),
        ("prefix_groups", None, "the prompts of a picture begin differently"),
    ],
)
def test_a_model_that_does_not_go_on_reads_prompts_whole(
    name: str, problem: Any, reason: str, llava: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = vqascore if name == "continue_prefixes" else prompted
    whole = getattr(home, name)

    def otherwise(*args: Any) -> Any:
        if isinstance(problem, Exception):
            raise problem
        if problem is None:
            return [dataclasses.replace(group, length=0) for group in whole(*args)]
        logits: torch.Tensor = whole(*args)
        other: torch.Tensor = logits * (1 + problem * torch.linspace(0, 1, logits.shape[1]))
        return other

    monkeypatch.setattr(home, name, otherwise)
    said = scorer(f"vqascore:{llava}").manifest.settings["beginnings_read"]
    assert said.startswith(f"with every pair: {reason}")


def skip_without_features(model: Any) -> None:
    """Skip where the installed transformers takes no features of images that are encoded once."""
    if model._tower is None:
        pytest.skip("this transformers has no mm_encoder_outputs")


def test_images_of_several_shapes_are_encoded_one_by_one(
    llava: Path, images: list[Image.Image]
) -> None:
    model = scorer(f"vqascore:{llava}")
    skip_without_features(model)
    with torch.inference_mode():
        shown = [model.transform(image) for image in images[:2]]
        twice = {name: torch.cat([each, each]) for name, each in shown[1].inputs.items()}
        odd = dataclasses.replace(shown[1], inputs=twice)
        with pytest.raises(ModelError, match="returns 2 features for 1 images"):
            model.encode_images([shown[0], odd])


def test_without_features_pixels_go_along_with_pairs(
    llava: Path, images: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    once = scorer(f"vqascore:{llava}")
    skip_without_features(once)
    monkeypatch.setattr(prompted, "_tower", lambda model: None)
    every = scorer(f"vqascore:{llava}")
    assert scores(every, images) == pytest.approx(scores(once, images), abs=2e-5)
    assert once.manifest.settings["pictures_encoded"] == "once"
    assert every.manifest.settings["pictures_encoded"] == "with every pair"
    assert once.manifest.fingerprint != every.manifest.fingerprint


def test_it_keeps_the_contract(llava: Path) -> None:
    check_model(scorer(f"vqascore:{llava}"))


def test_the_manifest_says_what_is_asked(llava: Path) -> None:
    manifest = scorer(f"vqascore:{llava}").manifest
    assert manifest.settings["score"] == "log P(Yes)"
    assert 'Does this figure show "{}"? Please answer yes or no.' in manifest.settings["prompt"]
    assert list(manifest.settings["answer_tokens"]) == ["Yes", "ĠYes"]
    assert manifest.context_length == 256 - 3  # four patches, one of them for the placeholder


def test_a_cut_takes_from_the_caption_and_leaves_the_question(llava: Path) -> None:
    model: Any = scorer(f"vqascore:{llava}")
    long = "dog " * 100
    (ids,) = model.tokenize([long])
    assert len(ids) == model.manifest.context_length
    (whole,) = model.tokenize(["dog"])
    assert ids[-38:] == whole[-38:]
    assert model.token_ids([long])[0][:253] == model.token_ids([long + "cat"])[0][:253]
    assert sorted(model.token_ids(["dog"])[0]) == sorted(whole)


def test_a_prompt_without_a_chat_template(
    llava: Path, tmp_path: Path, images: list[Image.Image]
) -> None:
    folder = Path(shutil.copytree(llava, tmp_path / "plain"))
    (folder / "chat_template.jinja").unlink()
    model = scorer(f"vqascore:{folder}")
    assert model.manifest.settings["prompt"] == (
        '<image>\nDoes this figure show "{}"? Please answer yes or no.'
    )
    assert len(scores(model, images)) == len(images) * len(CAPTIONS)


def test_a_caption_with_the_models_own_token_is_refused(llava: Path) -> None:
    with pytest.raises(ModelError, match="contains the model's own token for an image"):
        scorer(f"vqascore:{llava}").token_ids(["a <image> of a dog"])


def test_a_template_that_shows_no_image_is_refused(llava: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(llava, tmp_path / "blind"))
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'][1]['text'] }}")
    with pytest.raises(ModelError, match="no single place for an image"):
        scorer(f"vqascore:{folder}")


def test_answers_are_single_tokens() -> None:
    tokenizer = _bytes()
    assert set(answer_tokens(tokenizer, "No")) == {"No"}
    tokenizer.add_tokens(["maybe"])
    assert set(answer_tokens(tokenizer, "Maybe")) == {"maybe"}
    with pytest.raises(ModelError, match="no single token for 'Perhaps'"):
        answer_tokens(tokenizer, "Perhaps")


def test_what_answers_no_questions_is_refused(llava: Path, tmp_path: Path) -> None:
    from transformers import CLIPConfig

    CLIPConfig(architectures=["CLIPModel"]).save_pretrained(tmp_path / "clip")
    with pytest.raises(ModelError, match=r"'clip' \(CLIPModel\), which answers no questions"):
        load_model(f"vqascore:{tmp_path / 'clip'}")
    config = json.loads((llava / "config.json").read_text())
    config["text_config"]["is_encoder_decoder"] = True
    folder = Path(shutil.copytree(llava, tmp_path / "two"))
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="with an encoder and a decoder of its text"):
        load_model(f"vqascore:{folder}")
    with pytest.raises(UsageError, match="is a folder that does not exist"):
        load_model("vqascore:/nowhere/at/all")
