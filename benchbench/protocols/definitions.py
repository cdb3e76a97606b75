"""Definitions of metrics that several tasks share."""

from __future__ import annotations

from dataclasses import replace

from benchbench.types import Harness, Metric

KARPATHY = "Karpathy and Fei-Fei, CVPR 2015, §4.2: the first correct answer found counts"


def both_ways(cutoffs: tuple[int, ...] = (1, 5, 10)) -> tuple[Metric, ...]:
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
    for name, direction, searches in (
        ("i2t", "image to text", "images"),
        ("t2i", "text to image", "captions"),
    ):
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


MTEB = "embeddings-benchmark/mteb, abstasks/image/image_text_pair_classification.py"
UNIBENCH = "facebookresearch/unibench, handlers/clip_handlers.py, RelationBenchmarkHandler"
CLIP_BENCHMARK = "LAION-AI/CLIP_benchmark, metrics/image_caption_selection.py, evaluate"
MIXED = "mixed precision by default (--amp)"
ITEMS = Metric("items", "items", ties="right")
"""One image, the true caption first, and argmax: the true one wins where it ties."""


def first_caption(mteb: str, unibench: str, mirror: str = "") -> tuple[Harness, ...]:
    """Return what two harnesses print for items of one image, its true caption first.

    mteb's ``image_acc`` and ``accuracy`` are 0 there: one image cannot be the closest of two
    captions' own.

    Args:
        mteb: the name of mteb's task.
        unibench: the name of unibench's benchmark.
        mirror: how the inputs of mteb's mirror of the data differ from the task's.
    """
    return (
        Harness("mteb", f"{mteb}, text_acc", ITEMS, MTEB, inputs=mirror),
        Harness("unibench", f"{unibench}, correctness", ITEMS, UNIBENCH),
    )


def original_caption(aro: str, mteb: str, unibench: str) -> tuple[Harness, ...]:
    """Return what three harnesses print for a caption among shuffles of its words.

    Args:
        aro: the name of ARO's data set.
        mteb: the name of mteb's task.
        unibench: the name of unibench's benchmark.
    """
    source = f"mertyg/vision-language-models-are-bows, dataset_zoo/aro_datasets.py, {aro}"
    harnesses = (
        Harness("ARO, main_aro.py", "Precision@1", ITEMS, source),
        *first_caption(mteb, unibench),
    )
    return tuple(replace(each, inputs="shuffles of its own") for each in harnesses)
