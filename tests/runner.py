"""What runs the steps of an action or a job here: GitHub's rules, as far as our files need them.

Expressions are replaced everywhere but in scripts, which must have none; a step's script is a file
that bash runs as the runner would; outputs come back through files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).parent.parent
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
BENCHBENCH = """#!/bin/bash
printf '%s\\n' "$@" >> "$RECORD"
if [[ "$1" == eval ]]; then
  while [[ $# -gt 1 ]]; do
    case "$1" in --task) task="$2" ;; --out) out="$2" ;; esac
    shift
  done
  mkdir -p "$out/$task@scenes-v2" && exec cp "$MADE/$task.parquet" "$out/$task@scenes-v2/"
fi
if [[ -n "$ONLY_RECORD" ]]; then exit 0; fi
exec "{python}" -m benchbench "$@"
"""
"""Evaluating copies a run from $MADE."""
PYTHON = """#!/bin/bash
if [[ "$1 $2" == "-m pip" ]]; then printf '%s\\n' "$@" >> "$RECORD"; exit 0; fi
exec "{python}" "$@"
"""
MAKE = """#!/bin/bash
printf 'make %s\\n' "$@" >> "$RECORD"
"""
OTHERS = {
    "actions/checkout",
    "actions/deploy-pages",
    "actions/setup-python",
    "actions/upload-pages-artifact",
    "pypa/gh-action-pypi-publish",
}
"""Actions of others that need not do anything here."""


def read(name: str) -> Any:
    """A YAML file of the repository."""
    return yaml.safe_load((TOP / name).read_text("utf-8"))


def scripts(tree: Any) -> list[str]:
    """Every ``run`` below."""
    if isinstance(tree, dict):
        here = [tree["run"]] if isinstance(tree.get("run"), str) else []
        return here + [script for each in tree.values() for script in scripts(each)]
    return [script for each in tree for script in scripts(each)] if isinstance(tree, list) else []


@dataclass
class Done:
    """What became of steps."""

    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    said: str = ""
    recorded: list[str] = field(default_factory=list)
    """What pip and benchbench were given, a line an argument."""


class Runner:
    """A machine with a workspace."""

    def __init__(self, home: Path, workspace: Path, **environment: str) -> None:
        """Lay out its folders; ``environment`` is what the job sets."""
        self.workspace, self.files = workspace, home / "files"
        self.artifact = home / "artifact"
        binaries = home / "bin"
        for folder in (self.workspace, self.files, binaries):
            folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("benchbench", BENCHBENCH), ("make", MAKE), ("python", PYTHON)):
            (binaries / name).write_text(text.replace("{python}", sys.executable))
            (binaries / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "CI": "true",
            "RECORD": str(self.files / "record"),
            "ONLY_RECORD": "",
            **environment,
        }

    def bash(self, script: str, shell: str, cwd: Path, more: dict[str, str]) -> tuple[int, str]:
        """Run a script from a file, as runners do."""
        assert not EXPRESSION.search(script), "an expression in a script could be code"
        file = self.files / "script.sh"
        file.write_text(script, "utf-8")
        done = subprocess.run(
            [*shell.split(), str(file)],
            cwd=cwd,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def action(self, name: str, given: dict[str, str]) -> Done:
        """Run a composite action's steps."""
        action = read(name)
        assert set(given) <= set(action["inputs"]), "unknown inputs"
        needed = {name for name, each in action["inputs"].items() if each.get("required")}
        assert needed <= set(given)
        known = {f"inputs.{n}": given.get(n, e.get("default")) for n, e in action["inputs"].items()}
        done = self.steps(action["runs"]["steps"], {**known, "github.action_path": str(TOP)})
        step = dict(done.outputs)
        known = {f"steps.gate.outputs.{name}": value for name, value in step.items()}
        done.outputs = {
            name: _expanded(each["value"], known) for name, each in action["outputs"].items()
        }
        return done

    def steps(self, steps: list[dict[str, Any]], known: dict[str, Any]) -> Done:
        """Run steps until one fails, and those behind it that run always."""
        done = Done()
        for step in steps:
            if done.code and "always()" not in step.get("if", ""):
                continue
            if not _holds(step.get("if", "success()"), known):
                continue
            code = self._step(step, known, done)
            done.code = done.code or code
        for name, file in (("summary", "summary"), ("recorded", "record")):
            path = self.files / file
            text = path.read_text("utf-8") if path.exists() else ""
            setattr(done, name, text if name == "summary" else text.splitlines())
        return done

    def _step(self, step: dict[str, Any], known: dict[str, Any], done: Done) -> int:
        if "uses" in step:
            return self._used(step["uses"].partition("@")[0], step.get("with", {}), done)
        env = {name: _expanded(value, known) for name, value in step.get("env", {}).items()}
        written = self.files / "output"
        written.unlink(missing_ok=True)
        runner = {
            "GITHUB_OUTPUT": str(written),
            "GITHUB_STEP_SUMMARY": str(self.files / "summary"),
            "GITHUB_WORKSPACE": str(self.workspace),
        }
        explicit = step.get("shell") == "bash"
        shell = "bash --noprofile --norc -eo pipefail" if explicit else "bash -e"
        cwd = self.workspace / _expanded(step.get("working-directory", "."), known)
        code, said = self.bash(step["run"], shell, cwd, {**env, **runner})
        done.said += said
        for line in written.read_text("utf-8").splitlines() if written.exists() else ():
            name, _, value = line.partition("=")
            done.outputs[name] = value
        return code

    def _used(self, name: str, given: dict[str, Any], done: Done) -> int:
        """An action of somebody else's, or ours."""
        if name.endswith("/upload-artifact"):
            for path in given["path"].split():
                if (self.workspace / path).exists():
                    shutil.copytree(self.workspace / path, self.artifact / path)
        elif name.endswith("/download-artifact"):
            shutil.copytree(self.artifact, self.workspace, dirs_exist_ok=True)
        elif name == "./" or name.endswith("/benchbench"):
            found = self.action("action.yml", given)
            done.said += found.said
            return found.code
        else:
            assert name in OTHERS, name
        return 0


def _expanded(text: str, known: dict[str, Any]) -> str:
    return EXPRESSION.sub(lambda match: str(known.get(match[1], "")), text)


def _holds(condition: str, known: dict[str, Any]) -> bool:
    """Whether a step runs: ``NAME != 'text'``, or always, or where nothing has failed."""
    bare = EXPRESSION.sub(r"\1", condition)
    if bare in ("always()", "success()"):
        return True
    match = re.fullmatch(r"(\S+) (==|!=) '(.*)'", bare)
    assert match, f"cannot read the condition {condition}"
    return (str(known.get(match[1], "")) == match[3]) is (match[2] == "==")
