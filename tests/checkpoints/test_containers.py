"""What lies in a file: nothing of it is run, and each file that is no weights is one error."""

from __future__ import annotations

import io
import os
import pickle
import re
import subprocess
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchbench.checkpoints.containers import header_of, read_contents
from benchbench.errors import ModelError, WeightsUnavailable
from tests.adapters.test_file import save_legacy, save_script
from tests.cli.test_cli import typed


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.path}",))


def in_zip(payload: Payload, path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2)}, "args": payload}, path)


def in_legacy(payload: Payload, path: Path) -> None:
    save_legacy({"state_dict": {"a": torch.ones(2)}, "args": payload}, path)


def in_plain_pickle(payload: Payload, path: Path) -> None:
    path.write_bytes(pickle.dumps(payload, 2))


def in_old_pickle(payload: Payload, path: Path) -> None:
    path.write_bytes(pickle.dumps(payload, 0))


def in_new_pickle(payload: Payload, path: Path) -> None:
    path.write_bytes(pickle.dumps(payload, 5))


def in_tar(payload: Payload, path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            member, content = tarfile.TarInfo(name), pickle.dumps(payload, 2)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def in_script(payload: Payload, path: Path, record: str = "data.pkl") -> None:
    whole = path.with_suffix(".whole")
    save_script(torch.nn.Linear(2, 2), whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            mine = name.endswith(f"/{record}")
            target.writestr(name, pickle.dumps(payload, 2) if mine else source.read(name))


def in_constants(payload: Payload, path: Path) -> None:
    in_script(payload, path, "constants.pkl")


HIDING = (in_zip, in_legacy, in_plain_pickle, in_old_pickle, in_new_pickle, in_tar, in_script)


@pytest.mark.parametrize("hide", HIDING)
@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors"])
def test_a_payload_is_refused_and_never_run(tmp_path: Path, hide: Any, suffix: str) -> None:
    touched, path = tmp_path / "touched", tmp_path / f"weights{suffix}"
    hide(Payload(touched), path)
    with pytest.raises(ModelError):
        read_contents(path)
    assert not touched.exists()


def test_constants_of_an_archive_are_not_even_read(tmp_path: Path) -> None:
    in_constants(Payload(tmp_path / "touched"), tmp_path / "weights.pt")
    read_contents(tmp_path / "weights.pt")
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("hide", [in_zip, in_legacy])
def test_the_refusal_says_what_was_asked_for_and_trust_overrides(tmp_path: Path, hide: Any) -> None:
    touched, path = tmp_path / "touched", tmp_path / "weights.pt"
    hide(Payload(touched), path)
    done = typed("show", "model", path, "--arch", "ViT-B-32")
    assert done.exit_code == 2
    assert "needs posix.system" in done.stderr
    assert "--trust-pickle" in done.stderr
    assert not touched.exists()
    assert read_contents(path, trust_pickle=True).unpickled
    assert touched.exists()


def test_an_archives_refusal_names_the_global(tmp_path: Path) -> None:
    in_script(Payload(tmp_path / "touched"), tmp_path / "weights.pt")
    with pytest.raises(ModelError, match=r"TorchScript archive needs posix\.system"):
        read_contents(tmp_path / "weights.pt", trust_pickle=True)
    assert not (tmp_path / "touched").exists()


def test_a_numpy_scalar_beside_weights_is_refused_by_name(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2)}, "best": np.float64(3)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"needs numpy\.\S+scalar"):
        read_contents(tmp_path / "w.pt")
    assert read_contents(tmp_path / "w.pt", trust_pickle=True).tree["best"] == 3


