"""Tasks and models by name: those of this package, and those of plugins by entry points.

Each module of ``benchbench.tasks`` is a task, named like its file, with a ``TASK``. The families of
models, modules with a ``FAMILY``, are listed in two tables: ``FAMILIES`` of ``benchbench.adapters``
and ``METHODS`` of ``benchbench.variants.catalogue``. Plugins use the entry-point groups
``benchbench.tasks`` and ``benchbench.models``. A module is imported when its name is loaded, and no
source is read before. Tasks are always those of the installation that this file belongs to: with a
clone in the working directory, the import system may offer those of another one.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import weakref
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.devices import memory_errors
from benchbench.errors import ContractError, UnknownName, UsageError
from benchbench.failures import describe_error, foreign_code
from benchbench.files import exists, resolve_path
from benchbench.types import LOAD_EXTRAS, LoadOptions, ModelFamily, Task, VariantTask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import ModuleType

    from benchbench.types import Model

HERE = Path(__file__).parent
TASKS = "benchbench.tasks"
"""The group of entry points, and the package of this distribution's tasks."""
MODELS = "benchbench.models"
"""The group of entry points."""
ADAPTERS, VARIANTS = "benchbench.adapters", "benchbench.variants"
"""The packages of this distribution's families."""
PATH_FAMILY = "file"
"""The family of a model that is typed as a path."""
MEMORY_ADVICE = "The model does not fit into memory: try --precision bf16, or --device cpu."
WEIGHT_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")


def task_names() -> list[str]:
    """Return all names that ``load_task`` takes."""
    return sorted(_getters(TASKS))


def load_task(name: str) -> Task:
    """Return the task of that name, or ``name.variant``.

    Raises:
        UnknownName: there is none; the message suggests the nearest.
        ContractError: a plugin breaks, or its object is not a task.
    """
    there = _getters(TASKS)
    if name.startswith("suite:"):
        raise UsageError(
            f"'{name}' is several tasks, and here one is needed: benchbench list suites"
        )
    stem, dot, variant = name.rpartition(".")
    if dot and name not in there and stem in there:
        return _variant(load_task(stem), variant)
    if name not in there:
        raise UnknownName("task", name, there, "List them: benchbench list tasks")
    task = _call_getter(there[name], f"task '{name}'")
    if not isinstance(task, Task):
        lacking = [part for part in ("info", "items") if not hasattr(task, part)]
        raise ContractError(
            f"The plugin for task '{name}' gives an object of class {type(task).__name__}, which "
            f"is not a task: it lacks {' and '.join(lacking)}."
        )
    if task.info.name != name:
        raise ContractError(
            f"The task of '{name}' calls itself '{task.info.name}' (info.name): users must type "
            f"'{name}'. Name both alike."
        )
    return task


def _variant(task: Task, name: str) -> Task:
    variants = task.variants if isinstance(task, VariantTask) else {}
    stem = task.info.name
    if name not in variants:
        some = ", ".join(f"{stem}.{each}" for each in variants) or "none"
        there = [f"{stem}.{each}" for each in variants]
        raise UnknownName("task", f"{stem}.{name}", there, f"Variants of {stem}: {some}")
    return variants[name]


def family_names() -> list[str]:
    """Return the prefixes that ``load_model`` takes."""
    return sorted(_getters(MODELS))


def bundled_methods() -> list[str]:
    """Return the families of the methods that ship: all that a file's header may name."""
    return sorted(_methods())


def model_family(name: str) -> ModelFamily:
    """Return the model family of that name.

    Raises:
        UnknownName: there is none.
        ContractError: a plugin breaks, or its object is not a family.
    """
    there = _getters(MODELS)
    if name not in there:
        raise UnknownName("model family", name, there, "List them: benchbench list models")
    family = _call_getter(there[name], f"model '{name}'")
    if not isinstance(family, ModelFamily):
        raise ContractError(
            f"The plugin for model '{name}' gives {family!r}, which is not a ModelFamily."
        )
    return family


def load_model(specification: str, options: LoadOptions | None = None) -> Model:
    """Load ``family:rest``, or a family that needs no more than its name.

    Raises:
        UnknownName: no such family.
        UsageError: the family does not support an option.
        ModelError: by the family, or for whatever else its code raises.
    """
    family, options = family_of(specification), options or LoadOptions()
    given = [name for name in LOAD_EXTRAS if getattr(options, name)]
    supported = supported_options(specification)
    if wrong := [f"--{name.replace('_', '-')}" for name in given if name not in supported]:
        there = ", ".join(
            f"--{name.replace('_', '-')}" for name in LOAD_EXTRAS if name in supported
        )
        raise UsageError(
            f"{specification} takes no {', '.join(wrong)}. Options that it takes: "
            f"{there or 'none'}."
        )
    with memory_errors(MEMORY_ADVICE), foreign_code(specification):
        model = family.load(name_within_family(specification), options)
    with suppress(TypeError):  # an object that allows no weak reference
        _specifications[id(model)] = (weakref.ref(model), specification)
    return model


