"""Small data sets in the official formats of the suites: one file a suite, each with a ``write``.

All go into one data root, as a user keeps them: ``write(root)`` writes the annotations of a suite,
and ``photograph`` the images that they name.
"""

from __future__ import annotations

import hashlib
import json
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def write_all(root: Path) -> Path:
    """Write every suite's files under ``root``; return it."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}").write(root)
    return root


def photograph(path: Path) -> Path:
    """Write a small image whose colours follow from its name, where there is none; return it."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = hashlib.sha256(path.name.encode()).digest()
        image = Image.new("RGB", (24, 16), tuple(seed[:3]))
        image.paste(tuple(seed[3:6]), (0, 0, 12, 16))
        image.save(path)
    return path


def dump(path: Path, content: object) -> None:
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def dump_lines(path: Path, records: list[dict[str, object]]) -> None:
    """Write a file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
