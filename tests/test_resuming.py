"""Stored encodings in evaluations: the same bits, and never those of other inputs or code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from benchbench.adapters.blind import BlindEncoder
from benchbench.analysis.scorecard import scorecard
from benchbench.embedding import Store
from benchbench.errors import ContractError, RunError
from benchbench.evaluation import evaluate
from benchbench.grid import evaluate_grid
from benchbench.registry import load_model
from benchbench.runs import read_run
from tests.test_evaluation import first_image, scores

if TYPE_CHECKING:
    from benchbench.types import Progress, Role, Run


def test_an_interrupted_evaluation_goes_on_to_the_same_bits(
    tiny: str, shapes: Path, tmp_path: Path
) -> None:
    reference = evaluate(tiny, "vg-relation", data_root=shapes, batch_size=8, resume=False)
    for what, done in (("images", 16), ("captions", 64)):
        with pytest.raises(KeyboardInterrupt):
            evaluate(
                tiny,
                "vg-relation",
                data_root=shapes,
                batch_size=8,
                progress=interruption(what, done),
            )
    assert len(record_files(tmp_path)) > 2
    run = evaluate(tiny, "vg-relation", data_root=shapes, batch_size=8)
    assert np.array_equal(scores(run), scores(reference))
    assert run.data_sha256 == reference.data_sha256
    again = evaluate(tiny, "vg-relation", data_root=shapes, batch_size=8)
    assert again.resumed_inputs == again.inputs
    assert np.array_equal(scores(again), scores(reference))


@pytest.mark.parametrize("spoken", ["openclip:tiny/untrained", "clip", "lerp"])
def test_weights_that_changed_in_memory_are_not_taken_for_those_before(
    tiny: str, shapes: Path, spoken: str
) -> None:
    named = f"lerp:{tiny},{tiny},0.5" if spoken == "lerp" else spoken
    model: Any = load_model(named)
    for _ in range(2):
        evaluate(model, "vg-relation", data_root=shapes)
    for parameter in model.module.parameters():
        parameter.data *= 1 + 1e-5
    with pytest.raises(ContractError, match="changed after it was loaded"):
        evaluate(model, "vg-relation", data_root=shapes)


def record_files(tmp_path: Path) -> list[Path]:
    """The files of stored encodings."""
    return sorted((tmp_path / "cache" / "encodings").glob("*/*.records"))


def interruption(at: str, after: int) -> Progress:
    """A progress callback that presses Ctrl-C."""

    def press(what: str, done: int, total: int) -> None:
        if what == at and done >= after:
            raise KeyboardInterrupt

    return press


def test_changed_images_are_not_taken_from_an_interrupted_evaluation(
    tiny: str, copied: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny, "vg-relation", data_root=copied, progress=interruption("captions", 64))
    path = first_image(copied)
    before = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")  # the same size and time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    run = evaluate(tiny, "vg-relation", data_root=copied)
    fresh = evaluate(tiny, "vg-relation", data_root=copied, resume=False)
    assert np.array_equal(scores(run), scores(fresh))
    assert run.data_sha256 == fresh.data_sha256


def test_damaged_records_are_encoded_again(tiny: str, shapes: Path, tmp_path: Path) -> None:
    reference = evaluate(tiny, "vg-relation", data_root=shapes)
    files = record_files(tmp_path)  # two or more: a slow machine writes more often
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert len(files) >= 2
    with pytest.warns(UserWarning, match=f"^{len(files)} stored encodings are damaged"):
        run = evaluate(tiny, "vg-relation", data_root=shapes)
    assert run.resumed_inputs == run.inputs - len(files)
    assert np.array_equal(scores(run), scores(reference))


@pytest.mark.parametrize("content", [b"half", b""])
def test_files_that_hold_no_records_are_ignored(
    tiny: str, shapes: Path, tmp_path: Path, content: bytes
) -> None:
    evaluate(tiny, "vg-relation", data_root=shapes)
    for path in record_files(tmp_path):
        path.write_bytes(content)
    run = evaluate(tiny, "vg-relation", data_root=shapes)
    assert run.resumed_inputs == 0


def test_work_is_kept_until_the_run_is_written(
    tiny: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RunError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("benchbench.evaluation.write_run", full)
        with pytest.raises(RunError):
            evaluate(tiny, "vg-relation", data_root=shapes, out=tmp_path / "a.parquet")
    run = evaluate(tiny, "vg-relation", data_root=shapes, out=tmp_path / "a.parquet")
    assert run.resumed_inputs == run.inputs
    assert np.array_equal(scores(read_run(tmp_path / "a.parquet")), scores(run))


def test_a_cache_that_cannot_be_written_costs_a_warning_only(
    tiny: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("BENCHBENCH_CACHE", str(file))
    with pytest.warns(UserWarning, match="starts over") as caught:
        run = evaluate(tiny, "vg-relation", data_root=shapes)
    assert len(caught) == 1
    assert run.counts.items == 72


CODE = """
from benchbench.grid import evaluate_grid
from benchbench.adapters.blind import BlindEncoder
from benchbench.registry import load_model
from {beside} import SHIFT

