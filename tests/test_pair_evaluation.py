"""Evaluations by pair scorers: to the item, counted, limited, skipped over, taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchbench.adapters.blind import BlindEncoder
from benchbench.analysis.scorecard import scorecard
from benchbench.data.images import crop
from benchbench.errors import ImageError, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_model, load_task
from tests.pair_scorers import HashScorer, hashed
from tests.test_evaluation import first_image, scores
from tests.test_resuming import interruption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import ImageRef, Item


def pixels(ref: ImageRef) -> Image.Image:
    with Image.open(ref.path) as image:
        return crop(image.convert("RGB"), ref)


def one_by_one(specification: str, items: Sequence[Item]) -> list[Any]:
    """Each pair by itself, images anew: the scores of each item."""
    model: Any = load_model(specification)
    found = []
    with torch.inference_mode():
        for item in items:
            rows = [
                [
                    float(
                        model.score(
                            model.encode_images([model.transform(pixels(ref))]),
                            model.tokenize([text]),
                        )[0]
                    )
                    for text in item.captions
                ]
                for ref in item.images
            ]
            found.append(np.array(rows))
    return found


@pytest.mark.parametrize("family", ["itm", "visualgptscore", "vqascore"])
def test_photographs_are_judged_as_one_by_one(
    family: str, vrd: Path, request: pytest.FixtureRequest
) -> None:
    specification = f"{family}:{request.getfixturevalue(FOLDERS[family])}"
    run = evaluate(specification, "vg-relation", data_root=vrd, limit=60, batch_size=16)
    kept = {outcome.id for outcome in run.outcomes}
    items = [item for item in load_task("vg-relation").items(vrd) if item.id in kept]
    assert len(items) > 40
    for outcome, expected in zip(run.outcomes, one_by_one(specification, items), strict=True):
        assert outcome.scores == pytest.approx(expected, abs=1e-4)
        assert outcome.scores.argmax() == expected.argmax()
    pairs = {(ref, text) for item in items for ref in item.images for text in item.captions}
    assert run.settings["pairs"] == len(pairs)


FOLDERS = {"itm": "blip", "itm-itc": "blip", "visualgptscore": "llava", "vqascore": "llava"}


def test_a_run_counts_what_went_into_it(shapes: Path) -> None:
    model = HashScorer(context_length=40)
    run = evaluate(model, "vg-relation", data_root=shapes, batch_size=8)
    counts = run.counts
    assert (counts.items, counts.images, counts.pictures, counts.captions) == (72, 36, 36, 72)
    long = [c for o in load_task("vg-relation").items(shapes) for c in o.captions if len(c) > 40]
    assert counts.truncated_captions == len(set(long)) > 0
    assert run.model.similarity == "pairs"
    assert "36 distinct images and crops" in str(scorecard(run))


def test_winoground_asks_all_four_pairs_of_an_item(winoground: Path) -> None:
    model = HashScorer()
    run = evaluate(model, "winoground", data_root=winoground, batch_size=8)
    for outcome, item in zip(run.outcomes, load_task("winoground").items(winoground), strict=True):
        for i, ref in enumerate(item.images):
            shown = model.transform(pixels(ref))
            expected = [hashed(shown, text.lower().encode()) for text in item.captions]
            assert outcome.scores[i].tolist() == expected


def test_retrieval_asks_every_pair_of_a_gallery(drawn_edition: Path) -> None:
    model = HashScorer()
    run = evaluate(model, "coco-retrieval", data_root=drawn_edition, batch_size=8)
    items: Any = load_task("coco-retrieval").items(drawn_edition)
    texts = list(dict.fromkeys(text for item in items for text in item.captions))
    shown = [model.transform(pixels(item.image)) for item in items]
    table = np.array([[hashed(one, text.lower().encode()) for text in texts] for one in shown])
    assert run.settings["pairs"] == len(items) * len({text.lower() for text in texts})
    for i, (outcome, item) in enumerate(zip(run.outcomes, items, strict=True)):
        for place, text in enumerate(item.captions):
            own = table[i, texts.index(text)]
            assert outcome.found.better[place] == (table[i] > own).sum()
            assert outcome.found.equal[place] == (table[i] == own).sum() - 1
            column = table[:, texts.index(text)]
            places = outcome.finding[place]
            true = [k for k, other in enumerate(items) if text in other.captions]
            assert places.better.tolist() == [(column > column[k]).sum() for k in true]
            assert places.equal.tolist() == [(column == column[k]).sum() - 1 for k in true]


def test_lists_of_class_names_are_asked_too(drawn_edition: Path) -> None:
    run = evaluate(HashScorer(), "scenario-classification", data_root=drawn_edition, limit=5)
    assert run.counts.items >= 1
    assert not run.outcomes[0].finding


def test_broken_images_are_left_out_and_counted(copied: Path, tiny: str) -> None:
    path = first_image(copied)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])  # the header is sound
    with pytest.raises(ImageError, match="--on-missing skip"):
        evaluate(HashScorer(), "vg-relation", data_root=copied)
    run = evaluate(HashScorer(), "vg-relation", data_root=copied, on_missing="skip")
    assert (run.counts.skipped, run.counts.items, run.counts.pictures) == (2, 70, 35)
    asked = evaluate(tiny, "vg-relation", data_root=copied, on_missing="skip")
    assert run.counts == asked.counts
    assert run.skipped == asked.skipped
    assert run.unreadable == asked.unreadable
    assert run.data_sha256 == asked.data_sha256


@pytest.mark.parametrize("family", ["itm", "vqascore"])
def test_an_interrupted_evaluation_goes_on_to_the_same_bits(
    family: str, shapes: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    specification = f"{family}:{request.getfixturevalue(FOLDERS[family])}"
    given: dict[str, Any] = {"data_root": shapes, "batch_size": 8, "limit": 24}
    reference = evaluate(specification, "vg-relation", resume=False, **given)
    with pytest.raises(KeyboardInterrupt):
        evaluate(specification, "vg-relation", progress=interruption("pairs", 40), **given)
    assert list((tmp_path / "cache" / "encodings").glob("*/*.records"))
    run = evaluate(specification, "vg-relation", **given)
    assert 40 <= run.resumed_inputs < run.inputs
    assert np.array_equal(scores(run), scores(reference))
    assert run.data_sha256 == reference.data_sha256
    assert run.counts == reference.counts


def test_changed_images_are_scored_anew(copied: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(
            HashScorer(),
            "vg-relation",
            data_root=copied,
            batch_size=8,
            progress=interruption("pairs", 60),
        )
    with Image.open(first_image(copied)) as image:
        image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(first_image(copied))
    run = evaluate(HashScorer(), "vg-relation", data_root=copied, batch_size=8)
    fresh = evaluate(HashScorer(), "vg-relation", data_root=copied, batch_size=8, resume=False)
    assert np.array_equal(scores(run), scores(fresh))


def test_relation_detection_says_that_it_asks_others(drawn_graphs: Path) -> None:
    with pytest.raises(UsageError, match="hash-scorer scores images with captions, pair by pair"):
        evaluate(HashScorer(), "vg-relation-detection", data_root=drawn_graphs)


def test_dual_encoders_are_asked_no_pairs() -> None:
    from benchbench.embedding import Encoder
    from benchbench.errors import ContractError

    with pytest.raises(ContractError, match="blind:constant scores no pairs"):
        Encoder(BlindEncoder("constant"), batch_size=2, workers=1).pairs([])


def test_scores_that_come_out_otherwise_are_thrown_away(shapes: Path) -> None:
    class Shifted(HashScorer):
        shift = 0.0

        def score(self, features: Any, batch: Any) -> torch.Tensor:
            return super().score(features, batch) + self.shift

    given: dict[str, Any] = {"data_root": shapes, "batch_size": 8}
    with pytest.raises(KeyboardInterrupt):
        evaluate(Shifted(), "vg-relation", progress=interruption("pairs", 40), **given)
    other = Shifted()
    other.shift = 1.0
    with pytest.warns(UserWarning, match="differ from what it computes now"):
        run = evaluate(other, "vg-relation", **given)
    assert run.resumed_inputs == 0
    fresh = evaluate(other, "vg-relation", resume=False, **given)
    assert np.array_equal(scores(run), scores(fresh))


def test_a_probe_of_pairs_costs_less_than_a_batch(shapes: Path) -> None:
    given: dict[str, Any] = {"data_root": shapes, "batch_size": 8}
    with pytest.raises(KeyboardInterrupt):
        evaluate(HashScorer(), "vg-relation", progress=interruption("pairs", 144), **given)
    model = HashScorer()
    run = evaluate(model, "vg-relation", **given)
    assert (run.resumed_inputs, run.inputs) == (144, 144)
    assert sum(map(len, model.batches)) <= 4 + 16
