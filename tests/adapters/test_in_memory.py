"""Modules under training wrapped as models: in the precision and context that they have."""

from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch
from PIL import Image

from benchbench.adapters.in_memory import ModuleWrapper
from benchbench.errors import UsageError

WRAPPER = ModuleWrapper(architecture="tiny")


@pytest.mark.parametrize("precision", ["fp16", "bf16", "pure_fp16", "fp32"])
def test_open_clips_precisions_are_told_apart(tiny: str, precision: str) -> None:
    module: Any = open_clip.create_model("tiny", precision=precision).eval()
    model: Any = WRAPPER.model(module, "x")
    assert model.manifest.dtype == precision.removeprefix("pure_")
    pixels = model.transform(Image.new("RGB", (40, 30), "red"))[None]
    dtype = open_clip.get_input_dtype(precision)
    with torch.no_grad():
        shown = model.encode_images(pixels, "scene")
        assert torch.equal(shown, module.encode_image(pixels.to(dtype)))


@pytest.mark.parametrize("length", [16, 40])
def test_captions_have_the_length_that_the_module_takes(tiny: str, length: int) -> None:
    module: Any = open_clip.create_model("tiny", force_context_length=length)
    model: Any = WRAPPER.model(module, "x")
    assert model.manifest.context_length == length
    with torch.no_grad():
        assert model.encode_texts(model.tokenize(["a dog " * 30]), "scene").shape == (1, 16)
    other = ModuleWrapper(tokenizer=open_clip.get_tokenizer("tiny"))
    with pytest.raises(UsageError, match=f"24 tokens a caption, the model takes {length}"):
        other.model(module, "x")
