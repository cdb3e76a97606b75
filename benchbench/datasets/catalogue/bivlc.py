"""BiVLC: a photograph, a generated image, and the caption of each (Miranda et al., NeurIPS 2024).

The hub's files have no digest that is published. Their unpacked lines are recognised by content:
the captions and types in ``results/BiVLC_ViT-B-32.csv`` at IMirandaM/BiVLC@84f0d17. The sizes of
the Parquet files, 271 and 266 MB, are those that the hub shows at its revision d081fd8.
"""

from benchbench.data.official import BIVLC
from benchbench.datasets.manifest import Dataset, File

DATASET = Dataset(
    name="bivlc",
    title="BiVLC",
    licence="MIT (captions, generated images); COCO, the photographs' own licences apply",
    citation="Miranda et al., BiVLC, NeurIPS 2024 Datasets and Benchmarks; arXiv 2406.09952",
    homepage="https://github.com/IMirandaM/BiVLC",
    files=(
        File(
            "test.jsonl",
            content=BIVLC,
        ),
    ),
    tasks=("bivlc",),
    access="manual",
    how="Download the two Parquet files of the split test (271 and 266 MB, images inside) from "
    "https://huggingface.co/datasets/imirandam/BiVLC, then type: benchbench data unpack FILES "
    "--out ROOT/bivlc --name test (ROOT: benchbench data where)",
)
