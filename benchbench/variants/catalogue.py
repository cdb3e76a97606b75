"""The variants by name, found by a scan of this folder.

Listing them imports no torch: a family's names and titles are read from its file.
"""

from __future__ import annotations

import ast
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
    """Return each family with the ``usage`` of its members."""
    read = (titles(path.read_text("utf-8")) for path in sorted(HERE.glob("*.py")))
    return {next(iter(found)): usage(found) for found in read if found}


def titles(source: str) -> dict[str, str]:
    """Name → title of the ``VARIANTS`` in a file's text, the first two arguments of each.

    >>> titles('VARIANTS = (Variant("clip", "the control", make),)')
    {'clip': 'the control'}
    """
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VARIANTS":
            for call in getattr(node.value, "elts", ()):
                name, title = (ast.literal_eval(each) for each in call.args[:2])
                found[name] = title
    return found
