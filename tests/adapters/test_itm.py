"""Matching heads: scores as the plain library's, pair by pair; nothing taken silently."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

from benchbench.adapters.itm import enc_token_id
from benchbench.errors import BenchbenchError, ModelError, UsageError, WeightsUnavailable
from benchbench.registry import load_model
from benchbench.testing import check_model
from benchbench.types import LoadOptions, PairScorer
from tests.pair_scorers import _words, transformers

if TYPE_CHECKING:
    from collections.abc import Iterator

CAPTIONS = ("a red dog", "the square is to the left of the blue circle", "xyzzy, 42!")


@pytest.fixture(scope="module")
def images(shapes: Path) -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in sorted((shapes / "images").iterdir())[::12]]


def scorer(specification: str, **options: Any) -> PairScorer:
    model = load_model(specification, LoadOptions(**options))
    assert isinstance(model, PairScorer)
    return model


def scored(model: PairScorer, images: list[Image.Image]) -> torch.Tensor:
    """Every image with every caption in one batch: [images, captions]."""
    with torch.inference_mode():
        features = model.encode_images([model.transform(image) for image in images])
        pairs = [(one, text) for one in features for text in CAPTIONS]
        batch = model.tokenize([text for _, text in pairs])
        return model.score([one for one, _ in pairs], batch).reshape(len(images), -1)


def library(folder: Path, kind: str) -> tuple[Any, Any]:
    logging = transformers.utils.logging
    logging.disable_progress_bar()
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    logging.enable_progress_bar()
    return model, transformers.AutoProcessor.from_pretrained(folder)


def blip_alone(
    folder: Path, images: list[Image.Image], first: int
) -> Iterator[tuple[torch.Tensor, float]]:
    """Logits and cosine of each pair, by the library's own forward pass."""
    model, processor = library(folder, "BlipForImageTextRetrieval")
    for image in images:
        for text in CAPTIONS:
            inputs = processor(images=image, text=text, return_tensors="pt")
            with torch.inference_mode():
                cosine = model(**inputs, use_itm_head=False).itm_score[0, 0]
                inputs["input_ids"][:, 0] = first
                yield model(**inputs).itm_score[0], float(cosine)


def blip2_alone(folder: Path, images: list[Image.Image]) -> Iterator[tuple[torch.Tensor, float]]:
    model, processor = library(folder, "Blip2ForImageTextRetrieval")
    for image in images:
        for text in CAPTIONS:
            inputs = processor(images=image, text=text, return_tensors="pt")
            with torch.inference_mode():
                match = model(**inputs, use_image_text_matching_head=True).logits_per_image[0]
                yield match, float(model(**inputs).logits_per_image[0, 0])


def compare(folder: Path, images: list[Image.Image], alone: list[tuple[Any, float]]) -> None:
    found = scored(scorer(f"itm:{folder}"), images).flatten().tolist()
    odds = [float(logits[1] - logits[0]) for logits, _ in alone]
    assert found == pytest.approx(odds, abs=1e-5)
    assert max(odds) - min(odds) > 0.01
    both = scored(scorer(f"itm-itc:{folder}"), images).flatten().tolist()
    assert both == pytest.approx([float(l[1]) + c for l, c in alone], abs=1e-5)  # noqa: E741


def test_blip_scores_as_the_library_with_its_own_first_token(
    blip: Path, images: list[Image.Image]
) -> None:
    last_row = json.loads((blip / "config.json").read_text())["text_config"]["vocab_size"] - 1
    compare(blip, images, list(blip_alone(blip, images, last_row)))


def test_blip2_scores_as_the_library(blip2: Path, images: list[Image.Image]) -> None:
    compare(blip2, images, list(blip2_alone(blip2, images)))


def test_the_first_token_is_what_the_head_was_trained_with() -> None:
    tokenizer = _words()

    class Rows:
        class config:  # noqa: N801
            class text_config:  # noqa: N801
                vocab_size = len(tokenizer) + 2

    assert enc_token_id(Rows, tokenizer) == len(tokenizer) + 1
    Rows.config.text_config.vocab_size = len(tokenizer)
    assert enc_token_id(Rows, tokenizer) is None
    tokenizer.add_tokens(["[DEC]", "[ENC]"])
    assert enc_token_id(Rows, tokenizer) == len(tokenizer) - 1


