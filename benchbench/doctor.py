"""A diagnosis of this installation: what would break an evaluation or was never tested.

Packages that are missing, broken or end the interpreter become lines of the report
(``dependencies``).
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.cache import CACHE_VARIABLE, cache_folder
from benchbench.dependencies import (
    DISTRIBUTION,
    Package,
    TorchBuild,
    declared_packages,
    has_metadata,
    is_within,
    normalize,
    try_imports,
)
from benchbench.errors import UsageError
from benchbench.settings import read_settings
from benchbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTHONS = ("3.10", "3.13")
"""The oldest and the newest Python version that the test suite runs on."""
VARIABLES = ("BENCHBENCH_EDITION", "BENCHBENCH_DATA", CACHE_VARIABLE)
"""Environment variables that change what is evaluated, or where results are cached."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A cache folder."""

    name: str
    """The owner: ``benchbench`` or ``model hub``."""
    path: str
    """Its path; it need not exist."""
    bytes: int
    """The size of its files in bytes."""
    writable: bool
    """Whether files can be created there."""
    free: int
    """Free bytes on its disk."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem to fix, or a note."""

    breaks: bool
    """Whether it would break an evaluation; otherwise it is only a note."""
    text: str
    """The problem, and what to do: one line."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The whole report."""

    version: str
    """benchbench's version."""
    location: str
    """The folder that benchbench is imported from."""
    python: str
    """Python's version."""
    executable: str
    """Python's executable."""
    platform: str
    """The operating system and its version."""
    packages: tuple[Package, ...]
    """Dependencies, by name; those of extras last."""
    torch: TorchBuild
    """The devices that torch can use."""
    caches: tuple[Folder, ...]
    """benchbench's own cache, and the model hub's if that is known."""
    settings: str | None
    """The settings file in force; None if there is none."""
    variables: dict[str, str]
    """benchbench's environment variables that are set."""
    findings: tuple[Finding, ...]
    """Problems that break an evaluation first."""

    @property
    def healthy(self) -> bool:
        """Return whether nothing would break an evaluation."""
        return not any(each.breaks for each in self.findings)


def diagnose() -> Diagnosis:
    """Return a diagnosis of this installation; problems become findings, never errors."""
    declared, unknown = declared_packages()
    findings = [Finding(True, unknown)] if unknown else []
    packages, torch, hub = try_imports(declared)
    caches, unusable = _check_caches(hub)
    settings, unreadable = _check_settings()
    findings += [
        *unusable,
        *unreadable,
        *_check_rivals(),
        *_check_python(),
        *_check_packages(packages),
        *_check_gpu(torch),
    ]
    return Diagnosis(
        version=VERSION,
        location=str(Path(__file__).parent),
        python=platform.python_version(),
        executable=sys.executable,
        platform=platform.platform(),
        packages=packages,
        torch=torch,
        caches=caches,
        settings=settings,
        variables={name: os.environ[name] for name in VARIABLES if os.environ.get(name)},
        findings=tuple(sorted(findings, key=lambda finding: not finding.breaks)),
    )


def _check_packages(packages: Sequence[Package]) -> Iterator[Finding]:
    """Yield problems with packages, and a note on those newer than the tested versions."""
    newer = []
    for each in packages:
        named = f"{each.name} {each.installed}"
        command = f"pip install '{each.name}{each.allowed}'"
        if each.installed is None:
            if each.extra is None:
                yield Finding(True, f"{each.name} is not installed. Type: {command}")
        elif each.error is not None:
            reinstall = command.replace("install", "install --force-reinstall", 1)
            text = f"{named} cannot be imported ({each.error}). Type: {reinstall}"
            yield Finding(each.extra is None, text)
        elif each.allowed and not is_within(each.installed, each.allowed):
            text = f"{named} is outside the declared range {each.allowed}. Type: {command}"
            yield Finding(each.extra is None, text)
        elif each.tested is not None and not is_within(each.installed, f"<={each.tested}"):
            newer.append(f"{named} (tested: {each.tested})")
    if newer:
        text = f"Newer than what was tested: {', '.join(newer)}. Numbers may differ."
        yield Finding(False, text)


def _check_python() -> Iterator[Finding]:
    here = sys.version_info[:2]
    first, last = (tuple(map(int, each.split("."))) for each in PYTHONS)
    if not first <= here <= last:
        version = ".".join(map(str, here))
        text = f"Python {version} was not tested; {PYTHONS[0]} to {PYTHONS[1]} were."
        yield Finding(here < first, text)


def _check_rivals() -> Iterator[Finding]:
    """Yield other distributions that install a package named benchbench."""
    for each in metadata.distributions():
        if not has_metadata(each) or normalize(name := each.metadata["Name"]) == DISTRIBUTION:
            continue
        tops = (each.read_text("top_level.txt") or "").split()
        if "benchbench" in tops or any(file.parts[0] == "benchbench" for file in each.files or ()):
            text = (
                f"The distribution {name} {each.version} ({each.locate_file('')}) also installs a "
                f"package named benchbench, so that files of one replace the other's. Type: pip "
                f"uninstall {name} {DISTRIBUTION}, then install {DISTRIBUTION} again."
            )
            yield Finding(True, text)


def _check_gpu(torch: TorchBuild) -> Iterator[Finding]:
    if torch.build and not torch.cuda and Path("/dev/nvidiactl").exists():
        text = (
            f"This machine has an NVIDIA GPU that torch (build: {torch.build}) cannot use. Install "
            "a build of torch and torchvision for its driver."
        )
        yield Finding(False, text)


def _check_caches(hub: str | None) -> tuple[tuple[Folder, ...], list[Finding]]:
    folders, findings = [], []
    try:
        folders.append(_folder("benchbench", cache_folder()))
        if not folders[0].writable:
            text = f"The cache {folders[0].path} cannot be written. Let {CACHE_VARIABLE} name "
            findings.append(Finding(True, text + "another folder."))
    except UsageError as error:
        findings.append(Finding(True, str(error)))
    if hub is not None:
        folders.append(_folder("model hub", Path(hub)))
    return tuple(folders), findings


def _folder(name: str, path: Path) -> Folder:
    """Return a cache's size and state; if it does not exist, whether it could be created."""
    there = next(each for each in (path, *path.absolute().parents) if os.path.lexists(each))
    size = 0
    for place, _, files in os.walk(path):
        for file in files:
            try:
                size += os.lstat(os.path.join(place, file)).st_size  # noqa: PTH118 - many files
            except FileNotFoundError:  # another process has removed it
                continue
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    disk = there if there.exists() else there.parent  # ``there`` may be a broken link
    return Folder(name, str(path), size, writable, shutil.disk_usage(disk).free)


def _check_settings() -> tuple[str | None, list[Finding]]:
    try:
        path = read_settings().path
    except UsageError as error:
        return None, [Finding(True, str(error))]
    return None if path is None else str(path), []
