"""Answers against a plain loop: each option's score, whatever options other questions have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchbench.embedding import Encoder
from benchbench.protocols.answering import PROTOCOL
from benchbench.types import ImageRef, Prompt
from tests.pair_scorers import HashScorer, hashed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Answers(HashScorer):
    """A scorer of questions whose scores depend on the answer, too."""

    def __init__(self, answer: str = "") -> None:
        super().__init__()
        self.answer = answer.encode()

    def answering(self, answer: str) -> Answers:
        return Answers(answer)

    def score(self, features: Sequence[bytes], batch: list[bytes]) -> torch.Tensor:
        pairs = zip(features, batch, strict=True)
        return torch.tensor([hashed(image, text + self.answer) for image, text in pairs])


def test_every_option_has_its_score_though_two_are_equal(shapes: Path) -> None:
    paths = sorted((shapes / "images").iterdir())[:3]
    options = [("Yes", "No"), ("A", "B", "Yes"), ("No", "Yes", "No")]
    items = [
        Prompt(str(i), ImageRef(path), f"question {i}?", answers, 0, path.name)
        for i, (path, answers) in enumerate(zip(paths, options, strict=True))
    ]
    model = Answers()
    found = PROTOCOL.answer(items, model, Encoder(model, batch_size=2, workers=1))
    for item, outcome in zip(items, found.outcomes, strict=True):
        scorers = [model.answering(each) for each in item.options]
        blocks = [([item.image], [item.text])]
        alone = [
            Encoder(each, batch_size=1, workers=1).pairs(blocks).take([item.image], [item.text])
            for each in scorers
        ]
        assert outcome.scores.tolist() == [float(score[0, 0]) for score in alone]
