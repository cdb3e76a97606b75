"""Local checkpoints: every container, against open_clip itself; and every refusal."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip import pretrained
from safetensors.torch import save_file

from benchbench.checkpoints.activations import is_ambiguous
from benchbench.checkpoints.architectures import config_of, fitting_architectures
from benchbench.data.records import file_sha256
from benchbench.errors import ModelError, UnknownName, UsageError
from benchbench.registry import load_model
from benchbench.testing import check_model
from benchbench.types import LoadOptions
from tests.checkpoints.same import QUICK, assert_same
from tests.cli.test_cli import typed


@pytest.fixture
def archive(model: Any, tmp_path: Path) -> Path:
    """The same as OpenAI published theirs: TorchScript, in part float16, with three numbers."""
    path = tmp_path / "ViT-tiny.pt"
    save_script(model, path)
    return path


class Exported(torch.nn.Module):
    """Weights under their names."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def save_script(model: torch.nn.Module, path: Path, **numbers: int) -> None:
    numbers = numbers or {"input_resolution": 32, "context_length": 24, "vocab_size": 49408}
    whole = Exported()
    for name, tensor in model.state_dict().items():
        at, *within = whole, *name.split(".")
        for part in within[:-1]:
            if not hasattr(at, part):
                at.add_module(part, Exported())
            at = getattr(at, part)
        at.register_parameter(within[-1], torch.nn.Parameter(tensor.clone()))
    for name, number in numbers.items():
        whole.register_buffer(name, torch.tensor(number))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(whole), path)


def save_legacy(tree: Any, path: Path) -> None:
    torch.save(tree, path, _use_new_zipfile_serialization=False)


def prefixed(prefix: str, state: dict[str, Any]) -> dict[str, Any]:
    return {prefix + name: tensor for name, tensor in state.items()}


