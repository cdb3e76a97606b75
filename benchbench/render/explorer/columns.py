"""Arrays and texts as scripts that assign to one global, which a page can load from a file.

A page that is opened from a file cannot fetch other files, but it can load scripts.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from benchbench.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CODES = {"f": "f4", "i": "i4", "u1": "u1", "u2": "u2", "u4": "u4", "b": "u1"}
"""Kind of a NumPy type, with its size for unsigned ones → type in the file, little-endian."""


def script(key: str, content: Any) -> str:
    """Return a script that stores content under a key of the page's global.

    The text is ASCII: letters of other scripts, and line separators, are escaped.

    >>> script("a", {"x": 1})
    '(window.benchbench ??= {})["a"] = {"x":1};\\n'
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return f"(window.benchbench ??= {{}})[{json.dumps(key)}] = {text};\n"


def column(array: Any) -> dict[str, str]:
    """Return an array as its type and its bytes in base64, row by row.

    Numbers of 64 bits are stored in 32.
    """
    kind = array.dtype.kind
    code = CODES[f"u{min(4, array.dtype.itemsize)}" if kind == "u" else kind]
    data = array.astype(f"<{code}").tobytes()
    return {"type": code, "data": base64.b64encode(data).decode("ascii")}


def columns(arrays: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return several arrays, each as ``column``."""
    return {name: column(array) for name, array in arrays.items()}


def numbered(texts: Sequence[str | None]) -> tuple[list[str], list[int]]:
    """Return the distinct texts, and for each text its number among them from 1; 0 for None.

    >>> numbered(["b", None, "a", "b"])
    (['b', 'a'], [1, 0, 2, 1])
    """
    numbers: dict[str, int] = {}
    found = [0 if text is None else numbers.setdefault(text, len(numbers) + 1) for text in texts]
    return list(numbers), found


def lines(texts: Sequence[str]) -> list[str]:
    """Return texts from outside, each on one line, with unsafe characters as visible escapes."""
    return [one_line(text) for text in texts]