class Mine(BlindEncoder):
    def encode_images(self, batch, role):
        return super().encode_images(batch, role) + SHIFT + {own}

    def encode_texts(self, batch, role):
        from later import STRETCH
        return super().encode_texts(batch, role) * STRETCH

def make():
    return Mine("chance", seed=0)
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a model of one's own, imported anew; returns its specification."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path])

    def write(own: float = 0.0, shift: float = 0.0, stretch: float = 1.0) -> str:
        for name in [n for n, m in sys.modules.items() if is_below(m, folder)]:
            monkeypatch.delitem(sys.modules, name)
        (folder / "mine.py").write_text(CODE.format(beside="beside", own=own))
        (folder / "beside.py").write_text(f"SHIFT = {shift}")
        (folder / "later.py").write_text(f"STRETCH = [1.0] and {stretch}")
        importlib.invalidate_caches()
        sys.dont_write_bytecode = True
        return f"python:{folder / 'mine.py'}:make"

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return write


def is_below(module: object, folder: Path) -> bool:
    return str(getattr(module, "__file__", "") or "").startswith(str(folder))


def interrupt(model: Any, root: Path, at: str = "captions", after: int = 64) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(
            model, "vg-relation", data_root=root, batch_size=8, progress=interruption(at, after)
        )


def resumed(model: Any, root: Path) -> Run:
    return evaluate(model, "vg-relation", data_root=root, batch_size=8)


def fresh(model: Any, root: Path) -> Run:
    return evaluate(model, "vg-relation", data_root=root, batch_size=8, resume=False)


@pytest.mark.parametrize("edit", [{"own": 0.5}, {"shift": 0.5}, {"stretch": -1.0}])
def test_edited_code_takes_nothing_of_an_interrupted_evaluation(
    plugin: Callable[..., str], shapes: Path, edit: dict[str, float]
) -> None:
    interrupt(plugin(), shapes)
    specification = plugin(**edit)
    run = resumed(specification, shapes)
    assert run.resumed_inputs == 0
    assert np.array_equal(scores(run), scores(fresh(specification, shapes)))


def test_the_code_of_a_factory_counts_however_the_model_is_evaluated(
    plugin: Callable[..., str], shapes: Path
) -> None:
    """A function of one file that makes a model of another package."""
    specification = plugin().replace(":make", ":other")
    path = Path(specification.split(":")[1])
    path.write_text(path.read_text() + "\ndef other(): return BlindEncoder('chance', seed=0)\n")
    alone = fresh(specification, shapes).model
    assert "code_sha256" in alone.settings
    assert fresh(load_model(specification), shapes).model == alone
    (cell,) = evaluate_grid([specification], ["vg-relation"], data_root=shapes, limit=8)
    assert cell.run is not None
    assert cell.run.model == alone


def test_twenty_edits_after_interruptions_leave_no_decision_of_old_code(
    plugin: Callable[..., str], shapes: Path
) -> None:
    for i in range(20):
        interrupt(plugin(own=i / 10), shapes, "images", 8 + i)
        specification = plugin(own=(i + 1) / 10)
        assert np.array_equal(
            scores(resumed(specification, shapes)), scores(fresh(specification, shapes))
        )


