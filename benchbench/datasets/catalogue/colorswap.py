"""ColorSwap: two images, two captions whose colour words are swapped (Burapacheep et al., 2024).

Its archive and the hub's files have no digest that is published. ``test.json`` is recognised by
content: the captions in ``vlm_results/text-gpt4v-colorswap.json`` at Top34051/colorswap@4f2c9e4.
The address of the archive is that of the README at 2d7d10a.
"""

from benchbench.data.official import COLORSWAP
from benchbench.datasets.manifest import Dataset, File

DATASET = Dataset(
    name="colorswap",
    title="ColorSwap",
    licence="MIT",
    citation="Burapacheep et al., ColorSwap, Findings of ACL 2024",
    homepage="https://github.com/Top34051/colorswap",
    files=(
        File(
            "test.json",
            content=COLORSWAP,
        ),
    ),
    tasks=("colorswap",),
    access="manual",
    how="The authors' archive (https://drive.google.com/file/d/1xdG94DQdz_eQVH1lrEeaHVz_BNkrVgb5) "
    "holds test.json and images.zip: unpack both into ROOT/colorswap (ROOT: benchbench data "
    "where). Or unpack the Parquet files of https://huggingface.co/datasets/stanfordnlp/colorswap: "
    "benchbench data unpack FILES --out ROOT/colorswap --name test",
)
