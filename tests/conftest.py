"""Fixtures: drawn data, a tiny open_clip architecture, a cache of the test's own."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from benchbench import registry
from benchbench.registry import load_task
from benchbench.types import DataFile, Item, LoadOptions, TaskInfo
from tests.fixture import draw, draw_sugarcrepe, draw_winoground
from tests.suites import write_all

if TYPE_CHECKING:
    from benchbench.adapters.openclip import OpenClip

settings.register_profile("benchbench", deadline=None)  # machines are shared: no timed tests
settings.load_profile("benchbench")

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("BENCHBENCH_DATA", raising=False)
    monkeypatch.delenv("BENCHBENCH_MIRROR", raising=False)
    monkeypatch.delenv("BENCHBENCH_EDITION", raising=False)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 72 drawn VG-Relation items; not to be written to."""
    return draw(tmp_path_factory.mktemp("shapes"))


@pytest.fixture
def copied(shapes: Path, tmp_path: Path) -> Path:
    """The drawn data, to be damaged."""
    return Path(shutil.copytree(shapes, tmp_path / "copied"))


@pytest.fixture(scope="session")
def drawn_edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 images of the drawn world as official files; not to be written to."""
    from benchbench.scenes.edition import export

    root = tmp_path_factory.mktemp("edition") / "drawn"
    return export(
        root,
        parts=("vg-relation", "vg-attribution", "karpathy", "scenarioclip"),
        images=20,
        size=96,
    )


@pytest.fixture(scope="session")
def flickr30k(drawn_edition: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn captions under Flickr30k's name; not to be written to."""
    root = tmp_path_factory.mktemp("flickr30k")
    return link_captions(root, drawn_edition / "coco_karpathy_test.json", "flickr30k_test.json")


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Let the standard edition be a small one."""
    from benchbench.scenes.edition import plan, reference_digests

    for name, value in (
        ("IMAGES", 10),
        ("ITEMS_PER_GROUP", 2),
        ("DENSE", 4),
        ("TRAINING", 6),
        ("SIZE", 96),
    ):
        patch.setattr(plan, name, value)
    patch.setattr(reference_digests, "known_digests", _small_digests)


def export_small(root: Path, *parts: str) -> Path:
    """Write some parts, or all, of that small standard edition."""
    from benchbench.scenes.edition import ALL_PARTS, export

    return export(root, parts=parts or ALL_PARTS, images=10, dense=4, training=6, size=96)


@lru_cache(maxsize=1)
def _small_digests() -> dict[str, str]:
    from benchbench.scenes.edition import manifest

    with TemporaryDirectory() as folder:
        said = manifest(export_small(Path(folder)))
    assert said is not None
    digests: dict[str, str] = said["digests"]
    return digests


@pytest.fixture
def small_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard edition is a small one, so that drawing it takes no time."""
    shrink(monkeypatch)


@pytest.fixture(scope="session")
def standard_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the standard edition's part for VG-Relation, drawn once for all processes.

    It is not to be written to.
    """
    from benchbench.scenes.edition import ensure_drawn

    base = tmp_path_factory.getbasetemp()  # of this process; its parent is the session's
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "standard"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHBENCH_CACHE", str(cache))
        ensure_drawn("vg-relation")
    return cache


@pytest.fixture(scope="session")
def drawn_graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 dense scenes and 60 for training in the VG150 layout; not to be written to."""
    from benchbench.scenes.edition import export

    root = tmp_path_factory.mktemp("graphs") / "drawn"
    return export(root, parts=("vg150",), dense=12, training=60, size=96)


@pytest.fixture(scope="session")
def sugarcrepe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 28 drawn SugarCrepe items; not to be written to."""
    return draw_sugarcrepe(tmp_path_factory.mktemp("sugarcrepe"))


@pytest.fixture(scope="session")
def winoground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 18 drawn Winoground items; not to be written to."""
    return draw_winoground(tmp_path_factory.mktemp("winoground"))


@pytest.fixture(scope="session")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with small files of the suites of photographs; not to be written to."""
    return write_all(tmp_path_factory.mktemp("suites"))


@pytest.fixture(scope="session")
def tiny() -> str:
    """The specification of a small untrained open_clip model; its kin are known by name too."""
    import open_clip

    open_clip.add_model_config(HERE / "architectures")
    return "openclip:tiny/untrained"


@pytest.fixture(scope="session")
def tiny_model(tiny: str) -> OpenClip:
    """The small model, loaded."""
    from benchbench.adapters.openclip import load

    return load(tiny.partition(":")[2], LoadOptions())


@pytest.fixture(scope="session")
def blip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random BLIP with a matching head; not to be written to."""
    from tests.pair_scorers import save_blip

    return save_blip(tmp_path_factory.mktemp("models") / "blip")


@pytest.fixture(scope="session")
def blip2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random BLIP-2 with a matching head; not to be written to."""
    from tests.pair_scorers import save_blip2

    return save_blip2(tmp_path_factory.mktemp("models") / "blip2")


@pytest.fixture(scope="session")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random BLIP that writes captions; not to be written to."""
    from tests.pair_scorers import save_captioner

    return save_captioner(tmp_path_factory.mktemp("models") / "captioner")


@pytest.fixture(scope="session")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random LLaVA; not to be written to."""
    from tests.pair_scorers import save_llava

    return save_llava(tmp_path_factory.mktemp("models") / "llava")


@pytest.fixture(scope="session")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random Qwen2-VL; not to be written to."""
    from tests.pair_scorers import save_qwen

    return save_qwen(tmp_path_factory.mktemp("models") / "qwen")


def link_captions(root: Path, captions: Path, name: str, images: Path | None = None) -> Path:
    """A data root whose file of captions goes by an official name."""
    (root / name).symlink_to(captions)
    images = images or captions.parent / "images"
    (root / images.name).symlink_to(images, target_is_directory=True)
    return root


@pytest.fixture(scope="session")
def coco_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """198 real photographs with COCO's captions; skips where they are absent."""
    captions = SHARED / "coco" / "coco_karpathy_test_with_photo.json"
    if not captions.is_file():
        pytest.skip("no real photographs beside the checkout")
    root, images = tmp_path_factory.mktemp("coco"), SHARED / "coco" / "images" / "val2014"
    return link_captions(root, captions, "coco_karpathy_test.json", images)


@pytest.fixture(scope="session")
def coco_texts() -> Path:
    """COCO's captions without photographs; skips where they are absent."""
    if not (SHARED / "coco" / "coco_karpathy_test.json").is_file():
        pytest.skip("no captions of real photographs beside the checkout")
    return SHARED / "coco"


@pytest.fixture(scope="session")
def flickr8k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 real photographs with 5,000 captions; skips where they are absent."""
    captions = SHARED / "flickr8k" / "flickr8k_test.json"
    if not captions.is_file():
        pytest.skip("no real photographs beside the checkout")
    return link_captions(tmp_path_factory.mktemp("flickr8k"), captions, "flickr30k_test.json")


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
    found = registry._getters
    there = {**found(registry.TASKS), "undrawn": Undrawn}
    monkeypatch.setattr(
        registry,
        "_getters",
        lambda group: there if group == registry.TASKS else found(group),
    )
    return Undrawn.info
