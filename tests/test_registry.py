"""Names to tasks and models."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from benchbench import registry
from benchbench.cli import main
from benchbench.errors import ContractError, UnknownName, UsageError
from benchbench.registry import load_model
from benchbench.types import Item, LoadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plugins that give nonsense, and one that takes a built-in name."""
    points = {
        registry.TASKS: [
            EntryPoint("broken", "builtins:object", registry.TASKS),
            EntryPoint("gone", "no_such_module:TASK", registry.TASKS),
            EntryPoint("vg-relation", "builtins:object", registry.TASKS),
        ],
        registry.MODELS: [EntryPoint("broken", "builtins:object", registry.MODELS)],
    }
    monkeypatch.setattr(registry, "entry_points", lambda group: points[group])
    registry._getters.cache_clear()
    yield
    registry._getters.cache_clear()


def test_tasks_and_models_are_found_by_file() -> None:
    assert "vg-relation" in registry.task_names()
    assert "openclip" in registry.family_names()


def test_names_are_found_without_reading_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [registry.task_names(), registry.family_names()]
    registry._getters.cache_clear()
    monkeypatch.setattr(registry, "entry_points", lambda group: ())
    monkeypatch.setattr(Path, "open", lambda path, *_, **__: pytest.fail(f"{path} is read"))
    assert [registry.task_names(), registry.family_names()] == before


def test_every_module_with_a_family_is_in_a_table() -> None:
    for package in (registry.ADAPTERS, registry.VARIANTS):
        folder = Path(import_module(package).__path__[0])
        own = {p.stem for p in folder.glob("*.py") if re.search(r"^FAMILY\b", p.read_text(), re.M)}
        assert {name.replace("_", "-") for name in own} <= set(registry.family_names())


def test_names_of_families_are_those_they_are_found_by() -> None:
    for name in registry.family_names():
        family = registry.model_family(name)
        assert family.name == name
        assert all(usage.partition(":")[0] == family.name for usage in family.usage)


def test_unknown_names_come_with_advice() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'vg-relation'"):
        registry.load_task("vg_relation")
    with pytest.raises(UnknownName, match="benchbench list models"):
        registry.load_model("opneclip:ViT-B-32/openai")
    with pytest.raises(UnknownName, match="Did you mean 'openclip:ViT-B-32/openai'"):
        registry.load_model("OpenCLIP:ViT-B-32/openai")
    with pytest.raises(UnknownName, match="typed FAMILY:NAME"):
        registry.load_model("ViT-B-32/openai")
    with pytest.raises(UnknownName, match="model family"):
        registry.model_family("opencilp")


@pytest.mark.usefixtures("plugin")
def test_plugins_that_give_nonsense_are_named() -> None:
    with pytest.raises(ContractError, match="task 'broken'"):
        registry.load_task("broken")
    with pytest.raises(ContractError, match="task 'gone' breaks: it raises ModuleNotFoundError"):
        registry.load_task("gone")
    with pytest.raises(ContractError, match="model 'broken'"):
        registry.load_model("broken")


@pytest.mark.usefixtures("plugin")
def test_a_broken_plugin_does_not_take_the_listings_down() -> None:
    for what in ("tasks", "models"):
        done = CliRunner().invoke(main, ["list", what])
        assert done.exit_code == 0
        assert "The plugin for" in done.stdout
        assert "vg-relation" in done.stdout or "openclip:ARCH/TAG" in done.stdout


@pytest.mark.usefixtures("plugin")
def test_plugins_cannot_take_a_built_in_name() -> None:
    assert registry.load_task("vg-relation").info.title == "VG-Relation"


class Several:
    """A task with a variant."""

    def __init__(self, name: str) -> None:
        self.info = replace(registry.load_task("winoground").info, name=name)

    @property
    def variants(self) -> dict[str, Several]:
        return {"easy": Several("several.easy")}

    def items(self, root: Path) -> list[Item]:
        return []


