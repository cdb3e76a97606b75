"""Digest the code and weights of a plugin's loaded model, to identify what its outputs depend on.

A plugin writes its own manifest, which may stay the same while its code or its weights change. So
the source files and the parameters are digested as well.
"""

from __future__ import annotations

import ast
import hashlib
import site
import sys
import sysconfig
import weakref
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.digests import module_sha256, tensors_of, weights_sha256
from benchbench.errors import ContractError
from benchbench.registry import family_of, name_within_family, specification_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

    from benchbench.types import Model, ModelManifest

PACKAGE = __name__.partition(".")[0]
CODE = "code_sha256"
"""The setting of a manifest that holds the digest of a plugin's source files."""
DEPTH = 4
"""How far attributes, lists and mappings of a model are searched for tensors."""


@dataclass(frozen=True, slots=True)
class Computation:
    """Everything that decides a loaded model's outputs: manifest, code and parameters."""

    manifest: ModelManifest
    """The model's, with the digest of the code, if any, among its settings."""
    is_known: bool
    """False where the code is in no file (a notebook's cell), so that a change since an interrupted
    evaluation cannot be detected."""
    parameters: str
    """SHA-256 over all tensors and arrays of the model; empty for models of this package, whose
    manifests have that digest."""

    @classmethod
    def of(cls, model: Model) -> Computation:
        """Digest a model.

        The code is the source files of the model's classes and of its factory's module, with those
        that they import from the same folder or package. For models of this package, whose version
        is part of every run, it is left out.

        Args:
            model: as loaded.

        Raises:
            ContractError: another model of this process has the same manifest and other parameters;
                or the weights changed after the manifest was written.
        """
        modules = set(_modules_of(model))
        if all(_top(module) == PACKAGE for module in modules):
            _check_unchanged(model)
            return cls(model.manifest, is_known=True, parameters="")
        code = sources_sha256(modules)
        noted = {CODE: code} if code else {}
        manifest = replace(model.manifest, settings={**model.manifest.settings, **noted})
        computation = cls(manifest, code is not None, weights_sha256(dict(_tensors(model))))
        _check_distinct(model, computation)
        return computation

    @property
    def identity(self) -> tuple[str, str]:
        """The record that differs between any two models with different outputs."""
        return self.manifest.fingerprint, self.parameters


_known: dict[str, tuple[Callable[[], object], str]] = {}
"""Fingerprint → a reference to the model that this process evaluated first, and its parameters."""


def _check_distinct(model: Model, computation: Computation) -> None:
    """Refuse a model whose fingerprint is that of another one in this process.

    One object may change what it holds (a cache of embeddings): it is not compared with itself.

    Raises:
        ContractError: two objects of one fingerprint have different parameters.
    """
    new = (_reference(model), computation.parameters)
    manifest = computation.manifest
    first, parameters = _known.setdefault(manifest.fingerprint, new)
    if parameters != computation.parameters and first() is not model:
        raise ContractError(
            f"Two models have the manifest of {manifest.name} (fingerprint "
            f"{manifest.fingerprint}), but their parameters differ. Give each manifest the digest "
            "of its own: weights_sha256=benchbench.model_digest(module)."
        )


def _check_unchanged(model: Model) -> None:
    """Refuse a model of this package whose module got other weights after it was loaded.

    What was stored of its former weights would be taken for theirs.

    Raises:
        ContractError: the weights are not those of the manifest.
    """
    from torch.nn import Module

    found = [getattr(model, name, None) for name in ("model", "module")]
    modules = [each for each in found if isinstance(each, Module)]
    known = model.manifest.weights_sha256
    if modules and all(module_sha256(module) != known for module in modules):
        raise ContractError(
            f"The weights of {model.manifest.name} changed after it was loaded: its manifest "
            "describes others. Save them to a file and evaluate that, or give the model to a "
            "benchbench.Monitor, which evaluates what it is at each step."
        )


@cache
def own_code() -> str:
    """Return the digest of this package's own source files."""
    return sources_sha256([PACKAGE]) or ""


def _reference(model: object) -> Callable[[], object]:
    """Return a weak reference, or one to nothing for an object that allows none."""
    try:
        return weakref.ref(model)
    except TypeError:
        return lambda: None


