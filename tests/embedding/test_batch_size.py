"""The batch size that is found: by memory on a GPU, and halved where memory runs out."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from benchbench.adapters.blind import BlindEncoder
from benchbench.embedding import batch_size
from benchbench.embedding.batch_size import MOST, find_batch_size, within_memory
from benchbench.errors import ModelError, OutOfMemory
from benchbench.evaluation import evaluate
from tests.pair_scorers import HashScorer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.adapters.openclip import OpenClip
    from benchbench.types import Role, Run

GIB = 2**30


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_size, "_known", {})


@contextmanager
def images_at_most(model: OpenClip, rows: int, error: Exception) -> Iterator[list[int]]:
    """Let a model's image tower run out of memory above some rows; yields the rows of each pass."""
    seen: list[int] = []
    tower = model.encode_images

    def encode(batch: torch.Tensor, role: Role) -> torch.Tensor:
        seen.append(len(batch))
        if len(batch) > rows:
            raise error
        return tower(batch, role)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "encode_images", encode)
        yield seen


def scores(run: Run) -> np.ndarray:
    return np.stack([outcome.scores for outcome in run.outcomes])


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_half_the_batch_gives_the_same_run(
    tiny_model: OpenClip, shapes: Path, error: Exception
) -> None:
    whole = evaluate(tiny_model, "vg-relation", data_root=shapes, resume=False)
    with (
        images_at_most(tiny_model, 16, error) as seen,
        pytest.warns(
            UserWarning, match=r"does not hold 32 images a pass: going on with 16"
        ) as told,
    ):
        run = evaluate(tiny_model, "vg-relation", data_root=shapes, resume=False)
        again = evaluate(tiny_model, "vg-relation", data_root=shapes, resume=False)
    assert len(told) == 1
    assert (seen[0], max(seen[1:])) == (32, 16), "the second evaluation begins with what is known"
    assert run.settings["batch_size"] == again.settings["batch_size"] == 16
    assert np.array_equal(scores(run), scores(whole))
    assert [o.id for o in run.outcomes] == [o.id for o in whole.outcomes]
    assert (run.counts, run.data_sha256) == (whole.counts, whole.data_sha256)


def test_it_is_halved_down_to_what_fits(tiny_model: OpenClip, shapes: Path) -> None:
    whole = evaluate(tiny_model, "vg-relation", data_root=shapes, resume=False)
    with (
        images_at_most(tiny_model, 3, torch.OutOfMemoryError()),
        pytest.warns(UserWarning, match="going on with") as told,
    ):
        run = evaluate(tiny_model, "vg-relation", data_root=shapes)
    assert (len(told), run.settings["batch_size"]) == (4, 2)
    np.testing.assert_allclose(scores(run), scores(whole), atol=1e-6)


def test_the_users_size_and_a_single_image_are_not_halved(
    tiny_model: OpenClip, shapes: Path
) -> None:
    with images_at_most(tiny_model, 7, torch.OutOfMemoryError()) as seen:
        with pytest.raises(OutOfMemory, match=r"out of memory\. Try --batch-size 4"):
            evaluate(tiny_model, "vg-relation", data_root=shapes, batch_size=8)
        assert seen == [8]
    with (
        images_at_most(tiny_model, 0, torch.OutOfMemoryError()) as seen,
        pytest.warns(UserWarning, match="going on with"),
        pytest.raises(OutOfMemory),
    ):
        evaluate(tiny_model, "vg-relation", data_root=shapes)
    assert seen == [32, 16, 8, 4, 2, 1]


def test_pairs_that_were_scored_are_not_scored_again(shapes: Path) -> None:
    """Memory runs out in the middle: what the store has is taken from there."""

    class Filling(HashScorer):
        def score(self, features: Sequence[bytes], batch: list[bytes]) -> torch.Tensor:
            if len(self.batches) >= 2 and len(batch) > 16:
                raise torch.OutOfMemoryError
            return super().score(features, batch)

    plain = evaluate(HashScorer(), "vg-relation", data_root=shapes, resume=False)
    model = Filling()
    with pytest.warns(UserWarning, match="going on with 16"):
        run = evaluate(model, "vg-relation", data_root=shapes)
    assert np.array_equal(scores(run), scores(plain))
    assert run.resumed_inputs == sum(map(len, model.batches[:2])) == 64


class OnCuda(BlindEncoder):
    """A model that says it is on a GPU, where each image takes some memory."""

    device = "cuda:0"

    def __init__(self, memory: Any, image: int, caption: int) -> None:
        super().__init__("constant")
        self._memory, self._image, self._caption = memory, image, caption

    def encode_images(self, batch: torch.Tensor, role: Role) -> torch.Tensor:
        self._memory.take(len(batch) * self._image)
        return super().encode_images(batch, role)

    def encode_texts(self, batch: Any, role: Role) -> torch.Tensor:
        self._memory.take(len(batch) * self._caption)
        return super().encode_texts(batch, role)


def fake_gpu(monkeypatch: pytest.MonkeyPatch, total: int, others: int = 0) -> Any:
    """torch.cuda's bookkeeping of a GPU whose memory is partly another process's."""
    state = SimpleNamespace(own=GIB, peak=0, kept=2 * GIB)

    def take(amount: int) -> None:
        if state.own + amount > total - others:
            raise torch.OutOfMemoryError("CUDA out of memory")
        state.peak = max(state.peak, state.own + amount)

    state.take = take
    for name, found in {
        "mem_get_info": lambda _: (total - others - state.kept, total),
        "memory_reserved": lambda _: state.kept,
        "memory_allocated": lambda _: state.own,
        "max_memory_allocated": lambda _: state.peak,
        "reset_peak_memory_stats": lambda _: setattr(state, "peak", state.own),
        "synchronize": lambda _: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, found)
    return state


@pytest.mark.parametrize(
    ("gib", "others", "image_mib", "caption_mib", "found"),
    [
        (80, 0, 20, 5, MOST),  # 512 × 20 MiB = 10 GiB of 79
        (24, 0, 100, 5, 128),  # 0.8 × 23 GiB / 100 MiB = 188
        (24, 12, 100, 5, 64),  # 0.8 × 11 GiB / 100 MiB = 90
        (24, 0, 5, 100, 128),  # captions take more
        (3, 0, 1000, 5, 1),  # 16 images do not fit, nor do 2
    ],
)
def test_a_gpu_holds_what_is_found(
    monkeypatch: pytest.MonkeyPatch, gib: int, others: int, image_mib: int, caption_mib: int,
    found: int,
) -> None:  # fmt: skip
    memory = fake_gpu(monkeypatch, gib * GIB, others * GIB)
    model: Any = OnCuda(memory, image_mib * 2**20, caption_mib * 2**20)
    assert find_batch_size(model) == found
    memory.take = None  # what is known is not measured again
    assert find_batch_size(model) == found


def test_a_gpu_that_holds_no_image_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = OnCuda(fake_gpu(monkeypatch, 2 * GIB), 3 * GIB, 1)
    with pytest.raises(OutOfMemory, match="Try another device"):
        within_memory(lambda size: size, model, None)
    assert within_memory(lambda size: size, model, 8) == 8


def test_another_error_is_not_one_of_memory(tiny_model: OpenClip, shapes: Path) -> None:
    with (
        images_at_most(tiny_model, 0, RuntimeError("shapes do not fit")) as seen,
        pytest.raises(ModelError, match="shapes do not fit"),
    ):
        evaluate(tiny_model, "vg-relation", data_root=shapes)
    assert len(seen) == 1
