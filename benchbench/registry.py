"""Names to tasks and models, found by a folder scan and by entry points.

A task is a module of ``benchbench.tasks`` with a ``TASK``, or an entry point of the group
``benchbench.tasks`` that gives one. A model family is a module of ``benchbench.models`` or
``benchbench.variants`` with a ``FAMILY``, or an entry point of the group ``benchbench.models``.
Nothing is imported before it is asked for by name.
"""

from __future__ import annotations

import pkgutil
import re
import sys
import weakref
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.devices import memory_errors
from benchbench.errors import ContractError, UnknownName, UsageError
from benchbench.failures import foreign_code, said
from benchbench.files import exists
from benchbench.types import FURTHER, LoadOptions, ModelFamily, Task, Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchbench.types import Model

TASKS = "benchbench.tasks"
MODELS = "benchbench.models"
ADAPTERS = "benchbench.adapters"
METHODS = "benchbench.variants"
"""The package of the methods that ship."""
PATHS = "file"
"""The family of models that are typed as a path."""
SMALLER = "The model does not fit: try --precision bf16, or --device cpu."
WEIGHTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
FOLDERS = {TASKS: (TASKS,), MODELS: (ADAPTERS, METHODS)}
"""Group of entry points → packages whose modules are scanned besides."""


def task_names() -> list[str]:
    """All names that ``load_task`` takes."""
    return sorted(_found(TASKS, "TASK"))


def load_task(name: str) -> Task:
    """The task of that name, or ``name.variant``.

    Raises:
        UnknownName: there is none; the message suggests the nearest.
        ContractError: a plugin breaks, or gives something that is no task.
    """
    there = _found(TASKS, "TASK")
    stem, dot, variant = name.rpartition(".")
    if dot and name not in there and stem in there:
        return _variant(load_task(stem), variant)
    if name not in there:
        raise UnknownName("task", name, there, "List them: benchbench list tasks")
    task = _got(there[name], f"task '{name}'")
    if not isinstance(task, Task):
        raise ContractError(f"The plugin for task '{name}' gives {task!r}, which is no task.")
    return task


def _variant(task: Task, name: str) -> Task:
    variants = task.variants if isinstance(task, Variable) else {}
    stem = task.info.name
    if name not in variants:
        some = ", ".join(f"{stem}.{each}" for each in variants) or "none"
        there = [f"{stem}.{each}" for each in variants]
        raise UnknownName("task", f"{stem}.{name}", there, f"Variants of {stem}: {some}")
    return variants[name]


def family_names() -> list[str]:
    """The prefixes that ``load_model`` takes."""
    return sorted(_found(MODELS, "FAMILY"))


def bundled_methods() -> list[str]:
    """Return the families of the methods that ship: all that a file's header may name."""
    return sorted(_scanned(METHODS, "FAMILY"))


def model_family(name: str) -> ModelFamily:
    """The model family of that name.

    Raises:
        UnknownName: there is none.
        ContractError: a plugin breaks, or gives something that is no family.
    """
    there = _found(MODELS, "FAMILY")
    if name not in there:
        raise UnknownName("model family", name, there, "List them: benchbench list models")
    family = _got(there[name], f"model '{name}'")
    if not isinstance(family, ModelFamily):
        raise ContractError(f"The plugin for model '{name}' gives {family!r}, no ModelFamily.")
    return family


def load_model(specification: str, options: LoadOptions | None = None) -> Model:
    """Load ``family:rest``, or a family that needs no more than its name.

    Raises:
        UnknownName: no such family.
        UsageError: an option that this family does not heed.
        ModelError: what the family says, or whatever else its code raises.
    """
    family, options = family_of(specification), options or LoadOptions()
    given = [name for name in FURTHER if getattr(options, name)]
    heeded = heeded_by(specification)
    if wrong := [f"--{name.replace('_', '-')}" for name in given if name not in heeded]:
        there = ", ".join(f"--{name.replace('_', '-')}" for name in FURTHER if name in heeded)
        raise UsageError(
            f"{specification} takes no {', '.join(wrong)}: it leaves nothing of that kind open. "
            f"Such options that it takes: {there or 'none'}."
        )
    with memory_errors(SMALLER), foreign_code(specification):
        model = family.load(rest_of(specification), options)
    with suppress(TypeError):  # an object that allows no weak reference
        _specifications[id(model)] = (weakref.ref(model), specification)
    return model


