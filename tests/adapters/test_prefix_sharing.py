"""Captions that share their beginnings, against the plain tower and against a loop over nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchbench.adapters.prefix_sharing import WIDTH, plant
from benchbench.embedding import Encoder
from benchbench.errors import ModelError, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_model
from benchbench.types import DualEncoder, LoadOptions

CAPTIONS = [
    f"{start} {middle}{end}"
    for start in ("a dog", "a dog and a cat", "two dogs", "the horse")
    for middle in ("", "on the grass ", "under a very " + "very " * 12 + "old tree ")
    for end in ("", "sleeping", "in the rain", "with a ball in its mouth")
]

SEQUENCES = st.lists(
    st.lists(st.integers(1, 3), min_size=1, max_size=30).map(lambda ids: [*ids, 9]),
    min_size=1,
    max_size=60,
)


@given(SEQUENCES)
def test_each_sequence_is_read_along_its_own_nodes(sequences: list[list[int]]) -> None:
    forest = plant(sequences)
    assert forest.hidden.shape == (*forest.ids.shape, forest.ids.shape[1])
    for i, sequence in enumerate(sequences):
        row, node = int(forest.row[i]), int(forest.node[i])
        seen = torch.nonzero(~forest.hidden[row, node]).flatten()
        order = seen[forest.depths[row, seen].argsort()]
        assert forest.ids[row, order].tolist() == sequence
        assert forest.depths[row, order].tolist() == list(range(len(sequence)))


@given(SEQUENCES)
def test_a_row_holds_no_prefix_twice(sequences: list[list[int]]) -> None:
    forest = plant(sequences)
    starts = {tuple(each[:n]) for each in sequences for n in range(1, len(each))}
    nodes = len(starts) + len(sequences)  # each sequence ends in a node of its own
    if nodes <= WIDTH:
        assert forest.ids.shape == (1, nodes)


def loaded(name: str, **asked: Any) -> DualEncoder:
    model = load_model(name, LoadOptions(**asked))
    assert isinstance(model, DualEncoder)
    return model


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("architecture", ["tiny", "tiny-custom", "tiny-eos"])
def test_embeddings_are_the_plain_towers(architecture: str) -> None:
    name = f"openclip:{architecture}/untrained"
    plain, sharing = loaded(name), loaded(name, share_prefixes=True)
    wanted = Encoder(plain, batch_size=32, workers=1).captions(CAPTIONS)
    for size in (1, 5, 32):
        found = Encoder(sharing, batch_size=size, workers=1).captions(CAPTIONS)
        np.testing.assert_allclose(found.embedded.vectors, wanted.embedded.vectors, atol=1e-5)
        assert found.token_ids == wanted.token_ids
    assert sharing.manifest.settings["share_prefixes"] is True
    assert sharing.manifest.fingerprint != plain.manifest.fingerprint


def test_a_run_has_the_decisions_of_a_plain_one(tiny: str, shapes: Path) -> None:
    plain = evaluate(tiny, "vg-relation", data_root=shapes)
    run = evaluate(tiny, "vg-relation", data_root=shapes, share_prefixes=True)
    assert run.resumed_inputs == 0, "the plain tower's encodings are others"
    scores = [np.stack([o.scores for o in each.outcomes]) for each in (plain, run)]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-5)
    assert np.array_equal(*(each.argmax(axis=-1) for each in scores))
    again = evaluate(tiny, "vg-relation", data_root=shapes, share_prefixes=True)
    assert again.resumed_inputs == again.inputs


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("architecture", ["tiny-bidirectional", "tiny-last"])
def test_a_tower_that_is_not_read_at_the_end_of_text_refuses(architecture: str) -> None:
    with pytest.raises(ModelError, match="--share-prefixes needs a causal text tower"):
        load_model(f"openclip:{architecture}/untrained", LoadOptions(share_prefixes=True))
    with pytest.raises(UsageError, match="--share-prefixes"):
        load_model("blind:constant", LoadOptions(share_prefixes=True))


def test_a_tower_that_comes_out_otherwise_refuses(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(sequences: list[list[int]]) -> object:
        forest = plant(sequences)
        return forest._replace(depths=forest.depths * 0)

    monkeypatch.setattr("benchbench.adapters.prefix_sharing.plant", wrong)
    with pytest.raises(ModelError, match=r"differ by .*Leave it out"):
        load_model(tiny, LoadOptions(share_prefixes=True))
