"""Compiled towers and channels last: the same embeddings, under another identity."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch
from click.testing import CliRunner

from benchbench.cli import main
from benchbench.errors import ModelError, UsageError
from benchbench.registry import load_model
from benchbench.types import DualEncoder, LoadOptions
from tests.adapters import tiny_hf

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def _captured_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile without its last step: graphs are traced, no code is generated."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))


def loaded(specification: str, **asked: Any) -> DualEncoder:
    model = load_model(specification, LoadOptions(**asked))
    assert isinstance(model, DualEncoder)
    return model


@pytest.fixture(params=["openclip", "hf"])
def specification(request: pytest.FixtureRequest, tiny: str, tmp_path: Path) -> str:
    if request.param == "openclip":
        return tiny
    tiny_hf.save("clip", tmp_path / "clip")
    return f"hf:{tmp_path / 'clip'}"


@pytest.mark.usefixtures("_captured_only")
@pytest.mark.parametrize("asked", [["compile"], ["channels_last"], ["compile", "channels_last"]])
def test_embeddings_are_the_same_under_another_identity(
    specification: str, asked: list[str]
) -> None:
    plain, other = loaded(specification), loaded(specification, **dict.fromkeys(asked, True))
    with torch.inference_mode():
        for n in (5, 2):
            one, two = (m.encode_images(PIXELS[:n], "scene") for m in (plain, other))
            torch.testing.assert_close(two, one, atol=1e-5, rtol=0)
    assert other.manifest.weights_sha256 == plain.manifest.weights_sha256
    assert other.manifest.fingerprint != plain.manifest.fingerprint
    assert {name for name in ("compile", "channels_last") if name in other.manifest.settings} == {
        *asked
    }


def test_channels_are_last_where_convolutions_compute(tiny: str) -> None:
    model = load_model(tiny, LoadOptions(channels_last=True))
    convolution = next(m for m in model.module.modules() if isinstance(m, torch.nn.Conv2d))  # type: ignore[union-attr]
    seen = []
    convolution.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    assert isinstance(model, DualEncoder)
    model.encode_images(PIXELS, "scene")
    for each in (seen[0], convolution.weight):
        assert each.is_contiguous(memory_format=torch.channels_last)


def test_what_cannot_be_compiled_is_one_error(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: object, inputs: object) -> None:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=broken))
    model = loaded(tiny, compile=True)
    with pytest.raises(ModelError, match=r"no C\+\+ compiler.*Leave out --compile"):
        model.encode_images(PIXELS, "scene")


def test_models_without_an_image_tower_of_torch_refuse(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--compile"):
        load_model("blind:constant", LoadOptions(compile=True))
    typed = ["eval", "--model", "blind:constant", "--task", "vg-relation", "--channels-last"]
    done = CliRunner().invoke(main, [*typed, "--data-root", str(shapes), "--out", str(tmp_path)])
    assert (done.exit_code, "--channels-last" in done.output) == (2, True)
