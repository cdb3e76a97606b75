"""benchbench doctor: what is missing, broken, outside its range or in the way is named."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from benchbench import dependencies, doctor
from benchbench.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Pretend that a version of a distribution is installed, before all that is."""
    monkeypatch.syspath_prepend(tmp_path)

    def installed(name: str, version: str) -> Path:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        return folder

    return installed


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import nothing."""
    monkeypatch.setattr(dependencies, "_run_imports", lambda modules: {})


def texts(*, breaks: bool) -> str:
    """Return what was found, line by line."""
    found = doctor.diagnose().findings
    return "\n".join(finding.text for finding in found if finding.breaks is breaks)


def test_the_suites_own_installation_is_fine() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchbench", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    packages = {each["name"]: each for each in found["packages"]}
    assert {"torch", "torchvision", "open-clip-torch", "numpy", "peft"} <= packages.keys()
    for each in packages.values():
        if each["extra"] and not each["installed"]:
            continue  # of an extra that no test needs: a download, a cluster
        assert each["installed"] == metadata.version(each["name"])
        assert each["error"] is None
        assert each["tested"]
    assert packages["peft"]["extra"] == "peft"
    assert found["torch"]["threads"] > 0
    assert found["torch"]["build"].partition(" ")[0] in ("CPU", "CUDA", "ROCm")
    assert [each["name"] for each in found["caches"]] == ["benchbench", "model hub"]


def test_modules_that_fail_or_end_the_interpreter_are_named_and_the_rest_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name, code in {
        "loud_module": "print('{')",
        "failing_module": "raise OSError('libfoo.so: cannot open\\nmore')",
        "leaving_module": "raise SystemExit('now')",
        "dying_module": "import os; os._exit(7)",
    }.items():
        (tmp_path / f"{name}.py").write_text(code)
    names = ["loud_module", "failing_module", "dying_module", "leaving_module", "no_module", "json"]
    found = dependencies._run_imports(names)
    assert {name: found[name]["error"] for name in names} == {
        "loud_module": None,
        "failing_module": "OSError: libfoo.so: cannot open",
        "dying_module": "the interpreter ended with code 7",
        "leaving_module": "SystemExit: now",
        "no_module": "ModuleNotFoundError: No module named 'no_module'",
        "json": None,
    }


def test_a_module_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(dependencies, "TIMEOUT", 3.0)
    (tmp_path / "endless_module.py").write_text("import time; time.sleep(60)")
    assert dependencies._run_imports(["json", "endless_module"])["endless_module"] == {
        "error": "it took over 3 seconds"
    }


def test_a_broken_package_breaks_unless_it_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"scipy": {"error": "ImportError: a"}, "peft": {"error": "ImportError: b"}}
    monkeypatch.setattr(dependencies, "_run_imports", lambda modules: said)
    version, optional = metadata.version("scipy"), metadata.version("peft")
    assert f"scipy {version} cannot be imported (ImportError: a)" in texts(breaks=True)
    assert "pip install --force-reinstall 'scipy>=" in texts(breaks=True)
    assert f"peft {optional} cannot be imported (ImportError: b)" in texts(breaks=False)


@pytest.mark.usefixtures("quick")
def test_versions_below_the_range_break_and_newer_ones_are_noted(
    fake: Callable[[str, str], Path],
) -> None:
    fake("numpy", "1.2.0")
    fake("pandas", "999.0")
    fake("torch", f"{dict(dependencies._tested_versions())['torch']}+cpu")
    fake("scipy", "not a version")
    broken, noted = texts(breaks=True), texts(breaks=False)
    assert "numpy 1.2.0 is outside the declared range >=" in broken
    assert "scipy not a version is outside the declared range" in broken
    assert "pandas 999.0 (tested: " in noted
    assert "torch" not in broken + noted


@pytest.mark.usefixtures("quick")
def test_what_is_not_installed_is_named(
    fake: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = fake("benchbench_vl", "0.1")
    with (ours / "METADATA").open("a") as file:
        file.write("Requires-Dist: no-such-package>=3\nRequires-Dist: nor_this; extra == 'peft'\n")
    found = doctor.diagnose()
    assert [each.name for each in found.packages] == ["no-such-package", "nor-this"]
    assert (
        texts(breaks=True)
        == "no-such-package is not installed. Type: pip install 'no-such-package>=3'"
    )
    assert "nor-this" not in texts(breaks=False)


@pytest.mark.usefixtures("quick")
def test_without_the_package_that_reads_ranges_the_rest_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("packaging", "packaging.requirements", "packaging.markers"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("packaging.specifiers", "packaging.version"):
        monkeypatch.setitem(sys.modules, name, None)
    found = doctor.diagnose()
    assert {"packaging", "torch"} <= {each.name for each in found.packages}
    assert "The declared ranges of versions are unknown (" in texts(breaks=True)


@pytest.mark.usefixtures("quick")
def test_another_distribution_with_a_package_named_benchbench_is_named(
    fake: Callable[[str, str], Path],
) -> None:
    (fake("benchbench", "9.9") / "top_level.txt").write_text("benchbench\n")
    other = fake("some_leaderboard", "2.0")
    (other / "RECORD").write_text("benchbench/other.py,,\n")
    (other.parent / "benchbench").mkdir()
    (other.parent / "benchbench" / "other.py").touch()  # newer Pythons pass over missing files
    fake("benchbench_plugin", "1.0")
    broken = texts(breaks=True)
    assert "The distribution benchbench 9.9 (" in broken
    assert "The distribution some_leaderboard 2.0 (" in broken
    assert "pip uninstall benchbench benchbench-vl, then install benchbench-vl again" in broken
    assert "plugin" not in broken


@pytest.mark.usefixtures("quick")
def test_a_folder_that_an_interrupted_installation_left_is_passed_over(
    fake: Callable[[str, str], Path],
) -> None:
    there = metadata.version("numpy")
    for name in ("numpy", "benchbench", "benchbench_vl"):
        (fake(name, "0.0") / "METADATA").unlink()
    found = doctor.diagnose()
    assert {each.name: each.installed for each in found.packages}["numpy"] == there


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", ["file", "below a file", "link to nowhere"])
def test_a_cache_that_cannot_be_written_breaks(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    if kind == "link to nowhere":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.write_text("")
    monkeypatch.setenv(
        "BENCHBENCH_CACHE", str(place / "cache" if kind == "below a file" else place)
    )
    assert "cannot be written. Let BENCHBENCH_CACHE name another folder" in texts(breaks=True)


@pytest.mark.usefixtures("quick")
def test_a_cache_is_measured_and_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    (cache,) = doctor.diagnose().caches
    assert (cache.bytes, cache.writable) == (0, True)
    assert not (tmp_path / "cache").exists()
    (tmp_path / "cache" / "deep").mkdir(parents=True)
    (tmp_path / "cache" / "deep" / "file").write_bytes(b"12345")
    (cache,) = doctor.diagnose().caches
    assert cache.bytes == 5


@pytest.mark.usefixtures("quick")
def test_a_settings_file_is_named_and_a_wrong_one_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchbench.toml").write_text('edition = "scenes"\n')
    assert doctor.diagnose().settings == str(tmp_path / "benchbench.toml")
    (tmp_path / "benchbench.toml").write_text("edition =\n")
    assert "benchbench.toml is not valid TOML" in texts(breaks=True)


@pytest.mark.usefixtures("quick")
def test_the_page_ends_with_what_was_found_and_the_exit_code_says_whether_it_breaks(
    fake: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("pandas", "999.0")
    monkeypatch.setenv("BENCHBENCH_EDITION", "scenes")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 0
    assert "BENCHBENCH_EDITION=scenes" in done.output
    assert "\nNote: Newer than what was tested: pandas 999.0" in done.output
    fake("numpy", "1.2.0")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1
    assert "\nProblem: numpy 1.2.0 is outside" in done.output


@pytest.mark.parametrize(("version", "allowed"), [("3.9", (3, 9)), ("3.99", (3, 99))])
def test_another_python_is_noted(
    version: str, allowed: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", allowed)
    (finding,) = doctor._check_python()
    assert finding.text == f"Python {version} was not tested; 3.10 to 3.13 were."
    assert finding.breaks is (allowed == (3, 9))
