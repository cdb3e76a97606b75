"""What transformers would pass over in silence, and what a checkpoint must not do."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from benchbench.adapters import hf
from benchbench.adapters.huggingface import weights
from benchbench.errors import (
    ModelError,
    UnknownName,
    UsageError,
    WeightsUnavailable,
)
from benchbench.registry import load_model
from benchbench.types import LoadOptions
from tests.adapters import tiny_hf

if TYPE_CHECKING:
    from collections.abc import Callable

    Edit = Callable[[dict[str, torch.Tensor]], object]


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint; not to be changed."""
    folder = tmp_path_factory.mktemp("checkpoint")
    tiny_hf.save("siglip", folder)
    return folder


@pytest.fixture
def folder(siglip: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(siglip, tmp_path / "damaged"))


def load(path: Path | str, **options: Any) -> hf.HuggingFace:
    return hf.load(str(path), LoadOptions(**options))


def edit_weights(folder: Path, edit: Edit) -> None:
    path = folder / "model.safetensors"
    state = load_file(path)
    edit(state)
    save_file(state, path, {"format": "pt"})


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


BIAS = "text_model.head.bias"
EDITS: dict[str, tuple[Edit, str]] = {
    "missing": (lambda state: state.pop(BIAS), rf"1 missing \({BIAS}\)"),
    "unexpected": (
        lambda state: state.update(another=torch.zeros(1)),
        r"1 not the model's \(another\)",
    ),
    "mismatched": (
        lambda state: state.update({BIAS: torch.zeros(5)}),
        rf"1 of another shape \({BIAS} \(5,\) for \(32,\)\)",
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_weights_that_do_not_fill_the_model_are_named(folder: Path, what: str) -> None:
    edit, message = EDITS[what]
    edit_weights(folder, edit)
    with pytest.raises(ModelError, match=f"SiglipModel.*{message}.*--allow-partial loads them"):
        load(folder)
    manifest = load(folder, allow_partial=True).manifest
    assert manifest.trained
    assert manifest.settings["random"] == ([] if what == "unexpected" else [BIAS])
    assert manifest.settings["unread"] == (["another"] if what == "unexpected" else [])
    assert ("1 of its weights are random" in manifest.settings["note"]) is (what != "unexpected")


def test_what_is_missing_is_drawn_by_the_seed(folder: Path) -> None:
    edit_weights(folder, lambda state: state.pop("text_model.head.weight"))
    state = torch.random.get_rng_state()
    digests = [
        load(folder, allow_partial=True, seed=seed).manifest.weights_sha256 for seed in (0, 0, 1)
    ]
    assert digests[0] == digests[1] != digests[2]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_file_of_other_weights_alone_is_no_trained_model(folder: Path) -> None:
    save_file({"another": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"missing \(.*, and \d+ more\); 1 not the model's"):
        load(folder)
    assert not load(folder, allow_partial=True).manifest.trained


class Touching:
    """A pickle that leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def as_pickle(folder: Path, **more: Any) -> None:
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save({**state, **more}, folder / "pytorch_model.bin")


def test_pickled_tensors_are_read_as_tensors_alone(siglip: Path, folder: Path) -> None:
    as_pickle(folder)
    assert load(folder).manifest.weights_sha256 == load(siglip).manifest.weights_sha256


def test_pickles_that_run_code_are_refused_unless_trusted(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    as_pickle(folder, more=Touching(trace))
    with pytest.raises(ModelError, match=r"is refused: .*--trust-pickle"):
        load(folder)
    assert not trace.exists()
    assert load(folder, trust_pickle=True).manifest.weights_sha256
    assert trace.exists()


def test_safetensors_come_first(folder: Path, tmp_path: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Touching(tmp_path / "trace")))
    load(folder, trust_pickle=True)
    assert not (tmp_path / "trace").exists()


CODE = """
from pathlib import Path
from transformers import SiglipConfig, SiglipModel
Path({trace!r}).touch()
class OwnConfig(SiglipConfig):
    model_type = "own"
class OwnModel(SiglipModel):
    config_class = OwnConfig
"""


def test_code_of_its_own_is_not_run_unless_trusted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    trace = tmp_path / "trace"
    (folder / "own.py").write_text(CODE.format(trace=str(trace)))
    classes = {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}
    edit_json(folder / "config.json", model_type="own", auto_map=classes)
    with pytest.raises(ModelError, match=r"config\.json names own\.OwnConfig, own\.OwnModel.*--tr"):
        load(folder)
    assert not trace.exists()
    model = load(folder, trust_remote_code=True)
    assert trace.exists()
    assert model.manifest.architecture == "own/OwnModel"
    assert len(model.manifest.settings["code_sha256"]) == 64


@pytest.mark.parametrize("file", ["tokenizer_config.json", "preprocessor_config.json"])
def test_code_is_looked_for_in_every_file(folder: Path, file: str) -> None:
    edit_json(folder / file, auto_map={"AutoTokenizer": ["own.Slow", None]})
    with pytest.raises(ModelError, match=rf"{file} names own\.Slow.*not run"):
        load(folder)


def test_a_tokenizer_that_is_not_there_is_not_made_up(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsUnavailable, match="has no tokenizer"):
        load(folder)


def test_a_tokenizer_that_knows_no_word_is_refused(tmp_path: Path) -> None:
    tiny_hf.save("align", tmp_path)
    (tmp_path / "vocab.txt").rename(tmp_path / "vocab.json")
    with pytest.raises(WeightsUnavailable, match=r"BertTokenizer finds none in .*vocab\.json"):
        load(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()
    tiny_hf.clip_tokenizer(folder)
    with pytest.raises(ModelError, match=r"gives the id 49407, its text tower has 49"):
        load(folder)


def test_captions_that_embed_alike_are_refused(tmp_path: Path) -> None:
    tiny_hf.save("clip", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 7
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"embeds different captions alike.*eos_token_id"):
        load(tmp_path)


def test_images_of_several_sizes_are_refused(folder: Path) -> None:
    edit_json(folder / "preprocessor_config.json", size={"shortest_edge": 32})
    with pytest.raises(ModelError, match=r"shapes \[\(3, 32, 42\), \(3, 42, 32\)\]"):
        load(folder)


def test_images_that_the_tower_does_not_take_are_an_error(folder: Path) -> None:
    edit_json(folder / "preprocessor_config.json", size={"height": 48, "width": 48})
    with pytest.raises(ModelError, match=r"takes no images of the shape \(3, 48, 48\)"):
        load(folder)


def test_an_image_processor_that_is_not_there_is_an_error(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsUnavailable, match="the image processor of damaged"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}, UnknownName,
         r"model_type 'gpt2'.*GPT2LMHeadModel.*Supported dual encoders: .*clip.*siglip"),
        ({"model_type": "siglp"}, UnknownName, "Did you mean 'siglip'"),
        ({"model_type": None}, UnknownName, "Supported dual encoders"),
        ({"model_type": "blip-2"}, ModelError, "each of an image's query tokens.*itc:"),
        ({"model_type": "siglip2"}, ModelError, "NaFlex.*fixed resolution"),
        ({"model_type": "aimv2"}, ModelError, "masks captions"),
    ],
)  # fmt: skip
def test_kinds_that_are_not_embedded_are_named(
    folder: Path, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    edit_json(folder / "config.json", **change)
    with pytest.raises(error, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", UsageError, "names no checkpoint. Type hf:ORG/REPO"),
        ("clip", UsageError, "neither a repository nor a folder"),
        ("a/b/c", UsageError, "neither a repository nor a folder"),
        ("a/b@", UsageError, "neither a repository nor a folder"),
        ("./none", UsageError, "a folder that does not exist"),
        ("openai/none", WeightsUnavailable, "not in the cache.*HF_HUB_OFFLINE.*path of a folder"),
        ("openai/none@v1", WeightsUnavailable, "openai/none at 'v1': not in the cache"),
        ("../--/..", UsageError, "does not exist"),
        ("-a/..b", WeightsUnavailable, "Cannot load -a/..b"),
    ],
)
def test_names_that_lead_nowhere(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load(text)


def test_files_and_empty_folders_are_no_checkpoints(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a file, not a folder"):
        load(folder / "config.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"has no config\.json.*There is: nothing"):
        load(tmp_path / "empty")
    (folder / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="is not a JSON object"):
        load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        load(folder)


def test_weights_that_are_missing_or_damaged_are_an_error(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsUnavailable, match="Cannot load the weights of damaged"):
        load(folder)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(
        ModelError, match=r"model\.safetensors is a pointer of Git LFS.*git lfs pull"
    ):
        load(folder)
    path.rename(folder / "open_clip_model.safetensors")
    with pytest.raises(WeightsUnavailable, match=r"no weights that.*open_clip_model\.safetensors"):
        load(folder)


def test_a_package_that_is_missing_is_one_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    def broken(*_: Any, **__: Any) -> None:
        raise ImportError("SiglipTokenizer requires the SentencePiece library.\nMore of that.")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", broken)
    monkeypatch.setattr(weights, "_is_here", lambda _: False)
    with pytest.raises(
        WeightsUnavailable, match=r"packages are missing: pip install sentencepiece protobuf\.$"
    ):
        load(folder)


@pytest.fixture
def hub(siglip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The checkpoint as the hub's cache has it; its commit."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "hub"
    shutil.copytree(siglip, home / "models--org--tiny" / "snapshots" / commit)
    refs = home / "models--org--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return commit


def test_the_hubs_cache_is_enough(hub: str, siglip: Path) -> None:
    local = load(siglip).manifest
    for text in ("org/tiny", f"org/tiny@{hub}", "org/tiny@main"):
        manifest = load(text).manifest
        assert manifest.name == f"hf:{text}"
        assert manifest.weights == f"org/tiny@{hub}"
        assert manifest.weights_sha256 == local.weights_sha256
    with pytest.raises(WeightsUnavailable, match="org/tiny at 'v2'"):
        load("org/tiny@v2")


def test_the_family_heeds_what_it_says(siglip: Path) -> None:
    with pytest.raises(UsageError, match="takes no --activation"):
        load_model(f"hf:{siglip}", LoadOptions(activation="gelu"))
    assert load_model(f"hf:{siglip}").manifest.name == f"hf:{siglip}"


def test_leftovers_that_carry_no_weights_are_no_gap(folder: Path, siglip: Path) -> None:
    edit_weights(folder, lambda state: state.update({"text_model.position_ids": torch.arange(9)}))
    assert load(folder).manifest.weights_sha256 == load(siglip).manifest.weights_sha256
