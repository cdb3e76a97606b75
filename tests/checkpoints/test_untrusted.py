"""What a checkpoint says of itself is data: none of it chooses which code runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchbench.errors import ModelError
from benchbench.registry import load_model
from benchbench.types import LoadOptions
from benchbench.variants import weights
from tests.variants.test_adapter import write

if TYPE_CHECKING:
    from pathlib import Path

RAN = "from pathlib import Path\nPath({!r}).touch()\n"


@pytest.mark.parametrize(
    "named", ["python", "python:x", "file", "hf", "blind", "plugin", "", "a b"]
)
def test_a_header_names_a_bundled_method_or_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = tmp_path / "ran"
    (tmp_path / "model.py").write_text(RAN.format(str(ran)), "utf-8")
    path = tmp_path / "model.py:v1" / "best.safetensors"
    weights.write(path, {"clip.w": torch.ones(1)}, {"variant": named})
    for typed in ("./model.py:v1/best.safetensors", str(path), f"file:{path}"):
        with pytest.raises(ModelError, match="not a bundled method"):
            load_model(typed)
    assert not ran.exists()


def test_a_header_chooses_its_method_by_any_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them is the name of an ablation that ships."""
    monkeypatch.chdir(tmp_path)
    wanted = load_model(f"clip:{write('clip', tmp_path / 'clip.safetensors')}")
    for name in ("negatives", "last.pt"):
        (tmp_path / "clip.safetensors").rename(tmp_path / name)
        assert load_model(f"file:{name}").manifest.weights_sha256 == wanted.manifest.weights_sha256
        (tmp_path / name).rename(tmp_path / "clip.safetensors")


@pytest.mark.parametrize("trusts", [True, False])
def test_a_configuration_does_not_trust_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusts: bool
) -> None:
    """open_clip passes ``tokenizer_kwargs`` on to transformers, which asks where none are."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    ran = tmp_path / "ran"
    text: dict[str, Any] = {"hf_tokenizer_name": "x", "width": 64, "heads": 1, "layers": 1}
    text |= {"context_length": 8, "vocab_size": 100}
    text |= {"tokenizer_kwargs": {"trust_remote_code": True}} if trusts else {}
    vision = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
    config = {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text, "quick_gelu": False}
    save(tmp_path / "open_clip_config.json", {"model_cfg": config, "preprocess_cfg": {}})
    mapped = {"AutoTokenizer": ["theirs.Tokenizer", None]}
    save(tmp_path / "tokenizer_config.json", {"auto_map": mapped})
    (tmp_path / "theirs.py").write_text(RAN.format(str(ran)) + "class Tokenizer: ...\n", "utf-8")
    weights.write(tmp_path / "open_clip_model.safetensors", {"logit_scale": torch.ones(())}, {})
    with pytest.raises(ModelError, match="trust_remote_code" if trusts else "custom code"):
        load_model(f"file:{tmp_path}", LoadOptions(allow_partial=True))
    assert not ran.exists()


def save(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), "utf-8")
