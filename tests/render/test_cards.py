"""A model's page, to the letter."""

from __future__ import annotations

from dataclasses import replace

from benchbench.render.manifests import model_page
from benchbench.types import ModelManifest

MANIFEST = ModelManifest(
    name="openclip:tiny/untrained",
    architecture="tiny",
    weights="random (seed 0)",
    weights_sha256="0123456789abcdef" * 4,
    trained=False,
    activation="quickgelu",
    preprocessing={
        "size": [224, 224],
        "mean": [0.5, 0.25, 0.125],
        "interpolation": "bicubic",
        "resize_mode": "squash",
    },
    tokenizer="SimpleTokenizer",
    context_length=77,
    dtype="fp32",
    parameters=1234567,
    similarity="cosine",
    settings={"captions_trimmed": True, "adapter": {"rank": None}, "note": "Read this first."},
)
PAGE = """\
openclip:tiny/untrained

UNTRAINED: random (seed 0) weights. Its numbers show that the path works.

NOTE: Read this first.

weights             random (seed 0)
weights' sha256     0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
architecture        tiny
parameters          1,234,567
activation          quickgelu
dtype               fp32
preprocessing
  size              224 × 224
  mean              0.5, 0.25, 0.125
  interpolation     bicubic
  resize_mode       squashed to size both ways, nothing is cropped
tokenizer           SimpleTokenizer
context length      77 tokens
similarity          cosine (embeddings of unit length)
logit scale         100
settings
  captions_trimmed  yes
  adapter
    rank            none
fingerprint         """


def test_a_page_is_this() -> None:
    assert model_page(MANIFEST, 100.0) == PAGE + MANIFEST.fingerprint


def test_what_there_is_none_of_is_said_or_left_out() -> None:
    bare = replace(MANIFEST, trained=True, preprocessing={}, settings={}, similarity="dot")
    page = model_page(bare, None)
    assert "UNTRAINED" not in page and "NOTE" not in page and "logit scale" not in page
    lines = dict(line.split("  ", 1) for line in page.splitlines()[2:])
    assert lines["preprocessing"].strip() == lines["settings"].strip() == "none"
    assert lines["similarity"].strip() == "dot product (embeddings as given)"


def test_long_values_are_folded() -> None:
    long = replace(MANIFEST, settings={"classes": [f"class{i}" for i in range(60)]})
    assert max(map(len, model_page(long, 1.0).splitlines())) <= 96
