"""From a fresh home to a number on photographs: two commands, or one with --get."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from benchbench.datasets import names
from benchbench.datasets.names import load_dataset
from tests.cli.test_cli import refused, typed
from tests.conftest import SHARED
from tests.datasets.server import Server
from tests.datasets.small import sha


def _photographs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve SugarCrepe's files, and those of its photographs that are beside the checkout."""
    suite, photos = SHARED / "suites" / "sugarcrepe", SHARED / "coco" / "images" / "val2014"
    if not suite.is_dir() or not photos.is_dir():
        pytest.skip("no annotations and photographs beside the checkout")
    dataset = load_dataset("coco-val2017")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for path in sorted(photos.iterdir()):
            name = path.name.removeprefix("COCO_val2014_")
            file.write(path, f"val2017/{name}")
    content, n = out.getvalue(), len(list(photos.iterdir()))
    (folder,) = dataset.folders
    some = replace(folder.archives[0], size=len(content), digest=sha(content))
    small = replace(dataset, folders=(replace(folder, archives=(some,), images=n),))
    found = names._found()
    monkeypatch.setattr(names, "_found", lambda: {**found, "coco-val2017": lambda: small})
    server.serve("/s3.amazonaws.com/images.cocodataset.org/zips/val2017.zip", content)
    for each in load_dataset("sugarcrepe").files:
        place = each.sources[0].url.removeprefix("https://")
        server.serve(f"/{place}", (suite / each.path).read_bytes())
    monkeypatch.setenv("BENCHBENCH_MIRROR", server.url)


@pytest.mark.parametrize("commands", [1, 2])
def test_from_a_fresh_home_to_a_number_on_photographs(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: str, commands: int
) -> None:
    _photographs(server, monkeypatch)
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    run = ("eval", "--model", tiny, "--task", "sugarcrepe", "--on-missing", "skip")
    if commands == 2:
        done = typed("data", "get", "sugarcrepe")
        assert done.exit_code == 0, done.output
        done = typed(*run, "--edition", "official")
    else:
        done = typed(*run, "--get")
    assert done.exit_code == 0, done.output
    assert "sugarcrepe@official-2023-11-18" in done.stdout
    assert "77 items · 16 images" in done.stdout
    assert "7,434 skipped items" in done.stdout
    root = tmp_path / "home" / ".local" / "share" / "benchbench"
    assert (root / "sugarcrepe" / "val2017").readlink() == Path("../val2017")
    server.requests.clear()
    assert typed(*run, "--get", "--quiet").exit_code == 0
    assert server.requests == []


def test_coco_s_folders_are_adopted_by_their_names_and_number(tmp_path: Path) -> None:
    coco, root = tmp_path / "coco", tmp_path / "root"
    (coco / "images" / "val2017").mkdir(parents=True)
    for i in range(4_999):
        (coco / "images" / "val2017" / f"{i:012}.jpg").touch()
    assert "No file of a known data set" in refused("data", "import", coco, "--root", root)
    (coco / "images" / "val2017" / "000000999999.jpg").touch()
    done = typed("data", "import", coco, "--root", root)
    assert f"  linked  val2017/ → {coco}/images/val2017" in done.stdout
    assert (root / "val2017").readlink() == coco / "images" / "val2017"
