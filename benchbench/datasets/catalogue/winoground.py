"""Winoground: two images and two captions of the same words (Thrush et al., CVPR 2022)."""

from benchbench.data.official import WINOGROUND
from benchbench.datasets.manifest import Dataset, File, Folder, Source

RAW = "hf://datasets/facebook/winoground@main/data"
NOTE = "the authors' repository; gated"

DATASET = Dataset(
    name="winoground",
    title="Winoground",
    licence="META IMAGES RESEARCH LICENSE (not redistributable)",
    citation="Thrush et al., Winoground, CVPR 2022; arXiv 2204.03162",
    homepage="https://huggingface.co/datasets/facebook/winoground",
    files=(
        File(
            "examples.jsonl",
            (Source(f"{RAW}/examples.jsonl", NOTE),),
            content=WINOGROUND,
        ),
    ),
    folders=(
        Folder(
            "images/",
            archives=(File("images.zip", (Source(f"{RAW}/images.zip", NOTE),)),),
            images=800,
            at_most=820,
            unpacked=1_000_000_000,
            like="ex_*_img_?.png",
        ),
    ),
    tasks=("winoground",),
    access="gated",
    how="Accept the terms at its page, create a token of your account, and type: hf auth login (or "
    "let the variable HF_TOKEN hold the token)",
)