def test_a_variant_is_typed_after_a_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    several = Several("several")
    there = {**registry._getters(registry.TASKS), "several": lambda: several}
    monkeypatch.setattr(registry, "_getters", lambda group: there)
    assert registry.load_task("several.easy").info.name == "several.easy"
    with pytest.raises(UnknownName, match=r"Did you mean 'several\.easy'\? Variants of several: "):
        registry.load_task("several.esy")
    with pytest.raises(UnknownName, match="Variants of winoground: none"):
        registry.load_task("winoground.easy")
    with pytest.raises(UnknownName, match="List them"):
        registry.load_task("none.easy")
    listed = CliRunner().invoke(main, ["list", "tasks"]).output
    assert "several.easy" in listed


@pytest.mark.parametrize(
    "typed", ["weights.pt", "./folder", "/there/epoch_3.bin", "~/model.safetensors"]
)
def test_paths_go_to_one_family(typed: str) -> None:
    assert registry.is_path(typed)
    assert registry.name_within_family(typed) == typed


@pytest.mark.parametrize("typed", ["openclip:ViT-B-32/openai", "blind:chance", "structclip:a/b.pt"])
def test_a_family_before_a_path_keeps_it(typed: str) -> None:
    assert not registry.is_path(typed)
    assert registry.name_within_family(typed) == typed.partition(":")[2]


def test_an_option_that_a_family_does_not_heed_is_refused() -> None:
    with pytest.raises(UsageError, match="blind:chance takes no --activation, --trust-pickle"):
        load_model("blind:chance", LoadOptions(activation="gelu", trust_pickle=True))


TOP = Path(__file__).parent.parent
LOADED = """
import benchbench; from benchbench.registry import load_task, task_names
task = load_task('vg-relation')
print(benchbench.__file__, sys.modules[type(task).__module__].__file__, len(task_names()))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that is not installed."""
    place = tmp_path_factory.mktemp("clone")
    for name in ("benchbench", "tasks"):
        shutil.copytree(TOP / name, place / name, ignore=shutil.ignore_patterns("*.safetensors"))
    return place


def printed(clone: Path, code: str, finder: str = "") -> str:
    """What a program prints that has the clone first on its path, and a finder after all others."""
    site = sysconfig.get_path("purelib")
    start = f"import sys; sys.path[:0] = [{str(clone)!r}]; sys.path += {[site, *sys.path]!r}\n"
    done = subprocess.run(
        [sys.executable, "-S", "-c", start + finder + code],
        capture_output=True,
        text=True,
        check=True,
        cwd=clone,
    )
    return done.stdout


PLACES = {"benchbench": str(TOP / "benchbench"), "benchbench.tasks": str(TOP / "tasks")}
EDITABLE = f"""
from importlib.util import spec_from_file_location
class Editable:
    places = {PLACES!r}
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in cls.places:
            return spec_from_file_location(name, cls.places[name] + "/__init__.py")
sys.meta_path.append(Editable)
"""
"""As setuptools has an editable install of this repository found: after all of ``sys.path``."""


@pytest.mark.parametrize("finder", ["", EDITABLE], ids=["not installed", "another one installed"])
def test_a_clone_on_the_path_has_its_own_tasks(clone: Path, finder: str) -> None:
    package, task, count = printed(clone, LOADED, finder).split()
    assert Path(package).is_relative_to(clone)
    assert Path(task).is_relative_to(clone)
    assert int(count) == len(registry.task_names())


def test_modules_of_two_installations_are_an_error_that_names_both(clone: Path) -> None:
    code = """
import benchbench.tasks
from benchbench.errors import UsageError
try:
    benchbench.load_task("vg-relation")
except UsageError as error:
    print(error)
"""
    text = printed(clone, code, EDITABLE)
    assert "Two installations of benchbench are mixed" in text
    assert f"benchbench is imported from {clone / 'benchbench'}, " in text
    assert f"benchbench.tasks from {TOP / 'tasks'}. " in text
