"""vl_compo's table: figures of 202 checkpoints on twelve compositional suites.

Oh et al., 'Exploring the Spectrum of Visio-Linguistic Compositionality and Recognition' (2024,
arXiv 2406.09388), ``individual_results.csv`` of ytaek-oh/vl_compo@43e2eae. The file has no licence
and is not a part of the package; it is read where a user has it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.data.published.figure import (
    Figure,
    Publication,
    PublishedModel,
    published_models,
)
from benchbench.data.tables import csv_rows
from benchbench.errors import MalformedData

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SOURCE = Publication(
    title="Oh et al., 'Exploring the Spectrum of Visio-Linguistic Compositionality and "
    "Recognition', 2024",
    short="Oh et al. 2024",
    address="https://arxiv.org/abs/2406.09388",
    seen="individual_results.csv of github.com/ytaek-oh/vl_compo@43e2eae",
)
SHUFFLED = "the shuffled captions were never published"
AVERAGED = "which groups were averaged is not said"
FETCHED = (
    "22,162 of its items, whose images could still be fetched (their EMNLP 2024 paper, App. A.2)"
)
WHOLE_SET = "parts of the whole set, the largest cut short, not of its 10 % subset"
OFFICIAL = ("official",)
ARO = {
    "aro::VG_Relation": ("vg-relation", "aro-paper", OFFICIAL, AVERAGED),
    "aro::VG_Attribute": ("vg-attribution", "aro-paper", OFFICIAL, AVERAGED),
    "aro::COCO_Order": ("coco-order", "aro-code", (), SHUFFLED),
    "aro::Flickr30k_Order": ("flickr30k-order", "aro-code", (), SHUFFLED),
}
"""Column → task, nearest metric, editions, and how the figure differs."""
RECALLS = tuple(f"{way}/R@{k}" for way in ("i2t", "t2i") for k in (1, 5, 10))
METRICS = {
    "winoground": ("winoground", ("text", "image", "group")),
    "colorswap": ("colorswap", ("text", "image", "group")),
    "coco_karpathy": ("coco-retrieval", RECALLS),
    "flickr30k": ("flickr30k-retrieval", RECALLS),
}
"""Beginning of a column's name → the task, and the endings; these are metrics, with - for /."""
SUBSETS = {
    "sugarcrepe": ("sugarcrepe", "sugarcrepe-paper", "subset", ("official-2023-11-18",), ""),
    "crepe": ("crepe", "R@1", "negatives", OFFICIAL, ""),
    "valse": ("valse", "acc_r", "piece", OFFICIAL, ""),
    "svo_probes": ("svo-probes", "pairwise", "kind", OFFICIAL, FETCHED),
}
"""Beginning of a column's name → the task, the metric, the tag that its endings are values of,
editions, and how the figure differs."""
KINDS = {"subj_neg": "subject", "verb_neg": "verb", "obj_neg": "object"}
"""Endings that are not the tag's values → these."""
PLACES = {
    "WhatsUp_A": ("whatsup", "A"),
    "WhatsUp_B": ("whatsup", "B"),
    "COCO_QA_ONE": ("whatsup.coco", "COCO, one"),
    "COCO_QA_TWO": ("whatsup.coco", "COCO, two"),
    "VG_QA_ONE": ("whatsup.gqa", "GQA, one"),
    "VG_QA_TWO": ("whatsup.gqa", "GQA, two"),
}
"""What'sUp's endings → the task and its subset."""
SERVED = "OpenCLIP"
"""The family of the checkpoints that open_clip serves."""
NAMED = {
    ("NegCLIP", "coco-ft"): "negclip",
    ("CE-CLIP", "coco-ft"): "ce-clip",
}
"""Architecture and weights → a published model of the package's own file."""


def read_vl_compo(path: Path) -> tuple[Figure, ...]:
    """Read the figures of the tasks that there are here; further columns are left out.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is not that table, or holds something else than a percentage.
    """
    rows = csv_rows(path, ("arch", "pretrained", "family", *ARO))
    return tuple(figure for number, row in enumerate(rows, 2) for figure in _row(path, number, row))


def _row(path: Path, number: int, row: Mapping[str, str]) -> Iterator[Figure]:
    model = _model(row)
    for column, value in row.items():
        place = _place(column)
        if place is None or not value:
            continue
        yield replace(place, model=model, printed=_printed(path, number, column, value))


def _model(row: Mapping[str, str]) -> PublishedModel:
    """Return a row's model; checkpoints that open_clip serves have its names."""
    architecture, weights = row["arch"], row["pretrained"]
    known = published_models()
    if (architecture, weights) in NAMED:
        return known[NAMED[architecture, weights]]
    title = f"{architecture}, {weights}"
    if row["family"] != SERVED:
        return PublishedModel(title, title)
    name = f"openclip:{architecture}/{weights}"
    of_name = [model for model in known.values() if name in model.names]
    return of_name[0] if of_name else PublishedModel(name, title, frozenset({name}))


def _place(column: str) -> Figure | None:
    """Return a column's figure, without model and number; None for one of no task here."""
    suite, _, ending = column.partition("::")
    figure = Figure("", "", PublishedModel("", ""), "", SOURCE, "individual_results.csv")
    if column in ARO:
        task, metric, editions, differs = ARO[column]
        return replace(figure, task=task, metric=metric, editions=editions, differs=differs)
    if suite in METRICS and ending in METRICS[suite][1]:
        name = ending.replace("/", "-")
        return replace(figure, task=METRICS[suite][0], metric=name, editions=OFFICIAL)
    if suite in SUBSETS:
        task, metric, by, editions, differs = SUBSETS[suite]
        group = KINDS.get(ending, ending)
        return replace(
            figure, task=task, metric=metric, by=by, group=group, editions=editions, differs=differs
        )
    return _part(figure, suite, ending)


def _part(figure: Figure, suite: str, ending: str) -> Figure | None:
    """Return the figure of a suite whose endings name more than a tag's value."""
    if suite == "whatsup" and ending in PLACES:
        task, group = PLACES[ending]
        return replace(
            figure, task=task, metric="individual", by="subset", group=group, editions=OFFICIAL
        )
    group, _, score = ending.partition("::")
    if suite == "eqben" and score in ("text", "image", "group"):
        part = group.removeprefix("eqben")
        return replace(
            figure, task="eqben", metric=f"{score}-parts", by="part", group=part, differs=WHOLE_SET
        )
    if suite == "mmvp_vlm" and score == "image":
        return replace(
            figure,
            task="mmvp-vlm",
            metric="patterns",
            by="pattern",
            group=group,
            editions=OFFICIAL,
        )
    return None


def _printed(path: Path, number: int, column: str, value: str) -> str:
    """Return a percentage with two digits, of the fifteen that the file has."""
    try:
        share = float(value)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 100:
        raise MalformedData(f"{path}, line {number}: {column} is '{value}', not a percentage.")
    return f"{share:.2f}"
