"""A causal language model as a blind reader, against one caption at a time."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from benchbench.errors import BenchbenchError, ModelError, UsageError, WeightsUnavailable
from benchbench.registry import load_model
from benchbench.testing import CAPTIONS, check_model
from benchbench.types import LoadOptions

WORDS = "<|endoftext|> a the dog horse man is to left of cat and white book unk".split()


def save_tokenizer(folder: Path, **special: str) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    model = models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="unk")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast: Any = transformers.PreTrainedTokenizerFast
    fast(tokenizer_object=tokenizer, unk_token="unk", **special).save_pretrained(folder)


def save_gpt(folder: Path, size: int = len(WORDS), **special: str) -> Path:
    """A tiny GPT-2 whose weights are large enough for words to matter."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=size, n_positions=24, n_embd=16, n_layer=2, n_head=2, initializer_range=0.5
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    save_tokenizer(folder, **special)
    return folder


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_gpt(tmp_path_factory.mktemp("gpt"), eos_token="<|endoftext|>")


def one_by_one(folder: Path, text: str, begins: bool) -> list[float]:
    """log p of each token of a caption, by transformers alone."""
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder)
    model.eval()
    ids = [0] * begins + transformers.AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    ids = ids[:24]
    found = []
    with torch.no_grad():
        for i in range(1, len(ids)):
            logits = model(torch.tensor([ids[:i]])).logits[0, -1]
            found.append(float(logits.double().log_softmax(-1)[ids[i]]))
    return found


def scores(model: Any, texts: tuple[str, ...]) -> list[float]:
    with torch.inference_mode():
        found: list[float] = model.encode_texts(model.tokenize(texts), "scene")[:, 0].tolist()
    return found


@pytest.mark.parametrize("kind", ["hf", "hf-mean"])
def test_batches_score_as_one_caption_at_a_time(gpt: Path, kind: str) -> None:
    texts = (*CAPTIONS, "dog " * 40, "a")
    plain = [one_by_one(gpt, text, begins=True) for text in texts]
    expected = [sum(each) / (len(each) if kind == "hf-mean" else 1) for each in plain]
    model: Any = load_model(f"blind:{kind}:{gpt}")
    assert scores(model, texts) == pytest.approx(expected, rel=1e-5)
    assert len(set(expected)) == len(texts)


def test_many_captions_are_scored_in_parts(gpt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model(f"blind:hf:{gpt}")
    whole = scores(model, CAPTIONS)
    monkeypatch.setattr("benchbench.adapters.causal.CELLS", 1)
    assert scores(model, CAPTIONS) == pytest.approx(whole, rel=1e-6)


def test_it_keeps_the_contract_and_says_what_it_is(gpt: Path) -> None:
    model = load_model(f"blind:hf:{gpt}")
    check_model(model)
    manifest = model.manifest
    assert (manifest.architecture, manifest.activation) == ("GPT2LMHeadModel", "gelu_new")
    assert (manifest.context_length, manifest.dtype) == (24, "fp32")
    assert manifest.settings["begins_with"] == ["<|endoftext|>"]


def test_without_a_token_for_the_beginning_the_first_is_a_condition(tmp_path: Path) -> None:
    model: Any = load_model(f"blind:hf:{save_gpt(tmp_path)}")
    assert model.manifest.settings["begins_with"] == []
    plain = one_by_one(tmp_path, "the dog is", begins=False)
    assert len(plain) == 2
    assert scores(model, ("the dog is", "a")) == pytest.approx([sum(plain), 0.0], rel=1e-5)


def test_half_precision_is_its_own_model(gpt: Path) -> None:
    half = load_model(f"blind:hf:{gpt}", LoadOptions(precision="bf16")).manifest
    assert half.dtype == "bf16"
    assert half.weights_sha256 != load_model(f"blind:hf:{gpt}").manifest.weights_sha256


def test_what_is_no_causal_model_is_refused(tmp_path: Path) -> None:
    from transformers import BertConfig, BertLMHeadModel, BertModel

    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, initializer_range=0.5,
    )  # fmt: skip
    for kind, message in ((BertModel, r"missing \(cls"), (BertLMHeadModel, "not a causal")):
        folder = tmp_path / kind.__name__
        kind(config).save_pretrained(folder)
        save_tokenizer(folder)
        with pytest.raises(ModelError, match=message):
            load_model(f"blind:hf:{folder}")


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="of 15 tokens and a model of 9: they do not belong"):
        load_model(f"blind:hf:{save_gpt(tmp_path, size=9)}")


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("", UsageError, "names no checkpoint"),
        ("./none", UsageError, "does not exist"),
        (f"./{Path(__file__).name}", UsageError, "is a file, not a folder"),
        ("no-such/model", WeightsUnavailable, "the hub cannot be reached"),
        ("what is this?", UsageError, "neither a repository nor a folder"),
    ],
)
def test_wrong_names(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: type[BenchbenchError], message: str
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(Path(__file__).parent)
    with pytest.raises(kind, match=message):
        load_model(f"blind:hf:{name}")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json.*There is: nothing"):
        load_model(f"blind:hf:{tmp_path}")


def test_pickles_are_refused_unless_trusted_and_moving_changes_nothing(tmp_path: Path) -> None:
    folder = save_gpt(tmp_path / "gpt")
    there = load_model(f"blind:hf:{folder}").manifest
    (folder / "model.safetensors").rename(tmp_path / "away")
    state = load_file(tmp_path / "away")
    torch.save(state | {"lm_head.weight": Path("code")}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"is refused: .*--trust-pickle"):
        load_model(f"blind:hf:{folder}")
    trusted = load_model(f"blind:hf:{folder}", LoadOptions(trust_pickle=True)).manifest
    assert trusted.weights_sha256 == there.weights_sha256
    (tmp_path / "elsewhere").mkdir()
    moved = Path(shutil.move(folder, tmp_path / "elsewhere" / "gpt"))
    assert load_model(f"blind:hf:{moved}", LoadOptions(trust_pickle=True)).manifest == replace(
        trusted, name=f"blind:hf:{moved}"
    )
