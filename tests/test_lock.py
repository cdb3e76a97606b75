"""The lock: digests for all that is installed, on every Python, within the declared ranges."""

from __future__ import annotations

import re
import sys
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from benchbench.dependencies import normalize
from benchbench.doctor import PYTHONS
from tools.lock import bare

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOP = Path(__file__).parent.parent
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
LAYERS = {
    part: re.findall(
        r"^\S.*\n(?:[ ].*\n)*", (TOP / "lock" / f"{part}.txt").read_text("utf-8"), re.M
    )
    for part in ("torch", "run", "dev", "docs")
}
ENTRIES = {part: [each for each in found if each[0] != "#"] for part, found in LAYERS.items()}
OLDEST, NEWEST = (int(each.partition(".")[2]) for each in PYTHONS)
MACHINES = [
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
]


def environments() -> list[dict[str, str]]:
    """Return what markers are evaluated in: every Python on every kind of machine."""
    return [
        {**machine, "python_version": f"3.{minor}", "python_full_version": f"3.{minor}.9"}
        for minor in range(OLDEST, NEWEST + 1)
        for machine in MACHINES
    ]


def pinned(parts: tuple[str, ...], environment: dict[str, str]) -> dict[str, Version]:
    """Return each package's version in an environment; fail where there are two."""
    found: dict[str, Version] = {}
    for entry in chain.from_iterable(ENTRIES[part] for part in parts):
        requirement = Requirement(bare(entry))
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert requirement.name not in found
            found[requirement.name] = Version(str(requirement.specifier).removeprefix("=="))
    return found


def declared(extra: str | None) -> list[Requirement]:
    """Return requirements of the project or of an extra, and of the extras that it names."""
    lines = EXTRAS[extra] if extra else PROJECT["project"]["dependencies"]
    found = []
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["project"]["name"]:
            found += [each for name in requirement.extras for each in declared(name)]
        else:
            found.append(requirement)
    return found


@pytest.mark.parametrize("environment", environments(), ids=lambda each: "-".join(each.values()))
@pytest.mark.parametrize(
    ("parts", "requirements"),
    [
        (
            ("torch", "run"),
            [*declared(None), *map(Requirement, PROJECT["build-system"]["requires"])],
        ),
        (("torch", "run", "dev"), [*declared("test"), *declared("dev")]),
        (("torch", "run", "dev", "docs"), [*declared("docs"), *declared("release")]),
    ],
    ids=["eval", "test", "docs"],
)
def test_all_that_is_declared_is_locked_within_its_range(
    parts: tuple[str, ...], requirements: list[Requirement], environment: dict[str, str]
) -> None:
    locked = pinned(parts, environment)
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert locked[normalize(requirement.name)] in requirement.specifier, requirement


def test_every_entry_has_digests_and_no_address() -> None:
    for entry in chain.from_iterable(ENTRIES.values()):
        assert re.fullmatch(r"[^\n]+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", entry), entry
        assert "//" not in entry


def test_torch_is_the_pair_that_is_chosen_and_lies_apart() -> None:
    chosen = (TOP / "lock" / "torch.in").read_text("utf-8").splitlines()
    pair = {each for each in chosen if not each.startswith("#")}
    assert {bare(each) for each in ENTRIES["torch"] if each.startswith("torch")} == pair
    for entry in chain(ENTRIES["run"], ENTRIES["dev"], ENTRIES["docs"]):
        assert not entry.startswith(("nvidia-", "cuda-", "torch", "triton"))


def test_what_doctor_compares_with_is_what_is_locked() -> None:
    locked = {bare(each) for each in chain.from_iterable(ENTRIES.values())}
    lines = (TOP / "benchbench" / "tested.txt").read_text("utf-8").splitlines()
    told = {each for each in lines if not each.startswith("#")}
    assert told <= locked
    names = {
        normalize(each.name) for each in [*declared(None), *declared("order"), *declared("peft")]
    }
    assert {Requirement(each).name for each in told} == names


def test_tested_pythons_are_those_of_the_metadata() -> None:
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"
