"""A model at work: what the encoder refuses."""

from __future__ import annotations

from typing import Any

import pytest

from benchbench.adapters.blind import BlindEncoder
from benchbench.embedding import Encoder
from benchbench.errors import ContractError


def test_a_model_without_towers_is_told_from_one_that_has_them() -> None:
    class HeadAlone:
        manifest = BlindEncoder("constant").manifest

        def score_relations(self, view: Any) -> None: ...

    model: Any = HeadAlone()
    encoder = Encoder(model, batch_size=2, workers=1)
    with pytest.raises(ContractError, match="blind:constant does not embed images and captions"):
        encoder.captions(["a dog"])
