"""What published harnesses print for tasks of one image and several captions."""

from __future__ import annotations

from dataclasses import replace

from benchbench.types import Harness, Metric

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
