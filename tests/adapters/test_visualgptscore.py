"""Log P(caption | image) as the plain library's, pair by pair, without padding."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchbench.adapters import null_images, visualgptscore
from benchbench.errors import ModelError, UsageError
from benchbench.registry import load_model
from benchbench.testing import check_model
from tests.adapters.test_itm import images, library, scorer
from tests.pair_scorers import save_git

if TYPE_CHECKING:
    from PIL.Image import Image

    from benchbench.types import PairScorer

__all__ = ["images"]
CAPTIONS = ("a red dog", "the square is to the left of the blue circle", "", 'a "sign"?')
ASKED = "Describe this image in one sentence. ASSISTANT:"
SHOWN = {"llava": "<image>\n", "qwen": "<|vision_start|><|image_pad|><|vision_end|>"}


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_git(tmp_path_factory.mktemp("models") / "git")


def scores(model: PairScorer, shown: list[Image], texts: tuple[str, ...] = CAPTIONS) -> list[float]:
    """Every image with every caption, in one batch."""
    with torch.inference_mode():
        features = model.encode_images([model.transform(image) for image in shown])
        pairs = [(one, text) for one in features for text in texts]
        batch = model.tokenize([text for _, text in pairs])
        found: list[float] = model.score([one for one, _ in pairs], batch).tolist()
    return found


def alone(folder: Path, kind: str, shown: list[Image], texts: tuple[str, ...]) -> list[float]:
    """The same by the library: one pair a pass, nothing padded, token after token."""
    name = {
        "captioner": "BlipForConditionalGeneration",
        "git": "GitForCausalLM",
        "llava": "LlavaForConditionalGeneration",
        "qwen": "Qwen2VLForConditionalGeneration",
    }[kind]
    model, processor = library(folder, name)
    found = []
    for image in shown:
        for text in texts:
            if kind in SHOWN:
                prompt = f"<s>USER: {SHOWN[kind]}{ASKED}"
                inputs = processor(images=image, text=f"{prompt} {text}</s>", return_tensors="pt")
                before = processor(images=image, text=prompt, return_tensors="pt")
                start = before["input_ids"].shape[1]
            else:
                inputs, start = processor(images=image, text=text, return_tensors="pt"), 1
                if kind == "captioner":
                    inputs["input_ids"][:, 0] = model.config.text_config.bos_token_id
            ids = inputs["input_ids"][0].tolist()
            with torch.inference_mode():
                logits = model(**inputs).logits[0, -len(ids) :]
            logs = [float(logits[i - 1].log_softmax(-1)[ids[i]]) for i in range(start, len(ids))]
            found.append(sum(logs) / len(logs))
    return found


@pytest.mark.parametrize("kind", ["captioner", "git", "llava", "qwen"])
def test_scores_are_the_librarys_whatever_is_in_the_batch(
    kind: str, images: list[Image], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    model = scorer(f"visualgptscore:{folder}")
    expected = alone(folder, kind, images, CAPTIONS)
    assert scores(model, images) == pytest.approx(expected, abs=2e-5)
    assert max(expected) - min(expected) > 0.1
    singly = [scores(model, [one], (text,))[0] for one in images for text in CAPTIONS]
    assert singly == pytest.approx(expected, abs=2e-5)


def test_a_caption_is_longer_than_another_by_its_tokens_alone(captioner: Path) -> None:
    """The mean over tokens and the token that ends them, by hand."""
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [1 / 3] * 3]]))
    found = visualgptscore.mean_log_probability(
        logits.repeat(2, 1, 1),
        torch.tensor([[0, 2, 1], [0, 2, 1]]),
        torch.tensor([0, 1]),
        torch.tensor([2, 3]),
    )
    by_hand = [(0.5 * 0.8) ** (1 / 2), (0.8 / 3) ** (1 / 2)]
    assert found.exp().tolist() == pytest.approx(by_hand)


@pytest.mark.parametrize("kind", ["llava", "qwen"])
def test_what_an_images_prompts_begin_with_is_read_once(
    kind: str,
    images: list[Image],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = request.getfixturevalue(kind)
    ours: Any = scorer(f"visualgptscore:{folder}")
    assert ours.by_image
    monkeypatch.setattr(visualgptscore.ReplyScorer, "_prefix_problem", lambda self: "a test")
    plain: Any = scorer(f"visualgptscore:{folder}")
    texts = ("a red dog", "a red square", "a red")  # captions share their beginning, too
    assert scores(ours, images, texts) == pytest.approx(scores(plain, images, texts), abs=2e-5)
    read: list[int] = []
    whole = ours._model.forward

    def counted(*args: Any, **inputs: Any) -> Any:
        read.append(inputs["input_ids"].numel())
        return whole(*args, **inputs)

    monkeypatch.setattr(ours._model, "forward", counted)
    scores(ours, images[:1])
    opening = len(ours._opening)
    replies = sum(len(ids) - opening for ids in ours.tokenize(CAPTIONS))
    assert sum(read) < 2 * opening + len(CAPTIONS) * max(len(text) + 3 for text in CAPTIONS)
    assert replies > 60


def test_a_model_that_looks_ahead_is_refused(llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.llama import modeling_llama

    def both_ways(*, inputs_embeds: Any, attention_mask: Any, **how: Any) -> torch.Tensor:
        seen: torch.Tensor = attention_mask[:, None, None].bool()
        return seen.expand(-1, -1, inputs_embeds.shape[1], -1)

    monkeypatch.setattr(modeling_llama, "create_causal_mask", both_ways)
    with pytest.raises(ModelError, match="cannot be read token by token"):
        scorer(f"visualgptscore:{llava}")


@pytest.mark.parametrize("kind", ["captioner", "git", "llava"])
def test_they_keep_the_contract(kind: str, request: pytest.FixtureRequest) -> None:
    check_model(scorer(f"visualgptscore:{request.getfixturevalue(kind)}"))


def test_the_manifest_says_what_is_asked_and_which_noise(llava: Path, captioner: Path) -> None:
    manifest = scorer(f"visualgptscore:{llava}").manifest
    assert manifest.settings["score"] == "mean log P(token)"
    assert manifest.settings["prompt"] == f"<s>USER: <image>\n{ASKED} {{}}</s>"
    noise = {"null_images": "Gaussian noise", "count": 3, "seed": 0}
    noise |= {"mean": 0.5, "deviation": 0.25, "size": [32, 32]}
    assert manifest.settings["prior"] == noise
    first = scorer(f"visualgptscore:{captioner}").manifest.settings["first_token"]
    assert first.startswith("[DEC] (")


def test_a_cut_leaves_the_token_that_ends_a_caption(llava: Path, captioner: Path) -> None:
    for folder in (llava, captioner):
        model: Any = scorer(f"visualgptscore:{folder}")
        long, context = "dog " * 300, model.manifest.context_length
        tokens = model.tokenize([long])
        ids = tokens[0] if folder == llava else tokens["input_ids"][0].tolist()
        assert len(ids) == context
        whole = model.token_ids([long])[0]
        assert ids[-1] == (whole[0] if folder == llava else whole[-1])


@pytest.mark.parametrize("kind", ["captioner", "llava"])
def test_the_prior_is_the_log_of_the_mean_over_images_of_noise(
    kind: str, images: list[Image], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    model: Any = scorer(f"visualgptscore:{folder}")

    noise = null_images.null_images(model._processor)
    table = torch.tensor(alone(folder, kind, noise, CAPTIONS)).reshape(3, -1)
    expected = table.exp().mean(dim=0).log().tolist()
    prior = model.prior_scorer()
    found = scores(prior, images[:2])
    assert found == pytest.approx(expected * 2, abs=2e-5), "the same whatever is shown"
    assert float(table.std(dim=0).max()) > 1e-3, "images of noise differ"
    check_model(prior)


def test_a_tokenizer_without_an_end_is_refused(llava: Path, tmp_path: Path) -> None:
    import json

    folder = Path(shutil.copytree(llava, tmp_path / "endless"))
    told = json.loads((folder / "tokenizer_config.json").read_text())
    del told["eos_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    with pytest.raises(ModelError, match="no token that ends an answer"):
        scorer(f"visualgptscore:{folder}")


def test_what_writes_no_captions_is_refused(tmp_path: Path) -> None:
    from transformers import CLIPConfig

    CLIPConfig(architectures=["CLIPModel"]).save_pretrained(tmp_path / "clip")
    with pytest.raises(ModelError, match=r"'clip' \(CLIPModel\), which writes no text"):
        load_model(f"visualgptscore:{tmp_path / 'clip'}")
    with pytest.raises(UsageError, match="is a folder that does not exist"):
        load_model("visualgptscore:/nowhere/at/all")


def test_a_matching_head_is_no_captioner(blip: Path) -> None:
    with pytest.raises(ModelError, match="text_decoder"):
        load_model(f"visualgptscore:{blip}")
