"""The package as users get it: its list of folders, a wheel elsewhere, plugins beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PLUGIN = Path(__file__).parent / "plugin"


def test_every_folder_with_code_is_listed() -> None:
    text = (TOP / "pyproject.toml").read_text()
    listed = set(re.findall(r'^    "(benchbench[\w.]*)",$', text, flags=re.M))
    there = {
        ".".join(path.parent.relative_to(TOP).parts)
        for path in (TOP / "benchbench").rglob("__init__.py")
    }
    assert listed == there | {"benchbench.tasks", "benchbench.audits"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with benchbench and the plugin, installed from wheels, without the checkout."""
    place = tmp_path_factory.mktemp("wheels")
    for number, source in enumerate((TOP, PLUGIN)):
        copy = place / f"source{number}"
        tracked = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=source,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, tracked.split("\0")):
            if (source / name).is_file() and not name.startswith("tests/"):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_bytes((source / name).read_bytes())
        pip(["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place), str(copy)])
    wheels = [str(wheel) for wheel in place.glob("*.whl")]
    assert len(wheels) == 2
    pip(["install", "--no-deps", "--no-index", "--target", str(place / "site"), *wheels])
    return place / "site"


def pip(arguments: list[str]) -> None:
    """Run pip quietly; fail with what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def python(site: Path, code: str, cwd: Path) -> str:
    """What a program prints that imports from ``site`` before all else."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_outside_the_checkout_finds_its_tasks(site: Path, tmp_path: Path) -> None:
    code = (
        "import benchbench as bb, json; task = bb.load_task('vg-relation').info;"
        "from benchbench.data.published.figure import published_figures as figures;"
        "n = len(task.metric('aro-paper').leave_out);"
        "print(json.dumps([bb.__file__, bb.task_names(), n, len(figures())]))"
    )
    file, names, left_out, quoted = json.loads(python(site, code, tmp_path))
    assert quoted > 200
    assert Path(file).is_relative_to(site)
    assert {"left-right", "vg-relation", "winoground"} <= set(names)
    assert left_out == 157


def test_the_size_of_the_wheel_is_what_the_docs_say(site: Path) -> None:
    (wheel,) = site.parent.glob("benchbench_vl-*.whl")
    text = (TOP / "docs" / "export.md").read_text("utf-8")
    (said,) = re.findall(r"The wheel has (\d+) MB", text)
    assert wheel.stat().st_size / 1e6 == pytest.approx(int(said), abs=1)


def test_a_wheel_and_a_clone_on_the_path_are_never_mixed(site: Path, tmp_path: Path) -> None:
    """In a clone's root ``python -c`` imports the clone, and a console script the wheel."""
    for name in ("benchbench", "tasks"):
        shutil.copytree(TOP / name, tmp_path / name, ignore=shutil.ignore_patterns("*.safetensors"))
    for start, place in (("", tmp_path), ("import sys; del sys.path[0]; ", site)):
        code = f"{start}import benchbench as b; t = b.load_task('vg-relation'); print(b.__file__)"
        code += "; import sys; print(sys.modules[type(t).__module__].__file__)"
        for path in python(site, code, tmp_path).split():
            assert Path(path).is_relative_to(place)


def test_a_plugin_brings_a_task_and_a_model(site: Path, tmp_path: Path) -> None:
    code = """
from pathlib import Path
from PIL import Image
import benchbench as bb
from benchbench import registry
from benchbench.testing import check_model, check_task

root = Path("data")
(root / "images").mkdir(parents=True)
for i in range(6):
    side = ("left", "right")[i % 2]
    image = Image.new("RGB", (40, 40))
    image.paste((90 + i, 90, 90), (20 * (i % 2), 0, 20 * (i % 2) + 20, 40))
    image.save(root / "images" / f"{side}-{i}.png")
check_task(bb.load_task("left-right"), root)
check_model(bb.load_model("colour-counter"))
run = bb.evaluate("colour-counter", "left-right", data_root=root)
print(bb.scorecard(run).headline.estimate.value, "colour-counter" in registry.family_names())
"""
    assert python(site, code, tmp_path).split("\n")[0] == "1.0 True"
