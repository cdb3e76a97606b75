"""SPEC: size, position, existence and count, from images made for them (Peng et al., CVPR 2024).

The hub's ``data.zip`` (1.56 GB at 694dfdc) has no digest that was at hand. Where the accuracies
and progress bars in its ``notebooks/evaluate_example_local.ipynb`` allow one number of queries
alone, it is checked.
"""

from benchbench.datasets.manifest import Dataset, File
from benchbench.types import Content

QUERIES = {
    "absolute_size": 1_500,
    "relative_size": None,
    "absolute_spatial": None,
    "relative_spatial": 2_000,
    "existence": 1_000,
    "count": None,
}
"""Subset → queries in each direction, where they are known."""

DATASET = Dataset(
    name="spec",
    title="SPEC",
    licence="none stated: for your own use only (generated images)",
    citation="Peng et al., Synthesize, Diagnose, and Optimize, CVPR 2024; arXiv 2312.00081",
    homepage="https://github.com/wjpoom/SPEC",
    files=tuple(
        File(f"{subset}/{name}", content=Content(queries, each=("query", "keys", "label")))
        for subset, queries in QUERIES.items()
        for name in ("image2text.json", "text2image.json")
    ),
    tasks=("spec",),
    access="manual",
    how="Download data.zip (1.56 GB, images inside) from "
    "https://huggingface.co/datasets/wjpoom/SPEC, and unpack its six folders into ROOT/spec (ROOT: "
    "benchbench data where)",
)
