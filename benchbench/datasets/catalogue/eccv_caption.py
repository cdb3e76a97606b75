"""ECCV Caption: many-to-many matches of COCO's images and captions (Chun et al., ECCV 2022)."""

from benchbench.datasets.manifest import Dataset, File, Link, Source

RAW = (
    "https://raw.githubusercontent.com/naver-ai/eccv-caption/"
    "0be8d41a4e2d671ca5be730a32830b79fcfed793/eccv_caption/data"
)

FILES = {
    "cxc_caption_to_image.json": (
        513_636,
        "95fa65de2171c2d5df8769b46770cb74b9d4e09522d0c255e5d166c56028d125",
    ),
    "cxc_image_to_caption.json": (
        298_632,
        "e567e46b527901bb87ad9cf6511d005e5ad80620a968db1b3314bce23c917a61",
    ),
    "eccv_caption_to_image.json": (
        91_246,
        "3f1d209e7fc4100acc4092818125884d1523582ccebf950a4f89ff71babe281a",
    ),
    "eccv_image_to_caption.json": (
        168_731,
        "47b822df8932da569a471a557f49e7b45465dac3728c2e2922f7bfbd25399242",
    ),
    "original_caption_to_image.json": (
        441_843,
        "646c37bf5148480d854a3d135b1f3646cc7fa2bd0f84ed7499e264f09338e0fa",
    ),
    "original_image_to_caption.json": (
        225_731,
        "17e7673206edefd9cd227e8fafb703eba375671e43dd202a33b51567ebd4593e",
    ),
}
"""File → bytes and SHA-256."""

DATASET = Dataset(
    name="eccv-caption",
    title="ECCV Caption (matches)",
    licence="MIT (annotations)",
    citation="Chun et al., ECCV Caption, ECCV 2022; arXiv 2204.03359",
    homepage="https://github.com/naver-ai/eccv-caption",
    files=tuple(
        File(path, (Source(f"{RAW}/{path}", "a fixed commit"),), size, f"sha256:{digest}")
        for path, (size, digest) in FILES.items()
    ),
    links=(Link("val2014/", "coco-val2014"),),
    tasks=("eccv-caption", "cxc"),
    how=(
        "The captions are COCO's: put ROOT/annotations/captions_val2014.json there (ROOT: "
        "benchbench data where), from images.cocodataset.org/annotations/"
        "annotations_trainval2014.zip."
    ),
)
