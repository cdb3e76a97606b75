"""Forced choice: a model names one of an item's captions, in their order and in the reverse.

An item is right if both answers name the true caption, as in SugarCrepe's GPT-4V results, where one
order alone scores 93.4 or 91.0, and both 87.6. A run stores decisions: 1 for the caption that both
answers name and 0 for the others; ``BY_ORDER`` for all captions where the two answers differ; 0 for
all where an answer names none. Ties count as wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.encoder import first_crops
from benchbench.errors import Unsuited
from benchbench.protocols.scores import Scores
from benchbench.types.runs import FORCED_CHOICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.embedding import Encoder
    from benchbench.types import Chooser, Item, MatchingOutcome
    from benchbench.types.arrays import Singles

BY_ORDER = 0.5
"""Every caption's score where the choice depends on the order of the captions."""
NAME = " choice"
"""Distinguishes the scores of questions in the store."""


def choose_captions(items: Sequence[Item], model: Chooser, encoder: Encoder) -> Scores:
    """Let a model choose a caption of each item, in both orders.

    Raises:
        Unsuited: an item has several images, or more captions than the model can choose from.
    """
    several = next((item for item in items if len(item.images) > 1), None)
    if several is not None:
        raise Unsuited(
            f"{model.manifest.name} chooses a caption of one image, and item {several.id} has "
            f"{len(several.images)} images."
        )
    encoder.check_files(first_crops(ref for item in items for ref in item.images))
    kept = encoder.readable(items)
    asked = [(model.question(item.captions), model.question(item.captions[::-1])) for item in kept]
    blocks = [(item.images, both) for item, both in zip(kept, asked, strict=True)]
    scored = encoder.pairs(blocks, model.choosing(), NAME)
    captions = list(dict.fromkeys(caption for item in kept for caption in item.captions))
    encoder.phrases.clear()  # of questions
    encoder.phrases.update(captions)
    matrices = [
        _decided(scored.take(item.images, both)[0], len(item.captions))
        for item, both in zip(kept, asked, strict=True)
    ]
    token_ids = dict(zip(captions, model.token_ids(captions), strict=True))
    settings = {FORCED_CHOICE: "both orders", "pairs": scored.n_pairs}
    return Scores(kept, matrices, token_ids, settings)


def _decided(answers: Singles, n: int) -> Singles:
    """Return the decision on n captions, [1, n], from the choices in both orders, [2]."""
    forward, backward = (int(answer) for answer in answers)
    row = np.zeros((1, n), np.float32)
    if forward < 0 or backward < 0:
        return row
    if forward == n - 1 - backward:
        row[0, forward] = 1
        return row
    return np.full_like(row, BY_ORDER)


def count_choices(outcomes: Sequence[MatchingOutcome]) -> Iterator[str]:
    """Yield how many choices depend on the order, and how many items have an unreadable answer."""
    highest = [float(outcome.scores.max()) for outcome in outcomes]
    by_order = sum(each == BY_ORDER for each in highest)
    unreadable = sum(each == 0 for each in highest)
    share = 100 * by_order / max(1, len(highest))
    yield f"{by_order:,} choices depend on the captions' order ({share:.1f} %)"
    yield f"{unreadable:,} items with an unreadable answer"
