"""Fixtures: drawn data, a tiny open_clip architecture, a cache of the test's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchbench import registry
from benchbench.registry import load_task
from benchbench.types import DataFile, Item, LoadOptions, TaskInfo
from tests.fixture import draw, draw_sugarcrepe, draw_winoground

if TYPE_CHECKING:
    from benchbench.models.openclip import OpenClip

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("BENCHBENCH_DATA", raising=False)
    monkeypatch.delenv("BENCHBENCH_EDITION", raising=False)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 72 drawn VG-Relation items; not to be written to."""
    return draw(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="session")
def drawn_edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 pictures of the drawn world as official files; not to be written to."""
    from benchbench.scenes.edition import export

    root = tmp_path_factory.mktemp("edition") / "drawn"
    return export(root, parts=("aro", "karpathy"), images=20, size=96)


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Let the standard edition be a small one."""
    from benchbench.scenes.edition import plan

    for name, value in (("IMAGES", 10), ("DENSE", 4), ("TRAINING", 6), ("SIZE", 96)):
        patch.setattr(plan, name, value)


@pytest.fixture
def small_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard edition is a small one, so that drawing it takes no time."""
    shrink(monkeypatch)


@pytest.fixture(scope="session")
def standard_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the standard edition's part for ARO's tasks; not to be written to."""
    from benchbench.scenes.edition import keep

    cache = tmp_path_factory.mktemp("standard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHBENCH_CACHE", str(cache))
        keep("aro")
    return cache


@pytest.fixture(scope="session")
def sugarcrepe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 28 drawn SugarCrepe items; not to be written to."""
    return draw_sugarcrepe(tmp_path_factory.mktemp("sugarcrepe"))


@pytest.fixture(scope="session")
def winoground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 18 drawn Winoground items; not to be written to."""
    return draw_winoground(tmp_path_factory.mktemp("winoground"))


@pytest.fixture(scope="session")
def tiny() -> str:
    """The specification of a small untrained open_clip model; its kin are known by name too."""
    import open_clip

    open_clip.add_model_config(HERE / "architectures")
    return "openclip:tiny/untrained"


@pytest.fixture(scope="session")
def tiny_model(tiny: str) -> OpenClip:
    """The small model, loaded."""
    from benchbench.models.openclip import load

    return load(tiny.partition(":")[2], LoadOptions())


@pytest.fixture
def vrd() -> Path:
    """Real photographs; skips where they are absent."""
    root = SHARED / "vrd"
    if not root.is_dir():
        pytest.skip("no real photographs beside the checkout")
    return root


class Undrawn:
    """A task whose files the drawn world does not have."""

    info = replace(
        load_task("winoground").info,
        name="undrawn",
        files=(DataFile("undrawn.jsonl", "items", "nowhere"), DataFile("images/", "", "nowhere")),
    )

    def items(self, root: Path) -> list[Item]:
        raise NotImplementedError


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> TaskInfo:
    """That task, found by its name; its card."""
    found = registry._found
    there = {**found(registry.TASKS, "TASK"), "undrawn": Undrawn}
    monkeypatch.setattr(
        registry,
        "_found",
        lambda package, name: there if package == registry.TASKS else found(package, name),
    )
    return Undrawn.info
