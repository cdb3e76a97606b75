"""Fixtures: drawn data, a tiny open_clip architecture, a cache of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchbench.types import LoadOptions
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


@pytest.fixture(scope="session")
def coco_captions() -> Path:
    """COCO's own captions; skips where they are absent."""
    path = SHARED / "coco" / "coco_karpathy_test.json"
    if not path.is_file():
        pytest.skip("no real captions beside the checkout")
    return path


@pytest.fixture
def vrd() -> Path:
    """Real photographs; skips where they are absent."""
    root = SHARED / "vrd"
    if not root.is_dir():
        pytest.skip("no real photographs beside the checkout")
    return root
