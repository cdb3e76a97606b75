from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

import benchbench as bb
from benchbench.errors import WeightsUnavailable
from benchbench.registry import load_model
from benchbench.training import Plan, train
from benchbench.training.bundling import MAX_BYTES, bundle, card
from benchbench.training.log import read_log
from benchbench.training.running import build_for
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import catalogue
from benchbench.variants.catalogue import BUNDLED, bundled_starts, variant
from benchbench.variants.weights import read, write

if TYPE_CHECKING:
    from pathlib import Path


class Quick:
    """A validation set that takes no time."""

    def metrics(self, model: Any, reader: Any, device: str) -> dict[str, float]:
        return {"structure": 12.5, "mean": 12.5}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VALIDATION_SETS, "structure", lambda transform: Quick())
        plan = Plan("clip", steps=2, batch=4, warmup=1, validate_every=1)
        train(plan, folder, device="cpu", workers=0)
    return folder


def test_a_bundled_file_is_half_the_size_and_the_same_model(run: Path, tmp_path: Path) -> None:
    path = bundle(run, tmp_path, notes=["Claims not tested."])
    whole = (run / "best.safetensors").stat().st_size
    assert path.stat().st_size < whole * 0.51
    one, other = load_model(f"clip:{run / 'best.safetensors'}"), load_model(f"clip:{path}")
    assert other.manifest.settings["note"].endswith("nothing of the method. Claims not tested.")
    assert one.manifest.parameters == other.manifest.parameters


def test_the_card_says_what_it_is(run: Path, tmp_path: Path) -> None:
    bundle(run, tmp_path, notes=["Claims not tested."], results=["| a | b |"])
    text = (tmp_path / "clip.md").read_text()
    parameters = read(run / "best.safetensors")[1]["parameters"]
    for part in (
        "# clip", "**Claims not tested.**", f"| parameters | {parameters:,} |",
        "train clip --data scenes",
        "1 of 2, batch 4 (4 examples), seed 0", "| trained on | CPU", "Apache-2.0", "| a | b |",
        "| step | mean | structure |", "| 2 | 12.5 | 12.5 |",
    ):  # fmt: skip
        assert part in text, part


def test_a_base_of_another_machine_is_told_from_where_it_is_now(run: Path, tmp_path: Path) -> None:
    tensors, record = read(run / "best.safetensors")
    record["plan"] = record["plan"] | {"backbone": "/far/away/3/captioner/best.safetensors"}
    made = tmp_path / "3" / "clip"
    write(made / "best.safetensors", tensors, record)
    bundle(made, tmp_path)
    text = (tmp_path / "clip.md").read_text("utf-8")
    assert "from `3/captioner/best.safetensors` |" in text
    base = record | {"variant": "captioner"}
    base["plan"] = record["plan"] | {"variant": "captioner", "backbone": "small", "steps": 7}
    write(tmp_path / "3" / "captioner" / "best.safetensors", tensors, base)
    bundle(made, tmp_path, base=tmp_path / "3" / "captioner" / "best.safetensors")
    text = (tmp_path / "clip.md").read_text("utf-8")
    assert "from the captioner of seed 0 (7 steps, batch 4; towers trained to caption" in text
    assert "train captioner --data scenes --backbone small" in text
    assert "--out 3/captioner" in text
    assert "far" not in read(tmp_path / "clip.safetensors")[1]["plan"]["backbone"]


def test_the_card_tells_what_counted_and_a_dozen_looks_at_most(run: Path) -> None:
    record = read(run / "best.safetensors")[1]
    record["validation"] = {"labels": 40.0, "predicate": 80.0, "mean": 80.0}
    for count, shown in ((23, 12), (13, 7), (12, 12), (1, 1)):
        looks = [{"step": k, "val_mean": 50.0} for k in range(1, count + 1)]
        text = card(record, looks)
        assert "mean of the validation metrics: predicate 80.0; besides: labels 40.0 |" in text
        table = text.partition("| step |")[2].splitlines()[2:]
        assert (len(table), table[-1]) == (shown, f"| {count} | 50.0 |")


@pytest.mark.parametrize("path", sorted(BUNDLED.glob("*.md")), ids=lambda path: path.stem)
def test_a_card_tells_how_its_method_differs(path: Path) -> None:
    described, text = variant(path.stem.replace("-", ":")), path.read_text("utf-8")
    assert described.differs or described.start or path.stem == "clip"
    record = read(path.with_suffix(".safetensors"))[1]
    unusual = {"swaps": described.swaps > 1, "dense_percent": described.dense_percent > 0}
    trained_so = record["settings"] == dict(described.settings) and all(
        (name in record) == wanted for name, wanted in unusual.items()
    )
    assert not trained_so or described.differs in text
    assert "What differs from it: " in text or not described.differs


def test_a_run_without_a_checkpoint_is_not_bundled(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable):
        bundle(tmp_path, tmp_path)


def test_the_log_has_losses_and_marks(run: Path) -> None:
    log = read_log(run)
    assert [each["step"] for each in log] == [1, 1, 2, 2]
    assert {"contrast", "gradient", "per_second"} <= set(log[0])
    assert log[1]["val_mean"] == 12.5


@pytest.mark.parametrize("path", sorted(BUNDLED.glob("*.safetensors")), ids=lambda p: p.stem)
def test_what_ships_is_small_has_a_card_and_runs(
    path: Path, drawn_edition: Path, tmp_path: Path
) -> None:
    assert path.stat().st_size <= MAX_BYTES.get(path.stem, 6_000_000)
    _, record = read(path)
    card = path.with_suffix(".md").read_text()
    assert f"{record['parameters']:,}" in card
    (trained,) = (line for line in card.splitlines() if line.startswith("| trained on |"))
    assert ("CPU" in trained) == (not record["environment"]["gpu"])
    if variant(record["variant"]).start:
        assert record["variant"] in bundled_starts()
        return
    run = bb.evaluate(path.stem, "vg-relation", data_root=drawn_edition, limit=20)
    assert run.model.trained
    assert run.model.weights == "bundled"


def test_all_that_ships_is_under_45_megabytes() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.glob("*.safetensors")) <= 45_000_000


def test_a_start_is_bundled_by_its_towers_alone_and_trained_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VALIDATION_SETS, "structure", lambda transform: Quick())
    plan = Plan("captioner", steps=1, batch=4, warmup=1, validate_every=1)
    train(plan, tmp_path / "run", device="cpu", workers=0)
    path = bundle(tmp_path / "run", tmp_path)
    trained, shipped = read(tmp_path / "run" / "best.safetensors")[0], read(path)[0]
    assert {*shipped} == {name for name in trained if name.startswith("clip.")} < {*trained}
    monkeypatch.setattr(catalogue, "BUNDLED", tmp_path)
    build = build_for(variant("clip"), Plan("clip", backbone="captioner"))
    for name, each in build.model.clip.state_dict().items():
        assert torch.allclose(each, trained[f"clip.{name}"], atol=1e-3), name