_specifications: dict[int, tuple[weakref.ref[Any], str]] = {}
"""Number of an object → a reference to the model that has it, and what it was loaded by."""


def specification_of(model: object) -> str | None:
    """Return what a model was loaded by in this process; None for a model made elsewhere."""
    reference, specification = _specifications.get(id(model), (None, ""))
    return specification if reference is not None and reference() is model else None


def heeded_by(specification: str) -> frozenset[str]:
    """Which of ``types.FURTHER`` make a difference to what a specification names.

    Raises:
        UnknownName: no such family.
    """
    return family_of(specification).heeds(rest_of(specification))


def rest_of(specification: str) -> str:
    """What follows the family's name; all of a path."""
    return specification if is_path(specification) else specification.partition(":")[2]


def is_path(specification: str) -> bool:
    """Whether a model is typed as a file or folder, without a family.

    >>> is_path("checkpoints/epoch_3.pt"), is_path("openclip:ViT-B-32/openai")
    (True, False)
    """
    name, colon, _ = specification.partition(":")
    return not (colon and name in _found(MODELS, "FAMILY")) and (
        specification.startswith((".", "/", "~"))
        or specification.endswith(WEIGHTS)
        or ("/" in name and exists(Path(specification)))
    )


def family_of(specification: str) -> ModelFamily:
    """The family that a model's specification names; nothing is loaded yet.

    Raises:
        UnknownName: no such family.
    """
    name, _, rest = specification.partition(":")
    there = _found(MODELS, "FAMILY")
    if is_path(specification):
        return model_family(PATHS)
    if name not in there:
        hint = (
            "Models are typed FAMILY:NAME, as openclip:ViT-B-32/openai. "
            "List them: benchbench list models"
        )
        raise UnknownName(
            "model", specification, [f"{f}:{rest}" if rest else f for f in there], hint
        )
    return model_family(name)


def _got(getter: Callable[[], Any], what: str) -> Any:
    """What a plugin gives; whatever it raises becomes one error that names it."""
    try:
        return getter()
    except (Exception, SystemExit) as error:
        raise ContractError(f"The plugin for {what} breaks: it raises {said(error)}.") from error


@cache
def _found(package: str, attribute: str) -> Mapping[str, Callable[[], Any]]:
    """Name → how to get it. Built-in modules come first: a plugin cannot take their name."""
    found: dict[str, Callable[[], Any]] = {
        point.name: point.load for point in entry_points(group=package)
    }
    for folder in FOLDERS[package]:
        found |= _scanned(folder, attribute)
    return found


@cache
def _scanned(folder: str, attribute: str) -> Mapping[str, Callable[[], Any]]:
    """Name → how to get it, of the modules of a package that assign an attribute."""
    modules = (m.name for m in pkgutil.iter_modules(_package(folder).__path__))
    return {
        name.replace("_", "-"): _getter(f"{folder}.{name}", attribute)
        for name in modules
        if _defines(f"{folder}.{name}", attribute)
    }


def _package(name: str) -> Any:
    """Return a package of ours, also out of a checkout that is on the path and not installed.

    There, what ships as ``benchbench.tasks`` lies beside ``benchbench``.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        parent, _, last = name.rpartition(".")
        beside = Path(import_module(parent).__path__[0]).parent / last
        if error.name != name or not (beside / "__init__.py").is_file():
            raise
    spec = spec_from_file_location(
        name, beside / "__init__.py", submodule_search_locations=[str(beside)]
    )
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    package = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(package)
    setattr(import_module(parent), last, package)
    return package


def _getter(path: str, attribute: str) -> Callable[[], Any]:
    return lambda: getattr(import_module(path), attribute)


def _defines(path: str, attribute: str) -> bool:
    """Whether a module assigns an attribute at its top level, read without importing it."""
    spec = find_spec(path)
    source = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
    return re.search(rf"^{attribute}\s*[:=]", source, flags=re.MULTILINE) is not None
