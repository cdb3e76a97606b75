"""Check that a tag names the version of the code, and that the changelog has a section for it.

``python -m tools.release v0.2.0`` prints that section; exit code 1 says what is missing.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent


def main(tag: str) -> None:
    """Print the changelog of a tag, or exit with what is wrong."""
    code = (TOP / "benchbench" / "version.py").read_text("utf-8")
    print(section(tag, version_in(code), (TOP / "CHANGELOG.md").read_text("utf-8")))


def version_in(code: str) -> str:
    """Return the version that a module states."""
    match = re.search(r'^VERSION = "(.+)"$', code, flags=re.M)
    assert match, code
    return match[1]


def section(tag: str, version: str, changelog: str) -> str:
    """Return what the changelog says about the version of a tag.

    Raises:
        SystemExit: the tag is of another version, or there is no such section, or nothing in it.

    >>> section("v1.0", "1.0", "# Changelog\\n\\n## 1.0 (2030-01-01)\\n\\n- New.\\n\\n## 0.9\\n")
    '- New.'
    """
    if tag != f"v{version}":
        raise SystemExit(
            f"The tag {tag} is not v{version}, the version in benchbench/version.py. "
            "Set the version, commit, and tag that commit."
        )
    pattern = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n(.*?)(?=^## |\Z)"
    match = re.search(pattern, changelog, flags=re.M | re.S)
    if match is None or not match[1].strip():
        raise SystemExit(
            f"CHANGELOG.md says nothing under '## {version} (YYYY-MM-DD)'. "
            "Rename its section Unreleased."
        )
    return match[1].strip()


if __name__ == "__main__":
    main(sys.argv[1])
