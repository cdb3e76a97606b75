"""Runs command lines in this process, which a test has put on a pseudo-terminal or a pipe.

Args:
    a JSON file: a list of command lines; another to write their exit codes to.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from benchbench.cli import main

MARK = "\n@@@ next @@@\n"


def run(arguments: list[str]) -> int:
    """Return the exit code of a command line."""
    try:
        main(arguments)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 99
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 98


if __name__ == "__main__":
    asked, answered = map(Path, sys.argv[1:])
    codes = []
    for words in json.loads(asked.read_text("utf-8")):
        os.write(1, MARK.encode())
        # As Python would have decoded them from the command line, by this locale.
        codes.append(run([os.fsdecode(word.encode("utf-8", "surrogateescape")) for word in words]))
    answered.write_text(json.dumps(codes), "utf-8")
