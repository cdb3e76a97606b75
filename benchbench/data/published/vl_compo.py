"""vl_compo's table: figures of 202 checkpoints on twelve compositional suites.

Oh et al., 'Exploring the Spectrum of Visio-Linguistic Compositionality and Recognition' (2024,
arXiv 2406.09388), ``individual_results.csv`` of ytaek-oh/vl_compo@43e2eae. The file has no licence
and is no part of the package; it is read where a user has it.
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
ARO = {
    "aro::VG_Relation": ("vg-relation", "aro-paper", ("official",), AVERAGED),
    "aro::VG_Attribute": ("vg-attribution", "aro-paper", ("official",), AVERAGED),
    "aro::COCO_Order": ("coco-order", "aro-code", (), SHUFFLED),
    "aro::Flickr30k_Order": ("flickr30k-order", "aro-code", (), SHUFFLED),
}
"""Column → task, nearest metric, editions, and how the figure differs."""
RECALLS = tuple(f"{way}/R@{k}" for way in ("i2t", "t2i") for k in (1, 5, 10))
METRICS = {
    "winoground": ("winoground", ("text", "image", "group")),
    "coco_karpathy": ("coco-retrieval", RECALLS),
    "flickr30k": ("flickr30k-retrieval", RECALLS),
}
"""Beginning of a column's name → the task, and the endings; these are metrics, with - for /."""
SUBSETS = {"sugarcrepe": ("sugarcrepe", "sugarcrepe-paper", "subset", ("official-2023-11-18",))}
"""Beginning of a column's name → the task, the metric, the tag that its endings are values of."""
SERVED = "OpenCLIP"
"""The family of the checkpoints that open_clip serves."""
NAMED = {
    ("NegCLIP", "coco-ft"): "negclip",
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
        return replace(figure, task=METRICS[suite][0], metric=name, editions=("official",))
    if suite in SUBSETS:
        task, metric, by, editions = SUBSETS[suite]
        return replace(figure, task=task, metric=metric, by=by, group=ending, editions=editions)
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