def _modules_of(model: object) -> Iterator[str]:
    """Return the names of the modules that define a model, of the caller's own code alone."""
    own = type(model).__module__
    yield own
    for each in type(model).__mro__:
        if each.__module__ != own and not _is_installed(sys.modules.get(each.__module__)):
            yield each.__module__
    if (specification := specification_of(model)) is not None:
        family = family_of(specification)
        yield getattr(family.load, "__module__", PACKAGE)
        if family.module is not None:
            yield family.module(name_within_family(specification)).__name__


def _top(module: str) -> str:
    return module.partition(".")[0]


def sources_sha256(modules: Iterable[str]) -> str | None:
    """Return the SHA-256 over the source files of modules, and over those that they import.

    Of a package all files count; of a single file, those of its folder that it imports. None where
    a module has no source file.
    """
    files: set[tuple[str, Path]] = set()
    for name in modules:
        found = _source(sys.modules.get(name))
        if found is None:
            return None
        files |= set(_own_files(name, found))
    digest = hashlib.sha256()
    contents = {(name, path.read_bytes()) for name, path in files}
    for name, content in sorted(contents):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _source(module: ModuleType | None) -> Path | None:
    """Return the Python file that a module was read from."""
    name = getattr(module, "__file__", None)
    path = Path(name) if name else None
    return path if path and path.suffix == ".py" and path.is_file() else None


def _own_files(module: str, file: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a module's package; or its own file and those that it imports."""
    parts = tuple(module.split("."))
    is_package = file.name == "__init__.py"
    place = file.parent if is_package else file.with_suffix("")
    if (is_package or len(parts) > 1) and place.parts[-len(parts) :] == parts:
        yield from _package_files(place.parents[len(parts) - 2] if len(parts) > 1 else place)
        return
    yield file.name, file
    if not _is_site(file.parent):
        yield from _local_imports(file, seen={file})


def _package_files(package: Path) -> Iterator[tuple[str, Path]]:
    """Yield every Python file of a package."""
    for path in package.rglob("*.py"):
        yield path.relative_to(package.parent).as_posix(), path


def _local_imports(file: Path, seen: set[Path]) -> Iterator[tuple[str, Path]]:
    """Yield the files of a file's own folder that it imports, directly or through one another."""
    for name in _imports(file):
        package, single = file.parent / name, file.parent / f"{name}.py"
        if single.is_file() and single not in seen:
            seen.add(single)
            yield single.name, single
            yield from _local_imports(single, seen)
        elif package.is_dir() and package not in seen:
            seen.add(package)
            yield from _package_files(package)


def _imports(file: Path) -> set[str]:
    """Return the top-level names that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {_top(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {_top(node.module)} if node.module else {a.name for a in node.names}
    return names


def _is_installed(module: ModuleType | None) -> bool:
    """Return whether a module is Python's own or lies among installed packages."""
    file = getattr(module, "__file__", None)
    return file is None or any(_is_site(parent) for parent in Path(file).parents)


def _is_site(folder: Path) -> bool:
    """Return whether a folder holds installed packages, or Python's own."""
    standard = {Path(sysconfig.get_path("stdlib")), *map(Path, site.getsitepackages())}
    return folder.name in ("site-packages", "dist-packages") or folder in standard


def _tensors(model: object) -> Iterator[tuple[str, Tensor]]:
    """Yield all dense tensors of a model, each by the path to it."""
    seen: dict[int, object] = {}  # keeps what it names alive, so that no number is used again
    waiting: list[tuple[str, Any, int]] = [("", model, 0)]
    while waiting:
        way, thing, depth = waiting.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if (found := tensors_of(thing)) is not None:
            yield from ((f"{way}.{name}", each) for name, each in found.items() if _is_dense(each))
        elif depth < DEPTH:
            waiting += [(f"{way}.{name}", each, depth + 1) for name, each in _parts(thing)]


def _is_dense(tensor: Tensor) -> bool:
    import torch

    is_plain = tensor.layout == torch.strided and not tensor.is_quantized
    return is_plain and tensor.device.type != "meta"


def _parts(thing: object) -> list[tuple[str, Any]]:
    """Return an object's attributes or elements, by name."""
    if isinstance(thing, dict):
        return [(str(name), each) for name, each in thing.items()]
    if isinstance(thing, list | tuple):
        return [(str(i), each) for i, each in enumerate(thing)]
    if isinstance(thing, type | ModuleType):
        return []
    slots = [slot for cls in type(thing).__mro__ for slot in getattr(cls, "__slots__", ())]
    held = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    return list((held | getattr(thing, "__dict__", {})).items())
