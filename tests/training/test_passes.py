"""Columns on a device: fixed shapes give the same losses, and nothing in a step waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchbench.errors import ModelError
from benchbench.training import Plan
from benchbench.training.columns import VIEW_COLUMNS, Assembly
from benchbench.training.loop import Training
from benchbench.training.order import Order
from benchbench.training.pack_batches import PackedBatches, ResidentBatches, load_on_device
from benchbench.training.packs import Recipe, make
from benchbench.training.passes import DirectPasses, RecordedPasses
from benchbench.training.running import build_for
from benchbench.variants.alignment import contrast_losses, masked_contrast_losses
from benchbench.variants.catalogue import variant, variants
from benchbench.variants.msgclip import WINDOW
from benchbench.variants.texts import Texts
from benchbench.variants.variant import PhasedModel, SwappedCaptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchbench.training.packs import Pack

PACKABLE = [name for name, each in variants().items() if set(each.views) <= set(VIEW_COLUMNS)]
LATER = 1000
"""A step at which every part of every loss is computed."""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("pack") / "0"
    recipe = Recipe(count=48, views=tuple(sorted(VIEW_COLUMNS)), turns=True)
    return make(folder, recipe)


def feed_of(pack: Pack, name: str, size: int = 16, pool: int = 48) -> tuple[Any, PackedBatches]:
    """A model with its batches."""
    build = build_for(variant(name), Plan(name))
    assembly = Assembly(variant(name), build.reader, build.preprocessing)
    return build, PackedBatches(pack, assembly, size, "cpu", Order(pool, 3))


def test_a_pool_is_shuffled_two_by_two() -> None:
    order = Order(10, 1)
    first, second = order.numbers(0, 10), order.numbers(10, 20)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(10))
    assert first.tolist() != second.tolist()
    assert (first[::2] + 1 == first[1::2]).all()
    assert (first[::2] % 2 == 0).all()
    assert order.numbers(7, 13).tolist() == [*first[7:], *second[:3]]
    assert Order().numbers(5, 8).tolist() == [5, 6, 7]


@pytest.mark.parametrize("name", PACKABLE)
def test_fixed_shapes_give_the_same_loss(pack: Pack, name: str) -> None:
    feed = feed_of(pack, name)[1]
    found = []
    for each in (feed, load_on_device(feed)):
        batch = next(each.batches(1, 2, 0))
        model = build_for(variant(name), Plan(name)).model.train()
        if not hasattr(model, "decoder"):  # which takes float32 alone
            model, batch = model.double(), _doubled(batch)
        loss = model(batch, LATER)
        loss.total.backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        found.append((loss, torch.cat([each.flatten() for each in gradients])))
    (one, mine), (other, theirs) = found
    assert one.parts.keys() == other.parts.keys()
    for part, value in one.parts.items():
        torch.testing.assert_close(other.parts[part], value, rtol=1e-5, atol=1e-6, msg=part)
    torch.testing.assert_close(theirs, mine, rtol=1e-4, atol=1e-6)
    assert mine.abs().max() > 0


def _doubled(batch: Any) -> Any:
    batch.images = batch.images.double()
    for shown in batch.inputs.values():
        if hasattr(shown, "images"):
            shown.images = shown.images.double()
    return batch


@pytest.mark.parametrize("name", PACKABLE)
def test_nothing_in_a_step_waits(pack: Pack, name: str) -> None:
    """On the device "meta" there are no values: whatever asks for one raises."""
    build, feed = feed_of(pack, name)
    kept = load_on_device(feed)
    columns = {column: values.to("meta") for column, values in kept.columns.items()}
    far = replace(kept, device="meta", columns=columns)
    model = build.model.to("meta").train()
    rows = torch.zeros(16, dtype=torch.int64, device="meta")
    if isinstance(model, PhasedModel):
        model.begin_phase(LATER)
    loss = model(far.gathered(rows), torch.zeros((), dtype=torch.int64, device="meta"))
    loss.total.backward()


class Again:
    """Records nothing, and does everything again."""

    def __init__(self, waits: bool = False) -> None:
        self.waits, self.recorded = waits, 0

    def rehearse(self, work: Callable[[], None], strictly: bool) -> None:
        if strictly and self.waits:
            raise RuntimeError("called a synchronizing operation")
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.recorded += 1
        return work


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("name", ["clip", "scenarioclip:shared"])
def test_replayed_steps_train_alike(pack: Pack, name: str, waits: bool) -> None:
    weights, notes = [], []
    for recorder in (None, Again(waits)):
        build, feed = feed_of(pack, name)
        kept, model = load_on_device(feed), build.model.train()
        passes: Any = (
            DirectPasses(model, kept, "cpu", "fp32")
            if recorder is None
            else RecordedPasses(model, kept, "cpu", "fp32", recorder)
        )
        descent = torch.optim.SGD(model.parameters(), lr=0.1)
        for step, shown in enumerate(passes.shown(0, 6, 0)):
            parts = passes(shown, step)
            descent.step()
        assert all(bool(torch.isfinite(value)) for value in parts.values())
        weights.append(model.clip.state_dict())
        notes.append(passes.note)
    if isinstance(recorder, Again):
        assert recorder.recorded == (0 if waits else 1)
    assert notes[0] == ""
    assert ("called a synchronizing" if waits else "replayed") in notes[1]
    if not (waits and name != "clip"):  # a step that is tried twice moves the teacher twice
        one, other = weights
        for key, value in one.items():
            torch.testing.assert_close(other[key], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["msgclip", "msgclip:contrast", "msgclip:attention"])
def test_steps_are_recorded_anew_where_alignment_begins(pack: Pack, kind: str) -> None:
    weights, windows = [], []
    for recorder in (None, Again()):
        build, feed = feed_of(pack, kind)
        kept, model = load_on_device(feed), build.model.train()
        model.msga_start, model.threshold = 5, -1.0
        passes: Any = (
            DirectPasses(model, kept, "cpu", "fp32")
            if recorder is None
            else RecordedPasses(model, kept, "cpu", "fp32", recorder)
        )
        descent = torch.optim.SGD(model.parameters(), lr=0.1)
        for step, shown in enumerate(passes.shown(0, 10, 0)):
            parts = passes(shown, step)
            assert ("matched" in parts) == (step >= 5)
            descent.step()
        weights.append(model.state_dict())
        windows.append(model._counts.tolist())
    assert recorder is not None
    assert recorder.recorded == 2
    assert windows[0] == windows[1]
    assert windows[0][2] == 5
    for key, value in weights[0].items():
        assert torch.equal(weights[1][key], value), key


def test_recorded_steps_without_a_match_stop_the_run(pack: Pack) -> None:
    build, feed = feed_of(pack, "msgclip")
    model = build.model.train()
    model.msga_start, model.threshold = 2, 1.0
    passes = RecordedPasses(model, load_on_device(feed), "cpu", "fp32", Again())
    with pytest.raises(ModelError, match=f"Not one of .* {WINDOW} steps up to {WINDOW + 1}:"):
        for step, shown in enumerate(passes.shown(0, WINDOW + 3, 0)):
            passes(shown, step)
    assert step == WINDOW + 1


def test_the_log_says_how_steps_are_computed(pack: Pack, tmp_path: Path) -> None:
    from benchbench.training.log import read_log

    build, feed = feed_of(pack, "clip")
    plan = Plan("clip", steps=1, batch=16, validate_every=1)
    record = {"environment": {"gpu": "", "processor": "x86_64"}}
    training = Training(plan, build, feed, lambda model: {"mean": 1.0}, tmp_path, "cpu", record)
    training._noted = "before"
    training.run()
    assert not [record for record in read_log(tmp_path) if "note" in record]


def test_masked_contrast_is_the_counted_one() -> None:
    generator = torch.Generator().manual_seed(0)
    entities, regions = (torch.randn(5, k, 8, generator=generator).double() for k in (4, 3))
    regions[1, 2] = 0
    chosen = torch.zeros(5, 4, 3, dtype=torch.bool)
    for row, (entity, region) in enumerate([(0, 1), (2, 0), (1, 2), (3, 1), (0, 0)]):
        chosen[row, entity, region] = row != 3
    chosen[0, 2, 0] = True
    names = torch.tensor([[1, 2, 3, 4], [5, 6, 1, 8], [9, 1, 2, 3], [1, 1, 1, 1], [7, 7, 2, 2]])
    scale = torch.tensor(3.0).double()
    found: list[list[Any]] = []
    for losses in (contrast_losses, masked_contrast_losses):
        some = [each.clone().requires_grad_() for each in (entities, regions)]
        values = losses(some[0], some[1], chosen, names, scale)
        values.sum().backward()  # type: ignore[no-untyped-call]
        found.append([values.detach(), *(each.grad for each in some)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
    assert int(torch.count_nonzero(found[0][0])) == int(chosen.sum())


def test_a_captioner_masks_what_it_does_not_list() -> None:
    build = build_for(variant("captioner"), Plan("captioner"))
    ids = torch.tensor([[5, 7, 9, 0], [5, 3, 0, 0]])
    read = torch.randn(2, 3, build.model.words.weight.shape[1])
    some, target = build.model._candidates(read, ids)
    whole = build.model._masked(read, build.model._absent(ids))
    known = torch.unique(ids)
    torch.testing.assert_close(whole[..., known], some)
    assert torch.equal(known[target], ids)
    assert int(torch.isfinite(whole[0, 0]).sum()) == len(known)


def test_swapped_captions_that_fill_up_are_not_there() -> None:
    texts = Texts(torch.ones(4, 3, dtype=torch.int64))
    known = torch.tensor([True, False, False, True])
    filled = SwappedCaptions(texts, torch.arange(4), 2, known)
    assert filled.there(2).tolist() == [[1, 0], [0, 1]]
    assert SwappedCaptions(texts, torch.arange(4), 2).to("cpu").there(2).tolist() == [
        [1, 1],
        [1, 1],
    ]


def test_memory_is_counted(pack: Pack) -> None:
    kept = load_on_device(feed_of(pack, "clip")[1])
    assert isinstance(kept, ResidentBatches)
    longest = kept.columns["ids"].shape[1]
    assert kept.bytes_each() == 3 * 64 * 64 + 2 * longest
    assert pack.bytes_each(("pixels", "ids")) == 3 * 64 * 64 + 2 * 64
