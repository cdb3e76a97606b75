"""COCO-Order: is the caption the original, or one of four shuffles of it? (ARO; ICLR 2023)."""

from __future__ import annotations

from benchbench.data.order_task import OrderTask, order_info
from benchbench.protocols.harnesses import original_caption

SOURCE = "coco_karpathy_test.json"
FROZEN = "29422f197c0ccdb1c56f7d20b2cb1c5a8a5d43be4d6471da89b1e6702734e5ab"
FURTHER = (
    "ab5d2270cdd0f74db0c675a3434b2d65c07bc1cac0cacf666e06513fd4454d15",
    "eec44359c551070aa4648a4e08619a0dd95b71283147c78381393f807c43747c",
    "c5b4887be0af2459fa054fec693e79b2521a0a09ddd3d8e65cf532c6f962b2a1",
    "110fa58bc55ab9070c03fae537cfaf7867dcdd2f8cd301e5f0f4087ba3725053",
)
"""Files that ``data freeze-order --tagger hanta --seeds 0-4`` makes of the official captions."""

TASK = OrderTask(
    order_info(
        name="coco-order",
        title="COCO-Order",
        source=SOURCE,
        harnesses=original_caption("COCO_Order", "AROCocoOrder", "coco_order"),
        size="25,010 items",
        frozen=FROZEN,
        licence="MIT (code upstream); COCO, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model prefers a caption to four shuffles of its words. Chance is 20. "
            "Shuffled text looks shuffled: blind:ngram, which sees no image, answers 93 % (see "
            "below), so that a high score says little about structure seen."
        ),
        quirks=(
            "Blind, by distinct, with standard errors: blind:ngram, a language model of true "
            "captions, answers 94.3 % (± 0.2) of COCO's own, learned from one half of the images "
            "and tested on the other, and 93.0 % (± 0.4) of the drawn world's, learned from "
            "1,000 training scenes. A logistic regression on n-grams (n to 3) of CLIP's tokens, "
            "which learns from the shuffles too, answers 90.0 % (± 0.3) and 92.4 % (± 0.4): "
            "benchmarks/order_blind.py. Published, with an image and ties right: CLIP 46 to 48, "
            "NegCLIP 86.",
            "The official file, coco_karpathy_test.json, has 5,000 images and 25,010 captions; "
            "all its photographs lie in COCO's val2014.",
        ),
    ),
    SOURCE,
    seeds_sha256=FURTHER,
)
