"""Evaluate trained models with a part of their input removed: same weights, less evidence."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.types import RelationInput

GREY = (128, 128, 128)


def change_model(model: Any, change: str) -> Any:
    """Return a loaded variant under one of ``CHANGES``; its manifest says so.

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
    """Remove what the knowledge encoder adds: λ = 0."""
    model.model.knowledge_at_test = 0.0


def exchange_triples(model: Any, percent: int) -> None:
    """Exchange head and tail in the triples of so many of 100 captions.

    An exchanged triple is what the false caption of a relation tells, so that no other wrong parse
    costs more.
    """
    model._reader.turned_percent = percent


def hide_images(model: Any) -> None:
    """Replace images by grey ones, so that boxes and names alone remain."""
    sighted = model.score_relations
    model.score_relations = lambda inputs: sighted(replace(inputs, image=_without_image(inputs)))


def _without_image(inputs: RelationInput) -> Callable[[], Image.Image]:
    size = inputs.image().size
    return lambda: Image.new("RGB", size, GREY)


CHANGES: dict[str, Callable[[Any], None]] = {
    "plain": without_knowledge,
    "10 % wrong parses": partial(exchange_triples, percent=10),
    "30 % wrong parses": partial(exchange_triples, percent=30),
    "grey images": hide_images,
}
"""By name."""