_specifications: dict[int, tuple[weakref.ref[Any], str]] = {}
"""Number of an object → a reference to the model that has it, and its specification."""


def specification_of(model: object) -> str | None:
    """Return the specification of a model that this process loaded; None for any other."""
    reference, specification = _specifications.get(id(model), (None, ""))
    return specification if reference is not None and reference() is model else None


def supported_options(specification: str) -> frozenset[str]:
    """Return which of ``types.LOAD_EXTRAS`` a specification's family supports for it.

    Raises:
        UnknownName: no such family.
    """
    return family_of(specification).supported_options(name_within_family(specification))


def name_within_family(specification: str) -> str:
    """Return what follows the family's name; all of a path."""
    return specification if is_path(specification) else specification.partition(":")[2]


def is_path(specification: str) -> bool:
    """Return whether a model is typed as a file or folder, without a family.

    >>> is_path("checkpoints/epoch_3.pt"), is_path("openclip:ViT-B-32/openai")
    (True, False)
    """
    name, colon, _ = specification.partition(":")
    return not (colon and name in _getters(MODELS)) and (
        specification.startswith((".", "/", "~"))
        or specification.endswith(WEIGHT_SUFFIXES)
        or ("/" in name and exists(Path(specification)))
    )


def family_of(specification: str) -> ModelFamily:
    """Return the family that a specification names; no model is loaded.

    Raises:
        UnknownName: no such family.
    """
    name, _, rest = specification.partition(":")
    there = _getters(MODELS)
    if is_path(specification):
        return model_family(PATH_FAMILY)
    if name not in there:
        hint = (
            "Models are typed FAMILY:NAME, as openclip:ViT-B-32/openai. "
            "List them: benchbench list models"
        )
        raise UnknownName(
            "model", specification, [f"{f}:{rest}" if rest else f for f in there], hint
        )
    return model_family(name)


def _call_getter(getter: Callable[[], Any], what: str) -> Any:
    """Return a plugin's object; whatever it raises becomes one error that names it."""
    try:
        found = getter()
    except (Exception, SystemExit) as error:
        raise ContractError(
            f"The plugin for {what} breaks: it raises {describe_error(error)}."
        ) from error
    _check_installation()
    return found


@cache
def _getters(group: str) -> Mapping[str, Callable[[], Any]]:
    """Return how to get each task or model family, by name.

    Those of this package come first: a plugin cannot take their name.
    """
    own = _own_tasks if group == TASKS else _own_families
    return {point.name: point.load for point in entry_points(group=group)} | own()


def _own_tasks() -> dict[str, Callable[[], Any]]:
    names = (module.name for module in pkgutil.iter_modules(_tasks().__path__))
    return {name.replace("_", "-"): _getter(f"{TASKS}.{name}", "TASK") for name in names}


def _own_families() -> dict[str, Callable[[], Any]]:
    named = dict.fromkeys(import_module(ADAPTERS).FAMILIES, ADAPTERS)
    named |= dict.fromkeys(_methods(), VARIANTS)
    return {
        name: _getter(f"{package}.{name.replace('-', '_')}", "FAMILY")
        for name, package in named.items()
    }


def _methods() -> Collection[str]:
    methods: Collection[str] = import_module(f"{VARIANTS}.catalogue").METHODS
    return methods


def _tasks() -> ModuleType:
    """Return the package of this installation's tasks."""
    folder = _tasks_folder()
    if TASKS not in sys.modules:
        spec = spec_from_file_location(
            TASKS, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named {TASKS!r}", name=TASKS)
        package = sys.modules[TASKS] = module_from_spec(spec)
        spec.loader.exec_module(package)
        parent, _, last = TASKS.rpartition(".")
        setattr(import_module(parent), last, package)
    _check_installation()
    return sys.modules[TASKS]


def _tasks_folder() -> Path:
    """Return ``tasks/``: in this package if it is installed from a wheel, beside it in a clone.

    Raises:
        ModuleNotFoundError: there is none.
    """
    for folder in (HERE / "tasks", HERE.parent / "tasks"):
        if (folder / "__init__.py").is_file():
            return folder
    raise ModuleNotFoundError(f"No module named {TASKS!r}", name=TASKS)


def _check_installation() -> None:
    """Check that all modules of ``benchbench`` were imported from one installation.

    Raises:
        UsageError: they were not; the message names the folders.
    """
    own = (HERE, _tasks_folder())
    written, prefix = tuple(f"{folder}{os.sep}" for folder in own), f"{HERE.name}."
    for name in [name for name in sys.modules if name.startswith(prefix)]:
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or file.startswith(written):
            continue
        folder = resolve_path(Path(file)).parent  # links may lead to the same installation
        if not any(folder.is_relative_to(resolve_path(each)) for each in own):
            raise UsageError(
                f"Two installations of benchbench are mixed: benchbench is imported from {HERE}, "
                f"but {name} from {folder}. Run Python outside the clone, take the clone off "
                "PYTHONPATH, or install it: pip install -e CLONE"
            )


def _getter(path: str, attribute: str) -> Callable[[], Any]:
    return lambda: getattr(import_module(path), attribute)
