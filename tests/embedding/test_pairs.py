"""Pairs: each image encoded once, each pair scored once, taken up to the same bits."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchbench.data.images import crop
from benchbench.embedding import Store, Stored, score_pairs
from benchbench.embedding.outputs import SAMPLE_SIZE
from benchbench.errors import ImageError, ModelError
from benchbench.types import ImageRef
from tests.pair_scorers import HashScorer, hashed


@pytest.fixture(scope="module")
def refs(shapes: Path) -> list[ImageRef]:
    paths = sorted((shapes / "images").iterdir())[:7]
    return [ImageRef(path, box) for path in paths for box in (None, (4, 8, 92, 90))]


CAPTIONS = [f"{'a long ' * (i % 3)}caption {i}" for i in range(10)]


def plain(ref: ImageRef, caption: str) -> float:
    with Image.open(ref.path) as image:
        return hashed(HashScorer().transform(crop(image.convert("RGB"), ref)), caption.encode())


def test_pairs_score_what_a_plain_loop_does(refs: list[ImageRef]) -> None:
    blocks = [([ref], CAPTIONS[i % 3 : i % 3 + 4]) for i, ref in enumerate(refs)]
    scored = score_pairs(HashScorer(), blocks, batch_size=3, workers=2)
    for (ref,), captions in blocks:
        expected = [plain(ref, caption) for caption in captions]
        assert scored.take([ref], captions)[0].tolist() == expected
        assert scored.take([ref], captions[::-1])[0].tolist() == expected[::-1]


def test_each_image_is_encoded_once_and_each_pair_scored_once(refs: list[ImageRef]) -> None:
    model = HashScorer()
    blocks = [(refs[:4], CAPTIONS), (refs[2:], CAPTIONS[5:]), (refs[:1], [CAPTIONS[0]])]
    scored = score_pairs(model, blocks, batch_size=4, workers=2)
    expected = {(ref, text) for block, texts in blocks for ref in block for text in texts}
    pairs = [pair for batch in model.batches for pair in batch]
    assert len(pairs) == len(set(pairs)) == len(expected) == scored.n_pairs
    assert model.transformed == sum(model.encoded) == len(refs)
    assert max(model.encoded) <= 4
    assert max(map(len, model.batches)) <= 4


def test_batches_of_a_chunk_go_from_short_captions_to_long_ones(refs: list[ImageRef]) -> None:
    model = HashScorer()
    score_pairs(model, [(refs, CAPTIONS)], batch_size=50, workers=1)
    lengths = [[len(caption) for _, caption in batch] for batch in model.batches]
    flat = [length for batch in lengths for length in batch]
    assert all(one <= other for one, other in pairwise(flat))


class Together(HashScorer):
    """One whose batches are to hold one image's captions."""

    by_image = True


def test_an_image_and_its_captions_stay_together_where_they_are_to(refs: list[ImageRef]) -> None:
    model, blocks = Together(), [(refs[:6], CAPTIONS), (refs[5:], CAPTIONS[3:])]
    scored = score_pairs(model, blocks, batch_size=7, workers=1)
    shown = [image for batch in model.batches for image, _ in batch]
    changes = sum(one != other for one, other in pairwise(shown))
    assert changes == len(set(shown)) - 1
    for batch in model.batches:
        for (one, text), (other, longer) in pairwise(batch):
            assert one != other or len(text) <= len(longer)
    plainly = score_pairs(HashScorer(), blocks, batch_size=7, workers=1)
    for some, captions in blocks:
        assert (scored.take(some, captions) == plainly.take(some, captions)).all()


def stored_in(folder: Path) -> Stored:
    return Stored(Store(folder, 10**9), {"name": "hash-scorer"})


def digests(refs: list[ImageRef]) -> dict[Path, str]:
    return {ref.path: hashlib.sha256(ref.path.read_bytes()).hexdigest() for ref in refs}


def test_stored_scores_serve_other_blocks_and_other_orders(
    refs: list[ImageRef], tmp_path: Path
) -> None:
    given: dict[str, Any] = {"batch_size": 7, "workers": 1, "digests": digests(refs)}
    some = [(refs[:10], CAPTIONS[:4])]
    score_pairs(HashScorer(), some, stored=stored_in(tmp_path), **given)
    stored, model = stored_in(tmp_path), Together()
    blocks = [(refs, CAPTIONS)]
    second = score_pairs(model, blocks, stored=stored, **given)
    plainly = score_pairs(Together(), blocks, **given)
    assert (second.take(refs, CAPTIONS) == plainly.take(refs, CAPTIONS)).all()
    assert stored.found == 40
    assert sum(map(len, model.batches)) == len(refs) * len(CAPTIONS) - 40 + SAMPLE_SIZE


def test_captions_of_the_same_tokens_share_one_score(refs: list[ImageRef]) -> None:
    model = HashScorer(context_length=6)
    scored = score_pairs(
        model, [(refs[:2], ["A Dog", "a dog", "a dog ran", "a dog r"])], batch_size=8, workers=1
    )
    assert scored.n_pairs == 4
    assert scored.truncated == {"a dog ran", "a dog r"}
    rows = scored.take(refs[:2], ["A Dog", "a dog", "a dog ran", "a dog r"])
    assert (rows[:, 0] == rows[:, 1]).all()
    assert (rows[:, 2] == rows[:, 3]).all()


def test_an_interrupted_chunk_goes_on_to_the_same_bits(
    refs: list[ImageRef], tmp_path: Path
) -> None:
    blocks = [(refs, CAPTIONS)]
    whole = score_pairs(HashScorer(), blocks, batch_size=3, workers=2)

    def stop(what: str, done: int, total: int) -> None:
        assert (what, total) == ("pairs", 140)
        if done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_pairs(
            HashScorer(),
            blocks,
            batch_size=3,
            workers=2,
            progress=stop,
            stored=stored_in(tmp_path),
            digests=digests(refs),
        )
    model, seen = HashScorer(), []
    resumed = score_pairs(
        model,
        blocks,
        batch_size=3,
        workers=2,
        stored=stored_in(tmp_path),
        digests=digests(refs),
        progress=lambda what, done, total: seen.append(done),
    )
    assert np.array_equal(resumed.take(refs, CAPTIONS), whole.take(refs, CAPTIONS))
    assert 0 < sum(map(len, model.batches)) < 140 - 40
    assert sum(model.encoded) < len(refs)
    assert seen == sorted(seen)
    assert seen[-1] == 140


def test_a_broken_file_stops_it(refs: list[ImageRef], tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"broken\.png"):
        score_pairs(HashScorer(), [([ImageRef(path)], ["a"])], batch_size=2, workers=1)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (torch.zeros(3), r"returned shape \(3,\) for 2 pairs; expected \[2\]"),
        (torch.zeros(2, 1), r"returned shape \(2, 1\) for 2 pairs"),
        (torch.tensor([0.0, float("nan")]), "not finite .* Try --precision fp32"),
    ],
)
def test_wrong_scores_are_named(refs: list[ImageRef], scores: Any, message: str) -> None:
    model = HashScorer()
    model.score = lambda features, batch: scores  # type: ignore[method-assign]
    with pytest.raises(ModelError, match=message):
        score_pairs(model, [(refs[:2], ["a"])], batch_size=2, workers=1)


def test_a_wrong_number_of_features_is_named(refs: list[ImageRef]) -> None:
    model = HashScorer()
    model.encode_images = lambda images: [b""]  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="features of 1 images for 2"):
        score_pairs(model, [(refs[:2], ["a"])], batch_size=2, workers=1)
