"""RelCLIP: regions, masked negatives, background pairs, and its face as a relation scorer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import logsigmoid

from benchbench.registry import load_model
from benchbench.scenes.vocabulary import PREDICATE
from benchbench.testing import check_model
from benchbench.training import Plan, train
from benchbench.training.batches import BatchBuilder
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.pairs import implied_predicates, vague_predicates
from benchbench.training.validation import relations
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.training.views import VIEWS
from benchbench.types import LoadOptions, RelationInput, RelationScorer, Vocabulary
from benchbench.variants import towers
from benchbench.variants.adapter import RelationVariant, TrainedVariant, load_variant
from benchbench.variants.building import Build, build_variant
from benchbench.variants.catalogue import variant
from benchbench.variants.features import image_tokens
from benchbench.variants.geometry import LENGTH, compare_boxes, nearness, unions
from benchbench.variants.inputs import PAIR_TARGETS, REGIONS
from benchbench.variants.patches import patch_map, pool_regions
from benchbench.variants.relclip import VARIANTS, masked_info_nce, pair_loss
from benchbench.variants.variant import Batch

WORDS = Vocabulary(("dog", "cat", "zebra"), ("on", "near", "chasing", "devouring"))


@pytest.fixture(scope="module")
def build() -> Build:
    torch.manual_seed(0)
    clip = towers.build(towers.NAME)
    return build_variant(variant("relclip"), clip, towers.NAME)


def batch_of(build: Build, n: int = 4) -> Batch:
    source = DrawnWorld(splits=("train-dense",))
    feed = BatchBuilder(
        source, build.reader, [VIEWS["pairs"]], n, build.size, "cpu", build.preprocessing
    )
    return feed.on_device(feed[0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps' worth, through the front door."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VALIDATION_SETS, "relations", lambda _: relations.build(scenes=6))
        plan = Plan("relclip", steps=4, batch=4, validate_every=4)
        return train(plan, tmp_path_factory.mktemp("run"), device="cpu", workers=0)


@pytest.fixture(scope="module")
def loaded(trained: Path) -> Any:
    return load_model(f"relclip:{trained}")


def view_of(boxes: Any, labels: Any, pairs: Any) -> RelationInput:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    return RelationInput(lambda: Image.fromarray(pixels), boxes, labels, pairs, WORDS)


BOXES = ((0, 0, 30, 30), (20, 10, 80, 50), (50, 5, 90, 60))
PAIRS = ((0, 1), (1, 0), (2, 0), (1, 2))


def test_patches_of_images_of_the_towers_size_are_open_clips(build: Build) -> None:
    images = torch.randn(2, 3, 64, 64)
    _, tokens = image_tokens(build.model.clip, images)
    found = patch_map(build.model.clip, images)
    assert found.shape == (2, 128, 4, 4)
    torch.testing.assert_close(found.flatten(2).transpose(1, 2), tokens)


def test_larger_images_have_more_patches(build: Build) -> None:
    assert patch_map(build.model.clip, torch.randn(1, 3, 128, 96)).shape == (1, 128, 8, 6)


def test_boxes_hit_their_patches() -> None:
    maps = torch.zeros(2, 1, 8, 8)
    maps[1, 0, 2, 5] = 1
    cell = [5 / 8, 2 / 8, 6 / 8, 3 / 8]
    boxes = torch.tensor([[cell, [0, 0, 0.5, 1]], [cell, [0, 0, 0.5, 1]]])
    inner, outer = pool_regions(maps, boxes, 1)[1, :, 0].tolist()
    assert inner > 0.5 and outer == 0
    assert (pool_regions(maps, boxes, 1)[0] == 0).all()
    quarters = pool_regions(maps, torch.tensor([[[0.0, 0, 1, 1]]] * 2), 2)[1, 0]
    assert quarters.argmax() == 1  # upper right
    assert (quarters > 0).sum() == 1


def test_boxes_pool_the_images_content(build: Build) -> None:
    left = pool_regions(
        torch.arange(64.0).reshape(1, 1, 8, 8), torch.tensor([[[0, 0, 0.25, 1.0]]]), 1
    )
    assert left.item() == pytest.approx(28.5, abs=1)  # the mean of the columns 0 and 1


def test_geometry_says_which_way_round() -> None:
    one, other = torch.tensor([0.1, 0.2, 0.3, 0.6]), torch.tensor([0.5, 0.2, 0.9, 0.6])
    there, back = compare_boxes(one, other), compare_boxes(other, one)
    assert there.shape == (LENGTH,) and not torch.equal(there, back)
    assert unions(one, other).tolist() == pytest.approx([0.1, 0.2, 0.9, 0.6])
    assert torch.isfinite(compare_boxes(one, one)).all()


def test_nearness_counts_those_between_and_no_empty_rows() -> None:
    boxes = torch.tensor([[[0, 0, 0.1, 0.1], [0.2, 0, 0.3, 0.1], [0.6, 0, 0.7, 0.1], [0.0] * 4]])
    there = torch.tensor([[True, True, True, False]])
    rank = nearness(boxes, there)[0]
    assert rank[0, 1].tolist() == [1, 1]
    assert rank[0, 2].tolist() == [0.5, 0.5]
    assert rank[1, 2].tolist() == [0.5, 1]  # 0 is nearer to 1 than 2 is
    assert torch.equal(nearness(boxes[:, :3], there[:, :3])[0], rank[:3, :3])


def test_synonyms_follow_what_implies_what() -> None:
    riding, on, above = PREDICATE["riding"], PREDICATE["on"], PREDICATE["above"]
    same = implied_predicates()
    assert same[riding, on] and same[on, riding] and same[riding, above] and same[above, riding]
    assert not same[PREDICATE["standing on"], PREDICATE["lying on"]]
    assert not same[on, PREDICATE["under"]]
    assert same.diagonal().all()
    assert [name for name, i in PREDICATE.items() if vague_predicates()[i]] == ["near"]


def test_masked_negatives_do_not_count() -> None:
    torch.manual_seed(0)
    images, texts = torch.randn(2, 5, 8)
    none = torch.zeros(5, 5, dtype=torch.bool)
    mask = none.clone()
    mask[0, 3] = mask[2, 2] = True  # its own text is never masked
    loss = masked_info_nce(images, texts, torch.tensor(3.0), mask)
    logits = 3 * images @ texts.T
    exps = [[math.exp(logits[i, j]) for j in range(5)] for i in range(5)]
    exps[0][3] = 0.0
    rows = sum(-math.log(exps[i][i] / sum(exps[i])) for i in range(5)) / 5
    columns = sum(-math.log(exps[i][i] / sum(row[i] for row in exps)) for i in range(5)) / 5
    assert float(loss) == pytest.approx((rows + columns) / 2, abs=1e-5)
    assert float(masked_info_nce(images[:0], texts[:0], torch.tensor(3.0), none[:0, :0])) == 0


def test_relational_contrast_leaves_synonyms_alone(build: Build) -> None:
    """Were all predicates synonyms, only other names would be negatives."""
    batch = batch_of(build)
    regions, told = batch.inputs[REGIONS], batch.inputs[PAIR_TARGETS]
    model = build.model
    names = model.encode_texts(told.names, "object")
    views = model.head.views(model._maps(regions), regions, names)
    strict = float(model._relational(views, regions, told).detach())
    told.alike = torch.ones_like(told.alike)
    told.vague = torch.ones_like(told.vague)
    assert strict > 0
    assert float(model._relational(views, regions, told).detach()) == pytest.approx(0, abs=1e-6)


def test_the_loss_of_pairs_is_a_likelihood(build: Build) -> None:
    batch = batch_of(build)
    told = batch.inputs[PAIR_TARGETS]
    n, p = told.predicates.shape
    torch.manual_seed(3)
    related, logits = torch.randn(n, p), torch.randn(n, p, 23)
    total, count = 0.0, 0
    for row, column in np.ndindex(n, p):
        kind, weight = int(told.predicates[row, column]), float(told.weight[row, column])
        if kind >= 0:
            log = logsigmoid(related[row, column]) + logits[row, column].log_softmax(0)[kind]
            total, count = total - float(log), count + 1
        elif kind == -1:
            total -= weight * float(logsigmoid(-related[row, column]))
    loss, right = pair_loss(related, logits, told)
    assert float(loss) == pytest.approx(total / count, rel=1e-5)
    assert 0 <= float(right) <= 1


def test_unrelated_pairs_score_lower_once_a_batch_is_learnt() -> None:
    torch.manual_seed(0)
    build = build_variant(variant("relclip"), towers.build(towers.NAME), towers.NAME)
    batch, model = batch_of(build), build.model
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    for step in range(20):
        optimizer.zero_grad()
        model(batch, step).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    regions, told = batch.inputs[REGIONS], batch.inputs[PAIR_TARGETS]
    with torch.inference_mode():
        names, phrases = (model.encode_texts(t, "object") for t in (told.names, told.phrases))
        sums = model.log_predicates(regions, names, phrases).exp().sum(dim=-1)
    assert sums[told.predicates >= 0].mean() > 2 * sums[told.predicates == -1].mean()
    assert (sums <= 1 + 1e-5).all()


def test_only_variants_with_a_head_are_relation_scorers(loaded: Any) -> None:
    assert isinstance(loaded, RelationVariant) and isinstance(loaded, RelationScorer)
    assert not issubclass(TrainedVariant, RelationScorer)


def test_a_loaded_checkpoint_keeps_the_contract(loaded: Any) -> None:
    check_model(loaded)


def test_scores_are_logarithms_of_probabilities(loaded: Any) -> None:
    logs = loaded.score_relations(view_of(BOXES, (0, 1, 2), PAIRS))
    assert logs.shape == (4, 4) and logs.dtype == np.float64 and np.isfinite(logs).all()
    assert (np.exp(logs).sum(axis=1) < 1).all()
    names = loaded.score_objects(view_of(BOXES, (), PAIRS))
    assert names.shape == (3, 3)
    np.testing.assert_allclose(np.exp(names).sum(axis=1), 1, rtol=1e-5)


def test_pairs_are_scored_as_each_alone(loaded: Any) -> None:
    together = loaded.score_relations(view_of(BOXES, (0, 1, 2), PAIRS))
    alone = [loaded.score_relations(view_of(BOXES, (0, 1, 2), (pair,)))[0] for pair in PAIRS]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_labels_and_directions_matter(loaded: Any) -> None:
    logs = loaded.score_relations(view_of(BOXES, (0, 1, 2), PAIRS))
    renamed = loaded.score_relations(view_of(BOXES, (0, 1, 0), PAIRS))
    np.testing.assert_allclose(logs[:2], renamed[:2], atol=1e-6)
    assert not np.allclose(logs[2:], renamed[2:], atol=1e-4)
    assert not np.allclose(logs[0], logs[1], atol=1e-4)


def test_no_score_belongs_to_a_pair_of_names(loaded: Any) -> None:
    """What a subject's name adds to a predicate's logit does not depend on the object's name."""

    def relative(subject: int, thing: int) -> Any:
        logs = loaded.score_relations(view_of(BOXES, (subject, thing, 2), PAIRS[:1]))[0]
        return logs - logs[0]

    np.testing.assert_allclose(
        relative(0, 0) - relative(1, 0), relative(0, 1) - relative(1, 1), atol=1e-4
    )


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_scores_too(trained: Path, precision: Any) -> None:
    by_rest = {each.name.partition(":")[2]: each for each in VARIANTS}
    half = load_variant(by_rest, str(trained), LoadOptions(precision=precision))
    assert isinstance(half, RelationVariant)
    assert np.isfinite(half.score_relations(view_of(BOXES, (0, 1, 2), PAIRS))).all()
    assert np.isfinite(half.score_objects(view_of(BOXES, (), PAIRS))).all()


def test_the_record_says_how_labels_came_about(trained: Path) -> None:
    from benchbench.variants import weights

    _, record = weights.read(trained)
    assert record["views"]["pairs"]["distant_percent"] == 0
    assert record["splits"] == ["train", "train-dense"]
    assert set(record["validation"]) == {"predicate", "mR@20", "zR@20", "labels", "mean"}


def test_it_fits_into_six_megabytes(build: Build) -> None:
    assert 2 * sum(p.numel() for p in build.model.parameters()) < 6_000_000


def test_the_validation_set_is_judged_as_the_task_is(build: Build) -> None:
    marks = relations.build(scenes=6).metrics(build.model, build.reader, "cpu")
    assert marks["mean"] == pytest.approx(
        np.mean([marks[k] for k in ("predicate", "mR@20", "zR@20")])
    )
    assert all(0 <= mark <= 100 for mark in marks.values())
