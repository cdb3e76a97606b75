"""A pack gives the batches that a feed makes, resumes, and refuses what is not its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from benchbench.errors import UsageError
from benchbench.training import Plan, train
from benchbench.training.columns import VIEW_COLUMNS
from benchbench.training.distributed import TrainingProcess
from benchbench.training.packs import Pack, Recipe, make
from benchbench.training.running import _feed, build_for, data_of, open_pack
from benchbench.variants import weights
from benchbench.variants.catalogue import variant, variants

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.variants.variant import Variant

COUNT = 300
RECIPE = Recipe(count=COUNT, views=tuple(sorted(VIEW_COLUMNS)), turns=True)
TWINS = Recipe(count=64, twins=True, dense_percent=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "0"
    seen: list[tuple[int, int]] = []
    make(folder, RECIPE, processes=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (COUNT, COUNT)
    return folder


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "twins"
    make(folder, TWINS)
    return folder


def fields(value: Any) -> list[Any]:
    """The tensors of a batch, flat."""
    if isinstance(value, torch.Tensor) or value is None:
        return [value]
    names = getattr(value, "__slots__", ())
    return [each for name in names if name != "inputs" for each in fields(getattr(value, name))]


def packable() -> list[str]:
    """Variants whose examples can be packed."""
    return [name for name, each in variants().items() if set(each.views) <= set(VIEW_COLUMNS)]


def check_batches(folder: Path, plan: Plan, described: Variant) -> None:
    """Compare what a pack gives with what the feed makes."""
    build = build_for(described, plan)
    source, _ = data_of(plan, described, build)
    live = _feed(plan, described, build, source, "cpu", TrainingProcess()).batches(0, 2, 0)
    read = open_pack(folder, plan, described, build, "cpu").batches(0, 2, 0)
    for one, other in zip(read, live, strict=True):
        if other.negatives is not None:  # whose spans nothing reads
            plain = replace(other.negatives.texts, spans=None)
            other.negatives = replace(other.negatives, texts=plain)
        assert set(one.inputs) == set(other.inputs)
        assert {key.name for key in one.inputs} == set(described.views)
        pairs = [(one, other), *((one.inputs[key], other.inputs[key]) for key in one.inputs)]
        for mine, theirs in pairs:
            for each, wanted in zip(fields(mine), fields(theirs), strict=True):
                if isinstance(wanted, torch.Tensor):
                    assert each.dtype == wanted.dtype
                    assert torch.equal(each, wanted)


@pytest.mark.parametrize("name", packable())
def test_batches_are_those_of_the_feed(folder: Path, twins: Path, name: str) -> None:
    described = variant(name)
    where = twins if described.twins else folder
    described = replace(described, dense_percent=TWINS.dense_percent if described.twins else 0)
    check_batches(where, Plan(name, batch=32), described)


def test_a_pool_goes_round(folder: Path) -> None:
    plan = Plan("structclip:shuffled", batch=48, pool=64, seed=5)
    check_batches(folder, plan, variant(plan.variant))
    assert "pool" not in Plan("clip").record()
    assert plan.record()["pool"] == 64
    with pytest.raises(UsageError, match="an even number of examples"):
        Plan("clip", pool=3)
    with pytest.raises(UsageError, match="leave out --pool"):
        Plan("clip", data="karpathy:captions.json", pool=64)


def test_training_from_a_pack_gives_the_same_weights(folder: Path, tmp_path: Path) -> None:
    plan = Plan("clip", steps=2, batch=16, validate_every=2)
    few: dict[str, Any] = {"workers": 0, "validation_scenes": 16}
    paths = [
        train(plan, tmp_path / name, device="cpu", pack=where, **few)
        for name, where in (("live", None), ("packed", folder))
    ]
    one, other = (weights.read(path)[0] for path in paths)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_stopped_pack_goes_on(folder: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "pack"
    shutil.copytree(folder, other)
    done = np.load(other / "done.npy")
    done[1] = False
    np.save(other / "done.npy", done)
    column = np.load(other / "ids.npy", mmap_mode="r+")
    column[256:] = 0
    column.flush()
    assert Pack.at(other).there == 256
    again = make(other, RECIPE)
    assert again.there == COUNT
    assert np.array_equal(again.columns["ids"], Pack.at(folder).columns["ids"])


def test_what_is_not_its_own_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no pack"):
        Pack.at(tmp_path)
    with pytest.raises(UsageError, match="other settings"):
        make(folder, replace(RECIPE, seed=1))
    with pytest.raises(UsageError, match="pairs cannot be packed"):
        Recipe(views=("pairs",))
    for plan in (Plan("clip", seed=1), Plan("negclip:published"), Plan("relclip")):
        described = variant(plan.variant)
        with pytest.raises(UsageError, match="does not hold the examples"):
            open_pack(folder, plan, described, build_for(described, plan), "cpu")
    few = open_pack(
        folder,
        Plan("clip", batch=100),
        variant("clip"),
        build_for(variant("clip"), Plan("clip")),
        "cpu",
    )
    with pytest.raises(UsageError, match="holds 300 so far"):
        next(few.batches(0, 4, 0))


def test_a_pack_of_other_code_is_refused(folder: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "pack"
    shutil.copytree(folder, other)
    column = np.load(other / "pixels.npy", mmap_mode="r+")
    column[2, 0, 5, 5] ^= 1
    column.flush()
    with pytest.raises(UsageError, match="its pixels differ"):
        Pack.at(other)
