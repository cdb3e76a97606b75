"""The table of variants: find them by name, with their titles and bundled weights.

Listing them imports no torch: their names and titles stand here too, and a test compares them with
the variants' own files.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.errors import UnknownName
from benchbench.variants.weights import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.variants.variant import Variant

HERE = Path(__file__).parent
BUNDLED = HERE / "bundled"
"""Weights and cards that ship in the package: ``structclip.safetensors``, ``structclip.md``."""
METHODS: dict[str, dict[str, str]] = {
    "clip": {
        "clip": "InfoNCE alone: the control",
        "clip:dense": "InfoNCE alone, with dense captions of half of the whole images: "
        "ScenarioCLIP's control",
    },
    "msgclip": {
        "msgclip": "regions aligned with entities and relations while training; plain CLIP after",
        "msgclip:contrast": "MSG-CLIP with InfoNCE between matched entities and regions: "
        "the repair",
        "msgclip:attention": "MSG-CLIP with InfoNCE between entities and images, by attention to "
        "regions: a second repair",
        "msgclip:oracle": "MSG-CLIP with InfoNCE and regions from the scene's masks: a control",
        "msgclip:entities": "MSG-CLIP's alignment of entities (EMA) without that of relations",
        "msgclip:relations": "MSG-CLIP's alignment of relations (TRA) without that of entities",
    },
    "negclip": {
        "negclip": "random swaps as negatives: the second control",
        "negclip:dose": "NegCLIP with more random swaps: as many exchanged nouns as semantic "
        "negatives have",
        "negclip:published": "NegCLIP as its authors train it: columns of the softmax, hard "
        "alternative images",
    },
    "relclip": {
        "relclip": "relational contrastive learning over regions, all relations annotated",
        "relclip:boxes": "a control: RelCLIP trained and tested on grey images, by boxes and names "
        "alone",
        "relclip:distant": "RelCLIP under distant supervision: relations guessed from names",
    },
    "scenarioclip": {
        "scenarioclip": "towers for images, objects and relations, and a teacher",
        "scenarioclip:shared": "ScenarioCLIP with one tower on all three levels",
        "scenarioclip:alone": "ScenarioCLIP without the teacher",
        "scenarioclip:captions": "ScenarioCLIP without actions",
    },
    "structclip": {
        "structclip": "semantic negatives and the Knowledge-Enhanced Encoder",
        "structclip:negatives": "Structure-CLIP's semantic negatives without its knowledge encoder",
        "structclip:knowledge": "Structure-CLIP's knowledge encoder without its negatives",
        "structclip:published": "Structure-CLIP with the hinges of its paper and its code, and one "
        "swap of a caption",
        "structclip:bag": "a control: triples as a bag, h + r + t, which cannot say who does what",
        "structclip:shuffled": "a control: triples of half of the captions have head and tail "
        "exchanged",
    },
}
"""Families of models, each a module of this package with a ``FAMILY`` → titles by name, the method
first."""
STARTS: dict[str, dict[str, str]] = {
    "base": {
        "base": "an image tower trained on facts, who does what to whom: a privileged start",
    },
    "captioner": {
        "captioner": "towers trained to caption images and to match both: a start",
        "captioner:locked": "a text tower trained to caption over a frozen image tower: a start",
    },
}
"""The starts of other variants: they are trained, and are not a family of models."""


@cache
def variants() -> Mapping[str, Variant]:
    """Return every variant by its name, methods before their ablations."""
    package = import_module("benchbench.variants")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        path = f"benchbench.variants.{module.name}"
        for variant in getattr(import_module(path), "VARIANTS", ()):
            found[variant.name] = variant
    return found


def variant(name: str) -> Variant:
    """Return the variant of that name.

    Raises:
        UnknownName: there is none.
    """
    there = variants()
    if name not in there:
        raise UnknownName("variant", name, there, f"There are: {', '.join(there)}.")
    return there[name]


def bundled_path(name: str) -> Path:
    """Return the path of a variant's bundled weights, which may not exist."""
    return BUNDLED / f"{name.replace(':', '-')}{SUFFIX}"


def bundled_starts() -> tuple[str, ...]:
    """Return the names of bundled towers that variants start from."""
    found = (name for name, each in variants().items() if each.start)
    return tuple(name for name in found if bundled_path(name).is_file())


def usage(titles: Mapping[str, str]) -> dict[str, str]:
    """Return how the members of a family are named at the command line, with their titles.

    Args:
        titles: name → what it is in a line, the method first.
    """
    there = {
        name: "bundled" if bundled_path(name).is_file() else "to be trained" for name in titles
    }
    family = next(iter(titles))
    return {
        **{name: f"{title} ({there[name]})" for name, title in titles.items()},
        f"{family}:PATH": f"a checkpoint of benchbench train {family}",
    }


@cache
def usages() -> Mapping[str, Mapping[str, str]]:
    """Return the ``usage`` of each family's members, by the family's name."""
    return {family: usage(titles) for family, titles in (METHODS | STARTS).items()}