def test_manifests_tell_the_two_rules_apart(blip: Path) -> None:
    itm, both = (scorer(f"{family}:{blip}").manifest for family in ("itm", "itm-itc"))
    assert itm.name != both.name
    assert itm.fingerprint != both.fingerprint
    assert itm.settings["score"] == "log-odds of a match"
    assert str(itm.settings["first_token"]).startswith("[ENC] (")
    assert (itm.similarity, itm.context_length, itm.trained) == ("pairs", 64, True)


@pytest.mark.parametrize("family", ["itm", "itm-itc"])
@pytest.mark.parametrize("which", ["blip", "blip2"])
def test_they_keep_the_contract(family: str, which: str, request: pytest.FixtureRequest) -> None:
    check_model(scorer(f"{family}:{request.getfixturevalue(which)}"))


def test_half_precision_stays_close(blip: Path, images: list[Image.Image]) -> None:
    whole = scored(scorer(f"itm:{blip}"), images)
    half = scored(scorer(f"itm:{blip}", precision="bf16"), images)
    assert half.tolist() == [pytest.approx(row, abs=0.3) for row in whole.tolist()]


@pytest.mark.parametrize(
    ("rest", "error", "message"),
    [
        ("", UsageError, "names no checkpoint. Type itm:ORG/REPO, "),
        ("./nowhere", UsageError, "is a folder that does not exist. Type itm:ORG"),
        ("nowhere", UsageError, "neither a repository nor a folder"),
        ("{empty}", ModelError, "has no config.json.* There is: notes.txt"),
        ("{empty}/notes.txt", UsageError, "is a file, not a folder"),
        ("{llava}", ModelError, "type 'llava' .*itm: takes blip, blip-2"),
        ("nobody/nothing", WeightsUnavailable, "nobody/nothing: not in the cache"),
    ],
)
def test_what_is_no_such_checkpoint_is_said(
    rest: str, error: type[BenchbenchError], message: str, tmp_path: Path, llava: Path
) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(error, match=message):
        scorer("itm:" + rest.format(empty=tmp_path, llava=llava))


def test_options_that_are_not_heeded_are_refused(blip: Path) -> None:
    with pytest.raises(UsageError, match="takes no --activation"):
        scorer(f"itm:{blip}", activation="gelu")


def without_head(folder: Path, target: Path) -> Path:
    """A copy whose weights lack the matching head, and have something else."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, target)
    state = load_file(target / "model.safetensors")
    head = {name: state.pop(name) for name in list(state) if name.startswith("itm_head")}
    state["captioning.weight"] = head["itm_head.weight"]
    save_file(state, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_weights_that_are_lacking_are_named(blip: Path, tmp_path: Path) -> None:
    folder = without_head(blip, tmp_path / "partial")
    with pytest.raises(
        ModelError, match=r"2 missing \(itm_head\.bias, itm_head\.weight\)"
    ) as caught:
        scorer(f"itm:{folder}")
    assert "captioning.weight" in str(caught.value)
    model = scorer(f"itm:{folder}", allow_partial=True)
    assert "itm_head.weight" in model.manifest.settings["random"]
    again = scorer(f"itm:{folder}", allow_partial=True)
    other = scorer(f"itm:{folder}", allow_partial=True, seed=1)
    assert model.manifest.weights_sha256 == again.manifest.weights_sha256
    assert model.manifest.weights_sha256 != other.manifest.weights_sha256


def test_weights_of_other_shapes_are_named(blip: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(blip, tmp_path / "other"))
    config = json.loads((folder / "config.json").read_text())
    config["image_text_hidden_size"] = 8
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"of another shape \(.*_proj"):
        scorer(f"itm:{folder}")


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(blip: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(blip, tmp_path / "pickled"))
    (folder / "model.safetensors").unlink()
    state = {"itm_head.weight": torch.zeros(2, 32), "bomb": Bomb(tmp_path / "gone off")}
    torch.save(state, folder / "pytorch_model.bin", pickle_module=pickle)
    with pytest.raises(ModelError, match=r"is refused: .* --trust-pickle"):
        scorer(f"itm:{folder}")
    assert not (tmp_path / "gone off").exists()


def test_a_folder_without_its_processor_is_said(blip: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(blip, tmp_path / "bare"))
    for name in ("processor_config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(ModelError, match="processor"):
        scorer(f"itm:{folder}")
