"""What docs/data.md shows is what is printed."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from benchbench.cli import main
from tests.cli.test_cli import typed
from tests.conftest import SHARED

PAGE = (Path(__file__).parent.parent.parent / "docs" / "data.md").read_text("utf-8")
BLOCKS = re.findall(r"    benchbench (data [^\n]*)\n\n```\n(.*?)```", PAGE, flags=re.S)


def test_the_list_is_the_one_that_is_printed(tmp_path: Path) -> None:
    command, block = BLOCKS[0]
    done = typed(*command.split(), "--root", tmp_path / "root")
    assert done.stdout.startswith(block + "\n")


def test_the_verification_is_the_one_that_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = SHARED / "suites" / "sugarcrepe"
    if not suite.is_dir():
        pytest.skip("no annotations beside the checkout")
    root = tmp_path / ".local" / "share" / "benchbench"
    root.mkdir(parents=True)
    shutil.copytree(suite, root / "sugarcrepe")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    command, block = BLOCKS[1]
    assert typed(*command.split()).stdout.replace(str(tmp_path), "~") == block


def test_every_command_on_the_page_can_be_typed() -> None:
    lines = re.findall(r"^    benchbench (.+)$", PAGE, flags=re.M)
    assert len(lines) == 8
    for line in lines:
        command: click.Command = main
        words = shlex.split(line)
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context("", words)
