"""Folders, hub repositories, and what the files beside weights say of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip import factory, pretrained
from safetensors.torch import save_file

from benchbench.checkpoints import identity
from benchbench.errors import ModelError, UsageError, WeightsUnavailable
from benchbench.evaluation import evaluate
from benchbench.registry import load_model
from benchbench.runs import strip_folders
from benchbench.types import LoadOptions
from benchbench.variants import weights as ours
from tests.adapters import tiny_hf
from tests.checkpoints.same import QUICK, assert_same


def configured(folder: Path, model: Any, **config: Any) -> Path:
    folder.mkdir()
    described = {**open_clip.get_model_config("tiny"), **config}
    cfg = {"model_cfg": described, "preprocess_cfg": {"mean": [0.2] * 3, "resize_mode": "squash"}}
    (folder / identity.CONFIG).write_text(json.dumps(cfg))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


@pytest.mark.parametrize("route", ["{}", "file:{}", "{}/open_clip_model.safetensors",
                                   "openclip:local-dir:{}"])  # fmt: skip
def test_a_folder_speaks_for_its_weights(model: Any, tmp_path: Path, route: str) -> None:
    folder = configured(tmp_path / "folder", model, quick_gelu=True)
    loaded = load_model(route.format(folder))
    assert_same(loaded, model)
    manifest = loaded.manifest
    assert (manifest.activation, manifest.architecture) == ("quickgelu", identity.CONFIG)
    assert manifest.preprocessing["mean"] == [0.2] * 3
    assert manifest.preprocessing["resize_mode"] == "squash"
    assert str(tmp_path) not in json.dumps(dict(manifest.settings))


@pytest.mark.parametrize("route", ["{}", "{}/open_clip_model.safetensors",
                                   "openclip:local-dir:{}"])  # fmt: skip
def test_a_folder_that_is_silent_is_asked_for_its_activation(
    model: Any, tmp_path: Path, route: str
) -> None:
    folder = configured(tmp_path / "folder", model)
    with pytest.raises(UsageError, match=r"Nothing says which activation .*--activation"):
        load_model(route.format(folder))
    said = load_model(route.format(folder), LoadOptions(activation="quickgelu"))
    assert said.manifest.settings["activation_from"] == "--activation"
    assert_same(said, model)


def test_a_folder_has_its_architecture(model: Any, tmp_path: Path) -> None:
    folder = configured(tmp_path / "folder", model)
    said = load_model(str(folder), LoadOptions(activation="quickgelu")).manifest
    assert said.activation == "quickgelu"
    with pytest.raises(UsageError, match="leave out --arch"):
        load_model(str(folder), QUICK)


def test_folders_that_are_none_say_so(model: Any, tmp_path: Path) -> None:
    folder = configured(tmp_path / "folder", model)
    (folder / "open_clip_model.safetensors").rename(folder / "a.pt")
    (folder / "b.pt").touch()
    with pytest.raises(WeightsUnavailable, match=r"several files of weights: a\.pt, b\.pt"):
        load_model(str(folder))
    (folder / identity.CONFIG).write_text("{}")
    (folder / "b.pt").unlink()
    with pytest.raises(ModelError, match="describes no model"):
        load_model(str(folder))
    (folder / identity.CONFIG).unlink()
    with pytest.raises(ModelError, match=r"a folder without .* It holds a\.pt"):
        load_model(str(folder))
    for where in (folder, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match=r"has no open_clip|There is no folder"):
            load_model(f"openclip:local-dir:{where}")


def test_a_hubs_repository_comes_from_its_cache(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    repository = tmp_path / "hub" / "models--org--repo"
    (repository / "snapshots").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    configured(repository / "snapshots" / ("a" * 40), model, quick_gelu=True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    loaded = load_model("openclip:hf-hub:org/repo")
    assert_same(loaded, model)
    assert loaded.manifest.name == "openclip:hf-hub:org/repo"
    assert "note" not in loaded.manifest.settings
    (repository / "refs" / "main").write_text("b" * 40)
    configured(repository / "snapshots" / ("b" * 40), model)
    silent = load_model("openclip:hf-hub:org/repo").manifest
    assert silent.activation == "gelu"
    assert "names no activation: read as GELU" in silent.settings["note"]
    said = load_model("openclip:hf-hub:org/repo", LoadOptions(activation="quickgelu"))
    assert_same(said, model)
    with pytest.raises(WeightsUnavailable, match=r"hf-hub:org/none: not in the cache"):
        load_model("openclip:hf-hub:org/none")


def test_what_training_wrote_goes_to_its_family(tmp_path: Path) -> None:
    bundled = Path(ours.__file__).parent / "bundled" / "clip.safetensors"
    path = tmp_path / "mine.safetensors"
    path.write_bytes(bundled.read_bytes())
    assert load_model(str(path)).manifest.settings["variant"] == "clip"
    with pytest.raises(UsageError, match="takes no --architecture"):
        load_model(str(path), LoadOptions(architecture="tiny"))
    save_file({"a": torch.ones(2)}, path, {"benchbench": "[]"})
    with pytest.raises(ModelError, match=r"header of .* is damaged"):
        load_model(str(path))


def test_published_preprocessing_is_followed_where_all_tags_agree(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.pt"
    torch.save(model.state_dict(), path)
    settings = load_model(str(path), QUICK).manifest.settings
    assert settings["preprocessing_from"] == "open_clip's default"
    way = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "resize_mode": "squash"}
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny", {"a": way, "b": way})
    manifest = load_model(str(path), QUICK).manifest
    assert manifest.preprocessing["mean"] == [0.5] * 3
    assert manifest.settings["preprocessing_from"] == "all published tags of tiny"
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny", {"a": way, "b": {"mean": (0.1,) * 3}})
    manifest = load_model(str(path), QUICK).manifest
    assert manifest.preprocessing["mean"] != [0.5] * 3
    assert "differ" in manifest.settings["preprocessing_from"]


def test_the_default_preprocessing_is_open_clips(model: Any, tmp_path: Path) -> None:
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    loaded = load_model(str(tmp_path / "weights.pt"), QUICK)
    _, _, transform = open_clip.create_model_and_transforms(
        "tiny", str(tmp_path / "weights.pt"), force_quick_gelu=True
    )
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    assert torch.equal(loaded.transform(image), transform(image))
    assert "tiny" in factory.list_models()


def test_runs_keep_no_absolute_paths(tiny: str, tmp_path: Path, shapes: Path) -> None:
    paths = [tmp_path / "a.pt", tmp_path / "b.pt"]
    for path in paths:
        torch.save(open_clip.create_model("tiny").state_dict(), path)
    out = tmp_path / "run.parquet"
    for name, shown in ((str(paths[0]), "file:a.pt"),
                        (f"lerp:{paths[0]},{paths[1]},0.5", "lerp:a.pt,b.pt,0.5")):  # fmt: skip
        run = evaluate(name, "vg-relation", data_root=shapes, limit=3, out=out,
                       architecture="tiny", activation="gelu")  # fmt: skip
        assert run.model.name == shown
        assert str(tmp_path).encode() not in out.read_bytes()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("openclip:ViT-B-32/openai", "openclip:ViT-B-32/openai"),
        ("hf:./tuned/clip", "hf:./tuned/clip"),
        ("hf:/home/ann/clip/", "hf:clip"),
        ("hf:~/clip+/x/lora", "hf:clip+lora"),
        ("openclip:local-dir:/x/y", "openclip:local-dir:y"),
        ("python:/x/mine.py:Model", "python:mine.py:Model"),
    ],
)
def test_absolute_paths_are_cut_to_their_last_part(typed: str, kept: str) -> None:
    assert strip_folders(typed) == kept


@pytest.fixture
def worded(tmp_path: Path) -> Path:
    """A folder with a configuration, weights, and a tokenizer of transformers."""
    known = len(tiny_hf.SPECIAL) + len(tiny_hf.WORDS)
    config = open_clip.get_model_config("tiny-custom")
    config["text_cfg"] |= {"vocab_size": known, "hf_tokenizer_name": "org/words"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(factory._MODEL_CONFIGS, "worded", config)
        model = open_clip.create_model("worded")
    folder = configured(tmp_path / "folder", model, **config, quick_gelu=True)
    tiny_hf.word_tokenizer(folder)
    return folder


def test_a_tokenizer_beside_the_weights_is_part_of_the_model(worded: Path, tmp_path: Path) -> None:
    before = load_model(str(worded)).manifest
    assert str(tmp_path) not in before.tokenizer
    elsewhere = load_model(str(shutil.copytree(worded, tmp_path / "other"))).manifest
    assert elsewhere.fingerprint == before.fingerprint
    path = worded / "tokenizer.json"
    said = json.loads(path.read_text())
    words = said["model"]["vocab"]
    words["horse"], words["man"] = words["man"], words["horse"]
    path.write_text(json.dumps(said))
    assert load_model(str(worded)).manifest.fingerprint != before.fingerprint


@pytest.mark.parametrize("kind", ["BertTokenizer", "CLIPTokenizer"])
def test_a_vocabulary_that_is_missing_is_not_made_up(worded: Path, kind: str) -> None:
    (worded / "tokenizer.json").unlink()
    (worded / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    with pytest.raises(WeightsUnavailable, match="has no vocabulary"):
        load_model(str(worded))
