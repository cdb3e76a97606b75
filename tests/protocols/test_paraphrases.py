"""True captions above false ones, with the image and without, against plain loops."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.embedding import EmbeddingTable, EncodedCaptions
from benchbench.protocols.paraphrases import PROTOCOL, above, by_guessing, credit
from benchbench.protocols.reading import read_units
from benchbench.types import ImageRef, Metric, Paraphrased, Paraphrases, Ties

BOTH = ("true above false", "paraphrase")


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=1, max_size=3),
)
def test_ties_are_broken_by_every_order(true: list[int], false: list[int]) -> None:
    values, n = [*true, *false], len(true)
    won = [
        min((values[i], order[i]) for i in range(n))
        > max((values[i], order[i]) for i in range(n, len(values)))
        for order in permutations(range(len(values)))
    ]
    assert above(true, false, "share") == pytest.approx(sum(won) / len(won))
    assert above(true, false, "wrong") == (min(true) > max(false))
    assert above(true, false, "right") == (min(true) >= max(false))


@pytest.mark.parametrize("ties", ["wrong", "share", "right"])
def test_both_scores_equal_the_papers_sentences(ties: Ties) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores, vectors = rng.normal(size=3).astype("f"), rng.normal(size=(3, 4))
        cosine = np.array(
            [[a @ b / np.sqrt(a @ a) / np.sqrt(b @ b) for a in vectors] for b in vectors]
        ).astype(np.float32)
        outcome = Paraphrased("0", "c", {}, 2, scores, cosine)
        p1, p2, n = scores
        assert credit(outcome, BOTH[0], ties) == float(p1 > n and p2 > n)
        wanted = cosine[0, 1] > cosine[0, 2] and cosine[1, 0] > cosine[1, 2]
        assert credit(outcome, BOTH[1], ties) == float(wanted)
        assert [by_guessing(outcome, each) for each in BOTH] == [1 / 3, 1 / 3]


class Still:
    """An encoder with given vectors."""

    def __init__(self, vectors: dict[str, list[float]], ids: dict[str, tuple[int, ...]]) -> None:
        rows = {text: i for i, text in enumerate(vectors)}
        table = EmbeddingTable(rows, np.array(list(vectors.values()), dtype=np.float32))
        self._captions = EncodedCaptions(table, ids, frozenset())

    def images(self, refs: object) -> EmbeddingTable[ImageRef]:
        return EmbeddingTable({ImageRef(Path("a.png")): 0}, np.array([[1, 0]], dtype=np.float32))

    def readable(self, items: object) -> object:
        return items

    def captions(self, texts: object) -> EncodedCaptions:
        return self._captions


def test_captions_are_compared_by_cosine_as_they_are_read() -> None:
    item = Paraphrases("0", ImageRef(Path("a.png")), ("p", "q"), ("n",), "a")
    vectors = {"p": [3.0, 0.0], "q": [1.0, 1.0], "n": [0.0, 2.0]}
    encoder = Still(vectors, {"p": (1,), "q": (2,), "n": (3,)})
    (outcome,) = PROTOCOL.answer([item], None, encoder).outcomes  # type: ignore[arg-type]
    root = np.sqrt(0.5)
    np.testing.assert_allclose(outcome.between, [[1, root, 0], [root, 1, root], [0, root, 1]])
    assert outcome.scores.tolist() == [3, 1, 0]
    encoder = Still(vectors, {"p": (1,), "q": (2,), "n": (1,)})
    (outcome,) = PROTOCOL.answer([item], None, encoder).outcomes  # type: ignore[arg-type]
    assert outcome.scores.tolist() == [3, 1, 3], "a no-op is read as the first of its token ids"


def test_a_model_without_embeddings_has_no_text_only_score() -> None:
    outcome = Paraphrased("0", "c", {}, 2, np.array([2, 1, 0], dtype=np.float32), None)
    metrics = [Metric(name, "items", judgement=name) for name in BOTH]  # type: ignore[arg-type]
    found = [len(read_units(PROTOCOL, [outcome], metric, "wrong").values) for metric in metrics]
    assert found == [1, 0]
    assert list(PROTOCOL.remarks([outcome], metrics)) == [
        "The model embeds no captions, and has no text-only score."
    ]
