"""What a trained model knows without a part of what it is given: the same weights, shown less."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.scenegraph import Triple
    from benchbench.types import View

GREY = (128, 128, 128)


def changed(model: Any, change: str) -> Any:
    """A loaded variant under one of ``CHANGES``; its manifest says so.

    Args:
        model: of ``load_model``; it is changed in place.
        change: a name of ``CHANGES``.

    Returns:
        The same model.
    """
    CHANGES[change](model)
    settings = {**model.manifest.settings, "changed": change}
    model.manifest = replace(model.manifest, settings=settings)
    return model


def without_knowledge(model: Any) -> None:
    """Leave out what the knowledge encoder adds: λ = 0."""
    model.model.knowledge_weight = 0.0


def misread(model: Any, percent: int) -> None:
    """Exchange head and tail of every triple of so many of 100 captions.

    Which captions: by their digest, the same ones for every model. An exchanged triple is what the
    false caption of a relation tells, so that no other wrong parse costs more.
    """
    reader = model._reader
    right = reader.triples

    def triples(text: str) -> list[Triple]:
        told: list[Triple] = right(text)
        alike = " ".join(text.lower().split())  # captions of the same ids have the same triples
        number = int.from_bytes(hashlib.sha256(alike.encode()).digest()[:8], "big")
        wrong = number % 100 < percent
        return [(tail, word, head) for head, word, tail in told] if wrong else told

    reader.triples = triples


def grey(model: Any) -> None:
    """Show grey images: what boxes and names alone tell."""
    _shown(model, lambda view: replace(view, picture=_grey(view)))


def boxes_alone(model: Any) -> None:
    """Show grey images, and every box by the same name: what places alone tell."""
    _shown(model, lambda view: replace(view, picture=_grey(view), labels=(0,) * len(view.boxes)))


def _shown(model: Any, shown: Callable[[View], View]) -> None:
    sighted = model.score_relations
    model.score_relations = lambda view: sighted(shown(view))


def _grey(view: View) -> Callable[[], Image.Image]:
    size = view.picture().size
    return lambda: Image.new("RGB", size, GREY)


CHANGES: dict[str, Callable[[Any], None]] = {
    "plain": without_knowledge,
    "10 % wrong parses": partial(misread, percent=10),
    "30 % wrong parses": partial(misread, percent=30),
    "grey images": grey,
    "boxes alone": boxes_alone,
}
"""By name."""