def test_unchanged_code_goes_on_and_says_from_where(
    plugin: Callable[..., str], shapes: Path
) -> None:
    interrupt(plugin(), shapes)
    run = resumed(plugin(), shapes)
    assert (run.resumed_inputs, run.inputs) == (104, 108)
    assert "from the store: 104 of 108 inputs" in str(scorecard(run))
    again = fresh(plugin(), shapes)
    assert np.array_equal(scores(run), scores(again))
    assert run.counts == again.counts
    assert again.resumed_inputs == 0


class Opaque(BlindEncoder):
    """A model whose code, manifest and tensors stay the same while numbers of its change."""

    def __init__(self, images: float = 1.0, captions: float = 1.0) -> None:
        super().__init__("chance", seed=0)
        self.factors = images, captions
        self.encoded = 0

    def encode_images(self, batch: torch.Tensor, role: Role) -> torch.Tensor:
        self.encoded += len(batch)
        return super().encode_images(batch, role) * self.factors[0] + 0.1

    def encode_texts(self, batch: list[bytes], role: Role) -> torch.Tensor:
        return super().encode_texts(batch, role) * self.factors[1] + 0.1


@pytest.mark.parametrize(
    ("at", "after", "change", "taken"),
    [
        ("images", 16, {"images": -1.0}, 0),
        ("captions", 32, {"images": -1.0}, 40),
        ("captions", 64, {"captions": -1.0}, 36),
    ],
)
def test_what_comes_out_otherwise_is_thrown_away(
    shapes: Path, at: str, after: int, change: dict[str, float], taken: int
) -> None:
    interrupt(Opaque(), shapes, at, after)
    with pytest.warns(UserWarning, match="differ from what it computes now"):
        run = resumed(Opaque(**change), shapes)
    assert run.resumed_inputs == taken
    assert np.array_equal(scores(run), scores(fresh(Opaque(**change), shapes)))


def test_a_probe_costs_less_than_a_batch(shapes: Path) -> None:
    interrupt(Opaque(), shapes)
    model = Opaque()
    run = resumed(model, shapes)
    assert model.encoded <= 8
    assert run.resumed_inputs == 104


class Weighted(BlindEncoder):
    """A model whose manifest says nothing of its weights."""

    def __init__(self, seed: int) -> None:
        super().__init__("chance", seed=0, settings={"layers": 1})
        self.layers = [torch.nn.Linear(64, 64)]
        with torch.no_grad():
            self.layers[0].weight.fill_(seed)
            self.layers[0].bias.fill_(0)

    def encode_images(self, batch: torch.Tensor, role: Role) -> torch.Tensor:
        return super().encode_images(batch, role) + self.layers[0].weight[0]


def test_another_model_of_the_same_manifest_is_an_error(shapes: Path) -> None:
    first = Weighted(0)
    fresh(first, shapes)
    with pytest.raises(ContractError, match=r"their parameters differ.*model_digest\(module\)"):
        fresh(Weighted(1), shapes)
    first.layers[0].bias.data += 1  # one object may change: a cache of embeddings, say
    fresh(first, shapes)


def test_code_in_no_file_is_not_resumed(shapes: Path, tmp_path: Path) -> None:
    made: dict[str, Any] = {"__name__": "cell"}
    exec("from benchbench.adapters.blind import BlindEncoder\nclass Cell(BlindEncoder): ...", made)
    interrupt(made["Cell"]("constant"), shapes)
    assert not (tmp_path / "cache" / "encodings").exists()


def test_stored_vectors_of_another_dimension_are_discarded(shapes: Path, tmp_path: Path) -> None:
    interrupt(Opaque(), shapes, "images", 16)
    (path,) = record_files(tmp_path)
    (space,) = Store(tmp_path / "cache" / "encodings", 10**9).spaces()
    keys = [key.tobytes() for part in space._index().segments for key in part.keys]
    path.unlink()
    space.refresh()
    space.write(keys, np.ones((len(keys), 3), np.float32))
    space.close()
    with pytest.warns(UserWarning, match="differ from what it computes now"):
        run = resumed(Opaque(), shapes)
    assert run.resumed_inputs == 0
    assert np.array_equal(scores(run), scores(fresh(Opaque(), shapes)))
