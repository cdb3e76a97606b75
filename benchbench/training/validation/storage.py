"""Store validation sets in files, since drawing a thousand images takes tens of seconds.

A file holds a set's arrays, and everything else as JSON in its header. It is valid only for the
same code, the same versions and the same preprocessing; otherwise the set is drawn again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import benchbench
from benchbench.devices import describe_environment
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.training.validation.sets import ValidationSet
    from benchbench.variants.building import Build

OURS = "benchbench."
SOURCES = ("data", "scenegraph", "scenes", "training", "types")
"""Folders of the package whose code makes validation sets."""
VERSIONS = ("numpy", "pillow", "torch", "torchvision")


def load_or_draw(folder: Path, name: str, build: Build, **smaller: int) -> ValidationSet:
    """Return a validation set: read it from a folder, or draw and write it.

    Args:
        folder: the folder of validation sets.
        name: the name of ``VALIDATION_SETS``.
        build: the variant whose preprocessing its images go through.
        **smaller: ``scenes``, where a new one is to have fewer than it should: for trials, in a
            folder of their own.
    """
    path = folder / f"{name}-{build.size}{weights.SUFFIX}"
    origin = {"code": _code(), "preprocessing": _plain(build.preprocessing)}
    if path.is_file():
        tensors, record = weights.read(path)
        if record.get("origin") == origin:
            found: ValidationSet = from_json(record["exam"], tensors)
            return found
    exam = VALIDATION_SETS[name](build.transform, **smaller)
    arrays: dict[str, Tensor] = {}
    weights.write(path, arrays, {"exam": to_json(exam, arrays), "origin": origin})
    return exam


def to_json(value: Any, arrays: dict[str, Tensor]) -> Any:
    """Return a value in JSON's types; its arrays are added to ``arrays``, named by numbers.

    Raises:
        TypeError: it holds something of a kind that is not kept.
    """
    if isinstance(value, (torch.Tensor, np.ndarray)):
        kind = "tensor" if isinstance(value, torch.Tensor) else "array"
        name = str(len(arrays))
        arrays[name] = (
            value if isinstance(value, torch.Tensor) else torch.from_numpy(np.array(value))
        )
        return {kind: name}
    if is_dataclass(value) and type(value).__module__.startswith(OURS):
        own = {each.name: to_json(getattr(value, each.name), arrays) for each in fields(value)}
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", "fields": own}
    if isinstance(value, dict):
        # As a list: JSON is written with its names sorted, and the order of metrics is kept.
        return {"dict": [[name, to_json(each, arrays)] for name, each in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [to_json(each, arrays) for each in value]}
    if isinstance(value, list):
        return [to_json(each, arrays) for each in value]
    if isinstance(value, Path):
        return {"path": str(value)}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} is of no kind that is kept")


def from_json(said: Any, arrays: Mapping[str, Tensor]) -> Any:
    """Return the value that ``to_json`` was given, from its result and the arrays."""
    if isinstance(said, list):
        return [from_json(each, arrays) for each in said]
    if not isinstance(said, dict):
        return said
    kind, rest = next(iter(said.items()))
    if kind in ("tensor", "array"):
        return arrays[rest] if kind == "tensor" else arrays[rest].numpy()
    if kind == "path":
        return Path(rest)
    if kind == "tuple":
        return tuple(from_json(each, arrays) for each in rest)
    if kind == "dict":
        return {name: from_json(each, arrays) for name, each in rest}
    own = {name: from_json(each, arrays) for name, each in said["fields"].items()}
    return _class(said["class"])(**own)


def _class(name: str) -> Any:
    """Return one of our dataclasses by ``module:name``.

    Raises:
        TypeError: it is none.
    """
    module, _, own = name.partition(":")
    found = getattr(import_module(module), own, None) if module.startswith(OURS) else None
    if not (isinstance(found, type) and is_dataclass(found)):
        raise TypeError(f"{name} is not a dataclass of ours")
    return found


@cache
def _code() -> str:
    """Return a digest of the code that draws validation sets, and of its libraries' versions."""
    top, found = Path(benchbench.__file__).parent, hashlib.sha256()
    versions = describe_environment("cpu")
    found.update(json.dumps([versions[name] for name in VERSIONS]).encode())
    kinds = ("*.py", "*.npz")
    for path in sorted(p for part in SOURCES for kind in kinds for p in (top / part).rglob(kind)):
        found.update(path.read_bytes())
    return found.hexdigest()


def _plain(preprocessing: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(preprocessing), sort_keys=True))
