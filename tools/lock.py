"""Write ``lock/``: what `make eval`, `make test` and `make lint` install, by digest.

uv resolves once, for all platforms and for Python 3.10 and later. The result is split into parts
that are installed apart::

    lock/torch.txt          torch, torchvision and the CUDA libraries that only they need
    lock/run.txt            everything else that an evaluation needs, and setuptools to install with
    lock/dev.txt            what tests and lint need besides
    lock/docs.txt           what the site, the notebooks and a release need besides
    benchbench/tested.txt   versions of what evaluations import, without digests, for doctor

Usage: ``python tools/lock.py UV``, where UV is the path of the uv program (``make lock``).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOP = Path(__file__).parent.parent
COMPILE = (
    "pip", "compile", "--quiet", "--universal", "--python-version=3.10", "--generate-hashes",
    "--no-header", "--no-annotate", "--constraints=lock/torch.in", "pyproject.toml", "-",
)  # fmt: skip
"""The second input, from stdin, is what builds the package."""
HEADER = "# Written by make lock: do not edit.\n"
TORCH = re.compile(r"torch|torchvision|triton|nvidia-.*|cuda-.*")
"""What another build of torch replaces or does without."""


def main(uv: str) -> None:
    """Resolve, split and write."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    build = "\n".join(project["build-system"]["requires"])
    everything = resolve(uv, build, "--extra=dev", "--extra=docs", "--extra=release")
    needed, tested = resolve(uv, build).keys(), resolve(uv, build, "--extra=dev").keys()
    parts: dict[str, list[str]] = {"torch": [], "run": [], "dev": [], "docs": []}
    for name, lines in everything.items():
        part = "torch" if TORCH.fullmatch(name) else "run" if name in needed else "dev"
        part = "docs" if part == "dev" and name not in tested else part
        parts[part] += lines
    for part, lines in parts.items():
        (TOP / "lock" / f"{part}.txt").write_text(HEADER + "".join(lines), "utf-8")
    extras = project["project"]["optional-dependencies"]
    direct = [*project["project"]["dependencies"], *extras["order"], *extras["peft"]]
    versions = [bare(each) for name in direct for each in everything[normal(name)]]
    (TOP / "benchbench" / "tested.txt").write_text(HEADER + "\n".join(versions) + "\n", "utf-8")


def resolve(uv: str, build: str, *further: str) -> dict[str, list[str]]:
    """Return each package's entries (version, marker, digests), as uv prints them, by its name."""
    text = subprocess.run(
        [uv, *COMPILE, *further],
        cwd=TOP,
        input=build,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    entries: dict[str, list[str]] = {}
    for entry in re.findall(r"^\S.*\n(?:[ ].*\n)*", text, flags=re.M):
        entries.setdefault(normal(entry), []).append(entry)
    return entries


def normal(requirement: str) -> str:
    """Return the normalised name of the package that a requirement begins with.

    >>> normal("open_clip_torch>=2.30")
    'open-clip-torch'
    """
    name = re.match(r"[\w.-]*\w", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def bare(entry: str) -> str:
    r"""Return an entry's first line alone, without digests.

    >>> bare("numpy==2.2.6 ; python_full_version < '3.11' \\\n    --hash=sha256:00\n")
    "numpy==2.2.6 ; python_full_version < '3.11'"
    """
    return entry.split("\n", 1)[0].removesuffix("\\").rstrip()


if __name__ == "__main__":
    main(sys.argv[1])
