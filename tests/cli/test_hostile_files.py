"""Data sets, settings and folders of weights that are not what they should be: one line each."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.editions import drawn_part
from benchbench.registry import load_task, task_names
from tests.cli.hostile import OBEYED, SPECIAL, WORDS, lay_out, problems, typed
from tests.conftest import export_small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

DRAWN = {task for task in task_names() if drawn_part(load_task(task).info)}
"""Tasks whose files the drawn world has; the others' are small ones of photographs."""


def files_of_tasks() -> Iterator[tuple[str, str]]:
    """Yield tasks and annotation files: all of the drawn world's, the first of any other task."""
    for task in task_names():
        names = [file.path for file in load_task(task).info.files if not file.path.endswith("/")]
        yield from ((task, name) for name in (names if task in DRAWN else names[:1]))


ANNOTATIONS = list(files_of_tasks())
SETTINGS = [
    "a = " + "[" * 5000,
    "edition = \"\\u001b[31m\\n\"",
    'data_root = "~nosuchuser/x"',
    'data_root = "a\\u0000b"',
    f'data_root = "{"n" * 5000}"',
    f"edition = '{'n' * 5000}'",
    "edition = 1979-05-27T07:32:00Z",
    '"\\u001b[31m\\n" = 1',
    "x = " + "9" * 5000,
    "gate = 1",
    "[[gate]]\ntask = 1",
    '[[gate]]\ntask = "\\u001b[31m\\n"',
    '[[gate]]\ntask = "vg-relation"\nmargin = nan',
    '[[gate]]\ntask = "vg-relation"\nmargin = ' + "9" * 400,
    '[gate]\nbaseline = "~nosuchuser/x"',
]  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small edition with every task's files."""
    return export_small(tmp_path_factory.mktemp("all") / "drawn")


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is no file that could be read."""
    return lay_out(tmp_path_factory.mktemp("special") / "files")


@pytest.fixture
def root(
    drawn: Path,
    suites: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The files of a task, or links to them, each to be replaced."""
    monkeypatch.chdir(tmp_path)
    linked = tmp_path / "linked"
    if request.getfixturevalue("task") not in DRAWN:
        return Path(shutil.copytree(suites, linked))
    linked.mkdir()
    for path in drawn.iterdir():
        (linked / path.name).symlink_to(path)
    return linked


def evaluated(task: str, root: Path) -> Result:
    words = ["eval", "--model", "blind:constant", "--task", task, "--data-root", str(root)]
    return typed([*words, "--limit", "2", "--out", "runs", "--quiet"])


def unforeseen(done: Result) -> list[str]:
    """List what is owed, and errors that nobody foresaw."""
    return problems(done, (0, 2)) + [done.stderr[-300:]] * (" raises " in done.stderr)


@pytest.mark.parametrize(("task", "name"), ANNOTATIONS)
def test_annotations_that_are_no_file_or_no_data(
    task: str, name: str, root: Path, special: Path
) -> None:
    found = []
    for kind in SPECIAL:
        (root / name).unlink()
        (root / name).symlink_to(special / f"{kind}{Path(name).suffix}")
        done = evaluated(task, root)
        wrong = unforeseen(done) + ["accepted"] * (done.exit_code == 0)
        found += [f"{kind}: {each}" for each in wrong]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("task", "name"), [(t, n) for t, n in ANNOTATIONS if ".json" in n])
def test_names_in_annotations_are_shown_and_not_obeyed(task: str, name: str, root: Path) -> None:
    text = (root / name).read_text("utf-8")
    lines = text.splitlines()
    content = [json.loads(each) for each in lines] if name.endswith("l") else json.loads(text)
    (root / name).unlink()
    found = []
    for way in ways(content):
        for word in (OBEYED, WORDS["long"]):
            changed = replaced(content, way, word)
            rows = changed if name.endswith("l") else [changed]
            (root / name).write_text("\n".join(map(json.dumps, rows)), "utf-8")
            found += [f"{way} {word!r:.9}: {each}" for each in unforeseen(evaluated(task, root))]
    assert not found, "\n".join(found)


