"""PEFT adapters on top of a checkpoint, against peft's own unmerged forward pass."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from benchbench.adapters import hf
from benchbench.errors import ModelError, UsageError, WeightsUnavailable
from benchbench.testing import CAPTIONS, check_model
from benchbench.types import LoadOptions
from tests.adapters import tiny_hf

peft = pytest.importorskip("peft")


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint; not to be changed."""
    folder = tmp_path_factory.mktemp("peft") / "base"
    tiny_hf.save("siglip", folder)
    return folder


@pytest.fixture
def adapter(siglip: Path, tmp_path: Path) -> Path:
    """A random LoRA of both towers, which names its base."""
    config = peft.LoraConfig(r=2, target_modules=["q_proj", "fc1"], init_lora_weights=False)
    torch.manual_seed(3)
    wrapped = peft.get_peft_model(_base(siglip), config)
    wrapped.save_pretrained(tmp_path / "lora")
    return tmp_path / "lora"


def _base(folder: Path) -> Any:
    model: Any = transformers.SiglipModel.from_pretrained(folder)
    return model.eval()


def load(text: object, **options: Any) -> hf.HuggingFace:
    return hf.load(str(text), LoadOptions(**options))


def test_merged_embeddings_are_pefts(siglip: Path, adapter: Path) -> None:
    ours, base = load(f"{siglip}+{adapter}"), load(siglip)
    check_model(ours)
    wrapped = peft.PeftModel.from_pretrained(_base(siglip), str(adapter)).eval()
    inputs = ours.tokenize(CAPTIONS)
    with torch.inference_mode():
        theirs = wrapped.get_base_model().get_text_features(**inputs).pooler_output
        assert float((ours.encode_texts(inputs, "scene") - theirs).abs().max()) < 1e-5
        assert float((base.encode_texts(inputs, "scene") - theirs).abs().max()) > 1e-3
    assert ours.manifest.weights_sha256 != base.manifest.weights_sha256
    assert ours.manifest.parameters == base.manifest.parameters
    record = ours.manifest.settings["adapter"]
    assert (record["source"], record["kind"]) == ("lora", "LORA")
    assert len(record["weights_sha256"]) == 64


def test_an_adapter_alone_names_its_base(siglip: Path, adapter: Path) -> None:
    assert (
        load(adapter).manifest.weights_sha256 == load(f"{siglip}+{adapter}").manifest.weights_sha256
    )
    edit(adapter, base_model_name_or_path="org/elsewhere")
    with pytest.raises(
        WeightsUnavailable, match=r"belongs to 'org/elsewhere', which is missing.*B"
    ):
        load(adapter)
    edit(adapter, base_model_name_or_path=None)
    with pytest.raises(ModelError, match="names no base checkpoint"):
        load(adapter)


def edit(adapter: Path, **changes: Any) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_adapters_that_do_not_fit_are_refused(siglip: Path, adapter: Path) -> None:
    path = adapter / "adapter_model.safetensors"
    state = load_file(path)
    gone = next(iter(state))
    save_file({**{k: v for k, v in state.items() if k != gone}, "more": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=rf"1 missing \({gone}\); 1 not the model's \(more\)"):
        load(adapter)
    save_file({**state, gone: torch.zeros(7, 7)}, path)
    with pytest.raises(ModelError, match=r"Cannot load the adapter lora: .*size"):
        load(adapter)
    path.unlink()
    with pytest.raises(WeightsUnavailable, match=r"neither adapter_model\.safetensors nor"):
        load(adapter)


def test_pickled_adapters_are_read_as_tensors_alone(adapter: Path) -> None:
    path = adapter / "adapter_model.safetensors"
    merged = load(adapter).manifest.weights_sha256
    state = load_file(path)
    path.unlink()
    torch.save(state, adapter / "adapter_model.bin")
    assert load(adapter).manifest.weights_sha256 == merged
    torch.save({**state, "more": Path()}, adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"is refused: .*--trust-pickle"):
        load(adapter)


def test_a_base_and_an_adapter_are_told_apart(siglip: Path, adapter: Path) -> None:
    with pytest.raises(UsageError, match=r"base is not an adapter, it has no adapter_config\.json"):
        load(f"{adapter}+{siglip}")
    with pytest.raises(ModelError, match="lora is an adapter itself"):
        load(f"{adapter}+{adapter}")


def test_a_folder_may_have_a_plus_in_its_name(siglip: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(siglip, tmp_path / "a+b")
    assert load(copied).manifest.weights == "a+b"


def test_without_peft_one_command_is_named(adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModelError, match=r'not installed: pip install "benchbench-vl\[peft\]"'):
        load(adapter)
