"""Settings files: the nearest holds, and what is wrong in one is named with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.errors import UsageError
from benchbench.settings import Settings, read_settings


def test_the_nearest_file_holds_and_ones_own_comes_first(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "pyproject.toml").write_text('[project]\nname = "another"\n[tool]\nruff = {}\n')
    (tmp_path / "pyproject.toml").write_text('[tool.benchbench]\nedition = "official"\n')
    assert read_settings(deep) == Settings(tmp_path / "pyproject.toml", edition="official")
    (tmp_path / "benchbench.toml").write_text('data_root = "photographs"\n')
    own = tmp_path / "benchbench.toml"
    assert read_settings(deep) == Settings(own, data_root=tmp_path / "photographs")
    (tmp_path / "a" / "benchbench.toml").write_text("")
    assert read_settings(deep) == Settings(tmp_path / "a" / "benchbench.toml")


def test_the_working_directory_is_where_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchbench.toml").write_text('edition = "scenes"\ndata_root = "/somewhere"\n')
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert read_settings().data_root == Path("/somewhere")
    gone.rmdir()
    assert read_settings() == Settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("edition = scenes", "benchbench.toml is not valid TOML"),
        (b"edition = '\xff'", "benchbench.toml is not valid TOML"),
        ('[benchbench]\nedition = "scenes"', "key 'benchbench'.*benchbench.toml.*edition, data_r"),
        ('editoin = "scenes"', "Did you mean 'edition'"),
        ("edition = 1", "benchbench.toml: 'edition' should be a string"),
        ('data_root = " "', "benchbench.toml: 'data_root' should be a string"),
        ("[gate]\nbaselin = 'x'", "Did you mean 'baseline'.*a check is \\[\\[gate\\]\\]"),
        ("[gate]\nfail_if = 'x'", "benchbench.toml: gate.fail_if should be a list of strings"),
        ("[gate]\nbaseline = ''", "benchbench.toml: gate.baseline should be a string"),
        ("[gate]\nchecks = 3", "benchbench.toml: 'gate' should be tables"),
        ('data_root = "~nosuchuser/x"', "cannot expand 'data_root' ~nosuchuser"),
    ],
)
def test_wrong_files_are_named_with_the_key(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "benchbench.toml").write_bytes(raw)
    with pytest.raises(UsageError, match=message):
        read_settings(tmp_path)


def test_what_is_no_table_or_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\nbenchbench = 1\n")
    with pytest.raises(UsageError, match=r"pyproject\.toml: tool\.benchbench should be a table"):
        read_settings(tmp_path)
    (tmp_path / "benchbench.toml").mkdir()
    with pytest.raises(UsageError, match=r"Cannot read .*benchbench\.toml"):
        read_settings(tmp_path)
