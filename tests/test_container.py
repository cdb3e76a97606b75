"""The Dockerfile's steps, run without Docker: each COPY and RUN, in a folder that is the image.

Paths of the image are moved below a temporary folder. pip's installations are recorded rather than
made, but for the wheel, which is built from what the build context holds; ``useradd`` is recorded.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
IN_IMAGE = re.compile(r"(?<![\w./$])/(lock|source|tools|wheels|cache|results)\b")
PIP = """#!/bin/bash
printf '%s\\0' "$@" >> "$RECORD"; printf '\\n' >> "$RECORD"
if [[ "$1" == wheel && -z "$ONLY_RECORD" ]]; then exec "{python}" -m pip --quiet "$@"; fi
"""
USERADD = """#!/bin/bash
printf '%s\\0' useradd "$@" >> "$RECORD"; printf '\\n' >> "$RECORD"
"""


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, each on one line."""
    lines = [line for line in (TOP / "Dockerfile").read_text().splitlines() if line[:1] != "#"]
    joined = "\n".join(lines).replace("\\\n", "\n\\").split("\n")
    found: list[str] = []
    for line in joined:
        if line.startswith("\\"):
            found[-1] += f" {line[1:].strip()}"
        elif line.strip():
            found.append(line)
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in found)]


STEPS = instructions()
COPIED = [
    path
    for word, rest in STEPS
    if word == "COPY" and not rest.startswith("--from")
    for path in rest.split()[:-1]
]


def context(place: Path) -> Path:
    """What ``docker build`` sends: tracked files that ``.dockerignore`` lets through."""
    rules = [line for line in (TOP / ".dockerignore").read_text().splitlines() if line[:1] != "#"]
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=TOP, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        kept = True
        for rule in rules:
            bare = rule.removeprefix("!").removeprefix("**/")
            parents = [name, *(str(each) for each in Path(name).parents)]
            if any(fnmatch.fnmatch(each, bare) for each in parents):
                kept = rule.startswith("!")
        if kept and (TOP / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TOP / name, place / name)
    return place


class Image:
    """A folder in the place of an image's root."""

    def __init__(self, home: Path, files: Path) -> None:
        self.root, self.files, self.record = home / "root", files, home / "record"
        self.environment = {"RECORD": str(self.record), "ONLY_RECORD": ""}
        binaries = home / "bin"
        binaries.mkdir(parents=True)
        self.root.mkdir()
        self.record.touch()
        for name, text in (("pip", PIP), ("useradd", USERADD)):
            (binaries / name).write_text(text.replace("{python}", sys.executable))
            (binaries / name).chmod(0o755)
        self.path = f"{binaries}{os.pathsep}{os.environ['PATH']}"

    def moved(self, text: str) -> str:
        """Text with the image's paths below the folder."""
        return IN_IMAGE.sub(lambda match: f"{self.root}/{match[1]}", text)

    def build(self, **arguments: str) -> None:
        """Follow every instruction."""
        for word, rest in STEPS:
            if word == "ARG":
                name, _, default = rest.partition("=")
                self.environment[name] = arguments.get(name, default)
            elif word == "ENV":
                self.environment |= dict(each.split("=", 1) for each in shlex.split(rest))
            elif word == "COPY" and not rest.startswith("--from"):
                self.copy(*rest.split())
            elif word == "RUN":
                self.run(self.moved(rest))

    def copy(self, *names: str) -> None:
        *sources, target = names
        place = Path(self.moved(target))
        for name in sources:
            source = self.files / name
            if source.is_dir():
                shutil.copytree(source, place, dirs_exist_ok=True)
            else:
                into = place / source.name if target.endswith("/") else place
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, into)

    def run(self, script: str) -> None:
        environment = {**os.environ, **self.environment, "PATH": self.path}
        done = subprocess.run(
            ["/bin/sh", "-ec", script], env=environment, cwd=self.root, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"

    def recorded(self) -> list[list[str]]:
        """The commands that were recorded, word by word."""
        return [line.split("\0")[:-1] for line in self.record.read_text().splitlines()]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    home = tmp_path_factory.mktemp("image")
    found = Image(home / "cuda", context(home / "context"))
    found.build()
    return found


def test_the_context_holds_what_is_copied_and_nothing_else(image: Image) -> None:
    for name in COPIED:
        assert (image.files / name).exists(), name
    for path in image.files.rglob("*"):
        name = path.relative_to(image.files).as_posix()
        inside = any(name == each or name.startswith(f"{each}/") for each in COPIED)
        assert inside or any(each.startswith(f"{name}/") for each in COPIED), name


def test_the_wheel_that_is_built_is_whole(image: Image) -> None:
    (wheel,) = (image.root / "wheels").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = {
        path.relative_to(TOP).as_posix()
        for path in (TOP / "benchbench").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tracked <= names
    assert "benchbench/tasks/vg_relation.py" in names
    assert any(name.startswith("benchbench/audits/") for name in names)


def test_all_that_is_installed_is_locked(image: Image, tmp_path: Path) -> None:
    installs = [words for words in image.recorded() if words[0] == "install"]
    files = [Path(words[words.index("-r") + 1]).name for words in installs if "-r" in words]
    assert files == ["build.txt", "torch.txt", "run.txt"]
    for words in installs:
        assert "--no-cache-dir" in words
        assert "--require-hashes" in words or "--no-deps" in words
    (last,) = [words for words in installs if "-r" not in words]
    assert last[-1].endswith(".whl")
    locked = (TOP / "lock" / "run.txt").read_text()
    build = (image.root / "lock" / "build.txt").read_text()
    assert build in locked
    assert build.startswith("setuptools==")
    assert build.count("--hash=sha256:") == build.count("\n") - 1 > 0
    cpu = Image(tmp_path / "cpu", image.files)
    cpu.environment["ONLY_RECORD"] = "yes"
    cpu.build(TORCH_INDEX="https://example.org/cpu")
    (torch,) = [words for words in cpu.recorded() if "--index-url" in words]
    assert torch[torch.index("--index-url") + 1] == "https://example.org/cpu"
    assert Path(torch[-1]).name == "torch.in"


def test_it_runs_as_a_user_without_rights(image: Image) -> None:
    words = [word for word, _ in STEPS]
    user = dict(STEPS)["USER"]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")
    assert int(user) >= 1000
    (added,) = [words for words in image.recorded() if words[0] == "useradd"]
    assert added[added.index("--uid") + 1] == user
    for name in ("cache", "results"):
        assert (image.root / name).stat().st_mode & 0o7777 == 0o1777
    assert image.environment["BENCHBENCH_CACHE"].startswith(dict(STEPS)["VOLUME"])
    assert dict(STEPS)["ENTRYPOINT"] == '["benchbench"]'
