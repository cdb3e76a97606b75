"""The package's dependencies: declared ranges, tested versions, and what is installed and works.

Nothing is imported into this process: each dependency is imported in a process of its own, so that
one that is missing, broken or ends the interpreter becomes a line of a report.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DISTRIBUTION = "benchbench-vl"
"""The distribution's name."""
TESTED_FILE = Path(__file__).parent / "tested.txt"
"""The versions that `make test` installs; written by ``tools/lock.py``."""
MODULES = {"open-clip-torch": "open_clip", "pillow": "PIL", "hanta": "HanTa"}
"""Distribution → its module, where their names differ."""
TIMEOUT = 300.0
"""Time limit of one process of imports, in seconds."""


@dataclass(frozen=True, slots=True)
class Package:
    """A dependency."""

    name: str
    """The name of its distribution, normalised."""
    installed: str | None
    """The installed version; None if it is not installed."""
    allowed: str
    """The declared range, such as ``>=2.5``; empty if none is known."""
    tested: str | None
    """The version that `make test` installs on this Python; None if none is known."""
    extra: str | None
    """The extra that it belongs to; None for packages that every evaluation needs."""
    error: str | None
    """The error when it is imported; None if it imports, or is not installed."""


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """The devices that torch can use; all empty if it cannot be imported."""

    build: str = ""
    """``CPU``, ``CUDA 13.0`` or ``ROCm 6.4``."""
    threads: int = 0
    """The number of CPU threads."""
    cuda: tuple[str, ...] = ()
    """Names of the GPUs, in the order of their numbers."""
    mps: bool = False
    """Whether Apple's GPU is available."""


def declared_packages() -> tuple[list[Package], str]:
    """Return the dependencies for this Python, not yet imported, and a problem.

    The problem says why the declared ranges are unknown; it is an empty string if they are
    known.
    """
    tested = dict(_tested_versions())
    try:
        from packaging.requirements import Requirement

        lines = _distribution(DISTRIBUTION).requires or []
    except ImportError as error:  # a missing distribution, benchbench-vl's, is one too
        names = sorted(tested | {"packaging": ""})
        text = (
            f"The declared ranges of versions are unknown ({error}). Install "
            f"{DISTRIBUTION} with its dependencies: pip install --editable . in a checkout."
        )
        return [_package(each, "", tested, None) for each in names], text
    found = {}
    for requirement in map(Requirement, lines):
        for extra in ("", "drive", "order", "peft"):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                name = normalize(requirement.name)
                found[name] = _package(name, str(requirement.specifier), tested, extra or None)
                break
    return sorted(found.values(), key=lambda each: (each.extra or "", each.name)), ""


def _package(name: str, allowed: str, tested: dict[str, str], extra: str | None) -> Package:
    try:
        installed: str | None = _distribution(name).version
    except metadata.PackageNotFoundError:
        installed = None
    return Package(name, installed, allowed, tested.get(name), extra, None)


def _distribution(name: str) -> metadata.Distribution:
    """Return a distribution that has metadata: interrupted installations leave folders without.

    Raises:
        PackageNotFoundError: there is none.
    """
    for found in metadata.distributions(name=name):
        if has_metadata(found):
            return found
    raise metadata.PackageNotFoundError(name)


def has_metadata(found: metadata.Distribution) -> bool:
    """Return whether a distribution has metadata at all."""
    return bool(found.read_text("METADATA") or found.read_text("PKG-INFO"))


def _tested_versions() -> Iterator[tuple[str, str]]:
    """Yield name and version of the lines of ``tested.txt`` that apply to this Python."""
    for line in TESTED_FILE.read_text("utf-8").splitlines():
        requirement, _, marker = line.partition(" ; ")
        name, equals, version = requirement.partition("==")
        if equals and (not marker or _applies(marker)):
            yield normalize(name), version


def _applies(marker: str) -> bool:
    try:
        from packaging.markers import Marker
    except ImportError:  # reported with the declared ranges
        return False
    return Marker(marker).evaluate()


def normalize(name: str) -> str:
    """Return a distribution's name as normalised by the package index.

    >>> normalize("Open_CLIP.torch")
    'open-clip-torch'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def try_imports(packages: Sequence[Package]) -> tuple[tuple[Package, ...], TorchBuild, str | None]:
    """Import the installed packages; return them with errors, torch's devices, the hub's cache."""
    modules = {
        each.name: MODULES.get(each.name, each.name.replace("-", "_"))
        for each in packages
        if each.installed is not None
    }
    reports = _run_imports([*modules.values()])
    errors = {name: reports.get(module, {}).get("error") for name, module in modules.items()}
    facts = dict(reports.get("torch", {}).get("torch", {}))
    torch = TorchBuild(**{**facts, "cuda": tuple(facts["cuda"])}) if facts else TorchBuild()
    found = tuple(replace(each, error=errors.get(each.name)) for each in packages)
    return found, torch, reports.get("transformers", {}).get("hub")


CHILD_CODE = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from benchbench.dependencies import import_and_report
import_and_report(sys.argv[2:])
"""


def _run_imports(modules: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Import modules in another process; return the report of each.

    Where a process dies at a module, another process imports the modules after it.
    """
    reports: dict[str, dict[str, Any]] = {}
    while left := [module for module in modules if module not in reports]:
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter, and names from this file
                [sys.executable, "-I", "-c", CHILD_CODE, json.dumps(sys.path), *left],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
            output, end = done.stdout, f"the interpreter ended with code {done.returncode}"
        except subprocess.TimeoutExpired as expired:
            output, end = expired.stdout or b"", f"it took over {TIMEOUT:g} seconds"
        for line in output.decode("utf-8").splitlines():
            report = json.loads(line)
            reports[report["module"]] = report
        if unsaid := [module for module in left if module not in reports]:
            reports[unsaid[0]] = {"error": end}
    return reports


def import_and_report(modules: Sequence[str]) -> None:
    """Import modules in turn and write a line of JSON on each, in a process of its own."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # text that the modules print goes to standard error
    for name in modules:
        report: dict[str, Any] = {"module": name, "error": None}
        try:
            importlib.import_module(name)
            if name == "torch":
                report["torch"] = _torch()
            if name == "transformers":
                report["hub"] = importlib.import_module("huggingface_hub.constants").HF_HUB_CACHE
        except BaseException as error:  # noqa: BLE001 - a broken package may raise anything
            first = str(error).strip().split("\n", 1)[0]
            report["error"] = f"{type(error).__name__}: {first}"
        out.write(json.dumps(report) + "\n")
        out.flush()


def _torch() -> dict[str, Any]:
    """Return the fields of ``TorchBuild``."""
    import torch

    cuda, hip = torch.version.cuda, getattr(torch.version, "hip", None)
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return {
        "build": f"CUDA {cuda}" if cuda else f"ROCm {hip}" if hip else "CPU",
        "threads": torch.get_num_threads(),
        "cuda": [torch.cuda.get_device_name(number) for number in gpus],
        "mps": torch.backends.mps.is_available(),
    }


def is_within(version: str, allowed: str) -> bool:
    """Return whether a version is in a range; builds (``2.14.1+cpu``) count as their release."""
    try:
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion, Version
    except ImportError:  # reported with the declared ranges
        return True
    try:
        return SpecifierSet(allowed).contains(Version(version).public, prereleases=True)
    except InvalidVersion:
        return False
