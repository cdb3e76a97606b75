"""Weights of two checkpoints mixed, against the same arithmetic on state dicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch

from benchbench.errors import ModelError, UsageError
from benchbench.registry import load_model
from benchbench.testing import check_model
from benchbench.types import DualEncoder, LoadOptions
from tests.adapters import tiny_hf
from tests.checkpoints.same import assert_same

OPTIONS = LoadOptions(architecture="tiny", activation="gelu")


@pytest.fixture
def two(tiny: str, tmp_path: Path) -> tuple[str, str]:
    """Two files of the tiny architecture."""
    paths = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = open_clip.create_model("tiny").state_dict()
        state["logit_scale"] += seed
        paths.append(str(tmp_path / f"{seed}.pt"))
        torch.save(state, paths[-1])
    return paths[0], paths[1]


@pytest.mark.parametrize("weight", [0.3, 1.0, -0.5])
def test_weights_lie_between_the_two(two: tuple[str, str], weight: float) -> None:
    a, b = (torch.load(path, weights_only=True) for path in two)
    model = open_clip.create_model("tiny").eval().requires_grad_(False)
    model.load_state_dict({n: (1 - weight) * a[n] + weight * b[n] for n in a})
    mixed = load_model(f"lerp:{two[0]},{two[1]},{weight}", OPTIONS)
    assert_same(mixed, model)
    assert isinstance(mixed, DualEncoder)
    assert mixed.logit_scale == pytest.approx(model.logit_scale.exp().item())
    check_model(mixed)


def test_no_weight_of_b_is_a(two: tuple[str, str]) -> None:
    mixed: Any = load_model(f"lerp:{two[0]},{two[1]},0", OPTIONS)
    a: Any = load_model(two[0], OPTIONS)
    assert_same(mixed, a.module, atol=0)
    assert mixed.manifest.weights_sha256 == a.manifest.weights_sha256
    assert isinstance(mixed, DualEncoder)
    assert mixed.logit_scale == a.logit_scale


def test_the_manifest_names_both(two: tuple[str, str]) -> None:
    manifest = load_model(f"lerp:{two[0]},{two[1]},1.5", OPTIONS).manifest
    a, b = (load_model(path, OPTIONS).manifest for path in two)
    assert manifest.settings["a"]["weights_sha256"] == a.weights_sha256
    assert manifest.settings["b"]["weights_sha256"] == b.weights_sha256
    assert manifest.weights == "(1 - 1.5) * 1.pt + 1.5 * 2.pt"
    assert "extrapolated" in manifest.settings["note"]
    assert manifest.fingerprint not in (a.fingerprint, b.fingerprint)


def test_other_families_mix_with_files(two: tuple[str, str]) -> None:
    mixed = load_model(f"lerp:openclip:tiny/untrained,{two[1]},0.5", OPTIONS)
    assert not mixed.manifest.trained


def test_transformers_and_bundled_variants_mix(tmp_path: Path) -> None:
    model = tiny_hf.save("siglip", tmp_path / "a")
    moved = {name: each + 0.01 for name, each in model.state_dict().items()}
    tiny_hf.save("siglip", tmp_path / "b").save_pretrained(tmp_path / "b", state_dict=moved)
    mixed: Any = load_model(f"lerp:{tmp_path / 'a'},hf:{tmp_path / 'b'},0.5")
    check_model(mixed)
    near = {n: each + 0.005 for n, each in model.state_dict().items() if each.is_floating_point()}
    assert all(torch.allclose(mixed.module.state_dict()[n], each) for n, each in near.items())
    small: Any = load_model("lerp:clip,negclip,0.25")
    check_model(small)
    ends: list[Any] = [load_model(name) for name in ("clip", "negclip")]
    a, b = (each.module.state_dict()["text_projection"] for each in ends)
    assert torch.allclose(small.module.state_dict()["text_projection"], 0.75 * a + 0.25 * b)


def test_models_that_read_captions_otherwise_are_not_mixed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        tiny_hf.save("siglip", tmp_path / name)
    path = tmp_path / "b" / "tokenizer.json"
    said = json.loads(path.read_text())
    vocabulary = said["model"]["vocab"]
    vocabulary["the"], vocabulary["man"] = vocabulary["man"], vocabulary["the"]
    path.write_text(json.dumps(said))
    with pytest.raises(ModelError, match="give captions different ids"):
        load_model(f"lerp:{tmp_path / 'a'},{tmp_path / 'b'},0.5")


def test_what_is_not_the_same_is_not_mixed(two: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="activation gelu and quickgelu"):
        load_model("lerp:openclip:tiny/untrained,openclip:tiny-quickgelu/untrained,0.5")
    with pytest.raises(ModelError, match=r"the model CLIP .*'argmax'.* and CLIP .*'last'"):
        load_model("lerp:openclip:tiny/untrained,openclip:tiny-last/untrained,0.5")
    with pytest.raises(ModelError, match="differ in more than their weights"):
        load_model("lerp:openclip:tiny/untrained,openclip:tiny-custom/untrained,0.5")
    with pytest.raises(ModelError, match="structclip is not one torch module"):
        load_model("lerp:structclip,openclip:tiny/untrained,0.5")


@pytest.mark.parametrize(
    "rest", ["", "a.pt,b.pt", "a.pt,b.pt,half", "a.pt,b.pt,nan", "a.pt,b.pt,inf", "a,b,c,0.5"]
)
def test_what_is_mistyped_is_refused(rest: str) -> None:
    with pytest.raises(UsageError, match="Type lerp:A,B,WEIGHT"):
        load_model(f"lerp:{rest}")


def test_options_that_neither_heeds_are_refused(tiny: str) -> None:
    both = "openclip:tiny/untrained,openclip:tiny/untrained"
    with pytest.raises(UsageError, match=r"Neither of .* takes --architecture"):
        load_model(f"lerp:{both},0.5", LoadOptions(architecture="tiny"))