def damaged(tmp_path: Path) -> dict[str, tuple[Any, str]]:
    state = {"a": torch.ones(30)}
    torch.save(state, tmp_path / "zip")
    save_legacy(state, tmp_path / "legacy")
    save_file(state, tmp_path / "safe")
    whole = {name: (tmp_path / name).read_bytes() for name in ("zip", "legacy", "safe")}
    bomb, numbers = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(100_000_000))
    np.savez(numbers, a=np.ones(3))
    return {
        "empty": (b"", "is empty"),
        "cut zip": (whole["zip"][:500], "truncated"),
        "cut legacy": (whole["legacy"][:-9], "truncated"),
        "cut safetensors": (whole["safe"][:-9], "truncated"),
        "header of safetensors": (whole["safe"][:30], "truncated"),
        "noise": (np.random.default_rng(0).bytes(3000), "truncated, damaged or of another format"),
        "text": (b"hello", "damaged or of another format"),
        "page": (b"<!DOCTYPE html>", "web page"),
        "pointer": (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        "json": (b'{"a": 1}', "JSON"),
        "bomb": (bomb.getvalue(), "would unpack to 100,000,000 bytes"),
        "npz": (numbers.getvalue(), r"not of torch\.save: it holds a\.npy"),
    }


KINDS = (
    "empty", "cut zip", "cut legacy", "cut safetensors", "header of safetensors", "noise", "text",
    "page", "pointer", "json", "bomb", "npz",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [False, True])
def test_what_is_no_weights_is_one_error(tmp_path: Path, kind: str, trust: bool) -> None:
    content, message = damaged(tmp_path)[kind]
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(ModelError, match=message) as raised:
        read_contents(tmp_path / "weights.pt", trust_pickle=trust)
    assert not re.search(r"\(\d+\)|operand", str(raised.value))


def test_every_cut_of_an_archive_is_one_error(tmp_path: Path) -> None:
    save_script(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    for end in range(1, len(whole), 97):
        (tmp_path / "cut.pt").write_bytes(whole[:end])
        with pytest.raises(ModelError):
            read_contents(tmp_path / "cut.pt")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="There is no file"):
        read_contents(tmp_path / "none.pt")
    with pytest.raises(WeightsUnavailable, match="Is a directory"):
        read_contents(tmp_path)
    assert typed("show", "model", tmp_path / "none.pt").exit_code == 2
    assert typed("show", "model", tmp_path).exit_code == 2


@pytest.mark.parametrize("tree", [[torch.ones(2)], {}, {"epoch": 3}, 7])
def test_a_file_without_weights_says_what_it_holds(tmp_path: Path, tree: Any) -> None:
    torch.save(tree, tmp_path / "weights.pt")
    done = typed("show", "model", tmp_path / "weights.pt", "--arch", "ViT-B-32")
    assert done.exit_code == 2
    assert "holds no weights, but a" in done.stderr


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (torch.eye(3).to_sparse(), "sparse_coo"),
        (torch.empty(3, device="meta"), "without data, on the device meta"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*[Ss]parse")
def test_tensors_without_values_to_copy_are_named(
    tmp_path: Path, tensor: torch.Tensor, kind: str
) -> None:
    torch.save({"a": torch.ones(2), "b": tensor}, tmp_path / "weights.pt")
    done = typed("show", "model", tmp_path / "weights.pt", "--arch", "ViT-B-32")
    assert done.exit_code == 2
    assert f"values cannot be copied as they are: b ({kind})" in done.stderr


def test_an_archives_tensors_are_torchs_own(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2)).half()
    save_script(model, tmp_path / "w.pt", numbers=7)
    read = read_contents(tmp_path / "w.pt").tree
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.jit.load(tmp_path / "w.pt").state_dict()  # type: ignore[no-untyped-call]
    assert read.keys() == loaded.keys()
    assert all(torch.equal(read[name], loaded[name]) for name in loaded)


def test_only_safetensors_have_a_header(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "a", {"key": "value"})
    torch.save({}, tmp_path / "b")
    assert header_of(tmp_path / "a") == {"key": "value"}
    assert header_of(tmp_path / "b") == {}


def test_the_payload_would_have_run(tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    in_plain_pickle(Payload(tmp_path / "touched"), tmp_path / "w.pt")
    code = f"import pickle; pickle.load(open({str(tmp_path / 'w.pt')!r}, 'rb'))"
    subprocess.run(["python3", "-c", code], check=True)
    assert (tmp_path / "touched").exists()
