"""A model's manifest as a page: everything about a checkpoint that can change a number."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchbench.printable import sentence
from benchbench.render.scorecard import CELL, WIDTH
from benchbench.render.text import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.types import ModelManifest

INDENT = "  "
MEANINGS = {
    ("resize_mode", "shortest"): "shortest side to size, then the middle is cropped",
    ("resize_mode", "longest"): "longest side to size, then the rest is padded",
    ("resize_mode", "squash"): "squashed to size both ways, nothing is cropped",
    ("similarity", "cosine"): "cosine (embeddings of unit length)",
    ("similarity", "dot"): "dot product (embeddings as given)",
}
"""A field and its value → in words."""


def model_page(manifest: ModelManifest, logit_scale: float | None) -> str:
    """Name, what must be read before any number, and a line a field.

    Args:
        manifest: of the model.
        logit_scale: its factor before a softmax; None where it compares no embeddings.
    """
    rows = [(short(name, CELL), sentence(value)) for name, value in _rows(manifest, logit_scale)]
    width = max(len(name) for name, _ in rows)
    lines = [
        textwrap.fill(
            f"{name:{width}}  {value}",
            WIDTH,
            subsequent_indent=" " * (width + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, value in rows
    ]
    return "\n\n".join([sentence(manifest.name), *_banners(manifest), "\n".join(lines)])


def _banners(manifest: ModelManifest) -> Iterator[str]:
    if not manifest.trained:
        text = f"UNTRAINED: {manifest.weights} weights. Its numbers show that the path works."
        yield textwrap.fill(sentence(text), WIDTH, subsequent_indent=INDENT)
    if note := manifest.settings.get("note"):
        yield textwrap.fill(sentence(f"NOTE: {note}"), WIDTH, subsequent_indent=INDENT)


def _rows(manifest: ModelManifest, logit_scale: float | None) -> Iterator[tuple[str, str]]:
    settings = {name: value for name, value in manifest.settings.items() if name != "note"}
    yield "weights", manifest.weights
    yield "weights' sha256", manifest.weights_sha256
    yield "architecture", manifest.architecture
    yield "parameters", f"{manifest.parameters:,}"
    yield "activation", manifest.activation
    yield "dtype", manifest.dtype
    yield from _nested("preprocessing", manifest.preprocessing)
    yield "tokenizer", manifest.tokenizer
    yield "context length", f"{manifest.context_length:,} tokens"
    yield "similarity", _said("similarity", manifest.similarity)
    if logit_scale is not None:
        yield "logit scale", f"{logit_scale:.6g}"
    yield from _nested("settings", settings)
    yield "fingerprint", manifest.fingerprint


def _nested(name: str, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A field that holds fields, each on a line below it."""
    yield name, "" if record else "none"
    for inner, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from ((f"{INDENT}{n}", v) for n, v in _nested(inner, value))
        else:
            yield f"{INDENT}{inner}", _said(inner, value)


def _said(name: str, value: Any) -> str:
    """A value in words; a size with a cross, other lists with commas."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return (" × " if name == "size" else ", ").join(_said("", each) for each in value) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return MEANINGS.get((name, value), str(value)) if isinstance(value, str) else str(value)
