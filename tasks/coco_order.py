"""COCO-Order: the caption as written, or one of four shuffles of it? (ARO; ICLR 2023)."""

from __future__ import annotations

from benchbench.data.order_task import OrderTask, order_info

SOURCE = "coco_karpathy_test.json"

TASK = OrderTask(
    order_info(
        name="coco-order",
        title="COCO-Order",
        source=SOURCE,
        licence="MIT (code upstream); COCO, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model prefers a caption to four shuffles of its words. Guessing earns 20. "
            "Shuffled text looks shuffled: a reader of n-grams that sees no picture answers BLIND, "
            "so that a high score says little about structure seen."
        ),
        quirks=(
            "The official file, coco_karpathy_test.json, has 5,000 images and 25,010 captions; "
            "all its photographs lie in COCO's val2014.",
        ),
    ),
    SOURCE,
)
