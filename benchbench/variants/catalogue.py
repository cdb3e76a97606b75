"""The variants by name, found by a scan of this folder."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from benchbench.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.variants.variant import Variant


@cache
def variants() -> Mapping[str, Variant]:
    """Every variant by its name, methods before their ablations."""
    package = import_module("benchbench.variants")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        path = f"benchbench.variants.{module.name}"
        for variant in getattr(import_module(path), "VARIANTS", ()):
            found[variant.name] = variant
    return found


def variant(name: str) -> Variant:
    """The variant of that name.

    Raises:
        UnknownName: there is none.
    """
    there = variants()
    if name not in there:
        raise UnknownName("variant", name, there, f"There are: {', '.join(there)}.")
    return there[name]
