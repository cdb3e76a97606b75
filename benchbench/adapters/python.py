"""``python:MODULE:FACTORY``, ``python:FILE.py:FACTORY``: load models from the user's own code.

The module is imported and the factory is called, without a sandbox: the user chose this code.
Modules in the working directory can be imported, as with ``python -m``, and those in the file's
folder, as with ``python file.py``. Both folders are appended to ``sys.path``, so that no file there
shadows an installed package.

The factory (a function or a class) gets the ``LoadOptions`` if its first parameter is required or
is called ``options``; otherwise it gets no argument. The run's model name is that in the manifest.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.errors import BenchbenchError, ContractError, ModelError, UnknownName, UsageError
from benchbench.files import expand_path, resolve_path
from benchbench.types import (
    LOAD_EXTRAS,
    DualEncoder,
    ModelFamily,
    ModelManifest,
    PairScorer,
    RelationScorer,
    missing_members,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from benchbench.types import LoadOptions

USAGE = "python:package.module:factory, or python:path/to/file.py:factory"
PROTOCOLS: Mapping[str, type] = {
    "dual encoder": DualEncoder,
    "pair scorer": PairScorer,
    "relation scorer": RelationScorer,
}
"""Protocols, one of which a factory's result must implement."""


def load(rest: str, options: LoadOptions) -> DualEncoder:
    """Import the module, call the factory, and check its result.

    Raises:
        UsageError: ``rest`` has another form; or options for a factory without parameters.
        ModelError: there is no such module or file, or one that it imports is missing. Other
            exceptions of the user's code are not caught here.
        UnknownName: the module has no such factory.
        ContractError: the factory's result is not a model; the message lists what it lacks.
    """
    name = f"python:{rest}"
    source, colon, attribute = rest.rpartition(":")
    if not (colon and source and attribute):
        raise UsageError(f"'{name}' names no module and factory. Type {USAGE}.")
    factory = _factory(_module(source, name), attribute, name)
    model = _call(factory, options, name)
    _check(model, name)
    return model  # type: ignore[no-any-return]


def _module(source: str, name: str) -> ModuleType:
    """Import a module, from a file or by name.

    Raises:
        ModelError: there is none, or a module that it imports is missing.
    """
    is_file = source.endswith(".py") or "/" in source
    _append_to_path(Path.cwd())
    try:
        return _import_file(expand_path(source), name) if is_file else import_module(source)
    except BenchbenchError:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or not f"{source}.".startswith(f"{error.name}."):
            raise ModelError(
                f"{name}: importing '{source}' fails: {error}. Install what is missing."
            ) from error
        raise ModelError(
            f"{name}: there is no module '{error.name}' in {Path.cwd()}, nor installed for "
            f"{sys.executable}. Type {USAGE}."
        ) from error


def _import_file(path: Path, name: str) -> ModuleType:
    """Import a file as a module; the same file runs once."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(f"{name}: the file {path} {what}. Type {USAGE}.")
    path = resolve_path(path)
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    called = f"{path.stem}_{digest}"
    if called in sys.modules:
        return sys.modules[called]
    spec = spec_from_file_location(called, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{name}: {path} is not a Python file. Its name should end in .py.")
    _append_to_path(path.parent)
    module = module_from_spec(spec)
    sys.modules[called] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[called]
        raise
    return module


def _append_to_path(folder: Path) -> None:
    """Add a folder to the end of the import path."""
    if not {str(folder), ""} & set(sys.path):
        sys.path.append(str(folder))


def _factory(module: ModuleType, attribute: str, name: str) -> Callable[..., Any]:
    there = {n for n, v in vars(module).items() if callable(v) and not n.startswith("_")}
    own = {n for n in there if getattr(getattr(module, n), "__module__", "") == module.__name__}
    found = getattr(module, attribute, None)
    if found is None:
        defined = ", ".join(sorted(own)) or "no function or class of its own"
        raise UnknownName(
            "factory", attribute, own or there, f"The module of {name} has {defined}."
        )
    if not callable(found):
        raise UsageError(f"{name} is {found!r}. Name a function or class that returns a model.")
    return found  # type: ignore[no-any-return]


def _call(factory: Callable[..., Any], options: LoadOptions, name: str) -> Any:
    """Call the factory, with the options if it takes them.

    Raises:
        UsageError: options were set, and it takes none.
    """
    arguments = (options,) if _takes_options(factory) else ()
    given = [f"--{each.replace('_', '-')}" for each in LOAD_EXTRAS if getattr(options, each)]
    if given and not arguments:
        raise UsageError(
            f"{name} takes no {', '.join(given)}: its factory has no parameter. Leave it out, or "
            "give the factory a parameter 'options'."
        )
    return factory(*arguments)


def _takes_options(factory: Callable[..., Any]) -> bool:
    """Return whether the first parameter is required, or called ``options``."""
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except ValueError:  # built in, without a signature
        return True
    if not parameters or parameters[0].kind in (
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    ):
        return False
    first = parameters[0]
    return first.name == "options" or (
        first.default is inspect.Parameter.empty
        and first.kind is not inspect.Parameter.VAR_POSITIONAL
    )


def _check(model: object, name: str) -> None:
    lacking = {kind: _missing_members(model, protocol) for kind, protocol in PROTOCOLS.items()}
    nearest = min(lacking, key=lambda kind: lacking[kind][0])
    share, without = lacking[nearest]
    if share or isinstance(model, type):
        raise ContractError(
            f"{name} gives {_kind(model)}, which is neither a {' nor a '.join(PROTOCOLS)}"
            f"{f': as a {nearest} it lacks ' if without else ''}{', '.join(without)}. "
            "CONTRIBUTING.md, 'Add a model', has a complete example."
        )
    manifest: Any = getattr(model, "manifest", None)
    if not isinstance(manifest, ModelManifest):
        raise ContractError(
            f"{name}: its manifest is {_kind(manifest)}. Give it a benchbench.ModelManifest."
        )


def _missing_members(model: object, protocol: type) -> tuple[float, list[str]]:
    """Return the share of a protocol's members that a model lacks, and their names."""
    own = missing_members(model, protocol)
    share = len(own) / sum(not name.startswith("_") for name in vars(protocol))
    more = [name for name in ("device", "manifest") if not hasattr(model, name)]
    return share or float(bool(more)), list(dict.fromkeys([*own, *more]))


def _kind(thing: object) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__} (not an object of it)"
    return "None" if thing is None else f"an object of class {type(thing).__name__}"


FAMILY = ModelFamily(
    name="python",
    usage={
        "python:MODULE:FACTORY": "your own code: FACTORY(options) or FACTORY() returns the model",
        "python:FILE.py:FACTORY": "the same, from a file",
    },
    load=load,
    options=frozenset(LOAD_EXTRAS),
    module=lambda rest: _module(rest.rpartition(":")[0], f"python:{rest}"),
)