CONTAINERS: dict[str, Any] = {
    "state.pt": torch.save,
    "state.pth": save_legacy,
    "state.safetensors": save_file,
    "no_suffix": save_file,
    "epoch_3.pt": lambda s, p: torch.save({"epoch": 3, "state_dict": prefixed("module.", s)}, p),
    "compiled.ckpt": lambda s, p: torch.save({"model": prefixed("module._orig_mod.", s)}, p),
    "within.bin": lambda s, p: torch.save(
        {n.replace("visual.", "visual._orig_mod."): t for n, t in s.items()}, p
    ),
    "leftovers.pt": lambda s, p: torch.save(
        {**s, "attn_mask": torch.zeros(24, 24), "n_averaged": torch.tensor(9)}, p
    ),
    "best.pt": lambda s, p: torch.save(
        {"epoch": torch.tensor(3), "best": torch.tensor([0.5]), "state_dict": s}, p
    ),
    "average.pt": lambda s, p: torch.save({"epoch": 1, "state_dict_ema": s}, p),
    "scale.pt": lambda s, p: torch.save({**s, "logit_scale": s["logit_scale"][None]}, p),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_container_gives_open_clips_own_embeddings(
    model: Any, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    CONTAINERS[name](model.state_dict(), path)
    loaded: Any = load_model(f"file:{path}", QUICK)
    assert_same(loaded, model)
    assert loaded.manifest.weights == name
    assert loaded.manifest.trained
    assert loaded.manifest.activation == "quickgelu"


def test_a_path_alone_is_the_same_as_a_tag(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(model.state_dict(), path)
    tags = {"there": {"file": str(path), "quick_gelu": True}}
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny", tags)
    by_tag, by_path = load_model("openclip:tiny/there"), load_model(str(path), QUICK)
    check_model(by_path)
    assert by_path.manifest.weights_sha256 == by_tag.manifest.weights_sha256
    assert_same(by_path, model)
    assert by_path.manifest.settings["architecture_from"] == "--arch"
    assert by_path.manifest.settings["activation_from"] == "--activation"
    assert by_path.manifest.name == f"file:{path}"


def test_what_was_chosen_among_entries_is_said(model: Any, tmp_path: Path) -> None:
    path, state = tmp_path / "both.pt", model.state_dict()
    other = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    torch.save({"state_dict_ema": other, "state_dict": prefixed("module.", state)}, path)
    loaded = load_model(str(path), QUICK)
    assert_same(loaded, model)
    settings = loaded.manifest.settings
    assert (settings["entry"], settings["entries_left"]) == ("state_dict", ["state_dict_ema"])
    assert settings["prefixes_cut"] == ["module."]


def test_openais_archives_need_no_word_and_run_no_code(
    archive: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.jit, "load", lambda *_: pytest.fail("compiled"))
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny-quickgelu", {"openai": {"quick_gelu": True}})
    loaded = load_model(str(archive))
    assert_same(loaded, model)
    assert loaded.manifest.architecture == "tiny-quickgelu"
    assert loaded.manifest.settings["container"] == "TorchScript"
    assert load_model(str(archive), LoadOptions(architecture="tiny")).manifest.activation == (
        "quickgelu"
    )
    with pytest.raises(UsageError, match="--activation says gelu, the marks of OpenAI's"):
        load_model(str(archive), LoadOptions(architecture="tiny", activation="gelu"))


def test_other_archives_of_torchscript_are_asked_for(model: Any, tmp_path: Path) -> None:
    save_script(model, tmp_path / "traced.pt", epoch=3)
    with pytest.raises(UsageError, match="Nothing says which architecture"):
        load_model(str(tmp_path / "traced.pt"))


def test_an_architecture_is_asked_for_with_those_that_fit(model: Any, tmp_path: Path) -> None:
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(UsageError, match=r"--arch NAME\. By their shapes they fit tiny, tiny-bi"):
        load_model(str(tmp_path / "weights.pt"))
    with pytest.raises(UnknownName, match="Did you mean 'tiny-eos'"):
        load_model(str(tmp_path / "weights.pt"), LoadOptions(architecture="tiny-eso"))
    torch.save({"unlike": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(UsageError, match="None that open_clip can build offline fits their 1"):
        load_model(str(tmp_path / "other.pt"))


def test_shapes_tell_a_published_architecture() -> None:
    with torch.device("meta"):
        model = open_clip.create_model("ViT-B-32", device="meta", load_weights=False)
    assert fitting_architectures(model.state_dict()) == ["ViT-B-32", "ViT-B-32-quickgelu"]


def test_the_activation_is_asked_for_where_only_the_architecture_is_named(
    model: Any, tmp_path: Path
) -> None:
    path = tmp_path / "negclip.pt"
    torch.save({"state_dict": model.state_dict()}, path)
    done = typed("show", "model", path, "--arch", "tiny")
    assert done.exit_code == 2
    assert "--activation quickgelu or --activation gelu" in done.stderr
    assert f"benchbench probe {path} --arch tiny" in done.stderr
    named = load_model(str(path), LoadOptions(architecture="tiny-quickgelu"))
    assert named.manifest.activation == "quickgelu"
    assert_same(named, model)
    wrong = LoadOptions(architecture="tiny-quickgelu", activation="gelu")
    with pytest.raises(UsageError, match="--activation says gelu, the configuration of tiny-qu"):
        load_model(str(path), wrong)
    fixed = LoadOptions(architecture="tiny-tanh", activation="quickgelu")
    with pytest.raises(UsageError, match="tiny-tanh, whose towers fix it says gelu"):
        load_model(str(path), fixed)


@pytest.mark.parametrize(
    ("architecture", "open_"),
    [
        ("ViT-B-32", True), ("ViT-L-14", True), ("RN50", True), ("ViT-S-32", True),
        ("xlm-roberta-base-ViT-B-32", True), ("ViT-B-32-quickgelu", False),
        ("roberta-ViT-B-32", False), ("ViT-B-16-SigLIP", False), ("ViT-B-16-SigLIP2", False),
        ("convnext_base", False), ("MobileCLIP-S1", False),
    ],
)  # fmt: skip
def test_the_question_is_open_where_two_activations_are_published(
    architecture: str, open_: bool
) -> None:
    assert is_ambiguous(config_of(architecture)) is open_


def test_every_architecture_with_a_quickgelu_sibling_is_open() -> None:
    for name in open_clip.list_models():
        if f"{name}-quickgelu" in open_clip.list_models():
            assert is_ambiguous(config_of(name)), name


def test_metadata_speaks_for_a_file(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "said.safetensors"
    save_file(model.state_dict(), path, {"architecture": "tiny", "activation": "quickgelu"})
    loaded = load_model(str(path))
    assert_same(loaded, model)
    assert loaded.manifest.settings["activation_from"] == "the file's metadata"
    with pytest.raises(UsageError, match="that it is tiny, not tiny-eos"):
        load_model(str(path), LoadOptions(architecture="tiny-eos"))
    save_file(model.state_dict(), path, {"architecture": "tiny", "activation": "relu"})
    with pytest.raises(ModelError, match="'relu', which is neither"):
        load_model(str(path))


def test_a_published_file_is_known_by_its_digest(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "any.pt"
    torch.save(model.state_dict(), path)
    url = f"https://github.com/mlfoundations/x/tiny-{file_sha256(path)[:8]}.pt"
    tag = {"url": url, "quick_gelu": True, "mean": (0.1,) * 3}
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny", {"there": tag})
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny-quickgelu", {"there": tag})
    manifest = load_model(str(path)).manifest
    assert (manifest.architecture, manifest.activation) == ("tiny-quickgelu", "quickgelu")
    assert manifest.preprocessing["mean"] == [0.1] * 3
    assert manifest.settings["preprocessing_from"] == "its published tag"
    plain = load_model(str(path), LoadOptions(architecture="tiny")).manifest
    assert plain.activation == "quickgelu"


def test_gaps_are_named_and_taken_when_asked(model: Any, tmp_path: Path) -> None:
    path, state = tmp_path / "part.pt", model.state_dict()
    kept = {n: t for n, t in state.items() if n not in ("text_projection", "ln_final.bias")}
    torch.save({**kept, "head.weight": torch.ones(3)}, path)
    with pytest.raises(
        ModelError, match=r"lacks 2 tensors \(.*\)\. There is no place for 1 tensor"
    ):
        load_model(str(path), QUICK)
    options = LoadOptions(architecture="tiny-quickgelu", allow_partial=True, seed=4)
    manifest = load_model(str(path), options).manifest
    assert sorted(manifest.settings["random"]) == ["ln_final.bias", "text_projection"]
    assert manifest.settings["left_out"] == ["head.weight"]
    assert "stayed random (seed 4)" in manifest.settings["note"]
    assert manifest == load_model(str(path), options).manifest
    torch.save({"head.weight": torch.ones(3)}, path)
    with pytest.raises(ModelError, match="None of its tensors fits"):
        load_model(str(path), options)


def test_the_note_is_above_the_numbers(model: Any, tmp_path: Path, shapes: Path) -> None:
    path = tmp_path / "part.pt"
    torch.save({n: t for n, t in model.state_dict().items() if n != "text_projection"}, path)
    done = typed(
        "eval", "--model", path, "--arch", "tiny-quickgelu", "--allow-partial", "--task",
        "vg-relation", "--data-root", shapes, "--limit", "4", "--out", tmp_path / "run.parquet",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "NOTE: 1 tensor (text_projection) stayed random (seed 0)" in done.stdout


@pytest.mark.parametrize("name", ["visual.positional_embedding", "positional_embedding"])
def test_shapes_that_differ_are_named(model: Any, tmp_path: Path, name: str) -> None:
    state = model.state_dict()
    torch.save({**state, name: torch.cat([state[name]] * 2)}, tmp_path / "large.pt")
    with pytest.raises(ModelError, match=rf"other shapes in 1 tensor \({name} \[\d+, 32\] inst"):
        load_model(str(tmp_path / "large.pt"), LoadOptions("cpu", architecture="tiny-quickgelu"))


def test_whole_numbers_are_no_weights(model: Any, tmp_path: Path) -> None:
    state = model.state_dict()
    state["text_projection"] = state["text_projection"].mul(100).to(torch.int8)
    torch.save(state, tmp_path / "quantised.pt")
    with pytest.raises(ModelError, match=r"text_projection \[32, 16\] of int8 instead of"):
        load_model(str(tmp_path / "quantised.pt"), QUICK)


def test_names_of_transformers_point_to_its_family(tiny: str, tmp_path: Path) -> None:
    torch.save({"text_model.embeddings.weight": torch.ones(2)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="type hf:FOLDER"):
        load_model(str(tmp_path / "pytorch_model.bin"), QUICK)
