"""Scores without the part that the caption alone explains: log P(c | i) − α log P(c).

A generative model prefers captions that are likely whatever the image shows. Where its run has the
model's own priors, images choose by what the image adds to them, the pointwise mutual information
for α = 1 (Lin et al., ICML 2024, arXiv 2306.01879). Captions choose among images as before: each
caption's prior is the same for all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.errors import UsageError
from benchbench.protocols.scores import as_read
from benchbench.types import PriorEstimator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from benchbench.embedding import Encoder
    from benchbench.types import Item, MatchingOutcome, Metric, Outcome
    from benchbench.types.arrays import Floats, Singles

NAME = " prior"
"""Distinguishes the priors of captions in the store."""
DEBIASED = "debiased"
SOURCE = (
    "Lin et al., Revisiting the Role of Language Priors in Vision-Language Models, ICML 2024, "
    "arXiv 2306.01879"
)


def caption_priors(items: Sequence[Item], model: Any, encoder: Encoder) -> Sequence[Singles | None]:
    """Return each item's log P(caption) by the model itself, [captions]; None if it has no prior.

    Args:
        items: the items that were scored; a caption is computed beside each item's first image, so
            that workers can share the items.
        model: the model.
        encoder: the encoder of the evaluation.
    """
    if not isinstance(model, PriorEstimator):
        return [None] * len(items)
    blocks = [(item.images[:1], item.captions) for item in items]
    found = encoder.pairs(blocks, model.prior_scorer(), NAME)
    return [
        found.take(item.images[:1], item.captions)[0, as_read(item, found.token_ids)]
        for item in items
    ]


def debias_scores(
    scores: npt.NDArray[np.floating], outcomes: Sequence[MatchingOutcome], alpha: float
) -> Floats:
    """Return scores minus α times each caption's prior: [items, images, captions].

    They are float64, so that the difference brings no ties of its own.

    Args:
        scores: [items, images, captions].
        outcomes: the items.
        alpha: the factor.

    Raises:
        UsageError: an item has no priors.
    """
    priors = [o.priors for o in outcomes if o.priors is not None]
    if len(priors) < len(outcomes):
        raise UsageError(
            "These outcomes have no priors of their captions, so that no score can be debiased. "
            "Evaluate a model that has them: visualgptscore:ORG/REPO."
        )
    return scores.astype(np.float64) - alpha * np.array(priors, np.float64)[:, None, :]


def have_priors(outcomes: Sequence[Outcome]) -> bool:
    """Return whether every outcome has the priors of its captions."""
    return bool(outcomes) and all(getattr(o, "priors", None) is not None for o in outcomes)


def debiased_metrics(metrics: Sequence[Metric], headline: Metric) -> Iterator[Metric]:
    """Yield a task's metrics of debiased scores, α = 1.

    ``debiased`` is the headline metric by those scores. Where that requires both sides, which a
    prior cannot help in captions' choices, ``debiased-text`` is that of the images alone.

    Args:
        metrics: the metrics for the runs' edition.
        headline: the headline metric among them.
    """
    of = {DEBIASED: headline}
    if headline.judgement == "group":
        of |= {f"{DEBIASED}-{each.name}": each for each in metrics if each.judgement == "text"}
    for name, each in of.items():
        meaning = f"{each.meaning}, debiased"
        yield replace(each, name=name, meaning=meaning, debias=1.0, source=SOURCE)


def describe_debiasing(metrics: Sequence[Metric]) -> Iterator[str]:
    """Yield what debiased metrics are, and their source; nothing where there are none."""
    debiased = [metric for metric in metrics if metric.debias]
    if debiased:
        factor = "" if debiased[0].debias == 1 else f"{debiased[0].debias:g} × "
        yield (
            f"{', '.join(metric.name for metric in debiased)}: the headline metric and the like, "
            f"where images choose by log P(caption | image) − {factor}log P(caption), the latter "
            "by the same model from images of noise (--manifest prints their "
            f"number and seed); captions choose as ever. {debiased[0].source}."
        )
