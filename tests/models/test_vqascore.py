"""Captions as questions: log P(Yes) as the plain library's, pair by pair, without padding."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

from benchbench.errors import ModelError, UsageError
from benchbench.models import vqascore
from benchbench.models.prompting import answer_tokens
from benchbench.registry import load_model
from benchbench.testing import check_model
from tests.models.test_itm import library, pictures, scorer
from tests.pair_scorers import _bytes

if TYPE_CHECKING:
    from benchbench.types import PairScorer

__all__ = ["pictures"]
CAPTIONS = ("a red dog", "the square is to the left of the blue circle", "", 'a "sign"?')


def scores(model: PairScorer, shown: list[Image.Image]) -> list[float]:
    """Every picture with every caption, in one batch."""
    with torch.inference_mode():
        features = model.encode_images([model.transform(picture) for picture in shown])
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
    for picture in shown:
        for text in CAPTIONS:
            prompt = (
                f'<s>USER: {placeholder}Does this figure show "{text}"? '
                "Please answer yes or no. ASSISTANT:"
            )
            inputs = processor(images=picture, text=prompt, return_tensors="pt")
            with torch.inference_mode():
                logits = model(**inputs).logits[0, -1]
            found.append(float(logits.softmax(dim=-1)[yes].sum().log()))
    return found


def test_llava_scores_as_the_library(llava: Path, pictures: list[Image.Image]) -> None:
    found, expected = scores(scorer(f"vqascore:{llava}"), pictures), alone(llava, pictures)
    assert found == pytest.approx(expected, abs=2e-5)
    assert max(expected) - min(expected) > 0.1


def test_pictures_of_any_size_become_as_many_tokens(
    qwen: Path, pictures: list[Image.Image]
) -> None:
    shown = [pictures[0], pictures[1].crop((0, 20, 90, 60)), pictures[2].crop((20, 0, 60, 90))]
    placeholder = "<|vision_start|><|image_pad|><|vision_end|>"
    expected = alone(qwen, shown, "Qwen2VLForConditionalGeneration", placeholder)
    assert scores(scorer(f"vqascore:{qwen}"), shown) == pytest.approx(expected, abs=2e-5)
    assert max(expected) - min(expected) > 0.1


def test_pictures_of_several_shapes_are_encoded_one_by_one(
    llava: Path, pictures: list[Image.Image]
) -> None:
    model = scorer(f"vqascore:{llava}")
    with torch.inference_mode():
        shown = [model.transform(picture) for picture in pictures[:2]]
        twice = {name: torch.cat([each, each]) for name, each in shown[1].inputs.items()}
        odd = dataclasses.replace(shown[1], inputs=twice)
        with pytest.raises(ModelError, match="makes 2 features of 1 pictures"):
            model.encode_images([shown[0], odd])


def test_without_features_pixels_go_along_with_pairs(
    llava: Path, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    once = scorer(f"vqascore:{llava}")
    monkeypatch.setattr(vqascore, "_tower", lambda model: None)
    every = scorer(f"vqascore:{llava}")
    assert scores(every, pictures) == pytest.approx(scores(once, pictures), abs=2e-5)
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
    llava: Path, tmp_path: Path, pictures: list[Image.Image]
) -> None:
    folder = Path(shutil.copytree(llava, tmp_path / "plain"))
    (folder / "chat_template.jinja").unlink()
    model = scorer(f"vqascore:{folder}")
    assert model.manifest.settings["prompt"] == (
        '<image>\nDoes this figure show "{}"? Please answer yes or no.'
    )
    assert len(scores(model, pictures)) == len(pictures) * len(CAPTIONS)


def test_a_caption_with_the_models_own_token_is_refused(llava: Path) -> None:
    with pytest.raises(ModelError, match="holds the model's own token for a picture"):
        scorer(f"vqascore:{llava}").token_ids(["a <image> of a dog"])


def test_a_template_that_shows_no_picture_is_refused(llava: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(llava, tmp_path / "blind"))
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'][1]['text'] }}")
    with pytest.raises(ModelError, match="no single place for a picture"):
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
