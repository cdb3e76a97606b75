"""Every command and every one of its parameters, with hostile words and files: one line, no harm.

Commands and parameters come from click's own tree: a new one is tried without a word here, unless
it needs arguments, which stand in ``SOUND``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from benchbench.engines.planning import make_plan
from benchbench.engines.plans import PlanSettings, write_plan
from benchbench.evaluation import evaluate
from benchbench.runs import write_run
from tests.analysis.example_runs import made
from tests.cli.hostile import (
    OBEYED,
    SPECIAL,
    WORDS,
    commands,
    lay_out,
    left_behind,
    on_terminal,
    problems,
    problems_of,
    typed,
)

if TYPE_CHECKING:
    from pathlib import Path

SOUND: dict[str, dict[str, str]] = {
    "eval": {
        "models": "blind:constant", "tasks": "vg-relation", "data_root": "{shapes}", "limit": "2",
        "out": "{out}/run.parquet",
    },
    "compare": {"a": "{a}", "b": "{b}"},
    "gate": {
        "candidate": "{b}", "baseline": "{a}", "conditions": "vg-relation.macro < baseline - 1pp",
    },
    "leaderboard": {"runs": "{a}"},
    "audit": {"task": "vg-relation", "data_root": "{shapes}", "out": "{out}/audits"},
    "import": {
        "results": "{files}/noise.csv", "reader": "table", "task": "vg-relation",
        "data_root": "{shapes}", "out": "{out}/imported",
    },
    "export": {"runs": "{a}", "out": "{out}/exported"},
    "report": {"runs": "{a}", "out": "{out}/report", "data_root": "{shapes}"},
    "publish": {"runs": "{a}", "to": "{out}/boards"},
    "submit": {"runs": "{a}", "board": "{out}"},
    "plot": {"runs": "{a}", "out": "{out}/plot.svg"},
    "train": {"variant": "clip", "backbone": "{files}/noise.safetensors", "out": "{out}/training"},
    "probe": {
        "path": "{files}/noise.safetensors", "task": "vg-relation", "data_root": "{shapes}",
    },
    "sweep": {
        "models": "blind:constant", "task": "vg-relation", "settings": "stop=added",
        "data_root": "{shapes}", "limit": "2", "runs": "{out}/runs",
    },
    "show run": {"path": "{a}"},
    "show rankings": {"path": "{retrieval}", "data_root": "{drawn}"},
    "show task": {"name": "vg-relation", "data_root": "{shapes}"},
    "show model": {"specification": "blind:constant"},
    "check model": {"specification": "blind:constant"},
    "check task": {"name": "vg-relation", "data_root": "{shapes}"},
    "data where": {"task": "vg-relation", "data_root": "{shapes}"},
    "data list": {"root": "{out}/root"},
    "data get": {"names": "sugarcrepe", "root": "{out}/root", "brought": "{files}"},
    "data import": {"path": "{shapes}", "names": "aro", "root": "{out}/root"},
    "data verify": {"names": "aro", "root": "{shapes}"},
    "data plan": {"file": "{out}/plan.csv", "names": "aro", "root": "{out}/root"},
    "data freeze-order": {"captions": "{files}/noise.json"},
    "data unpack": {"tables": "{files}/noise.parquet", "out": "{out}/unpacked", "name": "test"},
    "plan": {
        "models": "blind:constant", "tasks": "vg-relation", "data_root": "{shapes}", "limit": "2",
        "out": "{out}/plan.parquet",
    },
    "work": {"plan_file": "{plan}", "out": "{out}/runs"},
    "missing": {"plan_file": "{plan}", "out": "{out}/runs"},
    "merge": {"plan_file": "{plan}", "out": "{out}/runs"},
    "scenes gallery": {"count": "1", "size": "32", "out": "{out}/sheet.png"},
    "scenes export": {"out": "{out}/drawn", "parts": "vg-relation", "images": "2", "size": "32"},
}  # fmt: skip
"""Command → its parameters where none of them is hostile."""
SUFFIXES = {"a": ".parquet", "b": ".parquet", "runs": ".parquet", "path": ".parquet",
            "candidate": ".parquet", "baseline": ".parquet", "flips": ".csv", "reports": ".json",
            "pairs": ".csv", "proposals": ".json", "captions": ".json", "into": ".md",
            "tables": ".parquet", "models": ".safetensors", "specification": ".safetensors",
            "backbone": ".safetensors", "out": ".parquet", "plan_file": ".parquet",
            "quoted_files": ".toml"}  # fmt: skip
"""Parameter → what the name of its file ends with; whatever else is refused before it is opened."""
PREFIXES = {
    "models": ("hf:", "structclip:", "python:", "itm:", "lerp:blind:chance,", "openclip:"),
    "specification": ("hf:", "structclip:", "python:"),
    "backbone": ("openclip:",),
    "data": ("karpathy:",),
    "baseline": ("git:HEAD:", "git:"),
}
"""Parameter → what makes its value mean another thing."""
COMMANDS = dict(commands())


@pytest.fixture(scope="module")
def places(
    tmp_path_factory: pytest.TempPathFactory, shapes: Path, drawn_edition: Path
) -> dict[str, str]:
    """What stands for the names in braces above."""
    folder = tmp_path_factory.mktemp("hostile")
    found = {"shapes": str(shapes), "drawn": str(drawn_edition)}
    found["files"] = str(lay_out(folder / "files"))
    found["retrieval"] = str(folder / "retrieval.parquet")
    evaluate(
        "blind:constant", "coco-retrieval", data_root=drawn_edition, limit=2,
        out=found["retrieval"],
    )  # fmt: skip
    for name, accuracy in (("a", 0.5), ("b", 0.6)):
        path = write_run(made(name, accuracy, n=90), folder / f"{name}.parquet")
        found[name] = str(path)
    settings = PlanSettings(data_root=str(shapes), limit=2)
    plan = make_plan(["blind:constant"], ["vg-relation"], settings)
    found["plan"] = str(write_plan(plan, folder / "plan.parquet"))
    return found


def test_every_command_is_tried() -> None:
    needy = {
        name for name, command in COMMANDS.items() if any(each.required for each in command.params)
    }
    assert needy <= set(SOUND) <= set(COMMANDS)


def hostile(name: str, files: str) -> list[str]:
    """Return what is typed for a parameter."""
    suffix = SUFFIXES.get(name, "")
    special = [f"{files}/{kind}{suffix}" for kind in SPECIAL]
    words = [*WORDS.values(), *(f"{word}{suffix}" for word in WORDS.values() if suffix)]
    found = [*words, *special]
    return found + [f"{p}{each}" for p in PREFIXES.get(name, ()) for each in found if each]


def line(command: str, values: dict[str, str]) -> list[str]:
    """Return a command line with these values of its parameters."""
    words, behind = command.split(), []
    for each in COMMANDS[command].params:
        value = values.get(str(each.name))
        if value is None:
            continue
        if isinstance(each, click.Argument):
            behind.append(value)
        else:
            words.append(f"{each.opts[0]}={value}")
    return [*words, "--", *behind] if behind else words


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (name, str(each.name))
        for name, command in COMMANDS.items()
        for each in command.params
        if not getattr(each, "is_flag", False)
    ],
)
def test_a_parameter_is_refused_or_heeded(
    name: str, parameter: str, places: dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, tiny: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    found = []
    for number, value in enumerate(hostile(parameter, places["files"])):
        here = tmp_path / str(number)
        here.mkdir()
        sound = {key: text.format(**places, out=here) for key, text in SOUND.get(name, {}).items()}
        words = line(name, {**sound, parameter: value})
        try:
            done = typed(words)
            wrong = problems(done) + left_behind(here)
            wrong += [f"not foreseen: {done.stderr[-400:]}"] * (" raises " in done.stderr)
        except Exception as error:  # noqa: BLE001 - each is a failure, all are told
            wrong = [f"{type(error).__name__}: {error!s:.300}"]
        found += [f"{words!r:.200}\n    {each}" for each in wrong]
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def rows(places: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Each command as it should be typed, then each parameter with what a terminal would obey."""
    folder, found = tmp_path_factory.mktemp("rows"), list[list[str]]()

    def add(command: str, **hostile: str) -> None:
        here = folder / str(len(found))
        here.mkdir()
        sound = {k: text.format(**places, out=here) for k, text in SOUND.get(command, {}).items()}
        found.append(line(command, {**sound, **hostile}))

    for name in SOUND:
        add(name)
    for name, command in COMMANDS.items():
        for each in command.params:
            add(name, **{str(each.name): OBEYED})
    return found


def test_on_a_pseudo_terminal_bars_are_drawn_and_nothing_is_obeyed(
    rows: list[list[str]], tmp_path: Path
) -> None:
    wrong = [
        f"{words!r:.300}\n    {each}"
        for words, code, said in on_terminal(rows, tmp_path, terminal=True)
        for each in problems_of(code, "", said, terminal=True)
    ]
    assert not wrong, "\n".join(wrong)


def test_on_a_pipe_in_a_locale_that_says_ascii_it_is_the_same(
    rows: list[list[str]], tmp_path: Path
) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words, code, said in on_terminal(rows, tmp_path, terminal=False, **ascii_only):
        assert not problems_of(code, "", said, terminal=True), (words, said)
        if words[0] in ("compare", "leaderboard") and code == 0:
            assert not said.isascii()
            assert said.strip() == typed(words).stdout.strip()
