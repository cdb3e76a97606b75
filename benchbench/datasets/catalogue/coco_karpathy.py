"""COCO's captions of Karpathy's test split, as published with BLIP, and their photographs."""

from functools import partial

from benchbench.data.freezing import freeze_published
from benchbench.data.order import frozen_name
from benchbench.data.order_words import COCO_SHUFFLES
from benchbench.datasets.manifest import Dataset, File, Link, Made, Source

CAPTIONS = "coco_karpathy_test.json"
RAW = "https://storage.googleapis.com/sfr-vision-language-research/datasets"

DATASET = Dataset(
    name="coco-karpathy",
    title="COCO captions, Karpathy's test split",
    licence="CC BY 4.0 (captions)",
    citation="Lin et al., Microsoft COCO, ECCV 2014; split: Karpathy and Fei-Fei, CVPR 2015",
    homepage="https://cocodataset.org",
    files=(
        File(
            CAPTIONS,
            (Source(f"{RAW}/{CAPTIONS}", "Salesforce's bucket, since 2022"),),
            1_735_468,
            "sha256:5b202a235ee2a4e13f82b984ef9293b8e2d34f9b1f92147bf8340580f20faf15",
        ),
    ),
    links=(Link("val2014/", "coco-val2014"),),
    tasks=("coco-retrieval", "coco-order"),
    made=tuple(
        Made(
            frozen_name(CAPTIONS, seed),
            CAPTIONS,
            f"sha256:{digest}",
            partial(freeze_published, seed=seed),
        )
        for seed, digest in enumerate(COCO_SHUFFLES)
    ),
)