def ways(content: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the ways to strings, by the first of each list and of objects that are tables."""
    if isinstance(content, str):
        yield way
    if isinstance(content, dict):
        for key in list(content)[: 1 if len(content) > 20 else None]:
            yield from ways(content[key], (*way, key))
    if isinstance(content, list):
        for number, each in enumerate(content[:1]):
            yield from ways(each, (*way, number))


def replaced(content: Any, way: tuple[Any, ...], word: str) -> Any:
    """Return a copy with another word at the end of a way."""
    if not way:
        return word
    copied = content.copy()
    copied[way[0]] = replaced(content[way[0]], way[1:], word)
    return copied


@pytest.mark.parametrize("name", ["benchbench.toml", "pyproject.toml"])
def test_settings_that_are_no_file_or_no_settings(
    name: str, special: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, found = Path(name), []
    for number, text in enumerate(SETTINGS):
        path.write_text(text if name[0] == "b" else f"[tool.x]\n{text}", "utf-8")
        for words in (["data", "where", "vg-relation"], ["gate", "--candidate", "x.parquet"]):
            found += [f"{number}: {each}" for each in unforeseen(typed(words))]
    for kind in ("pipe", "device", "loop", "folder", "noise", "latin"):
        path.unlink()
        path.symlink_to(special / f"{kind}.toml")
        done = typed(["data", "where", "vg-relation"])
        found += [f"{kind}: {each}" for each in unforeseen(done)]
        found += [f"{kind}: accepted"] * (done.exit_code == 0)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "variable",
    ["BENCHBENCH_CACHE", "BENCHBENCH_DATA", "BENCHBENCH_EDITION", "GITHUB_STEP_SUMMARY"],
)
def test_variables_may_hold_anything(
    variable: str, special: Path, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = []
    base = ["eval", "--model", "blind:constant", "--task", "vg-relation", "--limit", "2"]
    told = [] if variable in ("BENCHBENCH_DATA", "BENCHBENCH_EDITION") else ["--data-root"]
    gate = ["gate", "--candidate", "none.parquet", "--baseline", "none.parquet", "--fail-if", "x"]
    words = [value for kind, value in WORDS.items() if kind not in ("empty", "surrogate")]
    for value in [*words, *(str(special / f"{kind}.md") for kind in ("pipe", "device", "folder"))]:
        monkeypatch.setenv(variable, value)
        for asked in ([*base, *told, *[str(shapes)] * len(told)], gate):
            found += [f"{value!r:.60}: {each}" for each in unforeseen(typed(asked))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("family", ["hf", "itm", "vqascore", "file", "openclip:local-dir"])
@pytest.mark.parametrize(
    "name",
    ["config.json", "open_clip_config.json", "tokenizer.json", "model.safetensors", "x.json"],
)
def test_a_folder_of_weights_with_a_pipe_is_refused(family: str, name: str, tmp_path: Path) -> None:
    for each, text in (("config.json", '{"model_type": "clip"}'), ("open_clip_config.json", "{}")):
        (tmp_path / each).write_text(text, "utf-8")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    done = typed(["show", "model", f"{family}:{tmp_path}"])
    assert not unforeseen(done), done.output
    assert done.exit_code == 2


@pytest.mark.parametrize("kind", ["deep", "latin", "pipe"])
def test_a_file_beside_a_checkpoint_is_sound_or_named(
    kind: str, special: Path, shapes: Path, tmp_path: Path
) -> None:
    from benchbench.variants.catalogue import bundled_path

    path = tmp_path / "clip.safetensors"
    shutil.copy(bundled_path("clip"), path)
    beside = path.with_name(f"{path.name}.benchbench.json")
    beside.symlink_to(special / f"{kind}.json")
    words = ["eval", "--model", str(path), "--task", "vg-relation", "--limit", "2"]
    done = typed([*words, "--data-root", str(shapes), "--out", str(tmp_path / "runs")])
    assert not unforeseen(done), done.output
    assert done.exit_code == 2
    assert beside.name in done.stderr
