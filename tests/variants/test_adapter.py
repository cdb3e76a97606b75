from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import open_clip
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError

from benchbench.errors import ModelError, UnknownName, WeightsUnavailable
from benchbench.registry import load_model
from benchbench.testing import check_model
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.plan import Plan
from benchbench.training.running import build_for, record_of
from benchbench.types import DualEncoder, LoadOptions
from benchbench.variants import towers, weights
from benchbench.variants.catalogue import variant, variants
from benchbench.variants.variant import shipped_weights

if TYPE_CHECKING:
    from pathlib import Path


def write(name: str, path: Path, **changes: Any) -> Path:
    """Weights of a variant as training writes them."""
    plan = Plan(name)
    build = build_for(variant(name), plan)
    record = record_of(plan, variant(name), build, DrawnWorld(), "cpu")
    record |= {"step": 0, "seconds": 0.0, "validation": {"mean": 0.0}} | changes
    return weights.write(path, shipped_weights(build.model), record)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    for name in ("clip", "structclip"):
        write(name, folder / f"{name}.safetensors")
    return folder


@pytest.mark.parametrize("name", ["clip", "structclip"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_checkpoint_keeps_the_contract(folder: Path, name: str, precision: Any) -> None:
    model = load_model(f"{name}:{folder / name}.safetensors", LoadOptions(precision=precision))
    check_model(model)
    assert isinstance(model, DualEncoder)
    assert model.manifest.settings["variant"] == name
    assert model.similarity == ("dot" if name == "structclip" else "cosine")


def test_a_trial_says_so_above_every_number(tmp_path: Path) -> None:
    plan = Plan("clip").record() | {"batch": 64, "seed": 3}
    few = load_model(f"clip:{write('clip', tmp_path / 'few.safetensors', plan=plan, step=10)}")
    many = load_model(f"clip:{write('clip', tmp_path / 'many.safetensors', plan=plan, step=3000)}")
    assert "trained on 640 examples" in few.manifest.settings["note"]
    assert few.manifest.settings["training"] == "640 examples in 10 steps, seed 3"
    assert "note" not in many.manifest.settings


def test_open_clip_embeds_as_the_adapter_does(folder: Path, tmp_path: Path) -> None:
    ours = load_model(f"clip:{folder / 'clip'}.safetensors")
    assert isinstance(ours, DualEncoder)
    tensors, record = weights.read(folder / "clip.safetensors")
    plain = weights.write(tmp_path / "plain.safetensors", weights.tower_weights(tensors), record)
    towers.register()
    theirs, _, transform = open_clip.create_model_and_transforms(
        towers.NAME,
        pretrained=str(plain),
        image_mean=(0.5,) * 3,
        image_std=(0.25,) * 3,
        image_resize_mode="squash",
    )
    assert load_model(f"clip:{plain}").manifest.weights_sha256 == ours.manifest.weights_sha256
    image = Image.effect_noise((90, 60), 80).convert("RGB")
    assert torch.equal(ours.transform(image), transform(image))
    ids = open_clip.get_tokenizer(towers.NAME)(["a red dog", "two cats"])
    with torch.inference_mode():
        texts = ours.encode_texts(ours.tokenize(["a red dog", "two cats"]), "scene")
        images = ours.encode_images(ours.transform(image)[None], "scene")
        theirs.eval()
        wanted_images = theirs.encode_image(transform(image)[None], normalize=True)
        assert torch.allclose(texts, theirs.encode_text(ids, normalize=True), atol=1e-5)
    assert torch.allclose(images, wanted_images, atol=1e-5)


def test_a_caption_of_no_known_form_is_embedded_by_the_text_tower_alone(folder: Path) -> None:
    model = load_model(f"structclip:{folder / 'structclip'}.safetensors")
    assert isinstance(model, DualEncoder)
    with torch.inference_mode():
        lengths = model.encode_texts(
            model.tokenize(["hello world", "the dog is chasing the cat"]), "scene"
        ).norm(dim=-1)
    assert lengths[0].item() == pytest.approx(1, abs=1e-5)
    assert lengths[1].item() != pytest.approx(1, abs=1e-3)


def damaged(folder: Path, kind: str) -> Path:
    """A file with something wrong."""
    whole, path = (folder / "clip.safetensors").read_bytes(), folder / f"{kind}.safetensors"
    size = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8 : 8 + size])
    if kind == "truncated":
        path.write_bytes(whole[:-1000])
    elif kind == "corrupt":
        path.write_bytes(b"\xff" * 64)
    elif kind == "foreign":
        weights.write(path, {"w": torch.zeros(2)}, {"some": "thing"})
    elif kind == "plain":
        del header["__metadata__"]
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + size :])
    elif kind == "listed":
        weights.write(path, weights.read(folder / "clip.safetensors")[0], ["clip"])  # type: ignore[arg-type]
    elif kind == "nan":
        tensors, record = weights.read(folder / "clip.safetensors")
        tensors["clip.visual.trunk.proj"][3, 5] = torch.nan
        weights.write(path, tensors, record)
    elif kind in ("hub", "number"):
        tensors, record = weights.read(folder / "clip.safetensors")
        architecture = "hf-hub:some/place" if kind == "hub" else 5
        weights.write(path, tensors, record | {"architecture": architecture})
    elif kind == "lacking":
        tensors, record = weights.read(folder / "clip.safetensors")
        tensors.pop("clip.visual.trunk.proj")
        weights.write(path, tensors, record)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "is not a complete safetensors file"),
        ("corrupt", "is not a complete safetensors file"),
        ("foreign", "holds weights of no variant, not of clip"),
        ("plain", "does not name their variant"),
        (
            "nan",
            r"is damaged: 1 of its .*, the first of them clip\.visual\.trunk\.proj, hold NaN or",
        ),
        ("listed", r"The header of .* is damaged: it is not a JSON object"),
        ("hub", r"\(unknown architecture 'hf-hub:some/place'\)"),
        ("number", r"\(unknown architecture 5\)"),
        ("lacking", "do not fit what it says it is"),
    ],
)
def test_a_bad_file_is_one_error(folder: Path, kind: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_model(f"clip:{damaged(folder, kind)}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("step", "ten"),
        ("plan", [1]),
        ("plan", {"batch": "many"}),
        ("splits", 3),
        ("splits", [3]),
        ("data", {}),
        ("tagger", 1),
        ("note", ["x"]),
    ],
)
def test_a_record_of_another_making_is_one_error(field: str, value: Any, tmp_path: Path) -> None:
    path = write("clip", tmp_path / "x.safetensors", **{"data_sha256": "0", field: value})
    with pytest.raises(ModelError, match=r"is damaged, or of another version.*\("):
        load_model(f"clip:{path}")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"
    path.write_bytes(b"before")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", _no_room)
        with pytest.raises(ModelError, match=r"kept\.safetensors cannot be written: No space"):
            weights.write(path, {}, {})
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"before"]


def _no_room(*_: Any) -> None:
    raise SafetensorError("No space left on device (os error 28)")


def test_another_variants_file_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="holds weights of structclip, not of clip"):
        load_model(f"clip:{folder / 'structclip'}.safetensors")


def test_what_is_not_there_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="no weights at"):
        load_model(f"clip:{tmp_path / 'none'}.safetensors")
    with pytest.raises(WeightsUnavailable, match="benchbench train structclip:knowledge"):
        load_model("structclip:knowledge")
    with pytest.raises(UnknownName, match="Did you mean 'structclip:knowledge'"):
        load_model("structclip:knowlege")


def test_every_variant_has_a_name_a_line_and_a_source() -> None:
    for name, each in variants().items():
        assert each.name == name
        assert each.title
        assert each.source
