"""The metrics that several tasks share: of retrieval, of two images and captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.types import Metric

if TYPE_CHECKING:
    from benchbench.types import Judgement

WAYS = (("i2t", "image to text", "images"), ("t2i", "text to image", "captions"))
"""Prefix of a metric's name, the tag ``direction``, and what searches."""
KARPATHY = "Karpathy and Fei-Fei, CVPR 2015, §4.2: the first correct answer found counts"


def retrieval_metrics(cutoffs: tuple[int, ...] = (1, 5, 10)) -> tuple[Metric, ...]:
    """Return retrieval's metrics: recall at K, median rank, mean reciprocal rank, each way.

    ``R@1``, the first, is the mean over both directions of recall at 1. Each direction has the same
    weight, however many captions an image has.
    """
    metrics = [
        Metric(
            name="R@1",
            meaning="directions",
            by="direction",
            judgement="found",
            source=KARPATHY,
        )
    ]
    for name, direction, searches in WAYS:
        only = (("direction", direction),)
        metrics += [
            Metric(f"{name}-R@{k}", searches, judgement="found", k=k, only=only, source=KARPATHY)
            for k in cutoffs
        ]
        metrics += [
            Metric(
                f"{name}-MRR",
                searches,
                judgement="found",
                reading="reciprocal rank",
                only=only,
                source="Voorhees, TREC-8 question answering track, 1999: of the first correct one",
            ),
            Metric(
                f"{name}-median-rank",
                searches,
                judgement="found",
                reading="rank",
                statistic="median",
                only=only,
                source=KARPATHY,
            ),
        ]
    return tuple(metrics)


def both_sides(source: str) -> tuple[Metric, ...]:
    """Return Winoground's three scores for two images and two captions; each is strict.

    Args:
        source: where the task's publication defines them.
    """
    return (
        Metric("text", "items: each image prefers its caption", ties="wrong", source=source),
        Metric(
            "image",
            "items: each caption prefers its image",
            ties="wrong",
            judgement="image",
            source=source,
        ),
        Metric("group", "items: both at once", ties="wrong", judgement="group", source=source),
    )


def many_to_many(source: str) -> tuple[Metric, ...]:
    """Return mAP@R, R-Precision and R@1: the mean over directions first, then each way.

    Args:
        source: where the task's publication defines them.
    """
    metrics: list[Metric] = []
    kinds: tuple[tuple[str, Judgement], ...] = (
        ("mAP@R", "average precision at R"),
        ("R-Precision", "precision at R"),
        ("R@1", "found"),
    )
    for name, judgement in kinds:
        metrics.append(
            Metric(name, "directions", by="direction", judgement=judgement, source=source)
        )
    for name, judgement in kinds:
        for way, direction, searches in WAYS:
            only = (("direction", direction),)
            metrics.append(
                Metric(f"{way}-{name}", searches, judgement=judgement, only=only, source=source)
            )
    return tuple(metrics)
